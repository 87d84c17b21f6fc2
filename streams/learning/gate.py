"""The gate: which snapshots may be served."""

from __future__ import annotations

import math

import numpy as np

from schemas.internal import ModelSnapshot

__all__ = ["refusal"]


def refusal(candidate: ModelSnapshot, served: ModelSnapshot | None, margin: float) -> str | None:
    """Why ``candidate`` may not replace ``served``, in a sentence; None if it may.

    Weights must be finite, made for the same features, and each log-loss not worse than ``margin`` (relative).
    """
    for name, raw in candidate.arrays.items():
        array = np.frombuffer(raw, dtype=candidate.dtypes[name])
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return f"{candidate.model} version {candidate.version}: {name} is not finite"
    if served is None:
        return None
    if candidate.feature_names != served.feature_names:
        return f"{candidate.model} version {candidate.version} was made for other features"
    for name, value in candidate.metrics.items():
        before = served.metrics.get(name, math.nan)
        if name.endswith("log_loss") and math.isfinite(before) and value > before * (1 + margin) + 1e-3:
            return f"{candidate.model} version {candidate.version}: {name} is {value:.4f}, was {before:.4f}"
    return None
