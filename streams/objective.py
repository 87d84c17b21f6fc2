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
from streams.tuning import DEFAULT

__all__ = [
    "COMMENTED", "COMPLETE", "FOLLOWED", "LIKED", "LONG_VIEW", "NEGATIVE", "POSITIVE", "SAVED", "SEEN", "SHARED",
    "SKIPPED", "WORTH", "Bits", "bits", "long_view", "reward",
]  # fmt: skip

SEEN, LONG_VIEW, LIKED, SHARED, SKIPPED, NEGATIVE, POSITIVE = (1 << at for at in range(7))
"""Label bits; POSITIVE: a like, save, follow, comment or share stands."""
COMPLETE, FOLLOWED, COMMENTED, SAVED = (1 << at for at in range(7, 11))
"""Further label bits; COMPLETE: watched to the end, of a video whose duration is known."""

WORTH: Final = DEFAULT.objective
"""Worth of each signal to a viewer's interests, in units of one finished long video; the good ones' sum is capped at 2.

A skip costs that before anything was seen, and nothing at the end of a video.
"""
USUAL_WORTH: Final = 0.2
"""About what a video is worth that the viewer neither likes nor dislikes; what is more speaks for its tags."""
SHORT_WORTH: Final = -0.4
"""Watched and left without a long view or anything better, at the very beginning; left late costs less."""

Bits = npt.NDArray[np.uint16]


def long_view(watch_ms: I64, duration_ms: I64) -> npt.NDArray[np.bool_]:
    """At least the whole video if it is 18 s or shorter, else at least 18 s; unknown duration: 18 s.

    >>> long_view(np.array([9_000, 9_000, 20_000]), np.array([9_000, 10_000, 60_000])).tolist()
    [True, False, True]
    """
    needed = np.where((duration_ms > 0) & (duration_ms <= 18_000), duration_ms, 18_000)
    result: npt.NDArray[np.bool_] = watch_ms >= needed
    return result


def bits(outcomes: OutcomeTable, rows: I64) -> Bits:
    """Label bits of each row, u16[n]."""
    watch_ms, duration_ms = outcomes.best_watch(rows), outcomes.duration_ms[rows]
    skipped = outcomes.ring(rows, SKIP).max(axis=1) != ABSENT
    followed, saved = (standing(outcomes.operation(rows, kind)) for kind in (FOLLOW, SAVE))
    liked, commented = standing(outcomes.operation(rows, LIKE)), outcomes.commented_ms(rows) != ABSENT
    shared = outcomes.shared_ms(rows) != ABSENT
    negative = standing(outcomes.operation(rows, NOT_INTERESTED)) | standing(outcomes.operation(rows, REPORT))
    positive = liked | shared | followed | saved | commented | standing(outcomes.operation(rows, MORE_LIKE))
    seen = (watch_ms != ABSENT) | skipped | (outcomes.ring(rows, IMPRESSION).max(axis=1) != ABSENT)
    long = (watch_ms != ABSENT) & long_view(watch_ms, duration_ms)
    complete = (duration_ms > 0) & (watch_ms >= duration_ms)
    made = seen * SEEN + long * LONG_VIEW + liked * LIKED + shared * SHARED
    made = made + (skipped & ~positive & ~long) * SKIPPED + negative * NEGATIVE + positive * POSITIVE
    made = made + complete * COMPLETE + followed * FOLLOWED + commented * COMMENTED + saved * SAVED
    result: Bits = made.astype(np.uint16)
    return result


def reward(outcomes: OutcomeTable, rows: I64, labels: Bits) -> F32:
    """Worth of each outcome, float32[n] in [-1.5, 2]."""
    watch_ms, duration_ms = outcomes.best_watch(rows), outcomes.duration_ms[rows]

    def earned(bit: int) -> npt.NDArray[np.bool_]:
        return (labels & bit) > 0

    good = WORTH.long_view * earned(LONG_VIEW) + WORTH.complete * (earned(COMPLETE) & (duration_ms > 18_000))
    good += WORTH.like * earned(LIKED) + WORTH.share * earned(SHARED) + WORTH.save * earned(SAVED)
    good += WORTH.follow * earned(FOLLOWED) + WORTH.comment * earned(COMMENTED)
    good += WORTH.like * standing(outcomes.operation(rows, MORE_LIKE))
    watched = np.clip(watch_ms / np.maximum(duration_ms, 1), 0.0, 1.0)
    left = (watch_ms != ABSENT) & ((labels & (SKIPPED | LONG_VIEW | POSITIVE)) == 0)
    bad = (WORTH.skip * earned(SKIPPED) + SHORT_WORTH * left) * (1.0 - watched)
    bad += WORTH.not_interested * earned(NEGATIVE)
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
