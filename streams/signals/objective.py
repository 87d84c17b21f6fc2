"""The objective: what an outcome is worth. The one place that says what a skip costs.

Bits summarise an outcome; the reward is a bounded function of the bits and of how far the video was watched, against
what is usual for its length. What the words mean is defined in ``watching``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.tables import F32, I64
from streams.control.tuning import DEFAULT, Signals
from streams.shards.columns import ABSENT, FOLLOW, IMPRESSION, LIKE, MORE_LIKE, NOT_INTERESTED, REPORT, SAVE
from streams.signals.outcomes import UNJUDGED, OutcomeTable, standing
from streams.signals.watching import LONG_MS, Watched, complete, kept_quality, long_view

__all__ = [
    "COMMENTED", "COMPLETE", "FOLLOWED", "LIKED", "LONG_VIEW", "NEGATIVE", "POSITIVE", "QUALITY", "REWATCHED", "SAVED",
    "SEEN", "SHARED", "SKIPPED", "WORTH", "Bits", "bits", "reward",
]  # fmt: skip

SEEN, LONG_VIEW, LIKED, SHARED, SKIPPED, NEGATIVE, POSITIVE = (1 << at for at in range(7))
"""Label bits; POSITIVE: a like, save, follow, comment or share stands."""
COMPLETE, FOLLOWED, COMMENTED, SAVED, REWATCHED, QUALITY = (1 << at for at in range(7, 13))
"""Further label bits; COMPLETE: watched to the end, of a video whose duration is known. QUALITY: watched longer than
most do with videos of that length.
"""

WORTH: Final = DEFAULT.objective
"""Worth of each signal to a viewer's interests, in units of one finished long video; the good ones' sum is capped at 2.

A skip costs that before anything was seen, and nothing where hardly anybody sees more of videos as long.
"""
USUAL_QUALITY: Final = 127
"""From here on, half of all, a watch is longer than usual."""
USUAL_WORTH: Final = 0.2
"""About what a video is worth that the viewer neither likes nor dislikes; what is more speaks for its tags."""
SHORT_WORTH: Final = -0.4
"""Watched and left without a long view or anything better, at the very beginning; left late costs less."""

Bits = npt.NDArray[np.uint16]


def bits(outcomes: OutcomeTable, rows: I64, seen: Watched, signals: Signals) -> Bits:
    """Label bits of each row, u16[n]; ``seen`` is what the rows tell of watching.

    What was only watched in vain, through no doing of the viewer's, was not seen.
    """
    there = seen.ms != ABSENT
    followed, saved = (standing(outcomes.operation(rows, kind)) for kind in (FOLLOW, SAVE))
    liked, shared = standing(outcomes.operation(rows, LIKE)), outcomes.shared_ms(rows) != ABSENT
    commented = outcomes.commented_ms(rows, signals.harsh) != ABSENT
    negative = standing(outcomes.operation(rows, NOT_INTERESTED)) | standing(outcomes.operation(rows, REPORT))
    positive = liked | shared | followed | saved | commented | standing(outcomes.operation(rows, MORE_LIKE))
    long = there & long_view(seen.ms, seen.duration_ms)
    met = there | seen.skipped | (outcomes.ring(rows, IMPRESSION).max(axis=1) != ABSENT)
    skipped = seen.skipped & ~positive & ~long
    well = there & ~skipped & (outcomes.quality[rows] >= USUAL_QUALITY) & (outcomes.quality[rows] != UNJUDGED)
    made = (met & ~(seen.excused & ~long & ~positive)) * SEEN + long * LONG_VIEW + liked * LIKED + shared * SHARED
    made = made + skipped * SKIPPED + negative * NEGATIVE + positive * POSITIVE
    made = made + (there & complete(seen.ms, seen.duration_ms)) * COMPLETE + (there & seen.looped) * REWATCHED
    made = made + followed * FOLLOWED + commented * COMMENTED + saved * SAVED + well * QUALITY
    result: Bits = made.astype(np.uint16)
    return result


def reward(outcomes: OutcomeTable, rows: I64, labels: Bits, seen: Watched, signals: Signals) -> F32:
    """Worth of each outcome, float32[n] in [-1.5, 2]."""
    quality = kept_quality(outcomes, rows)

    def earned(bit: int) -> npt.NDArray[np.bool_]:
        return (labels & bit) > 0

    good = WORTH.long_view * earned(LONG_VIEW) + WORTH.complete * (earned(COMPLETE) & (seen.duration_ms > LONG_MS))
    good += WORTH.rewatch * earned(REWATCHED) + WORTH.quality * earned(QUALITY) * np.maximum(2.0 * quality - 1.0, 0.0)
    good += WORTH.like * earned(LIKED) + WORTH.share * earned(SHARED) + WORTH.save * earned(SAVED)
    good += WORTH.follow * earned(FOLLOWED) + WORTH.comment * earned(COMMENTED)
    good += WORTH.like * standing(outcomes.operation(rows, MORE_LIKE))
    good += np.minimum(signals.gesture * outcomes.gestured(rows), limits.GESTURES)
    left = (seen.ms != ABSENT) & ~seen.excused & ((labels & (SKIPPED | LONG_VIEW | POSITIVE)) == 0)
    bad = (WORTH.skip * earned(SKIPPED) + SHORT_WORTH * left) * (1.0 - quality**2)
    bad += WORTH.not_interested * earned(NEGATIVE)
    result: F32 = (np.minimum(good, 2.0) + bad).astype(np.float32)
    return result


def reward_time(outcomes: OutcomeTable, rows: I64, harsh: bool = False) -> I64:
    """When an outcome earned its worth: its first event, or the latest standing positive, int64[n] ms.

    ``harsh``: a clearly negative comment is one, too.
    """
    at = outcomes.first_ms[rows].copy()
    for kind in (LIKE, SAVE, FOLLOW, NOT_INTERESTED, REPORT, MORE_LIKE):
        value = outcomes.operation(rows, kind)
        np.maximum(at, np.where(standing(value), value // 2, at), out=at)
    np.maximum(at, outcomes.shared_ms(rows), out=at)
    np.maximum(at, outcomes.commented_ms(rows, harsh), out=at)
    return at
