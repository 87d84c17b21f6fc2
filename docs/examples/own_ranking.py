"""An own scorer and an own candidate source; docs/ports.md says how they are set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from schemas.catalogue import Video
from streams.ranking.features import FEATURES
from streams.ranking.ports import Asker

AGE = FEATURES.index("log_age")
PICKS = ["cat-1", "cat-2", "dog-1"]


def shorter_at_night(x: npt.NDArray[np.float32], asker: Asker, videos: Sequence[Video]) -> npt.NDArray[np.float64]:
    """Between ten and six, what is longer than a minute loses a third of a unit, and what is old a little more.

    The hour is that of the request, never that of the clock: a replay must give the same answer.
    """
    hour = datetime.fromtimestamp(asker.now_ms / 1_000, UTC).hour
    if 6 <= hour < 22:
        return np.zeros(len(videos))
    long = np.array([video.duration_ms > 60_000 for video in videos])
    return -0.33 * long - 0.02 * x[:, AGE].astype(np.float64)


def editors_picks(asker: Asker) -> Iterable[str]:
    """Videos that everybody should be considered for; they are filtered and ranked like all others."""
    return PICKS
