"""Viewers: what is known of each hot viewer, one row each.

Interest as decayed sums over content vectors (fast, slow, negative), the persona's top-k tags, creators and sounds,
the latest positive videos and every video met. Nothing here reads a clock: sums are values as of ``at_ms``, which only
moves forward, and late contributions enter with the weight they had at their own time (forward decay).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.formats import check_format
from streams import limits
from streams.arrays.hashing import NO_NAMES, U64, hash64
from streams.arrays.tables import F32, F64, I64, Table
from streams.tiers.leases import Lent
from streams.viewer.wishes import ENTRY, NOTHING
from streams.words.asks import NO_ASKS, SEARCH, Ask, Asks, decode_asks, encode_asks, put_asks

__all__ = ["HALF_LIVES_S", "LEVELS", "NOWHERE", "ViewerTable", "follows_of", "met_of"]

HALF_LIVES_S = np.array([limits.FAST_HALF_LIFE_S, limits.SLOW_HALF_LIFE_S, limits.NEGATIVE_HALF_LIFE_S])
NOWHERE = -32_768
"""``tz_min`` of who never said where."""
LEVELS = 16
"""How many numbers say how a video stands (``streams.video.popular.POPULAR_NAMES``)."""
_FORMAT = 3

_VECTOR = (np.float32, (limits.DIM,), 0.0)
_COLUMNS: dict[str, tuple[Any, tuple[int, ...], Any]] = {
    "hash": (np.uint64, (), 0),
    "at_ms": (np.int64, (), 0),
    "last_ms": (np.int64, (), 0),
    "fast": _VECTOR,
    "slow": _VECTOR,
    "negative": _VECTOR,
    "mass": (np.float32, (3,), 0.0),
    "recent": (np.uint64, (limits.RECENT,), 0),
    "recent_ms": (np.int64, (limits.RECENT,), 0),
    "levels": (np.int8, (limits.RECENT, LEVELS), 0),
    "tags": (np.uint64, (limits.TAGS,), 0),
    "tag_w": (np.float32, (limits.TAGS, 4), 0.0),
    "creators": (np.uint64, (limits.CREATORS,), 0),
    "creator_w": (np.float32, (limits.CREATORS,), 0.0),
    "sounds": (np.uint64, (limits.SOUNDS,), 0),
    "sound_w": (np.float32, (limits.SOUNDS,), 0.0),
    "judged": (np.float32, (4,), 0.0),
    "swipes": (np.int64, (limits.PACE,), 0),
    "picked": (np.uint64, (limits.PICKED,), 0),
    "duration_sum": (np.float32, (), 0.0),
    "duration_mass": (np.float32, (), 0.0),
    "hours": (np.float32, (limits.DAY_PARTS, limits.HOUR_DIM), 0.0),
    "hour_mass": (np.float32, (limits.DAY_PARTS,), 0.0),
    "tz_min": (np.int16, (), NOWHERE),
    "net": (np.int8, (), 0),
    "lang": (np.uint64, (), 0),
    "country": (np.uint64, (), 0),
    "safety_level": (np.int8, (), 0),
    "personalize": (np.bool_, (), True),
    "known": (np.bool_, (), False),
    "reset_ms": (np.int64, (), 0),
    "hidden_count": (np.int32, (), 0),
    "follow_count": (np.int32, (), 0),
    "asks_bytes": (np.int32, (), 0),
    "positives": (np.int32, (), 0),
    "pace": (np.float32, (), 0.0),
    "pace_ms": (np.int64, (), 0),
    "ahead_ms": (np.float32, (), 0.0),
    "watched_ms": (np.int64, (), 0),
    "odd_ms": (np.int64, (), 0),
    "fed": (np.int32, (), 0),
    "met_count": (np.int32, (), 0),
    "seq": (np.int64, (), 0),
    "touched": (np.int64, (), 0),
    "asked_ms": (np.int64, (), 0),
}
_UNSAVED = frozenset({"hash", "met_count", "seq", "touched", "asked_ms"})
_SINCE = {
    "asks_bytes": 2, "pace": 2, "pace_ms": 2, "ahead_ms": 2, "watched_ms": 2, "odd_ms": 2, "fed": 2,
    "hours": 2, "hour_mass": 2, "tz_min": 2, "net": 2, "swipes": 3,
}  # fmt: skip
"""Columns to the format that they came with; the others are of the first."""
_SAVED = tuple(name for name in _COLUMNS if name not in _UNSAVED)
_INTERESTS = (
    "fast", "slow", "negative", "mass", "recent", "recent_ms", "levels", "tags", "tag_w", "creators", "creator_w",
    "sounds", "sound_w", "judged", "swipes", "duration_sum", "duration_mass", "hours", "hour_mass",
)  # fmt: skip
_ROWS = {
    number: np.dtype([(name, *_COLUMNS[name][:2]) for name in _SAVED if _SINCE.get(name, 1) <= number])
    for number in range(1, _FORMAT + 1)
}
_ROW = _ROWS[_FORMAT]


class ViewerTable(Table):
    """Struct of arrays, one row a hot viewer; see the module's columns for names, dtypes and widths.

    ``tag_w`` f32[n, TAGS, 4] holds of each tag the worth of what was met beyond ``objective.USUAL_WORTH``, over weeks
    and over this session, and how much was met, likewise; the first decides which stay. ``judged`` f32[n, 4] is the
    same over all videos.
    ``hours`` f32[n, DAY_PARTS, HOUR_DIM] is ``slow`` split by the time of day and by the kind of day (``context``), in
    fewer dimensions; ``tz_min`` and ``net`` say where and on what the viewer was last.
    ``swipes`` i64[n, PACE] is of ``streams.viewer.pace``: 2 * ms, plus 1 where a showing held the viewer, the latest
    first.
    ``met`` and ``served`` are lists of uint64 arrays (hash64 of video ids), one a row: every video the viewer met
    (bounded by ``limits.MET``) and every video served (``limits.SERVED``). ``seq`` counts the batches served.
    ``promoted`` holds by row the hashes of videos that were served as promoted, the oldest first.
    ``hidden`` and ``follows`` are arrays of ``wishes.ENTRY``, ``asks`` tuples of ``asks.Ask``; ``asked_ms`` is when the
    viewer last searched. Nothing earned up to ``reset_ms`` counts for interests.
    ``pace`` is a decayed sum of videos met, as of ``pace_ms``; ``ahead_ms`` how far watch time is ahead of the time
    that passed up to ``watched_ms``; ``odd_ms`` when the viewer last did what nobody can, ``fed`` how many served
    videos were met (``streams.signals.bots``).
    ``lent`` are places these viewers were given to explore.
    """

    hash: U64
    at_ms: I64
    last_ms: I64
    fast: F32
    slow: F32
    negative: F32
    mass: F32
    recent: U64
    recent_ms: I64
    levels: npt.NDArray[np.int8]
    tags: U64
    tag_w: F32
    creators: U64
    creator_w: F32
    sounds: U64
    sound_w: F32
    judged: F32
    swipes: I64
    picked: U64
    duration_sum: F32
    duration_mass: F32
    hours: F32
    hour_mass: F32
    tz_min: npt.NDArray[np.int16]
    net: npt.NDArray[np.int8]
    lang: U64
    country: U64
    safety_level: np.ndarray[Any, np.dtype[np.int8]]
    personalize: np.ndarray[Any, np.dtype[np.bool_]]
    known: np.ndarray[Any, np.dtype[np.bool_]]
    reset_ms: I64
    hidden_count: np.ndarray[Any, np.dtype[np.int32]]
    follow_count: np.ndarray[Any, np.dtype[np.int32]]
    asks_bytes: np.ndarray[Any, np.dtype[np.int32]]
    positives: np.ndarray[Any, np.dtype[np.int32]]
    pace: F32
    pace_ms: I64
    ahead_ms: F32
    watched_ms: I64
    odd_ms: I64
    fed: np.ndarray[Any, np.dtype[np.int32]]
    met_count: np.ndarray[Any, np.dtype[np.int32]]
    seq: I64
    touched: I64
    asked_ms: I64

    def __init__(self) -> None:
        super().__init__(_COLUMNS)
        self.row_of: dict[str, int] = {}
        self.user_ids: list[str] = []
        self.met: list[U64] = []
        self.served: list[U64] = []
        self.promoted: dict[int, dict[int, None]] = {}
        self.hidden: list[npt.NDArray[np.void]] = []
        self.follows: list[npt.NDArray[np.void]] = []
        self.asks: list[Asks] = []
        self.lent = Lent()

    def rows(self, user_ids: Iterable[str]) -> list[int]:
        """Row of each viewer, a new one where it had none; O(1) each."""
        row_of, ids = self.row_of, list(user_ids)
        found = [row_of.get(user, -1) for user in ids]
        if -1 in found:
            fresh = list(dict.fromkeys(user for user, row in zip(ids, found, strict=True) if row < 0))
            self._add(fresh)
            found = [row_of[user] for user in ids]
        return found

    def _add(self, user_ids: Sequence[str]) -> None:
        rows = self.take(len(user_ids))
        short = self.high - len(self.user_ids)
        self.user_ids.extend([""] * short)
        self.met.extend([NO_NAMES] * short)
        self.served.extend([NO_NAMES] * short)
        self.hidden.extend([NOTHING] * short)
        self.follows.extend([NOTHING] * short)
        self.asks.extend([NO_ASKS] * short)
        for user, row in zip(user_ids, rows.tolist(), strict=True):
            self.row_of[user] = row
            self.user_ids[row] = user
            self.hash[row] = hash64(user)
            self.met[row] = self.served[row] = NO_NAMES
            self.hidden[row] = self.follows[row] = NOTHING
            self.asks[row] = NO_ASKS

    def drop(self, rows: I64) -> None:
        """Forget rows (they are cold, or the viewer asked to be forgotten)."""
        for row in rows.tolist():
            del self.row_of[self.user_ids[row]]
            self.promoted.pop(row, None)
            self.user_ids[row] = ""
            self.met[row] = self.served[row] = NO_NAMES
            self.hidden[row] = self.follows[row] = NOTHING
            self.asks[row] = NO_ASKS
        self.give(rows)

    def ask(self, row: int, more: Iterable[Ask]) -> None:
        """Put what a viewer asked for; see ``asks.put_asks``."""
        held = self.asks[row] = put_asks(self.asks[row], more)
        searches = [ask.stamp for ask in held if ask.kind == SEARCH and not ask.stamp & 1]
        self.asked_ms[row] = max(searches, default=0) // 2

    def clear_interests(self, row: int) -> None:
        """Take away everything that outcomes taught of a viewer's tastes."""
        for name in _INTERESTS:
            getattr(self, name)[row] = _COLUMNS[name][2]

    def advance(self, rows: I64, to_ms: I64) -> None:
        """Move the landmark of unique ``rows`` forward to ``to_ms`` where that is later; sums are decayed to it."""
        later = to_ms > self.at_ms[rows]
        rows, to_ms = rows[later], to_ms[later]
        if len(rows) == 0:
            return
        fresh = self.at_ms[rows] == 0
        age_s = np.where(fresh, 0, to_ms - self.at_ms[rows]) / 1_000.0
        fast, slow, negative = np.exp2(-age_s[:, None] / HALF_LIVES_S).astype(np.float32).T
        self.fast[rows] *= fast[:, None]
        self.slow[rows] *= slow[:, None]
        self.negative[rows] *= negative[:, None]
        self.mass[rows] *= np.stack((fast, slow, negative), axis=1)
        both = np.stack((slow, fast, slow, fast), axis=1)
        self.tag_w[rows] *= both[:, None, :]
        self.judged[rows] *= both
        self.creator_w[rows] *= slow[:, None]
        self.sound_w[rows] *= slow[:, None]
        self.duration_sum[rows] *= slow
        self.duration_mass[rows] *= slow
        self.hours[rows] *= slow[:, None, None]
        self.hour_mass[rows] *= slow[:, None]
        self.at_ms[rows] = to_ms

    def faded(self, rows: I64, now_ms: I64) -> F32:
        """What is left at ``now_ms`` i64[n] of the fast, slow and negative sums of ``rows``, f32[n, 3] in [0, 1]."""
        age_s = np.maximum(now_ms - self.at_ms[rows], 0) / 1_000.0
        result: F32 = np.exp2(-age_s[:, None] / HALF_LIVES_S).astype(np.float32)
        return result

    def weigh(self, rows: I64, ts_ms: I64, half_life_s: float) -> F64:
        """Weight at the landmark of something that happened at ``ts_ms``: 2^((ts - landmark) / half-life)."""
        exponent = (ts_ms - self.at_ms[rows]) / (1_000.0 * half_life_s)
        weight: F64 = np.exp2(np.minimum(exponent, 60.0))
        return weight

    def remember(self, row: int, videos: U64) -> int:
        """Add videos (not met before) to what ``row`` met; returns how many old ones fell out."""
        met = np.concatenate((self.met[row], videos))
        over = max(0, len(met) - limits.MET)
        self.met[row] = met[over:]
        self.met_count[row] = len(met) - over
        return over

    def push_recent(self, row: int, video: int, ts_ms: int, level: npt.NDArray[np.int8]) -> None:
        """Note a positive video and how it stood; the oldest falls out of a full ring."""
        at = int(self.recent_ms[row].argmin())
        if ts_ms > self.recent_ms[row, at]:
            self.recent[row, at] = video
            self.recent_ms[row, at] = ts_ms
            self.levels[row, at] = level

    def counting(self, rows: I64, since_ms: int) -> npt.NDArray[np.bool_]:
        """Which places of ``recent`` hold a positive later than ``since_ms``, bool[n, RECENT]."""
        result: npt.NDArray[np.bool_] = (self.recent[rows] != 0) & (self.recent_ms[rows] > since_ms)
        return result

    def mixed(self, rows: I64, since_ms: int) -> npt.NDArray[np.bool_]:
        """Whether ``recent`` still holds a positive up to ``since_ms``, bool[n]: then the slow sums are mostly of what
        was liked before it.
        """
        result: npt.NDArray[np.bool_] = ((self.recent[rows] != 0) & (self.recent_ms[rows] <= since_ms)).any(axis=1)
        return result

    def pull_recent(self, row: int, video: int) -> None:
        """Take a positive video back."""
        at = np.flatnonzero(self.recent[row] == np.uint64(video))
        self.recent[row, at] = 0
        self.recent_ms[row, at] = 0
        self.levels[row, at] = 0

    def encode(self, rows: I64) -> list[bytes]:
        """One value a row for the store: format byte, columns, what is hidden, who is followed, what was asked for,
        then the met videos (8 bytes each).
        """
        asks = [encode_asks(self.asks[row]) for row in rows.tolist()]
        for row, asked in zip(rows.tolist(), asks, strict=True):
            self.hidden_count[row], self.follow_count[row] = len(self.hidden[row]), len(self.follows[row])
            self.asks_bytes[row] = len(asked)
        packed = np.zeros(len(rows), dtype=_ROW)
        for name in _SAVED:
            packed[name] = getattr(self, name)[rows]
        head, size, raw = bytes([_FORMAT]), _ROW.itemsize, packed.tobytes()
        names = [self.hidden[row].tobytes() + self.follows[row].tobytes() for row in rows.tolist()]
        return [
            b"".join((head, raw[at * size : (at + 1) * size], names[at], asks[at], self.met[row].tobytes()))
            for at, row in enumerate(rows.tolist())
        ]

    def decode(self, user_ids: Sequence[str], values: Sequence[bytes]) -> None:
        """Rows from the store's values, for viewers that have no row yet."""
        for number in sorted({value[0] for value in values}):
            check_format("a viewer's row", number, _FORMAT)
            chosen = [(user, value) for user, value in zip(user_ids, values, strict=True) if value[0] == number]
            self._decode(number, [user for user, _ in chosen], [value for _, value in chosen])

    def _decode(self, number: int, user_ids: Sequence[str], values: Sequence[bytes]) -> None:
        """Rows from values of one format."""
        layout = _ROWS[number]
        size = layout.itemsize
        packed = np.frombuffer(b"".join(value[1 : 1 + size] for value in values), dtype=layout)
        self._add(user_ids)
        rows = np.array([self.row_of[user] for user in user_ids], dtype=np.int64)
        for name in layout.names or ():
            getattr(self, name)[rows] = packed[name]
        for row, value in zip(rows.tolist(), values, strict=True):
            parts = _parts_of(value)
            self.hidden[row], self.follows[row] = (np.frombuffer(part, ENTRY).copy() for part in parts[:2])
            self.met[row] = np.frombuffer(parts[3], np.uint64).copy()
            self.met_count[row] = len(self.met[row])
            self.ask(row, decode_asks(parts[2]))


def met_of(value: bytes) -> U64:
    """The met videos (hashes) in a stored viewer's row."""
    return np.frombuffer(_parts_of(value)[3], dtype=np.uint64)


def follows_of(value: bytes) -> npt.NDArray[np.void]:
    """Whom the viewer of a stored row follows, or left: ``wishes.ENTRY``."""
    return np.frombuffer(_parts_of(value)[1], dtype=ENTRY)


def _parts_of(value: bytes) -> list[bytes]:
    """What follows the columns of a stored row: hidden, follows, asks, met, as bytes."""
    layout = _ROWS[value[0]]
    row = np.frombuffer(value, dtype=layout, count=1, offset=1)[0]
    sizes = [int(row[name]) * ENTRY.itemsize for name in ("hidden_count", "follow_count")]
    sizes.append(int(row["asks_bytes"]) if "asks_bytes" in (layout.names or ()) else 0)
    edges = np.cumsum([1 + layout.itemsize, *sizes]).tolist()
    return [value[low:high] for low, high in zip(edges, [*edges[1:], None], strict=True)]
