"""A logistic regression that learns online by Newton steps: few rows teach it much, whatever the scale of a feature.

River's own takes one gradient step a mini-batch, which needs thousands of rows where features are many and say nearly
the same. Here the curvature of all rows so far, slowly forgotten, is solved for each step (online Newton, Hazan,
Agarwal and Kale 2007), as the ranker does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from river import base

from streams.arrays.tables import F64

__all__ = ["NewtonLogistic"]

_STEADY = 1e-3  # share of a row's curvature that it has at least, however sure the model is of it


class NewtonLogistic(base.Classifier):  # type: ignore[misc]  # river ships no types
    """Binary classifier over arrays; O(n F² + F³) a step.

    ``start`` is the log-odds before anything was learnt, ``ridge`` how many units of curvature hold each weight at 0
    (the intercept is held by one), ``keep`` the share of curvature kept after each row, ``chunk`` the rows of one step.
    The number of features is that of the first rows.

    >>> model = NewtonLogistic()
    >>> for _ in range(99): _ = model.learn_many(np.array([[1.0], [-1.0]]), np.array([True, False]))
    >>> bool(model.probabilities(np.array([[1.0]]))[0] > 0.8)
    True
    """

    def __init__(self, start: float = 0.0, ridge: float = 20.0, keep: float = 0.9998, chunk: int = 16) -> None:
        self.start = start
        self.ridge = ridge
        self.keep = keep
        self.chunk = chunk
        self.weights: F64 = np.array([start])
        """The intercept, then one weight a feature."""
        self.curvature: F64 = np.eye(1)
        self._names: dict[str, int] = {}

    def probabilities(self, x: F64) -> F64:
        """Chance that each row of ``x`` float64[n, F] is positive, float64[n]."""
        self._widen(x.shape[1])
        result: F64 = 1.0 / (1.0 + np.exp(-np.clip(x @ self.weights[1:] + self.weights[0], -30.0, 30.0)))
        return result

    def learn_many(self, x: F64, y: Any, w: F64 | None = None) -> NewtonLogistic:
        """Learn rows ``x`` float64[n, F] and labels bool[n]; a negative weight takes a row back that was learnt."""
        self._widen(x.shape[1])
        weight = np.ones(len(x)) if w is None else w
        rows = np.concatenate((np.ones((len(x), 1)), x), axis=1)
        label = np.asarray(y, dtype=np.float64)
        for low in range(0, len(rows), self.chunk):
            part = slice(low, low + self.chunk)
            self._step(rows[part], label[part], weight[part])
        return self

    def learn_one(self, x: dict[Any, float], y: bool) -> NewtonLogistic:
        """One row by feature name; names not seen before get a weight of 0."""
        return self.learn_many(self._row(x), [y])

    def predict_proba_one(self, x: dict[Any, float]) -> dict[bool, float]:
        """Chance of each class; names not seen before are left out."""
        known = {name: value for name, value in x.items() if name in self._names}
        chance = float(self.probabilities(self._row(known))[0])
        return {False: 1.0 - chance, True: chance}

    def state(self) -> dict[str, F64]:
        """Everything a restored model needs to go on bit-equal."""
        return {"weights": self.weights, "curvature": self.curvature}

    def restore(self, arrays: dict[str, F64]) -> None:
        """Take over a ``state``."""
        self.weights, self.curvature = arrays["weights"].copy(), arrays["curvature"].copy()

    def _step(self, x: F64, y: F64, w: F64) -> None:
        chance = 1.0 / (1.0 + np.exp(-np.clip(x @ self.weights, -30.0, 30.0)))
        gradient = (w * (chance - y)) @ x
        # What is taken back had its curvature when it was learnt, and leaves it: less of it would make steps too long.
        steep = np.abs(w) * np.maximum(chance * (1.0 - chance), _STEADY)
        kept = self.keep ** len(x)
        self.curvature = self.curvature * kept + (x * steep[:, None]).T @ x + (1.0 - kept) * self._hold(x.shape[1])
        self.weights = self.weights - np.linalg.solve(self.curvature, gradient)

    def _hold(self, size: int) -> F64:
        held = np.full(size, self.ridge)
        held[0] = 1.0
        return np.diag(held)

    def _widen(self, features: int) -> None:
        """Make room for more features than there are yet."""
        missing = features + 1 - len(self.weights)
        if missing > 0:
            self.weights = np.concatenate((self.weights, np.zeros(missing)))
            grown = self._hold(features + 1)
            grown[:-missing, :-missing] = self.curvature
            self.curvature = grown

    def _row(self, x: dict[Any, float]) -> F64:
        for name in x:
            self._names.setdefault(name, len(self._names))
        row = np.zeros((1, max(len(self._names), len(self.weights) - 1)))
        for name, value in x.items():
            row[0, self._names[name]] = value
        return row
