"""The gate: which snapshots may be served."""

from __future__ import annotations

import math

import numpy as np

from schemas.internal import ModelSnapshot
from streams import limits

__all__ = ["refusal"]


def refusal(candidate: ModelSnapshot, served: ModelSnapshot | None, margin: float) -> str | None:
    """Why ``candidate`` may not replace ``served``, in a sentence; None if it may.

    Weights must be finite, made for the same features, and each log-loss, as a share of what is lost without knowing
    anything, not worse than ``margin`` (relative). So a change of how often things happen holds nothing back, nor does
    one ``served`` that was judged over a few rows only.
    """
    for name, raw in candidate.arrays.items():
        array = np.frombuffer(raw, dtype=candidate.dtypes[name])
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return f"{candidate.model} version {candidate.version}: {name} is not finite"
    if served is None:
        return None
    if candidate.feature_names != served.feature_names:
        return f"{candidate.model} version {candidate.version} was made for other features"
    for name in candidate.metrics:
        head, told, _ = name.partition("_log_loss")
        if not told or served.metrics.get(f"{head}_rows", 0.0) < limits.GATED:
            continue
        now, before = _share(candidate, head), _share(served, head)
        if now > before * (1 + margin) + 1e-3:  # never, where one of them is not known
            return (
                f"{candidate.model} version {candidate.version}: {name} is {now:.4f} of what is lost without a model, "
                f"was {before:.4f}"
            )
    return None


def _share(made: ModelSnapshot, head: str) -> float:
    """Log-loss of a head as a share of that of the mean outcome; nan where there is none."""
    base = made.metrics.get(f"{head}_base_loss", math.nan)
    return made.metrics.get(f"{head}_log_loss", math.nan) / base if base > 0 else math.nan
