"""Trends: which items of one kind rise, and when they cool or fall.

A ratio of decayed rates names suspects; the likes of each are then counted by the minute, and a drift detector (ADWIN,
Bifet and Gavaldà 2007) must agree before anything is said. So a steep rise of next to nothing says nothing, nor does
chance. What rises is released when its ratio is back. Nothing here knows what the items are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from schemas.trends import Cause, Trend
from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import I64
from streams.control.tuning import Trends as How
from streams.trends.adwin import ADWIN
from streams.trends.surge import SHORT, Flow, expected, lost, ratio
from streams.video.videos import HALF_LIVES_S

__all__ = ["Kind", "Reading", "Trends", "drifts"]

Kind = Literal["video", "tag", "sound"]
_MINUTE_MS: Final = 60_000
_LATELY: Final = 10  # minutes in which the detector must have fired, upwards
_LEAST: Final = 3.0  # likes of late below which nothing is watched
_SURE: Final = 4.0  # standard deviations that must be missing before something falls
_BACK: Final = 0.8  # share of the expected likes at which what fell is itself again
_PER_MINUTE: Final = float(np.log(2) * 60 / HALF_LIVES_S[SHORT])
"""Likes a minute for each like of a decayed sum that stands still."""


class Reading(NamedTuple):
    """What was liked lately of one kind, at one moment: items by ``number`` i64[n] (in order) and their ``flow``.

    ``names`` gives an item's id by its number, ``numbers`` the number by the id (-1: nobody knows it).
    """

    number: I64
    flow: Flow
    names: Callable[[int], str]
    numbers: Callable[[str], int]


class Watched(msgspec.Struct):
    """One item under watch: likes by the ``minute`` (the latest, running one stands last), and the decayed sum ``late``
    up to which they were counted, as of ``at_ms``. ``since_ms`` 0: not rising yet.
    """

    minute: int
    counts: list[float]
    late: float
    at_ms: int
    since_ms: int = 0


class Trends:
    """What is watched, rises or has fallen among the items of one ``kind``; a function of the readings it was shown."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self._held: dict[str, Watched] = {}
        self._fallen: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._held) + len(self._fallen)

    def rising(self) -> list[str]:
        """Ids of what rises."""
        return [name for name, one in self._held.items() if one.since_ms]

    def look(self, reading: Reading, now_ms: int, how: How) -> list[Trend]:
        """What began to rise or cooled since the last look, in event time; ``late`` of the flow must be ``SHORT``."""
        ratios = ratio(reading.flow)
        found: list[Trend] = []
        steep: dict[str, float] = {}
        for name, one in list(self._held.items()):
            at = _place(reading, name)
            steep[name] = float(ratios[at]) if at >= 0 else 0.0
            _count(one, float(reading.flow.late[at]) if at >= 0 else 0.0, now_ms)
            if steep[name] < how.cool:
                del self._held[name]
                found += [self._said(name, "cooling", now_ms, steep[name])] if one.since_ms else []
        suspects = np.flatnonzero((ratios >= how.rise) & (reading.flow.late >= _LEAST))
        for at in suspects[np.argsort(-ratios[suspects], kind="stable")[: limits.WATCHED]].tolist():
            name = reading.names(int(reading.number[at]))
            if name and name not in self._held:
                self._held[name], steep[name] = _begun(reading.flow, at, now_ms), float(ratios[at])
        self._bound(steep)
        for name, one in self._held.items():
            if not one.since_ms and steep[name] >= how.rise and drifts(one.counts):
                one.since_ms = now_ms
                found.append(self._said(name, "rising", now_ms, steep[name]))
        return found

    def look_down(
        self, reading: Reading, now_ms: int, how: How, cause_of: Callable[[int], Cause | None]
    ) -> list[Trend]:
        """What began to fall since the last look; ``late`` of the flow must be ``HOUR``, ``cause_of`` takes numbers."""
        share, missing = lost(reading.flow)
        falls = (share <= how.fall) & (missing >= _SURE)
        self._fallen = {
            name: since_ms
            for name, since_ms in self._fallen.items()
            if (at := _place(reading, name)) >= 0 and share[at] < _BACK
        }
        found = []
        for at in np.flatnonzero(falls)[np.argsort(share[falls], kind="stable")].tolist():
            name = reading.names(int(reading.number[at]))
            if name and name not in self._fallen and len(self._fallen) < limits.WATCHED:
                self._fallen[name] = now_ms
                cause = cause_of(int(reading.number[at]))
                found.append(self._said(name, "falling", now_ms, float(share[at]), cause))
        return found

    def encode(self) -> bytes:
        """The state for the store."""
        return msgspec.msgpack.encode((self._held, self._fallen))

    def decode(self, value: bytes) -> None:
        """Take over a stored state; raises ``msgspec.MsgspecError`` where it is none."""
        self._held, self._fallen = _STORED.decode(value)

    def _said(
        self, name: str, state: Literal["rising", "cooling", "falling"], ts_ms: int, steep: float,
        cause: Cause | None = None,
    ) -> Trend:  # fmt: skip
        trend_id = f"{self.kind}-{hash64(chr(0).join((self.kind, name, state, str(ts_ms)))):016x}"
        return Trend(
            v=1,
            trend_id=trend_id,
            kind=self.kind,
            id=name,
            state=state,
            ts_ms=ts_ms,
            ratio=round(steep, 3),
            cause=cause,
        )

    def _bound(self, steep: dict[str, float]) -> None:
        """What rises stays, of the others those that rise most steeply."""
        over = len(self._held) - limits.WATCHED
        if over > 0:
            least = sorted(self._held, key=lambda name: (self._held[name].since_ms > 0, steep[name], name))
            for name in least[:over]:
                del self._held[name]


_STORED: Final = msgspec.msgpack.Decoder(tuple[dict[str, Watched], dict[str, int]])


def drifts(counts: Sequence[float]) -> bool:
    """Whether a detector over counts by the minute, latest last, has fired within the last minutes, upwards.

    Every minute is tested, the running one too: what it has so far can only be too little. A dozen likes within a
    minute after an hour of none are enough, a few are not.

    >>> drifts([0.0] * 59 + [15.0]), drifts([0.0] * 59 + [4.0]), drifts([15.0] * 30 + [0.0] * 30)
    (True, False, False)
    """
    detector = ADWIN(clock=1, min_window_length=1, grace_period=1)
    fired = False
    for at, count in enumerate(counts):
        usual = detector.estimation
        detector.update(count)
        fired |= detector.drift_detected and count > usual and at >= len(counts) - _LATELY
    return fired


def _begun(flow: Flow, at: int, now_ms: int) -> Watched:
    """A watch that begins: the hour before is as expected, what goes beyond came in the running minute."""
    late, usual = float(flow.late[at]), float(expected(flow)[at])
    counts = [usual * _PER_MINUTE] * (limits.WATCH_MINUTES - 1) + [max(late - usual, 0.0)]
    return Watched(now_ms // _MINUTE_MS, counts, late, now_ms)


def _count(one: Watched, late: float, now_ms: int) -> None:
    """Count what a decayed sum has gained since the last look into the running minute."""
    passed = min(now_ms // _MINUTE_MS - one.minute, limits.WATCH_MINUTES)
    if passed > 0:
        one.counts = one.counts[passed:] + [0.0] * passed
        one.minute = now_ms // _MINUTE_MS
    age_s = max(now_ms - one.at_ms, 0) / 1_000.0
    gained = late - one.late * 2.0 ** (-age_s / float(HALF_LIVES_S[SHORT]))
    one.counts[-1] = max(one.counts[-1] + gained, 0.0)
    one.late, one.at_ms = late, max(now_ms, one.at_ms)


def _place(reading: Reading, name: str) -> int:
    """Where an item stands in a reading, -1 where it does not."""
    number = reading.numbers(name)
    at = int(np.searchsorted(reading.number, number))
    return at if at < len(reading.number) and reading.number[at] == number else -1
