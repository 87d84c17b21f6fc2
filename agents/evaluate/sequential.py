"""Sequential inference: intervals that hold at every look at once, so that an experiment may be read at any time.

A fixed interval of 95 % read a thousand times is wrong in far more than 5 % of experiments. A confidence sequence is
wrong at any look in at most so many. It is wider for that, by about the root of a logarithm.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST", "TUNED", "Difference", "difference", "radius", "uncertainty"]

F64 = npt.NDArray[np.float64]

LEAST: Final = 30
"""Units in each arm before the first look: below it a variance is too uncertain for the normal approximation."""
TUNED: Final = 1_000
"""Units at which the sequence is narrowest. It is fixed before any data, as the guarantee demands."""


class Difference(NamedTuple):
    """Mean of one arm less that of another over so many units each; no interval (NaN) before ``LEAST``."""

    value: float
    low: float
    high: float
    n: int
    n_other: int

    @property
    def found(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0.0 or self.high < 0.0


def difference(one: F64, other: F64, alpha: float = 0.05) -> Difference:
    """Mean of ``one`` f64[n] less that of ``other`` f64[m], with an interval that holds at all looks with 1 - alpha.

    Each number is one independent unit (a viewer), taken in the order in which units were complete. Asymptotic in the
    first look, ``LEAST`` (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: Time-uniform central limit theory, 2021).

    >>> found = difference(np.arange(40.0) + 30, np.arange(40.0))
    >>> found.value, found.found
    (30.0, True)
    """
    n, m = len(one), len(other)
    value = float(one.mean() - other.mean()) if n and m else math.nan
    if min(n, m) < LEAST:
        return Difference(value, math.nan, math.nan, n, m)
    variance = uncertainty(one.var(ddof=1), n, other.var(ddof=1), m)
    reach = float(radius(variance, n + m, alpha))
    return Difference(value, value - reach, value + reach, n, m)


def uncertainty(one: Any, n: Any, other: Any, m: Any) -> F64:
    """Variance of the difference of two means, from the variances within arms of ``n`` and ``m`` units; any one shape.

    The greater of two: each arm's own variance, and one for both. In a small arm that has not met a rare outcome yet
    its own is far too small, just where its mean is too.

    >>> float(uncertainty(1.0, 10, 3.0, 10)), round(float(uncertainty(0.0, 10, 1.0, 100)), 3)
    (0.4, 0.101)
    """
    n, m = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    both = ((n - 1.0) * one + (m - 1.0) * other) / (n + m - 2.0)
    result: F64 = np.maximum(one / n + other / m, both * (1.0 / n + 1.0 / m))
    return result


def radius(variance: Any, n: Any, alpha: float) -> F64:
    """Half the width of the interval, of the shape of ``variance`` (of the estimate, f64) and ``n`` (units in all).

    >>> float(radius(0.01, 1_000, 0.05).round(3)), round(1.96 * 0.1, 3)
    (0.304, 0.196)
    """
    n = np.asarray(n, dtype=np.float64)
    log = -2.0 * math.log(alpha)
    rho2 = (log + math.log(log + 1.0)) / TUNED
    spread = n * rho2 + 1.0
    wider = 2.0 * spread / (n * rho2) * (0.5 * np.log(spread) - math.log(alpha))
    result: F64 = np.sqrt(np.asarray(variance) * wider)
    return result
