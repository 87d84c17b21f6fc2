"""The gate serves what is finite, made for the same features and not worse than the margin; it says why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.internal import ModelSnapshot
from streams import limits
from streams.learning.gate import refusal
from streams.learning.snapshots import snapshot


def made(weights: list[float] | None = None, version: int = 2, names: str = "ab", **metrics: float) -> ModelSnapshot:
    arrays: dict[str, Any] = {"w": np.array(weights or [1.0, 2.0]), "version": np.array([7], dtype=np.int64)}
    return snapshot("heads", version, 0, arrays, metrics, list(names))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("served", [None, made(version=1)])
def test_weights_that_are_not_finite_are_refused_even_as_the_first(poison, served):
    assert refusal(made([1.0, poison]), served, 0.05) == "heads version 2: w is not finite"


def test_the_first_finite_snapshot_is_served():
    assert refusal(made(like_log_loss=9.0), None, 0.05) is None


def test_other_features_are_refused():
    assert refusal(made(names="ba"), made(names="ab"), 0.05) == "heads version 2 was made for other features"


def judged(loss: float, version: int = 2, base: float = 0.5, rows: float = limits.GATED) -> ModelSnapshot:
    return made(version=version, like_log_loss=loss, like_base_loss=base, like_rows=rows)


@pytest.mark.parametrize(("loss", "passes"), [(0.19, True), (0.209, True), (0.213, False), (5.0, False)])
def test_a_log_loss_may_be_worse_by_the_margin_and_no_more(loss, passes):
    verdict = refusal(judged(loss), judged(0.2, version=1), 0.05)
    assert (verdict is None) == passes
    if not passes:
        said = f"heads version 2: like_log_loss is {loss / 0.5:.4f} of what is lost without a model, was 0.4000"
        assert verdict == said


@pytest.mark.parametrize("before", [{}, {"like_log_loss": float("nan"), "like_rows": 9e9}, {"like_rows": 9e9}])
def test_what_was_never_measured_holds_nothing_back(before):
    assert refusal(judged(3.0), made(version=1, **before), 0.05) is None


def test_a_loss_that_was_luck_over_a_few_rows_holds_nothing_back():
    assert refusal(judged(0.22), judged(0.098, version=1, rows=limits.GATED - 1), 0.05) is None
    assert refusal(judged(0.22), judged(0.098, version=1, rows=limits.GATED), 0.05) is not None


def test_what_happens_more_often_is_not_taken_for_a_worse_model():
    assert refusal(judged(0.4, base=0.6), judged(0.2, version=1, base=0.3), 0.0) is None


def test_where_only_one_outcome_was_seen_nothing_is_held_back():
    assert refusal(judged(0.4), judged(0.0, version=1, base=0.0), 0.0) is None


def test_other_metrics_may_move_freely():
    assert refusal(made(like_auc=0.1), made(version=1, like_auc=0.9), 0.05) is None
