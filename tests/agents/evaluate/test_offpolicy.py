"""Off-policy estimates: their intervals hold the truth as often as they say, and stand beside real truths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.evaluate.offpolicy import Estimate, doubly_robust, ips, mean, smoothed, snips
from benchmarks.offpolicy import measured, table

RUNS, ROWS, CHOICES = 400, 1_500, 10


def policies(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reward rates by context and choice, and the odds of a logging and of a target policy."""
    rates = rng.beta(1.0, 4.0, (3, CHOICES))
    logged = rng.dirichlet(np.full(CHOICES, 2.0), 3) * 0.8 + 0.2 / CHOICES
    target = np.exp(4.0 * rates)
    return rates, logged, target / target.sum(axis=1, keepdims=True)


def estimated(
    rng: np.random.Generator, rates: np.ndarray, logged: np.ndarray, target: np.ndarray
) -> dict[str, Estimate]:
    context = rng.integers(0, 3, ROWS)
    choice = (rng.random(ROWS)[:, None] > logged[context].cumsum(axis=1)).sum(axis=1).clip(0, CHOICES - 1)
    reward = (rng.random(ROWS) < rates[context, choice]).astype(float)
    wanted, odds = target[context, choice], logged[context, choice]
    model, fold = smoothed(reward, choice, CHOICES), np.arange(ROWS) % 5
    over = (target[context] * model[fold]).sum(axis=1)
    return {
        "ips": ips(reward, wanted, odds),
        "snips": snips(reward, wanted, odds),
        "dr": doubly_robust(reward, wanted, odds, model[fold, choice], over),
        "naive": mean(reward),
    }


def test_intervals_hold_the_truth_at_their_level_on_generated_data():
    rng = np.random.default_rng(17)
    held: dict[str, list[bool]] = {"ips": [], "snips": [], "dr": [], "naive": []}
    widths: dict[str, list[float]] = {name: [] for name in held}
    for _ in range(RUNS):
        rates, logged, target = policies(rng)
        truth = float((rates * target).sum(axis=1).mean())
        for name, one in estimated(rng, rates, logged, target).items():
            held[name].append(one.covers(truth))
            widths[name].append(one.high - one.low)
    shares = {name: np.mean(flags) for name, flags in held.items()}
    print(f"\n{shares}")
    for name in ("ips", "snips", "dr"):
        # 95 % less and more than three standard errors of 400 runs.
        assert 0.915 <= shares[name] <= 0.985
    assert shares["naive"] < 0.5, "what was logged is not what the target earns"
    assert np.mean(widths["dr"]) < np.mean(widths["ips"])


def test_rows_of_one_viewer_count_as_one_where_they_move_together():
    rng = np.random.default_rng(4)
    viewers = np.repeat(np.arange(100), 20)
    truth, held, wrong = 0.5, [], []
    for _ in range(300):
        rewards = (rng.random(2_000) < rng.beta(2.0, 2.0, 100)[viewers]).astype(float)
        held.append(mean(rewards, viewers).covers(truth))
        wrong.append(mean(rewards).covers(truth))
    assert 0.915 <= np.mean(held) <= 0.985
    assert np.mean(wrong) < 0.85


def test_a_model_that_knows_all_leaves_no_width_and_one_that_knows_nothing_no_bias():
    odds, target = np.full(4, 0.5), np.array([0.9, 0.1, 0.9, 0.1])
    rewards = np.array([1.0, 0.0, 1.0, 0.0])
    perfect = doubly_robust(rewards, target, odds, rewards, np.full(4, 0.9))
    assert (perfect.value, perfect.low, perfect.high) == pytest.approx((0.9, 0.9, 0.9))
    nothing = doubly_robust(rewards, target, odds, np.zeros(4), np.zeros(4))
    assert nothing == ips(rewards, target, odds)


def test_no_fold_learns_from_itself():
    rewards = np.array([1.0, 0.0, 0.0, 0.0])
    model = smoothed(rewards, np.array([0, 0, 1, 1]), 2, prior=0.0001, folds=2)
    assert model[0, 0] == pytest.approx(0.0, abs=1e-3), "the click is of fold 0"
    assert model[1, 0] == pytest.approx(1.0, abs=1e-3)


def test_estimates_stand_beside_the_truths_on_open_bandit_data(open_bandit: Path):
    found = measured(open_bandit)
    print(f"\n{table(found)}")
    assert len(found) == 6
    for row in found.values():
        for name in ("IPS", "SNIPS", "DR"):
            assert row[name].low <= row["truth"].high, "the two intervals meet"
            assert row[name].high >= row["truth"].low
    held = [row[name].covers(row["truth"].value) for row in found.values() for name in ("IPS", "SNIPS", "DR")]
    assert np.mean(held) >= 0.8, "the truths have widths of their own"
