"""Off-policy estimates: what another way of choosing would have earned, from a log of choices whose odds are known.

Each row of a log is one choice: what it earned, how likely the choice was when it was made (``logged``) and how likely
the other policy would have made it (``target``). Rows of one cluster (a viewer) may depend on each other; clusters may
not. What the log never tried, nothing here can tell.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Estimate", "doubly_robust", "ips", "mean", "smoothed", "snips"]

F64 = npt.NDArray[np.float64]
_Z95: Final = 1.959964


class Estimate(NamedTuple):
    """A mean reward and its 95 % interval; ``effective`` is how many rows of the target's own it is worth (Kish)."""

    value: float
    low: float
    high: float
    effective: float

    def covers(self, truth: float) -> bool:
        """Whether the interval holds ``truth``."""
        return self.low <= truth <= self.high


def mean(rewards: F64, clusters: Any = None) -> Estimate:
    """What the log itself earned, ``rewards`` f64[n] (``clusters``: whose row each is, [n]; None: each its own).

    >>> mean(np.array([0.0, 1.0, 0.0, 1.0])).value
    0.5
    """
    return _linear(rewards, np.ones(len(rewards)), clusters)


def ips(rewards: F64, target: F64, logged: F64, clusters: Any = None) -> Estimate:
    """Inverse propensity scores (Horvitz and Thompson 1952): unbiased, wide where the policies differ. All f64[n].

    >>> ips(np.array([1.0, 0.0]), np.array([0.25, 0.75]), np.array([0.5, 0.5])).value
    0.25
    """
    weights = target / logged
    return _linear(weights * rewards, weights, clusters)


def snips(rewards: F64, target: F64, logged: F64, clusters: Any = None) -> Estimate:
    """The same divided by the sum of the weights (Swaminathan and Joachims 2015): slightly biased, often narrower.

    >>> snips(np.array([1.0, 1.0]), np.array([0.25, 0.5]), np.array([0.5, 0.5])).value
    1.0
    """
    weights = target / logged
    value = float(weights @ rewards / weights.sum())
    around = _linear(weights * (rewards - value) / weights.mean(), weights, clusters)
    reach = around.high - around.value
    return Estimate(value, value - reach, value + reach, around.effective)


def doubly_robust(
    rewards: F64, target: F64, logged: F64, expected: F64, expected_target: F64, clusters: Any = None
) -> Estimate:
    """A model of the rewards, corrected by the log (Dudík, Langford, Li 2011): right if either model or odds are.

    ``expected`` f64[n] is the model's reward of the choice made, ``expected_target`` f64[n] its mean over the target's
    choices. Neither may have learnt from its own row.

    >>> half = np.array([0.5, 0.5])
    >>> doubly_robust(np.array([1.0, 0.0]), half, half, np.array([1.0, 0.0]), half).value
    0.5
    """
    weights = target / logged
    return _linear(expected_target + weights * (rewards - expected), weights, clusters)


def smoothed(rewards: F64, choices: Any, count: int, prior: float = 20.0, folds: int = 5) -> F64:
    """Mean reward of each of ``count`` choices, learnt from the other folds: f64[folds, count]; row i is of fold
    ``i % folds``. ``prior`` rows of the mean of all stand beside each choice's own.
    """
    rows = np.arange(len(rewards))
    made = np.empty((folds, count))
    for fold in range(folds):
        other = rows % folds != fold
        earned = np.bincount(choices[other], weights=rewards[other], minlength=count)
        tried = np.bincount(choices[other], minlength=count)
        made[fold] = (earned + prior * rewards[other].mean()) / (tried + prior)
    return made


def _linear(terms: F64, weights: F64, clusters: Any) -> Estimate:
    """Mean of ``terms`` with a normal interval; rows of one cluster move together."""
    n = len(terms)
    value = float(terms.mean())
    away = terms - value
    if clusters is not None:
        away = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=away).astype(np.float64)
    groups = len(away)
    error = math.sqrt(float(away @ away) * groups / max(groups - 1, 1)) / n
    effective = float(weights.sum() ** 2 / max(float(weights @ weights), 1e-300))
    return Estimate(value, value - _Z95 * error, value + _Z95 * error, effective)
