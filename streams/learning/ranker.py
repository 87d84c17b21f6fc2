"""The ranker: one linear score over good features, learnt online by softmax against uniform negatives.

A River estimator in the listwise setting: a group is a positive and negatives drawn uniformly, the loss is the softmax
cross-entropy over all candidates, estimated from the group: each negative stands for as many videos as it was drawn
from (Bengio and Senécal 2008, importance sampling of the softmax). The features are strongly correlated (one rate in
nine half-lives), so steps are those of an online Newton
method (Hazan, Agarwal and Kale 2007): the curvature of all groups so far, slowly forgotten, is solved for each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from river import base

from streams import limits
from streams.arrays.tables import F32, F64

__all__ = ["SoftmaxRanker"]


class SoftmaxRanker(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Linear softmax ranker with online Newton steps; O(F³) a step, F being some thirty.

    ``learn_many`` takes groups float[g, 1 + K, F], the positive first, and weights float[g]; ``score`` gives float64[n]
    for float[n, F]. ``prior`` float64[F] are the weights before learning, ``ridge`` how many units of curvature hold on
    to them, ``keep`` the share of curvature kept after each group.

    >>> ranker = SoftmaxRanker(np.zeros(1))
    >>> for _ in range(50): _ = ranker.learn_many(np.array([[[1.0], [0.0]]]))
    >>> bool(ranker.score(np.array([[1.0]]))[0] > ranker.score(np.array([[0.0]]))[0])
    True
    """

    def __init__(self, prior: Any, ridge: float = 10.0, keep: float = 0.9998) -> None:
        self.prior = prior
        self.ridge = ridge
        self.keep = keep
        self.weights: F64 = np.array(prior, dtype=np.float64)
        self.curvature: F64 = np.eye(len(self.weights)) * ridge
        self.loss = 0.0
        self.groups = 0

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"prior": np.zeros(3)}

    def score(self, x: F32 | F64) -> F64:
        """Scores of feature rows, float64[n]."""
        result: F64 = np.asarray(x, dtype=np.float64) @ self.weights
        return result

    def learn_many(self, groups: Any, weights: Any = None, offsets: Any = None, chunk: int = 4) -> SoftmaxRanker:
        """Predict, note the loss, then learn; one step for each ``chunk`` groups.

        ``offsets`` float[g, 1 + K] are added to the scores: the log of how many videos each row of a group stands for.

        Groups that are not finite are left out; features are clipped to ``limits.FEATURE_CLIP``.
        """
        x = np.asarray(groups, dtype=np.float64)
        w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
        o = np.zeros(x.shape[:2]) if offsets is None else np.asarray(offsets, dtype=np.float64)
        fine = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(w) & np.isfinite(o).all(axis=1)
        x, w, o = np.clip(x[fine], -limits.FEATURE_CLIP, limits.FEATURE_CLIP), w[fine], o[fine]
        for low in range(0, len(x), chunk):
            part = slice(low, low + chunk)
            self._step(x[part], w[part], o[part])
        return self

    def shares(self, groups: Any, offsets: Any = None) -> F64:
        """How likely each row of a group was to be the positive, float64[g, 1 + K]; nan where it is not finite."""
        x = np.clip(np.asarray(groups, dtype=np.float64), -limits.FEATURE_CLIP, limits.FEATURE_CLIP)
        logits = x @ self.weights + (0.0 if offsets is None else np.asarray(offsets, dtype=np.float64))
        return _softmax(logits)

    def _step(self, x: F64, w: F64, offset: F64) -> None:
        share = _softmax(x @ self.weights + offset)
        self.loss += float(-(w * np.log(np.maximum(share[:, 0], 1e-12))).sum())
        self.groups += len(x)
        mean = np.einsum("gk,gkf->gf", share, x)
        gradient = w @ (mean - x[:, 0])
        spread = ((x - mean[:, None, :]) * np.sqrt(share * w[:, None])[:, :, None]).reshape(-1, x.shape[2])
        kept = self.keep ** len(x)
        self.curvature *= kept
        self.curvature += spread.T @ spread + (1.0 - kept) * self.ridge * np.eye(x.shape[2])
        self.weights = self.weights - np.linalg.solve(self.curvature, gradient)

    def state(self) -> dict[str, F64]:
        """Everything a restored ranker needs to go on bit-equal."""
        rest = np.array([self.loss, float(self.groups)])
        return {"weights": self.weights, "curvature": self.curvature, "rest": rest}

    def restore(self, arrays: dict[str, F64]) -> None:
        """Take over a ``state``."""
        self.weights, self.curvature = arrays["weights"].copy(), arrays["curvature"].copy()
        self.loss, self.groups = float(arrays["rest"][0]), int(arrays["rest"][1])


def _softmax(logits: F64) -> F64:
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: F64 = share / share.sum(axis=1, keepdims=True)
    return result
