"""Sequential inference: looking a thousand times finds a difference that is not there no more often than declared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from agents.evaluate.sequential import LEAST, difference, radius, uncertainty

RUNS, UNITS, LOOKS = 400, 4_000, 1_000
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
OUTCOMES: dict[str, Draw] = {
    "watch time": lambda rng, shape: rng.gamma(0.5, 200.0, shape),
    "long tail": lambda rng, shape: np.exp(rng.normal(0.0, 1.2, shape)),
    "came back": lambda rng, shape: (rng.random(shape) < 0.3).astype(float),
    "reports": lambda rng, shape: (rng.random(shape) < 0.02).astype(float),
}


def looks(draw: Draw, effect: float = 0.0, share: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of simulated experiments: differences (0 before the first look), their variances, and units: f64[runs, looks]."""
    rng = np.random.default_rng(11)
    values, treated = draw(rng, (RUNS, UNITS)), rng.random((RUNS, UNITS)) < share
    values = values + effect * treated
    at = np.unique(np.linspace(2 * LEAST, UNITS, LOOKS).astype(int) - 1)
    sides = []
    for side in (treated, ~treated):
        n = np.maximum(side.cumsum(axis=1)[:, at], 2)
        mean = (values * side).cumsum(axis=1)[:, at] / n
        square = (values**2 * side).cumsum(axis=1)[:, at] / n
        sides.append((mean, (square - mean**2) * n / (n - 1), n))
    (one, var, n), (other, other_var, m) = sides
    early = np.minimum(n, m) < LEAST
    return np.where(early, 0.0, one - other), uncertainty(var, n, other_var, m), n + m


@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_two_equal_arms_differ_at_any_of_a_thousand_looks_in_no_more_runs_than_the_level_says(outcome, share):
    found, variance, units = looks(OUTCOMES[outcome], share=share)
    wrong = (np.abs(found) > radius(variance, units, 0.05)).any(axis=1).mean()
    naive = (np.abs(found) > 1.96 * np.sqrt(variance)).any(axis=1).mean()
    print(f"\n{outcome}, share {share}: {wrong:.3f} against {naive:.3f} of fixed intervals")
    assert wrong <= 0.05
    assert naive > 0.1, "the test would notice"


def test_a_difference_that_is_there_is_found_and_the_interval_holds_it():
    found, variance, units = looks(OUTCOMES["watch time"], effect=25.0)
    reach = radius(variance, units, 0.05)
    assert (np.abs(found) > reach).any(axis=1).mean() > 0.95
    assert (np.abs(found - 25.0) > reach).any(axis=1).mean() <= 0.05


def test_the_interval_is_that_of_the_formula_and_there_is_none_before_enough_units():
    rng = np.random.default_rng(2)
    one, other = rng.normal(1.0, 1.0, 300), rng.normal(0.0, 1.0, 200)
    found = difference(one, other, 0.05)
    variance = uncertainty(one.var(ddof=1), 300, other.var(ddof=1), 200)
    assert found.high - found.value == pytest.approx(float(radius(variance, 500, 0.05)))
    assert found.found
    few = difference(one[: LEAST - 1], other)
    assert np.isnan(few.low)
    assert not few.found
    assert np.isnan(difference(one[:0], other).value)
