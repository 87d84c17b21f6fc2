"""Tastes that cease to tell what viewers like are noticed, when they did, and nothing else is."""

from __future__ import annotations

import numpy as np

from streams.learning.drift import TasteDrift


def gains(seed: int, count: int, mean: float) -> np.ndarray:
    """What likes gain by a taste: little beside what they scatter."""
    return np.random.default_rng(seed).normal(mean, 0.9, count)


def told_of(model: TasteDrift, many: np.ndarray, start_ms: int = 0) -> list[int]:
    """When it noticed drifts: after so many gains, one a millisecond."""
    found = []
    for at, gain in enumerate(many.tolist()):
        if model.update_many(np.array([gain]), np.array([start_ms + at]), np.array([at % 100])).drift_detected:
            found.append(at)
    return found


def test_tastes_that_go_on_telling_as_much_or_more_do_not_drift():
    model = TasteDrift()
    assert told_of(model, gains(1, 20_000, 0.35)) == []
    assert told_of(model, gains(2, 5_000, 0.6)) == []
    assert told_of(model, gains(3, 5_000, 0.45)) == [], "a quarter less is no drift"
    assert model.since_ms == 0


def test_tastes_that_tell_nothing_any_more_drifted_when_they_ceased_to():
    model = TasteDrift()
    noticed = told_of(model, np.concatenate((gains(1, 3_000, 0.35), gains(2, 1_500, 0.0))))
    assert len(noticed) == 1
    assert 3_000 < noticed[0] < 3_500
    assert abs(model.since_ms - 3_000) < 150
    # What is usual is learnt anew: tastes that begin to tell something are no drift, their end is one more.
    again = told_of(model, np.concatenate((gains(3, 4_000, 0.35), gains(4, 1_000, 0.0))), start_ms=4_500)
    assert len(again) == 1
    assert again[0] > 4_000


def test_a_single_like_decides_nothing():
    model = TasteDrift()
    told_of(model, gains(1, 3_000, 0.5))
    assert told_of(model, np.full(3, -1e9)) == []


def test_a_viewer_who_likes_and_likes_has_one_say():
    model, many = TasteDrift(), np.arange(2_000)
    told_of(model, gains(1, 3_000, 0.5))
    model.update_many(gains(2, 2_000, -0.5), many, np.full(2_000, 7))
    assert model.since_ms == 0
    model.update_many(gains(2, 2_000, -0.5), 4_000 + many, many % 50)
    assert model.since_ms > 0


def test_a_restored_drift_goes_on_bit_equal():
    model, other = TasteDrift(), TasteDrift()
    told_of(model, np.concatenate((gains(1, 2_000, 0.35), gains(2, 60, 0.0))))
    other.restore(model.state())
    for one in (model, other):
        told_of(one, gains(3, 900, 0.0), start_ms=2_060)
    assert model.since_ms == other.since_ms > 1_900
    assert {name: part.tolist() for name, part in model.state().items()} == {
        name: part.tolist() for name, part in other.state().items()
    }
