"""Watching: what became of a video before a viewer, told from the reports of one outcome.

The definitions (short play, valid play, long view, complete, rewatch), what is believed of a watch time, and how far
into a video a viewer came against what is usual for its length. Counts are not touched by any of it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.tables import F32, F64, I64
from streams.control.tuning import Signals
from streams.shards.columns import ABSENT, EXCUSED, IMPRESSION, LOOPED, PLAIN, SKIP, WATCH
from streams.signals.outcomes import UNJUDGED, OutcomeTable

__all__ = [
    "UNKNOWN", "Usual", "Watched", "buckets", "complete", "judge_quality", "kept_quality", "long_view", "quality",
    "rewatched", "short_play", "valid_play", "watched",
]  # fmt: skip

Flags = npt.NDArray[np.bool_]
SHORT_MS: Final = 3_000
VALID_MS: Final = 7_000
LONG_MS: Final = 18_000
REWATCH: Final = 1.5
_MOST: Final = 10  # times its length that a video is believed to be watched where nothing is told of loops
_SPEED: Final = 2  # players show a video at up to twice its speed
_TOGETHER_MS: Final = 100  # reports so close were sent together: nothing follows from the time between them
_STEPS: Final = 254.0  # of the quality, as it is kept


class Usual(NamedTuple):
    """How long videos are usually watched: ``points`` f32[BUCKETS, 65], watch times in ms at even shares of the watches
    of each bucket of durations, and how many watches were ``seen`` there, f32[BUCKETS].
    """

    points: F32
    seen: F32


class Watched(NamedTuple):
    """What n outcomes tell, i64[n]: ``ms`` of watching that is believed and ``seen_ms``, the same or what a skip tells,
    ABSENT where there is none; ``duration_ms``, 0 unknown. bool[n]: ``looped`` a rewatch, ``skipped`` by the viewer,
    ``excused`` where whatever was watched ended for a reason that is not the viewer's.
    """

    ms: I64
    seen_ms: I64
    duration_ms: I64
    looped: Flags
    skipped: Flags
    excused: Flags

    def take(self, at: I64) -> Watched:
        """Those at places ``at``."""
        ms, seen_ms, duration_ms, looped, skipped, excused = self
        return Watched(ms[at], seen_ms[at], duration_ms[at], looped[at], skipped[at], excused[at])


# --- definitions ------------------------------------------------------------------------------------------------------


def short_play(watch_ms: I64, duration_ms: I64) -> Flags:
    """Less than 3 s, and less than the whole video.

    >>> short_play(np.array([2_999, 2_000, 3_000]), np.array([60_000, 2_000, 60_000])).tolist()
    [True, False, False]
    """
    result: Flags = watch_ms < np.where(duration_ms > 0, np.minimum(duration_ms, SHORT_MS), SHORT_MS)
    return result


def valid_play(watch_ms: I64, duration_ms: I64) -> Flags:
    """The whole of a video of at most 7 s, else more than 7 s.

    >>> valid_play(np.array([5_000, 7_000, 7_001]), np.array([5_000, 60_000, 60_000])).tolist()
    [True, False, True]
    """
    whole = (duration_ms > 0) & (duration_ms <= VALID_MS)
    result: Flags = np.where(whole, watch_ms >= duration_ms, watch_ms > VALID_MS)
    return result


def long_view(watch_ms: I64, duration_ms: I64) -> Flags:
    """At least the whole video if it is 18 s or shorter, else at least 18 s; unknown duration: 18 s.

    >>> long_view(np.array([9_000, 9_000, 20_000]), np.array([9_000, 10_000, 60_000])).tolist()
    [True, False, True]
    """
    needed = np.where((duration_ms > 0) & (duration_ms <= LONG_MS), duration_ms, LONG_MS)
    result: Flags = watch_ms >= needed
    return result


def complete(watch_ms: I64, duration_ms: I64) -> Flags:
    """The whole video, of known duration.

    >>> complete(np.array([9_000, 9_000]), np.array([9_000, 0])).tolist()
    [True, False]
    """
    result: Flags = (duration_ms > 0) & (watch_ms >= duration_ms)
    return result


def rewatched(watch_ms: I64, duration_ms: I64) -> Flags:
    """One and a half times the video, of known duration: what stands in for loops that are not told.

    >>> rewatched(np.array([15_000, 14_999]), np.array([10_000, 10_000])).tolist()
    [True, False]
    """
    result: Flags = (duration_ms > 0) & (watch_ms >= REWATCH * duration_ms)
    return result


# --- what is believed -------------------------------------------------------------------------------------------------


def watched(outcomes: OutcomeTable, rows: I64, signals: Signals) -> Watched:
    """What outcome ``rows`` i64[n] tell of watching.

    A watch without loops is believed up to ten times the video, beyond it as one pass: it was left running. None is
    believed beyond twice the time since the video came onto the screen and ``signals.slack_s``.
    """
    reports, duration_ms = outcomes.ring(rows, WATCH), outcomes.duration_ms[rows]
    told, best = reports & 3, reports.max(axis=1)
    there = best != ABSENT
    ms, plain = best >> 2, (best & 3) == PLAIN
    left_on = (plain | ((best & 3) == EXCUSED)) & (duration_ms > 0) & (ms > _MOST * duration_ms)
    possible = _possible(outcomes, rows, signals.slack_s)
    ms = np.where(there, np.minimum(np.where(left_on, duration_ms, ms), possible), ABSENT)
    looped = ((reports != ABSENT) & (told == LOOPED)).any(axis=1) & (possible >= REWATCH * duration_ms)
    looped |= plain & rewatched(ms, duration_ms)
    excused = np.zeros(len(rows), dtype=bool)
    if signals.excuse:
        excused = there & ((reports == ABSENT) | (told == EXCUSED)).all(axis=1)
    skips = outcomes.ring(rows, SKIP)
    skipped = skips.max(axis=1) != ABSENT
    excused_skip = np.flatnonzero(excused & skipped)
    if len(excused_skip):
        skipped[excused_skip] = _of_others(outcomes, rows[excused_skip])
    return Watched(ms, np.maximum(ms, skips.max(axis=1)), duration_ms, looped, skipped, excused & ~skipped)


def _possible(outcomes: OutcomeTable, rows: I64, slack_s: float) -> I64:
    """The longest watch time that can be, i64[n]: by what passed between the first impression and the last report."""
    shown = outcomes.ring(rows, IMPRESSION)
    first = np.where(shown == ABSENT, 2**62, shown).min(axis=1)
    passed = outcomes.watched_ms[rows] - first
    result: I64 = np.where(passed > _TOGETHER_MS, _SPEED * passed + int(1_000 * slack_s), 2**62)
    return result


def _of_others(outcomes: OutcomeTable, rows: I64) -> Flags:
    """Whether any skip of outcome ``rows`` is of an impression of which no watch was reported."""
    skips, watches = outcomes.refs_of(rows, SKIP), outcomes.refs_of(rows, WATCH)
    skip, watch = outcomes.ring(rows, SKIP) != ABSENT, outcomes.ring(rows, WATCH) != ABSENT
    own = ((skips[:, :, None] == watches[:, None, :]) & watch[:, None, :]).any(axis=2)
    result: Flags = (skip & ~own).any(axis=1)
    return result


# --- against what is usual --------------------------------------------------------------------------------------------

_SHORTEST_MS, _LONGEST_MS = 3_000.0, 1_200_000.0
_CALM: Final = np.float32(50.0)  # watches after which what is usual counts for half


def buckets(duration_ms: I64) -> I64:
    """The bucket of each duration, i64[n] in [0, DURATIONS): 0 for an unknown one, then evenly by its logarithm.

    >>> buckets(np.array([0, 2_000, 4_000, 10**9])).tolist() == [0, 1, 2, limits.DURATIONS - 1]
    True
    """
    result: I64 = np.rint(_places(duration_ms)).astype(np.int64)
    return result


def _places(duration_ms: I64) -> F64:
    """Where durations stand among the buckets, whose middles are whole numbers."""
    length = np.log(np.maximum(duration_ms, _SHORTEST_MS) / _SHORTEST_MS)
    place = 1.0 + length * (limits.DURATIONS - 2) / np.log(_LONGEST_MS / _SHORTEST_MS)
    return np.where(duration_ms > 0, np.minimum(place, limits.DURATIONS - 1), 0.0)


UNKNOWN: Final = Usual(
    np.zeros((limits.DURATIONS, limits.QUANTILES + 1), np.float32), np.zeros(limits.DURATIONS, np.float32)
)
"""Before anything was learnt."""


def quality(usual: Usual, ms: I64, duration_ms: I64, fair: bool = True) -> F64:
    """How far videos were watched, f64[n] in [0, 1]: the share of watches of videos as long that were shorter.

    A tie counts half, and between the middles of two buckets both have their say. Where little was ``seen``, and
    wherever it is not to be ``fair``, it is the share of the video (of 18 s where the duration is unknown) that was
    watched.
    """
    share = np.clip(ms / np.where(duration_ms > 0, duration_ms, LONG_MS), 0.0, 1.0)
    if not fair:
        return share
    place = _places(duration_ms)
    low = np.floor(place).astype(np.int64)
    total, weight = _CALM * share, np.full(len(ms), _CALM, dtype=np.float64)
    for bucket, part in ((low, 1.0 - (place - low)), (np.minimum(low + 1, limits.DURATIONS - 1), place - low)):
        points, seen = usual.points[bucket], usual.seen[bucket] * part
        below = (points < ms[:, None]).sum(axis=1) + (points <= ms[:, None]).sum(axis=1)
        total += seen * np.clip(below - 1, 0, 2 * limits.QUANTILES) / (2.0 * limits.QUANTILES)
        weight += seen
    return total / weight


def judge_quality(
    outcomes: OutcomeTable, usual: Usual, rows: I64, before: Watched, after: Watched, fair: bool
) -> Flags:
    """Judge anew the quality of those outcome ``rows`` i64[n] whose watching changed; whose quality changed, bool[n].

    What did not change keeps the quality it had when it did, however what is usual has moved since: an event that comes
    twice must not change an outcome.
    """
    grown = (before.seen_ms != after.seen_ms) | (before.duration_ms != after.duration_ms)
    grown |= outcomes.quality[rows] == UNJUDGED
    grown = np.flatnonzero(grown & (after.seen_ms != ABSENT))
    changed = np.zeros(len(rows), dtype=bool)
    if len(grown):
        found = quality(usual, after.seen_ms[grown], after.duration_ms[grown], fair)
        made = np.rint(found * _STEPS).astype(np.uint8)
        changed[grown] = outcomes.quality[rows[grown]] != made
        outcomes.quality[rows[grown]] = made
    return changed


def kept_quality(outcomes: OutcomeTable, rows: I64) -> F64:
    """The quality that outcome ``rows`` were judged by, f64[n]; 0 where nothing was watched."""
    kept = outcomes.quality[rows]
    result: F64 = np.where(kept == UNJUDGED, 0, kept) / _STEPS
    return result
