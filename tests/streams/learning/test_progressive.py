"""Progressive figures equal their definitions, weights and ties included, over the latest rows only."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.learning.progressive import Progressive

ROW = st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.9]), st.booleans(), st.sampled_from([0.5, 1.0, 10.0]))


def judged(rows: list[tuple[float, bool, float]]) -> Progressive:
    judge = Progressive()
    p, y, w = (np.array(column) for column in zip(*rows, strict=True))
    judge.add(p, y, w)
    return judge


@settings(max_examples=40)
@given(st.lists(ROW, min_size=1, max_size=30))
def test_figures_equal_their_definitions(rows):
    judge, total = judged(rows), sum(w for *_, w in rows)
    assert judge.log_loss() == pytest.approx(-sum(w * math.log(p if y else 1 - p) for p, y, w in rows) / total)
    assert judge.calibration() == pytest.approx(sum(w * (p - y) for p, y, w in rows) / total, abs=1e-12)
    rate = sum(w for _, y, w in rows if y) / total
    base = sum(w * -math.log(rate if y else 1 - rate) for _, y, w in rows) / total
    assert judge.base_loss() == pytest.approx(base, abs=1e-12)
    assert {type(one) for one in (judge.log_loss(), judge.base_loss(), judge.calibration())} == {float}, "for the wire"
    ups, downs = [row for row in rows if row[1]], [row for row in rows if not row[1]]
    if not ups or not downs:
        assert math.isnan(judge.auc())
        return
    won = sum(a[2] * b[2] * ((a[0] > b[0]) + 0.5 * (a[0] == b[0])) for a in ups for b in downs)
    assert judge.auc() == pytest.approx(won / sum(a[2] * b[2] for a in ups for b in downs))


def test_rows_taken_back_are_not_judged():
    judge = judged([(0.9, True, 1.0)])
    judge.add(np.array([0.1]), np.array([True]), np.array([-1.0]))
    assert judge.count == 1


def test_only_the_latest_rows_count():
    judge = Progressive(10)
    judge.add(np.full(7, 0.01), np.ones(7, bool), np.ones(7))
    judge.add(np.full(25, 0.9), np.ones(25, bool), np.ones(25))
    judge.add(np.full(3, 0.9), np.ones(3, bool), np.ones(3))
    assert judge.log_loss() == pytest.approx(-math.log(0.9))
    assert judge.count == 35


def test_nothing_seen_has_no_figures():
    judge = Progressive()
    assert math.isnan(judge.log_loss())
    assert math.isnan(judge.base_loss())


def test_certainty_that_fails_costs_much_and_not_everything():
    assert judged([(0.0, True, 1.0)]).log_loss() == pytest.approx(-math.log(1e-9))
