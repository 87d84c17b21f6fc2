"""Heads: what a viewer will do with a video, one River classifier a question, learnt online in mini-batches.

Every row is predicted before it is learnt. Serving needs no River: weights are read out.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams import limits
from streams.arrays.tables import F32, F64
from streams.learning.logistic import NewtonLogistic
from streams.learning.progressive import Progressive
from streams.ranking.tilt import HEADS
from streams.signals.objective import Bits

__all__ = ["Heads"]

_START: Final = {
    "complete": -1.0, "rewatch": -2.5, "share": -5.0, "follow": -4.5, "comment": -3.5, "save": -4.0, "like": -3.5,
    "long_view": 0.0, "quality": 0.0, "skip": -1.0, "not_interested": -5.0,
}  # fmt: skip
"""Log-odds before anything was learnt: those of a common event mix."""


class Heads:
    """One classifier a head over ``names`` features.

    >>> heads = Heads(["x"])
    >>> heads.learn_many(np.ones((4, 1), np.float32), np.array([4, 4, 0, 4], np.uint16))
    >>> heads.probabilities(np.ones((1, 1), np.float32)).shape
    (1, 11)
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.refused = 0
        self.metrics = {head: Progressive() for head in HEADS}
        self.models = {head: NewtonLogistic(start) for head, start in _START.items()}

    def learn_many(self, x: F32, bits: Bits, weight: F64 | None = None, *, judge: bool = True) -> None:
        """Predict, note, learn: ``x`` float[n, F], label ``bits`` u16[n], ``weight`` float64[n] (negative takes back).

        Rows that are not finite are refused and counted; features are clipped to ``limits.FEATURE_CLIP``.
        """
        w = np.ones(len(x)) if weight is None else weight
        fine = np.isfinite(x).all(axis=1) & np.isfinite(w)
        self.refused += int((~fine).sum())
        if not fine.any():
            return
        rows = np.clip(x[fine].astype(np.float64), -limits.FEATURE_CLIP, limits.FEATURE_CLIP)
        w, bits = w[fine], bits[fine]
        guess = self.probabilities(rows) if judge else None
        for column, (head, mask) in enumerate(HEADS.items()):
            label = (bits & mask) > 0
            if guess is not None:
                self.metrics[head].add(guess[:, column], label, w)
            self.models[head].learn_many(rows, label, w)

    def arrays(self) -> tuple[F64, F64]:
        """Weights float64[heads, F] and intercepts float64[heads]: p = sigmoid(x @ w.T + b)."""
        weights, intercepts = np.zeros((len(HEADS), len(self.names))), np.zeros(len(HEADS))
        for at, head in enumerate(HEADS):
            learnt = self.models[head].weights
            weights[at, : len(learnt) - 1], intercepts[at] = learnt[1:], learnt[0]
        return weights, intercepts

    def probabilities(self, x: F32 | F64) -> F64:
        """Probability of each head, float64[n, heads]."""
        weights, intercepts = self.arrays()
        logits = np.clip(x.astype(np.float64) @ weights.T + intercepts, -30.0, 30.0)
        result: F64 = 1.0 / (1.0 + np.exp(-logits))
        return result

    def state(self) -> dict[str, F64]:
        """Everything a restored learner needs to go on bit-equal, by name."""
        arrays: dict[str, F64] = {}
        for head in HEADS:
            arrays |= {f"{head}.{name}": array for name, array in self.models[head].state().items()}
            arrays |= {f"{head}.metrics.{name}": array for name, array in self.metrics[head].state().items()}
        return arrays

    def restore(self, arrays: dict[str, F64]) -> None:
        """Take over a ``state``."""
        for head in HEADS:
            self.models[head].restore({name: arrays[f"{head}.{name}"] for name in self.models[head].state()})
            self.metrics[head].restore({name: arrays[f"{head}.metrics.{name}"] for name in self.metrics[head].state()})
