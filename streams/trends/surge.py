"""Surge: how much faster something is liked of late than the day before let expect, against everything else.

A ratio of two decayed rates, smoothed by a prior so that little is never much. What holds for everything at once, an
evening, or the first hours of a log, is no surge of anything.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams.arrays.tables import F64, I64
from streams.video.videos import HALF_LIVES_S, VideoTable, positives

__all__ = ["HOUR", "LONG", "SHORT", "Flow", "expected", "likes", "lost", "part_of", "ratio"]

SHORT, HOUR, LONG = 0, 3, 7
"""Places in ``HALF_LIVES_S``: 5 minutes, an hour, a day."""
_PRIOR: Final = 3.0  # likes that everything is given beforehand, of late and expected
_MANY, _AMPLE = 5, 10.0  # items, and likes expected of each, that say how everything goes


class Flow(NamedTuple):
    """Decayed likes of n items, ``late`` and over the ``day``, f64[n] each, and of ``all`` items together (late, day).

    ``part`` is the half-life of the first over that of the second.
    """

    late: F64
    day: F64
    all: tuple[float, float]
    part: float

    def at(self, places: I64) -> Flow:
        """The flow of some of the items."""
        return self._replace(late=self.late[places], day=self.day[places])


def likes(table: VideoTable, rows: I64, now_ms: int, odds: float) -> tuple[F64, F64]:
    """Decayed positives of ``rows`` of a video shard at ``now_ms``, of late and over the day, f64[n] each; for ``odds``
    see ``positives``.
    """
    sums = positives(table, rows, now_ms, (SHORT, LONG), odds)
    return sums[:, 0], sums[:, 1]


def part_of(late: int) -> float:
    """How much of a steady day's sum lies in the sum of the half-life at place ``late``."""
    return float(HALF_LIVES_S[late] / HALF_LIVES_S[LONG])


def ratio(flow: Flow) -> F64:
    """Likes of late over those expected, f64[n]; where everything else is on the rise, as many more are expected.

    >>> late, day = np.array([1.0, 37.0]), np.array([288.0, 288.0])
    >>> ratio(Flow(late, day, (38.0, 288.0 * 38), 1 / 288)).tolist()
    [1.0, 10.0]
    """
    result: F64 = (flow.late + _PRIOR) / (expected(flow) + _PRIOR)
    return result


def expected(flow: Flow) -> F64:
    """Likes of late that the day lets expect, or, where everything else is on the rise, that; f64[n]."""
    result: F64 = flow.day * flow.part * max(_others(flow), 1.0)
    return result


def lost(flow: Flow) -> tuple[F64, F64]:
    """Likes of late over those expected as everything else goes, and how many standard deviations are missing, f64[n]
    each.

    >>> share, missing = lost(Flow(np.array([0.0]), np.array([2_400.0]), (400.0, 12_000.0), 1 / 24))
    >>> share.round(2).tolist(), missing.round().tolist()
    ([0.04], [9.0])
    """
    usual = flow.day * flow.part
    ample = usual >= _AMPLE
    # Of many the middle one: where several fall they must not hide each other.
    usual = usual * (float(np.median(flow.late[ample] / usual[ample])) if ample.sum() >= _MANY else _others(flow))
    return (flow.late + _PRIOR) / (usual + _PRIOR), (usual - flow.late) / np.sqrt(np.maximum(usual, 1.0))


def _others(flow: Flow) -> float:
    """Likes of late over those expected of everything together: the hour of the day, and the youth of a log."""
    late, day = flow.all
    return (late + _PRIOR) / (day * flow.part + _PRIOR)
