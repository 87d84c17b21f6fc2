"""Videos: engagement of each video, exact counts beside decayed sums and the videos liked by the same viewers.

Counts are integers and follow the changes alone. Decayed sums are kept against a landmark per video that only moves
forward (forward decay, Cormode et al. 2009), so arrival order changes them by rounding only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.topics import COUNTS
from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F32, F64, I64, Table, add_top, forward, ring_of, segments
from streams.shards.changes import PAIR, SIGNALS, SOFT, SOFT_DOUBTED, Packed
from streams.shards.columns import COMMENT, FOLLOW, IMPRESSION, LIKE, SAVE, SHARE, SKIP, WATCH
from streams.signals.doubt import vouched

__all__ = [
    "BEFORE",
    "HALF_LIVES_S",
    "HOUR_MS",
    "NUMBERS",
    "POSITIVE",
    "VideoTable",
    "decayed",
    "hours_of",
    "positives",
]

HALF_LIVES_S: Final = np.array([300.0, 900.0, 1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0, 86_400.0, 259_200.0])
"""Half-lives of the decayed sums, in seconds: 5 minutes to 3 days."""
HOUR_MS: Final = 3_600_000
POSITIVE: Final = SIGNALS.index("positive")
"""Place of the positives among the signals of the decayed sums."""
_SUMS = (len(SIGNALS), len(HALF_LIVES_S))
NUMBERS: Final = np.dtype(
    [("counts", "<i8", len(COUNTS)), ("sums", "<f8", _SUMS), ("sums_ms", "<i8"), ("near", "<u8", limits.NEIGHBOURS)]
    + [("near_w", "<f4", (limits.NEIGHBOURS, 2)), ("near_mass", "<f4", 2), ("near_ms", "<i8"), ("last_ms", "<i8")]
    + [("likers", "<u4", limits.LIKERS), ("liker_ms", "<i8", limits.LIKERS), ("liker_w", "<f4", limits.LIKERS)]
    + [("hours", "<f4", limits.HOURS), ("hour", "<i8"), ("doubted", "<f4", _SUMS)]
    + [("tier", "u1"), ("status", "u1"), ("decided", "<u2"), ("start", "<i8"), ("alert_ms", "<i8")]
    + [("first", "<f2")]
)
"""One video's numbers as stored and broadcast; neighbours are hash64 of their ids, likers the low half of it. Positives
of hour h (since 1970) stand in ``hours[h % HOURS]``; ``hour`` is the latest of them. ``doubted`` are sums of what is
doubted, beside ``sums`` (``streams.signals.doubt``). The last six are what ``streams.tiers`` decided: the tier,
how it stands, the number of decisions, exposures when the tier began, when the latest alert was, and what the first
audience said.
"""
BEFORE: Final = {at: dict(NUMBERS.fields or {})[name][1] for at, name in ((1, "doubted"), (2, "tier"), (3, "first"))}
"""Bytes of the numbers in formats before: each ended earlier, and what it lacked was 0."""
_COUNT_OF: Final = {
    IMPRESSION: "impressions",
    WATCH: "watches",
    LIKE: "likes",
    SHARE: "shares",
    SKIP: "skips",
    COMMENT: "comments",
    FOLLOW: "follows",
    SAVE: "saves",
}
_COLUMN = np.full(256, -1, dtype=np.int64)
for _kind, _name in _COUNT_OF.items():
    _COLUMN[_kind] = COUNTS.index(_name)
_WATCH_MS = COUNTS.index("watch_ms")
_NEAR_S = np.array(limits.NEIGHBOUR_HALF_LIVES_S)


def decayed(sums: F64 | F32, at_ms: I64, now_ms: int | I64) -> F64:
    """Values of forward-decayed ``sums`` f64[n, S, H] (as of ``at_ms`` i64[n]) at ``now_ms``; inputs are not changed.

    A time before the landmark reads as the landmark.

    >>> decayed(np.full((1, 1, 9), 8.0), np.array([0]), 900_000)[0, 0, :2]
    array([1., 4.])
    """
    age_s = np.maximum(now_ms - at_ms, 0) / 1_000.0
    result: F64 = sums * np.exp2(-age_s[:, None, None] / HALF_LIVES_S)
    return result


def positives(table: VideoTable, rows: I64, now_ms: int, at: Sequence[int], odds: float | None = None) -> F64:
    """Decayed positives of ``rows`` at ``now_ms``, f64[n, len(at)], for the half-lives at these places; none below 0.

    A time before the landmark reads as the landmark. ``odds``: doubted ones count as far as ``doubt.vouched`` lets
    them, else not at all.
    """
    age_s = np.maximum(now_ms - table.sums_ms[rows], 0) / 1_000.0
    fade = np.exp2(-age_s[:, None] / HALF_LIVES_S[list(at)])
    sums = table.sums[rows, POSITIVE][:, list(at)]
    if odds is not None:
        sums = vouched(sums, table.doubted[rows, POSITIVE][:, list(at)], odds)
    result: F64 = np.maximum(sums * fade, 0.0)
    return result


def hours_of(latest: I64 | int) -> I64:
    """Which hour each place of ``hours`` stands for where ``latest`` is the latest one, int64[…, HOURS].

    >>> hours_of(25)[[0, 1, 2]].tolist()
    [24, 25, 2]
    """
    return ring_of(latest, limits.HOURS)


class VideoTable(Table):
    """Struct of arrays, one row a video; columns are those of ``NUMBERS``."""

    counts: I64
    sums: F64
    sums_ms: I64
    near: U64
    near_w: F32
    near_mass: F32
    near_ms: I64
    last_ms: I64
    likers: npt.NDArray[np.uint32]
    liker_ms: I64
    liker_w: F32
    hours: F32
    hour: I64
    doubted: F32
    tier: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    decided: npt.NDArray[np.uint16]
    start: I64
    alert_ms: I64
    first: npt.NDArray[np.float16]

    def __init__(self, extra: dict[str, tuple[Any, tuple[int, ...], Any]] | None = None) -> None:
        fields: dict[str, Any] = dict(NUMBERS.fields or {})
        columns = {name: (kind.base, kind.shape, 0) for name, (kind, *_) in fields.items()}
        super().__init__(columns | (extra or {}))

    def apply(self, rows: I64, changes: Packed) -> None:
        """Add the counts and soft signals of ``changes`` (ROW) to ``rows`` i64[len(changes)]."""
        soft, doubted = (changes["kind"] == kind for kind in (SOFT, SOFT_DOUBTED))
        counted = ~(soft | doubted)
        column = _COLUMN[changes["kind"][counted]]
        known = column >= 0
        np.add.at(self.counts, (rows[counted][known], column[known]), changes["n"][counted][known])
        np.add.at(self.counts, (rows[counted], _WATCH_MS), changes["watch_ms"][counted])
        np.maximum.at(self.last_ms, rows, changes["ts_ms"])
        if not counted.all():
            self._move_on(rows[~counted], changes["ts_ms"][~counted])
        if doubted.any():
            self._decay_in(self.doubted, rows[doubted], changes["ts_ms"][doubted], changes["signal"][doubted])
        if soft.any():
            signal = changes["signal"][soft]
            self._decay_in(self.sums, rows[soft], changes["ts_ms"][soft], signal)
            liked = np.flatnonzero(signal[:, POSITIVE])
            if len(liked):
                self._note_hours(rows[soft][liked], changes["ts_ms"][soft][liked], signal[liked, POSITIVE])

    def _move_on(self, rows: I64, ts_ms: I64) -> None:
        """Move the landmark of the sums to the latest of ``ts_ms``, where that is later."""
        touched, inverse = np.unique(rows, return_inverse=True)
        newest = self.sums_ms[touched]
        np.maximum.at(newest, inverse, ts_ms)
        self.sums[touched] = decayed(self.sums[touched], self.sums_ms[touched], newest)
        some = self.doubted[touched].any(axis=(1, 2))
        if some.any():
            held = touched[some]
            self.doubted[held] = decayed(self.doubted[held], self.sums_ms[held], newest[some])
        self.sums_ms[touched] = newest

    def _decay_in(self, sums: F64 | F32, rows: I64, ts_ms: I64, signal: npt.NDArray[np.int8]) -> None:
        """Add signals to sums, each with the weight of its own time at the landmark."""
        weight = np.exp2((ts_ms - self.sums_ms[rows])[:, None] / (1_000.0 * HALF_LIVES_S))
        np.add.at(sums, rows, (signal.astype(np.float64)[:, :, None] * weight[:, None, :]).astype(sums.dtype))

    def _note_hours(self, rows: I64, ts_ms: I64, amount: npt.NDArray[np.int8]) -> None:
        """Positives into their hours; what is older than the latest hour by ``HOURS`` is not kept."""
        hour = ts_ms // HOUR_MS
        touched, inverse = np.unique(rows, return_inverse=True)
        was, newest = self.hour[touched], self.hour[touched]
        np.maximum.at(newest, inverse, hour)
        self.hours[touched] = np.where(hours_of(newest) <= was[:, None], self.hours[touched], 0.0)
        self.hour[touched] = newest
        kept = hour > newest[inverse] - limits.HOURS
        np.add.at(self.hours, (rows[kept], hour[kept] % limits.HOURS), amount[kept].astype(np.float32))

    def pair(self, rows: I64, others: U64, pairs: Packed) -> None:
        """Add co-occurrences: ``rows`` i64[m] were liked by viewers of ``others`` u64[m] (hashes); ``pairs`` of PAIR.

        An ``other`` equal to 0 counts a positive of the video itself: its mass, and who it was.
        """
        moved = forward(self.near_ms, rows, pairs["ts_ms"])
        fade = _faded(moved.aged).astype(np.float32)
        self.near_w[moved.rows] *= fade[:, None, :]
        self.near_mass[moved.rows] *= fade
        amount = pairs["weight"][:, None] * _faded(moved.behind)
        own = others == 0
        np.add.at(self.near_mass, rows[own], amount[own].astype(np.float32))
        self._like(rows[own], pairs[own])
        add_top(self.near, self.near_w, rows[~own], others[~own], amount[~own])

    def _like(self, rows: I64, pairs: Packed) -> None:
        """Note who liked what: a liker's place is renewed, taken back, or given to the newcomer from the oldest.

        A liker with many positives says less of each: the weight is 1 / sqrt(positives + 4).
        """
        order = np.argsort(rows, kind="stable")
        _, nth = segments(rows[order])
        for turn in range(int(nth.max(initial=-1)) + 1):
            now = order[nth == turn]
            row, pair = rows[now], pairs[now]
            hit = self.likers[row] == pair["viewer"][:, None]
            held = hit.any(axis=1)
            at = np.where(held, hit.argmax(axis=1), self.liker_ms[row].argmin(axis=1))
            risen = pair["weight"] > 0
            fresh = risen & (pair["ts_ms"] > self.liker_ms[row, at])
            self.likers[row[fresh], at[fresh]] = pair["viewer"][fresh]
            self.liker_ms[row[fresh], at[fresh]] = pair["ts_ms"][fresh]
            self.liker_w[row[fresh], at[fresh]] = 1.0 / np.sqrt(pair["positives"][fresh] + 4.0)
            gone = ~risen & held
            self.likers[row[gone], at[gone]] = self.liker_ms[row[gone], at[gone]] = 0
            self.liker_w[row[gone], at[gone]] = 0.0

    def pack(self, rows: I64) -> Packed:
        """``NUMBERS`` records of ``rows``."""
        packed = np.zeros(len(rows), dtype=NUMBERS)
        for name in NUMBERS.names or ():
            packed[name] = getattr(self, name)[rows]
        return packed

    def unpack(self, rows: I64, packed: Packed) -> None:
        """Set ``rows`` from ``NUMBERS`` records."""
        for name in NUMBERS.names or ():
            getattr(self, name)[rows] = packed[name]


def _faded(age_ms: I64) -> F64:
    result: F64 = np.exp2(-age_ms[:, None] / (1_000.0 * _NEAR_S))
    return result


EMPTY_PAIRS: Final = np.empty(0, dtype=PAIR)
