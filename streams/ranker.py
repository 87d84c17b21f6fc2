"""The ranker: one linear score over good features, learnt online by softmax against uniform negatives.

A River estimator in the listwise setting: a group is a positive and negatives drawn uniformly, the loss is the softmax
cross-entropy, the step is AdaGrad. Uniform negatives need no correction: the sampling term is the same for all of a
group and cancels in the softmax. Features are centred and scaled by running moments of what was seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from river import base

from streams.tables import F32, F64

__all__ = ["SoftmaxRanker"]


class SoftmaxRanker(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Linear softmax ranker with AdaGrad.

    ``learn_many`` takes groups float[g, 1 + K, F], the positive first, and weights float[g]; ``score`` gives float64[n]
    for float[n, F]. ``prior`` float64[F] are the weights before learning (on raw features) and the point that ``l2``
    pulls towards.

    >>> ranker = SoftmaxRanker(np.zeros(1))
    >>> for _ in range(50): _ = ranker.learn_many(np.array([[[1.0], [0.0]]]))
    >>> bool(ranker.score(np.array([[1.0]]))[0] > ranker.score(np.array([[0.0]]))[0])
    True
    """

    def __init__(self, prior: Any, step: float = 0.15, l2: float = 1e-4) -> None:
        self.prior = prior
        self.step = step
        self.l2 = l2
        self.weights: F64 = np.array(prior, dtype=np.float64)
        self.squares: F64 = np.zeros(len(self.weights))
        self.mean: F64 = np.zeros(len(self.weights))
        self.scale: F64 = np.ones(len(self.weights))
        self.seen = 0.0
        self.loss = 0.0
        self.groups = 0

    def score(self, x: F32 | F64) -> F64:
        """Scores of feature rows, float64[n]."""
        result: F64 = np.asarray(x, dtype=np.float64) @ self.weights
        return result

    def learn_many(self, groups: Any, weights: Any = None, chunk: int = 8) -> SoftmaxRanker:
        """Predict, note the loss, then learn; one AdaGrad step for each ``chunk`` groups. Non-finite groups are left
        out.
        """
        x = np.asarray(groups, dtype=np.float64)
        w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
        fine = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(w)
        x, w = np.clip(x[fine], -50.0, 50.0), w[fine]
        for low in range(0, len(x), chunk):
            self._step(x[low : low + chunk], w[low : low + chunk])
        return self

    def _step(self, x: F64, w: F64) -> None:
        self._moments(x)
        logits = x @ self.weights
        logits -= logits.max(axis=1, keepdims=True)
        share = np.exp(logits)
        share /= share.sum(axis=1, keepdims=True)
        self.loss += float(-(w * np.log(np.maximum(share[:, 0], 1e-12))).sum())
        self.groups += len(x)
        share[:, 0] -= 1.0
        gradient = np.einsum("g,gk,gkf->f", w, share, x) / len(x)
        gradient = gradient * self.scale + self.l2 * (self.weights - self.prior) / self.scale
        self.squares += gradient * gradient
        self.weights -= self.scale * self.step * gradient / np.sqrt(self.squares + 1e-8)

    def _moments(self, x: F64) -> None:
        """Running scale of each feature: steps are taken in units of its spread within groups."""
        spread = x.std(axis=1).mean(axis=0)
        self.seen += 1.0
        rate = max(1.0 / self.seen, 0.002)
        self.mean += rate * (spread - self.mean)
        self.scale = 1.0 / np.maximum(self.mean, 0.05)

    def state(self) -> dict[str, F64]:
        """Everything a restored ranker needs to go on bit-equal."""
        rest = np.array([self.seen, self.loss, float(self.groups)])
        return {"weights": self.weights, "squares": self.squares, "mean": self.mean, "scale": self.scale, "rest": rest}

    def restore(self, arrays: dict[str, F64]) -> None:
        """Take over a ``state``."""
        self.weights, self.squares = arrays["weights"].copy(), arrays["squares"].copy()
        self.mean, self.scale = arrays["mean"].copy(), arrays["scale"].copy()
        self.seen, self.loss, self.groups = float(arrays["rest"][0]), float(arrays["rest"][1]), int(arrays["rest"][2])
