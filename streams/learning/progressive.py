"""Progressive validation: how good predictions were, each made before its row was learnt."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.tables import F64

__all__ = ["Progressive"]


class Progressive:
    """Log-loss, AUC and calibration over the latest ``rows``, exactly (no thresholds).

    >>> judge = Progressive()
    >>> judge.add(np.array([0.9, 0.2]), np.array([True, False]), np.ones(2))
    >>> judge.auc()
    1.0
    """

    def __init__(self, rows: int = limits.JUDGED) -> None:
        self._p, self._y, self._w = np.zeros((3, rows))
        self.count = 0

    def add(self, p: F64, y: npt.NDArray[np.bool_], w: F64) -> None:
        """Predictions float64[n] and what came, with weights; negative weights are left out."""
        p, y, w = p[w > 0], y[w > 0], w[w > 0]
        at = np.arange(self.count, self.count + len(p))[-len(self._p) :] % len(self._p)
        self._p[at], self._y[at], self._w[at] = p[-len(at) :], y[-len(at) :], w[-len(at) :]
        self.count += len(p)

    def log_loss(self) -> float:
        """Mean negative log-likelihood in nats; nan before the first row."""
        p, y, w = self._rows()
        p = np.clip(p, 1e-9, 1 - 1e-9)
        return float(-(w * np.where(y > 0, np.log(p), np.log(1 - p))).sum() / w.sum()) if len(p) else float("nan")

    def base_loss(self) -> float:
        """Log-loss of the mean outcome as the prediction, over the same rows: what is lost without knowing anything.

        0 where only one class was seen, nan before the first row. Log-loss divided by it does not move with how often
        things happen (He et al. 2014, normalised cross entropy).
        """
        _, y, w = self._rows()
        if not len(y):
            return float("nan")
        rate = float((w * y).sum() / w.sum())
        return -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate)) if 0 < rate < 1 else 0.0

    def auc(self) -> float:
        """Area under the ROC curve, ties at half; nan where only one class was seen."""
        p, y, w = self._rows()
        order = np.argsort(p, kind="stable")
        p, y, w = p[order], y[order], w[order]
        positive, negative = float(w[y > 0].sum()), float(w[y == 0].sum())
        if positive == 0 or negative == 0:
            return float("nan")
        edges = np.concatenate(([0], np.flatnonzero(np.diff(p)) + 1))
        below = np.add.reduceat(np.where(y == 0, w, 0.0), edges)
        above = np.add.reduceat(np.where(y > 0, w, 0.0), edges)
        return float((above * (np.cumsum(below) - below / 2)).sum() / (positive * negative))

    def calibration(self) -> float:
        """Mean prediction less mean outcome; nan before the first row."""
        p, y, w = self._rows()
        return float((w * (p - y)).sum() / w.sum()) if len(p) else float("nan")

    def state(self) -> dict[str, F64]:
        """The rows kept, for a learner's state."""
        return {"p": self._p, "y": self._y, "w": self._w, "count": np.array([float(self.count)])}

    def restore(self, arrays: dict[str, F64]) -> None:
        """Take over a ``state``."""
        self._p, self._y, self._w = arrays["p"].copy(), arrays["y"].copy(), arrays["w"].copy()
        self.count = int(arrays["count"][0])

    def _rows(self) -> tuple[F64, F64, F64]:
        size = min(self.count, len(self._p))
        return self._p[:size], self._y[:size], self._w[:size]
