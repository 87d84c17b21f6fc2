"""Tilt: what a video is expected to be worth to us, from what the heads predict and what the objective declares."""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.arrays.tables import F32, F64
from streams.control.tuning import DEFAULT, Objective
from streams.signals import objective

__all__ = ["HEADS", "tilt"]

HEADS: Final = {
    "complete": objective.COMPLETE,
    "rewatch": objective.REWATCHED,
    "share": objective.SHARED,
    "follow": objective.FOLLOWED,
    "comment": objective.COMMENTED,
    "save": objective.SAVED,
    "like": objective.LIKED,
    "long_view": objective.LONG_VIEW,
    "quality": objective.QUALITY,
    "skip": objective.SKIPPED,
    "not_interested": objective.NEGATIVE,
}
"""Head to the label bit it predicts, the strongest first; the objective has a weight for each."""
_LEAST: Final = 1e-3  # what is expected to be worth nothing, or less, is worth this


def tilt(x: F32, heads: tuple[F64, F64] | None, wanted: Objective) -> F64 | float:
    """What to add to the scores of feature rows ``x`` f32[n, F] under the objective ``wanted``, f64[n].

    ``heads`` are weights f64[heads, F] and intercepts f64[heads]. 0 under the default objective, which is what the
    ranker learns by, and as long as nothing is predicted.
    """
    if heads is None or wanted == DEFAULT.objective:
        return 0.0
    weights, intercepts = heads
    likely = 1.0 / (1.0 + np.exp(-np.clip(x @ weights.T + intercepts, -30.0, 30.0)))
    now, usual = (likely @ np.array([getattr(one, head) for head in HEADS]) for one in (wanted, DEFAULT.objective))
    result: F64 = np.log(np.maximum(now, _LEAST) / np.maximum(usual, _LEAST))
    return result
