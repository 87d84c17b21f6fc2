"""Heads: what a viewer will do with a video, one River pipeline a question, learnt online in mini-batches.

Each head is ``StandardScaler | LogisticRegression``. Every row is predicted before it is learnt. Serving needs no
River: weights are read out with the scaling folded in.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from river import compose, linear_model, optim, preprocessing

from streams import limits
from streams.learning.metrics import Progressive
from streams.objective import Bits
from streams.tables import F32, F64
from streams.worth import HEADS

__all__ = ["Heads"]

_START: Final = {
    "complete": -1.0, "share": -5.0, "follow": -4.5, "comment": -3.5, "save": -4.0, "like": -3.5, "long_view": 0.0,
    "skip": -1.0, "not_interested": -5.0,
}  # fmt: skip
"""Intercepts before anything was learnt: the log-odds of a common event mix."""


class Heads:
    """One pipeline a head over ``names`` features.

    >>> heads = Heads(["x"])
    >>> heads.learn_many(np.ones((4, 1), np.float32), np.array([4, 4, 0, 4], np.uint16))
    >>> heads.probabilities(np.ones((1, 1), np.float32)).shape
    (1, 9)
    """

    def __init__(self, names: list[str], rate: float = 0.1) -> None:
        self.names = names
        self.refused = 0
        self.metrics = {head: Progressive() for head in HEADS}
        self._rate = rate
        self.pipelines: dict[str, Any] = {head: self._pipeline(head) for head in HEADS}

    def _pipeline(self, head: str) -> Any:
        steps = optim.AdaGrad(self._rate)
        # AdaGrad's first steps are as long as its rate, in every direction at once. Many features that say the same
        # would overshoot together; so the squares start as if each had moved as often as there are features.
        steps.g2.update(dict.fromkeys(self.names, float(len(self.names))))
        model = linear_model.LogisticRegression(steps, intercept_init=_START[head], intercept_lr=0.5, l2=1e-6)
        return compose.Pipeline(preprocessing.StandardScaler(), model)

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
        frame, w, bits = pd.DataFrame(rows, columns=self.names), w[fine], bits[fine]
        guess = self.probabilities(rows) if judge else None
        for column, (head, mask) in enumerate(HEADS.items()):
            label = (bits & mask) > 0
            if guess is not None:
                self.metrics[head].add(guess[:, column], label, w)
            self.pipelines[head].learn_many(frame, pd.Series(label), w=pd.Series(w))

    def arrays(self) -> tuple[F64, F64]:
        """Weights float64[heads, F] and intercepts float64[heads], scaling folded in: p = sigmoid(x @ w.T + b)."""
        weights, intercepts = np.zeros((len(HEADS), len(self.names))), np.zeros(len(HEADS))
        for at, head in enumerate(HEADS):
            scaler, model = self._parts(head)
            own = np.array([model.weights.get(name, 0.0) for name in self.names])
            mean = np.array([scaler.means[name] for name in self.names])
            spread = np.sqrt(np.array([scaler.vars[name] for name in self.names]))
            scaled = np.divide(own, spread, out=np.zeros_like(own), where=spread > 0)
            weights[at], intercepts[at] = scaled, model.intercept - float(scaled @ mean)
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
            scaler, model = self._parts(head)
            own = {
                "means": [scaler.means[name] for name in self.names],
                "vars": [scaler.vars[name] for name in self.names],
                "counts": [float(scaler.counts[name]) for name in self.names],
                "weights": [model.weights.get(name, 0.0) for name in self.names],
                "squares": [model.optimizer.g2[name] for name in self.names],
                "rest": [model.intercept, float(model.optimizer.n_iterations)],
            }
            arrays |= {f"{head}.{name}": np.array(values, dtype=np.float64) for name, values in own.items()}
            arrays |= {f"{head}.metrics.{name}": array for name, array in self.metrics[head].state().items()}
        return arrays

    def restore(self, arrays: dict[str, F64]) -> None:
        """Take over a ``state``."""
        for head in HEADS:
            self.pipelines[head] = self._pipeline(head)
            scaler, model = self._parts(head)
            learnt = dict(zip(self.names, arrays[f"{head}.weights"].tolist(), strict=True))
            model._weights.update(learnt)
            for at, name in enumerate(self.names):
                scaler.means[name] = float(arrays[f"{head}.means"][at])
                scaler.vars[name] = float(arrays[f"{head}.vars"][at])
                scaler.counts[name] = int(arrays[f"{head}.counts"][at])
                model.optimizer.g2[name] = float(arrays[f"{head}.squares"][at])
            model.intercept = float(arrays[f"{head}.rest"][0])
            model.optimizer.n_iterations = int(arrays[f"{head}.rest"][1])
            self.metrics[head].restore({name: arrays[f"{head}.metrics.{name}"] for name in self.metrics[head].state()})

    def _parts(self, head: str) -> tuple[Any, Any]:
        steps = list(self.pipelines[head].steps.values())
        return steps[0], steps[1]
