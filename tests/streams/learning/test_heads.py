"""Heads: each row is judged before it is learnt, poison teaches nothing, a correction undoes what was learnt wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streams.learning.heads import Heads
from streams.learning.join import Corrected
from streams.ranking.tilt import HEADS

NAMES = ["a", "b"]
LIKE = list(HEADS).index("like")


def rows(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Likes follow the first feature."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)).astype(np.float32)
    liked = rng.random(count) < 1 / (1 + np.exp(-3 * x[:, 0]))
    return x, np.where(liked, HEADS["like"], 0).astype(np.uint16)


def auc_by_pairs(p: list[float], y: list[bool]) -> float:
    """Share of (positive, negative) pairs in the right order, ties half: the definition, in O(n²)."""
    wins = [(a > b) + 0.5 * (a == b) for a, up in zip(p, y, strict=True) if up
            for b, down in zip(p, y, strict=True) if not down]  # fmt: skip
    return sum(wins) / len(wins)


def test_every_row_is_predicted_before_it_is_learnt():
    """The exported figures equal those of predictions asked for before each batch, computed here from scratch."""
    heads, said, came = Heads(NAMES), [], []
    for seed in range(10):
        x, bits = rows(seed, 40)
        said += heads.probabilities(np.asarray(x, dtype=np.float64))[:, LIKE].tolist()
        came += (bits > 0).tolist()
        heads.learn_many(x, bits)
    loss = -sum(math.log(p if y else 1 - p) for p, y in zip(said, came, strict=True)) / len(said)
    judge = heads.metrics["like"]
    assert judge.log_loss() == pytest.approx(loss, rel=1e-9)
    assert judge.auc() == pytest.approx(auc_by_pairs(said, came), rel=1e-9)
    assert judge.calibration() == pytest.approx(float(np.mean(said) - np.mean(came)), abs=1e-9)
    after = heads.probabilities(np.asarray(x, dtype=np.float64))[:, LIKE].tolist()
    assert after != said[-40:], "it did learn"


def test_a_head_learns_what_likes_follow():
    heads = Heads(NAMES)
    for seed in range(120):
        heads.learn_many(*rows(seed, 20))
    low, high = heads.probabilities(np.array([[-1.5, 0.0], [1.5, 0.0]]))[:, LIKE]
    assert low < 0.2
    assert high > 0.8
    assert heads.metrics["like"].auc() > 0.8


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_poison_is_refused_counted_and_teaches_nothing(poison):
    heads, twin = Heads(NAMES), Heads(NAMES)
    x, bits = rows(1, 20)
    twin.learn_many(x, bits)
    bad = np.concatenate((x, [[0.0, poison]])).astype(np.float32)
    heads.learn_many(bad, np.append(bits, np.uint16(65_535)))
    assert heads.refused == 1
    assert heads.probabilities(x).tolist() == twin.probabilities(x).tolist()
    heads.learn_many(bad[-1:], np.array([65_535], np.uint16))
    assert heads.refused == 2
    huge = np.full((4, 2), 1e30, np.float32)
    heads.learn_many(huge, np.zeros(4, np.uint16))
    assert np.isfinite(heads.probabilities(x)).all()


def test_a_correction_moves_towards_the_truth_and_is_not_judged():
    wrong, x = Heads(NAMES), np.array([[2.0, 0.5]] * 30 + [[-2.0, 0.5]] * 30, np.float32)
    none = np.zeros(60, np.uint16)
    true = np.where(np.arange(60) < 30, HEADS["like"], 0).astype(np.uint16)
    wrong.learn_many(x, none)
    before, judged = wrong.probabilities(x)[0, LIKE], wrong.metrics["like"].count
    for _ in range(20):
        wrong.learn_many(*Corrected(x[:30], none[:30], true[:30], np.ones(30)).examples(), judge=False)
    assert wrong.probabilities(x)[0, LIKE] > before + 0.1
    assert wrong.metrics["like"].count == judged


def test_many_features_that_say_the_same_do_not_overshoot():
    rng, names = np.random.default_rng(3), [f"f{at}" for at in range(60)]
    heads, shared = Heads(names), rng.normal(size=(4_000, 1))
    x = (shared + 0.2 * rng.normal(size=(4_000, 60))).astype(np.float32)
    liked = rng.random(4_000) < 1 / (1 + np.exp(-shared[:, 0]))
    for low in range(0, 4_000, 250):
        part = slice(low, low + 250)
        heads.learn_many(x[part], (liked[part] * HEADS["long_view"]).astype(np.uint16))
    assert heads.metrics["long_view"].log_loss() < 0.68, "better than a coin from the first batch on"
    assert heads.metrics["long_view"].auc() > 0.68


def test_serving_weights_say_what_the_classifiers_say():
    heads = Heads(NAMES)
    for seed in range(5):
        heads.learn_many(*rows(seed, 60))
    x = np.array([[0.3, -1.0], [-2.0, 0.1]])
    found = [heads.models[head].probabilities(x) for head in HEADS]
    np.testing.assert_allclose(heads.probabilities(x), np.stack(found, axis=1), rtol=1e-9)
