"""The join: an example closes its window after it was first seen, is learnt then, and late labels correct it."""

from __future__ import annotations

import numpy as np
import pytest

from streams import limits
from streams.learning.join import ExampleJoin
from streams.signals import objective

WINDOW_MS = 600_000
SEEN, LIKED, LONG = objective.SEEN, objective.SEEN | objective.LIKED | objective.POSITIVE, objective.LONG_VIEW


def opened(join: ExampleJoin, *names: int, ts_ms: int = 1_000) -> None:
    many = np.array(names, dtype=np.uint64)
    x = np.array(names, dtype=np.float32)[:, None]
    join.opened(many, np.full(len(names), ts_ms), x, np.ones(len(names), np.float32))


def label(join: ExampleJoin, name: int, ts_ms: int, bits: int):
    unwatched = np.array([-1]), np.array([0])
    return join.labels(np.array([name], np.uint64), np.array([ts_ms]), np.array([bits], np.uint16), *unwatched)


def made(*names: int, keep: float = 1.0) -> ExampleJoin:
    join = ExampleJoin(1, WINDOW_MS, keep)
    if names:
        opened(join, *names)
    return join


def tick(join: ExampleJoin, ts_ms: int) -> None:
    """Event time goes on."""
    label(join, 999_999, ts_ms, 0)


def test_an_example_closes_a_window_after_it_was_first_seen_and_not_before():
    join = made(1)
    label(join, 1, 50_000, SEEN)
    label(join, 1, 90_000, LIKED)
    tick(join, 50_000 + WINDOW_MS - 1)
    assert not len(join.close().x)
    tick(join, 50_000 + WINDOW_MS)
    closed = join.close()
    assert (closed.x.tolist(), closed.bits.tolist(), closed.weight.tolist()) == ([[1.0]], [LIKED], [1.0])
    assert not len(join.close().x), "an example is learnt once"


def test_what_was_served_and_never_seen_is_not_learnt_and_leaves():
    join = made(1)
    tick(join, 1_000 + 6 * WINDOW_MS)
    assert not len(join.close().x)
    assert 1 in join.row_of
    tick(join, 1_001 + 6 * WINDOW_MS)
    assert not len(join.close().x)
    assert 1 not in join.row_of


def test_a_late_positive_corrects_what_was_learnt_once():
    join = made(1)
    label(join, 1, 2_000, SEEN)
    tick(join, 2_000 + WINDOW_MS)
    join.close()
    late = label(join, 1, 3_000_000, LIKED)
    assert (late.x.tolist(), late.learnt.tolist(), late.true.tolist()) == ([[1.0]], [SEEN], [LIKED])
    assert not len(label(join, 1, 3_000_001, LIKED).x), "told again, nothing is to correct"
    undone = label(join, 1, 3_000_002, SEEN)
    assert (undone.learnt.tolist(), undone.true.tolist()) == ([LIKED], [SEEN])


def test_after_a_day_nothing_is_corrected_any_more():
    join = made(1)
    label(join, 1, 2_000, SEEN)
    tick(join, 1_000 + limits.CORRECT_MS)
    join.close()
    assert len(join.row_of) == 1
    tick(join, 1_001 + limits.CORRECT_MS)
    join.close()
    assert not len(label(join, 1, 1_002 + limits.CORRECT_MS, LIKED).x)


def test_an_example_keeps_the_features_it_was_first_served_with():
    join = made(1)
    join.opened(np.array([1], np.uint64), np.array([9_000]), np.array([[5.0]]), np.array([3.0], np.float32))
    label(join, 1, 10_000, SEEN)
    tick(join, 10_000 + WINDOW_MS)
    closed = join.close()
    assert (closed.x.tolist(), closed.weight.tolist()) == ([[1.0]], [1.0])


def test_a_label_of_what_was_never_served_is_nothing():
    join = made()
    assert not len(label(join, 5, 1_000, LIKED).x)
    assert not join.row_of


@pytest.mark.parametrize("keep", [0.5, 0.1])
def test_sampled_negatives_weigh_what_they_stand_for(keep):
    names = range(1, 4_001)
    join = made(*names, keep=keep)
    for name in names:
        label(join, name, 2_000, LIKED if name % 10 == 0 else SEEN | (LONG if name % 10 == 1 else 0))
    tick(join, 2_000 + WINDOW_MS)
    closed = join.close()
    negative = closed.bits == SEEN
    assert (~negative).sum() == 800, "whoever did something is always learnt"
    assert set(closed.weight[~negative].tolist()) == {1.0}
    np.testing.assert_allclose(closed.weight[negative], 1 / keep, rtol=1e-6)
    assert closed.weight[negative].sum() == pytest.approx(3_200, rel=0.15)


def test_a_negative_that_was_not_kept_is_not_corrected():
    names = range(1, 101)
    join = made(*names, keep=0.5)
    for name in names:
        label(join, name, 2_000, SEEN)
    tick(join, 2_000 + WINDOW_MS)
    learnt = len(join.close().x)
    corrected = sum(len(label(join, name, 3_000_000, LIKED).x) for name in names)
    assert 20 < learnt < 80
    assert corrected == learnt
