"""Tuning and steering: one table of settings, set by control records, refused in a sentence that says what is wrong."""

from __future__ import annotations

import msgspec
import pytest

from streams.control.steering import Steering
from streams.control.tuning import DEFAULT, OFF, changed, described


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"slate.fresh": 1.5}, "slate.fresh: Expected `float` <= 1.0"),
        ({"slate.fresh": "much"}, "slate.fresh: Expected `float`, got `str`"),
        ({"slate.fries": 1}, "slate.fries: there is no such setting"),
        ({"slate": {"fresh": 0.2}}, "slate: there is no such setting"),
        ({"objective.like": float("nan")}, "objective.like"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(settings, why):
    with pytest.raises(ValueError, match=why):
        changed(DEFAULT, settings)


def test_what_switches_a_mechanism_off_is_a_setting_that_differs_from_the_default():
    for settings in OFF.values():
        assert changed(DEFAULT, settings) != DEFAULT


def test_every_setting_is_described_with_its_default():
    settings = {key: default for key, default, _ in described()}
    assert settings["slate.fresh"] == str(DEFAULT.slate.fresh)
    assert len(settings) == sum(len(section) for section in msgspec.to_builtins(DEFAULT).values())


def test_what_is_refused_leaves_what_was_set_before():
    steering = Steering()
    steering.take("tuning.slate.fresh", 0.3)
    steering.take("tuning.objective.like", 2)
    for key in ("tuning.slate.fresh", "tuning.slate.nothing"):
        with pytest.raises(ValueError, match="slate"):
            steering.take(key, 7)
    assert (steering.tuning.slate.fresh, steering.tuning.objective.like) == (0.3, 2.0)
    steering.take("tuning.slate.fresh", None)
    assert steering.tuning == changed(DEFAULT, {"objective.like": 2.0})


def test_the_order_of_records_does_not_matter_but_for_one_key():
    one, other = Steering(), Steering()
    for key, value in (("tuning.slate.fresh", 0.3), ("tuning.objective.like", 2.0)):
        one.take(key, value)
    for key, value in (("tuning.objective.like", 2.0), ("tuning.slate.fresh", 0.9), ("tuning.slate.fresh", 0.3)):
        other.take(key, value)
    assert one.tuning == other.tuning


def test_other_keys_are_not_ours():
    steering = Steering()
    steering.take("models.freeze", True)
    assert steering.tuning == DEFAULT
