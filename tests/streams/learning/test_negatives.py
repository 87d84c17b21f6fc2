"""Laws of drawn negatives: what is hot comes often and weighs less, and together they stand for all candidates."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from streams.arrays.hashing import hash_all
from streams.learning.negatives import LEFT_OUT, draw, negatives
from streams.viewer.viewers import ViewerTable
from tests.streams.states_of_viewers import known

NOW_MS = 1_000_000


def drawn(count: int, met: int = 0, groups: int = 2_000):
    catalogue, viewers = deepcopy(known()), ViewerTable()
    viewers.rows(["u"])
    rows = catalogue.candidates()
    catalogue.sums_ms[rows] = NOW_MS
    catalogue.sums[rows[1], 2] = 50.0  # hot: 50 positives just now
    viewers.met[0] = catalogue.hash[rows[1 : 1 + met]]
    zeros = np.zeros(groups, np.int64)
    names = hash_all(f"n{at}" for at in range(groups))
    return rows, negatives(catalogue, viewers, zeros, np.full(groups, rows[0]), names, count, NOW_MS)


def test_a_draw_is_uniform_and_the_same_for_the_same_name() -> None:
    names = hash_all(f"n{at}" for at in range(4_000))
    numbers = draw(names, 8)
    assert (numbers == draw(names, 8)).all()
    assert 0 <= numbers.min() <= numbers.max() < 1
    places = (numbers * 10).astype(int)
    assert np.bincount(places.ravel(), minlength=10) / places.size == pytest.approx([0.1] * 10, abs=0.01)


@pytest.mark.parametrize("met", [0, 1, 3])
def test_each_unmet_candidate_is_stood_for_once(met: int) -> None:
    rows, made = drawn(6, met)
    weight = np.where(made.offset > LEFT_OUT, np.exp(made.offset), 0.0)
    stands = [weight[made.rows == row].sum() / len(made.rows) for row in rows]
    expected = [0.0] + [0.0] * met + [1.0] * (len(rows) - 1 - met)
    assert stands == pytest.approx(expected, abs=0.15)


def test_what_is_hot_comes_more_often_and_weighs_less() -> None:
    rows, made = drawn(6)
    hot, other = made.rows == rows[1], made.rows == rows[2]
    assert hot.sum() > 4 * other.sum()
    assert made.offset[hot].max() < made.offset[other].min()


def test_who_has_met_everything_has_nothing_to_stand_against_a_positive() -> None:
    _, made = drawn(6, met=100)
    assert (made.offset == LEFT_OUT).all()
