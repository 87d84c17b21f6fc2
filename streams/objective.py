"""The objective: what an outcome is worth. The one place that says what a skip costs.

Bits summarise an outcome; the reward is a bounded function of the bits and of how far the video was watched.
Definitions of short play and long view are those of MECHANISMS (golden examples in the tests).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streams.columns import ABSENT, FOLLOW, IMPRESSION, LIKE, MORE_LIKE, NOT_INTERESTED, REPORT, SAVE, SKIP
from streams.outcomes import OutcomeTable, standing
from streams.tables import F32, I64

__all__ = [
    "LIKED", "LONG_VIEW", "NEGATIVE", "POSITIVE", "SEEN", "SHARED", "SKIPPED", "STRENGTH", "bits", "long_view", "reward"
]  # fmt: skip

SEEN, LONG_VIEW, LIKED, SHARED, SKIPPED, NEGATIVE, POSITIVE = (1 << at for at in range(7))
"""Label bits; POSITIVE: a like, save, follow, comment or share stands."""

STRENGTH: Final = {
    "complete": 1.0,
    "share": 1.0,
    "follow": 0.8,
    "comment": 0.7,
    "save": 0.6,
    "like": 0.5,
    "long_view": 0.3,
}
"""Worth of each signal in units of one finished long video; their sum is capped at 2."""
SKIP_WORTH: Final = -0.5
"""A skip before anything was seen; one at the end of a video costs nothing."""
USUAL_WORTH: Final = 0.2
"""About what a video is worth that the viewer neither likes nor dislikes; what is more speaks for its tags."""
SHORT_WORTH: Final = -0.4
"""Watched and left without a long view or anything better, at the very beginning; left late costs less."""
NEGATIVE_WORTH: Final = -1.0
"""Not interested, or a report."""

U8 = npt.NDArray[np.uint8]


def long_view(watch_ms: I64, duration_ms: I64) -> npt.NDArray[np.bool_]:
    """At least the whole video if it is 18 s or shorter, else at least 18 s; unknown duration: 18 s.

    >>> long_view(np.array([9_000, 9_000, 20_000]), np.array([9_000, 10_000, 60_000])).tolist()
    [True, False, True]
    """
    needed = np.where((duration_ms > 0) & (duration_ms <= 18_000), duration_ms, 18_000)
    result: npt.NDArray[np.bool_] = watch_ms >= needed
    return result


def bits(outcomes: OutcomeTable, rows: I64) -> U8:
    """Label bits of each row, u8[n]."""
    watch_ms = outcomes.best_watch(rows)
    skipped = outcomes.ring(rows, SKIP).max(axis=1) != ABSENT
    liked = standing(outcomes.operation(rows, LIKE))
    shared = outcomes.shared_ms(rows) != ABSENT
    more = standing(outcomes.operation(rows, SAVE)) | standing(outcomes.operation(rows, FOLLOW))
    more |= (outcomes.commented_ms(rows) != ABSENT) | standing(outcomes.operation(rows, MORE_LIKE))
    negative = standing(outcomes.operation(rows, NOT_INTERESTED)) | standing(outcomes.operation(rows, REPORT))
    positive = liked | shared | more
    seen = (watch_ms != ABSENT) | skipped | (outcomes.ring(rows, IMPRESSION).max(axis=1) != ABSENT)
    long = (watch_ms != ABSENT) & long_view(watch_ms, outcomes.duration_ms[rows])
    made = seen * SEEN + long * LONG_VIEW + liked * LIKED + shared * SHARED
    made = made + (skipped & ~positive & ~long) * SKIPPED + negative * NEGATIVE + positive * POSITIVE
    result: U8 = made.astype(np.uint8)
    return result


def reward(outcomes: OutcomeTable, rows: I64, labels: U8) -> F32:
    """Worth of each outcome, float32[n] in [-1.5, 2]."""
    watch_ms, duration_ms = outcomes.best_watch(rows), outcomes.duration_ms[rows]
    complete = (duration_ms > 0) & (watch_ms >= duration_ms)
    good = np.zeros(len(rows))
    good += STRENGTH["long_view"] * ((labels & LONG_VIEW) > 0)
    good += (STRENGTH["complete"] - STRENGTH["long_view"]) * (complete & (duration_ms > 18_000))
    good += STRENGTH["like"] * ((labels & LIKED) > 0) + STRENGTH["share"] * ((labels & SHARED) > 0)
    good += STRENGTH["save"] * standing(outcomes.operation(rows, SAVE))
    good += STRENGTH["follow"] * standing(outcomes.operation(rows, FOLLOW))
    good += STRENGTH["comment"] * (outcomes.commented_ms(rows) != ABSENT)
    good += STRENGTH["like"] * standing(outcomes.operation(rows, MORE_LIKE))
    watched = np.clip(watch_ms / np.maximum(duration_ms, 1), 0.0, 1.0)
    left = (watch_ms != ABSENT) & ((labels & (SKIPPED | LONG_VIEW | POSITIVE)) == 0)
    bad = (SKIP_WORTH * ((labels & SKIPPED) > 0) + SHORT_WORTH * left) * (1.0 - watched)
    bad += NEGATIVE_WORTH * ((labels & NEGATIVE) > 0)
    result: F32 = (np.minimum(good, 2.0) + bad).astype(np.float32)
    return result


def reward_time(outcomes: OutcomeTable, rows: I64) -> I64:
    """When an outcome earned its worth: its first event, or the latest standing positive, int64[n] ms."""
    at = outcomes.first_ms[rows].copy()
    for kind in (LIKE, SAVE, FOLLOW, NOT_INTERESTED, REPORT, MORE_LIKE):
        value = outcomes.operation(rows, kind)
        np.maximum(at, np.where(standing(value), value // 2, at), out=at)
    np.maximum(at, outcomes.shared_ms(rows), out=at)
    np.maximum(at, outcomes.commented_ms(rows), out=at)
    return at
