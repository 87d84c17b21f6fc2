"""Experiments: who takes part is a function of records and viewer alone, and none is mixed with another."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from streams import limits
from streams.control.experiments import arms_of, experiment_of, trials
from streams.control.steering import Steering
from streams.control.tuning import COMMON, DEFAULT, changed

ROOT = Path(__file__).parents[3]
VIEWERS = [int(one) for one in np.random.default_rng(3).integers(1, 2**63, 6_000)]
FRESH = {"now": {}, "more": {"settings": {"slate.fresh": 0.4}}}


def told(**more: Any) -> dict[str, Any]:
    return {"salt": "s", "arms": FRESH} | more


def assigned(now_ms: int = 5, **values: dict[str, Any]) -> list[dict[str, str]]:
    found = trials({name: experiment_of(value) for name, value in values.items()})
    return [arms_of(found, viewer, now_ms) for viewer in VIEWERS]


def test_as_many_viewers_as_declared_take_part_and_arms_get_their_weights():
    arms = {"now": {"weight": 1}, "more": {"weight": 3}}
    counts = Counter(one.get("x") for one in assigned(x=told(share=0.5, arms=arms)))
    assert counts["more"] / len(VIEWERS) == pytest.approx(0.375, abs=0.02)
    assert counts["now"] / len(VIEWERS) == pytest.approx(0.125, abs=0.02)


def test_an_arm_never_changes_while_the_record_stands_and_another_salt_draws_anew():
    first, again, other = assigned(x=told()), assigned(now_ms=10**12, x=told()), assigned(x=told(salt="t"))
    assert first == again
    same = np.mean([one == two for one, two in zip(first, other, strict=True)])
    assert same == pytest.approx(0.5, abs=0.03)


def test_widening_the_share_moves_nobody_who_is_in():
    narrow, wide = assigned(x=told(share=0.2)), assigned(x=told(share=0.6))
    assert all(two == one for one, two in zip(narrow, wide, strict=True) if one)


def test_experiments_are_independent_where_they_touch_different_settings():
    likes = {"now": {}, "more": {"settings": {"objective.like": 2.0}}}
    found = assigned(x=told(), y=told(salt="t", arms=likes))
    counts = Counter((one["x"], one["y"]) for one in found)
    assert all(count / len(VIEWERS) == pytest.approx(0.25, abs=0.03) for count in counts.values())


def test_experiments_that_change_one_setting_share_no_viewer_and_the_earlier_keeps_whom_it_has():
    alone = assigned(x=told(share=0.5))
    found = assigned(x=told(share=0.5), y=told(salt="t", share=0.5, from_ms=1))
    assert [one.get("x") for one in found] == [one.get("x") for one in alone]
    assert not any(len(one) > 1 for one in found)
    assert sum("y" in one for one in found) / len(VIEWERS) == pytest.approx(0.25, abs=0.03)


def test_a_layer_is_divided_without_a_gap_or_an_overlap():
    plain = {"now": {}, "then": {}}
    first = {"salt": "s", "layer": "l", "share": 0.3, "arms": plain}
    second = {"salt": "t", "layer": "l", "share": 0.7, "start": 0.3, "arms": plain}
    found = assigned(x=first, y=second)
    assert all(len(one) == 1 for one in found)
    assert sum("x" in one for one in found) / len(VIEWERS) == pytest.approx(0.3, abs=0.02)


def test_what_is_over_or_to_come_assigns_nobody_and_keeps_nobody_from_another():
    over = assigned(x=told(to_ms=5), y=told(salt="t", from_ms=5))
    assert all(set(one) == {"y"} for one in over)
    assert not any(assigned(now_ms=4, y=told(salt="t", from_ms=5)))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (told(share=0.0), "Expected `float` > 0.0 - at `\\$.share`"),
        (told(arms={"one": {}}), "Expected `object` of length >= 2"),
        (told(arms={"a": {}, "b": {"settings": {"slate.fries": 1}}}), "arm b: slate.fries: there is no such setting"),
        (told(arms={"a": {}, "b": {"settings": {"slate.fresh": 7}}}), "arm b: slate.fresh: Expected `float` <= 1.0"),
        (told(arms={"a": {}, "b": {"settings": {"bots.on": False}}}), "arm b: bots.on holds for everybody at once"),
        (told(from_ms=9, to_ms=9), "to_ms 9 is not after from_ms 9"),
        (told(layer="l", start=0.8, share=0.3), "from start 0.8 on there is no share of 0.3 left of the layer"),
        (told(start=0.5, share=0.5), "start is 0.5, but no layer is named"),
        (told(arm="x"), "unknown field `arm`"),
        ({"arms": FRESH}, "missing required field `salt`"),
        ("now", "Expected `object`, got `str`"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused_in_a_sentence_and_changes_nothing(value, why):
    steering = Steering()
    steering.take("experiment.x", told())
    with pytest.raises(ValueError, match=f"experiment.x: .*{why}"):
        steering.take("experiment.x", value)
    assert steering.arms(VIEWERS[0], 5) == assigned(x=told())[0]


def test_an_arm_holds_on_top_of_what_is_set_for_everybody():
    steering = Steering()
    steering.take("experiment.x", told())
    viewer = next(one for one in VIEWERS if steering.arms(one, 5)["x"] == "more")
    other = next(one for one in VIEWERS if steering.arms(one, 5)["x"] == "now")
    assert steering.of(viewer, 5) == changed(DEFAULT, {"slate.fresh": 0.4})
    assert steering.of(other, 5) == DEFAULT
    for key, value in (("tuning.objective.like", 2.0), ("tuning.slate.fresh", 0.9)):
        steering.take(key, value)
    assert steering.of(viewer, 5) == changed(DEFAULT, {"objective.like": 2.0, "slate.fresh": 0.4})
    assert steering.of(other, 5) == steering.tuning
    assert steering.of(viewer, 5) is steering.of(viewer, 6), "made once"
    steering.take("experiment.x", None)
    assert steering.of(viewer, 5) == steering.tuning


def test_beyond_so_many_experiments_a_further_one_is_refused():
    steering = Steering()
    for at in range(limits.EXPERIMENTS):
        steering.take(f"experiment.x{at}", told())
    with pytest.raises(ValueError, match=f"there are {limits.EXPERIMENTS} experiments already; end one"):
        steering.take("experiment.more", told())
    steering.take("experiment.x0", told(share=0.5))
    steering.take("experiment.x0", None)
    steering.take("experiment.more", told())


def test_beyond_so_many_combinations_of_arms_all_are_made_anew(monkeypatch):
    monkeypatch.setattr(limits, "TUNINGS", 2)
    steering = Steering()
    for at, key in enumerate(("slate.fresh", "objective.like", "objective.save")):
        arms = {"now": {}, "more": {"settings": {key: 0.9}}}
        steering.take(f"experiment.x{at}", told(salt=f"s{at}", arms=arms))
    for viewer in VIEWERS[:200]:
        assert len(steering._made) <= limits.TUNINGS
        wanted = {"slate.fresh": 0.9, "objective.like": 0.9, "objective.save": 0.9}
        held = [key for key, arm in zip(wanted, steering.arms(viewer, 5).values(), strict=True) if arm == "more"]
        assert steering.of(viewer, 5) == changed(DEFAULT, {key: wanted[key] for key in held})


def test_what_is_read_for_everybody_at_once_is_all_that_no_arm_may_set():
    """A setting that is asked of no request, but of what holds for all, would do nothing in an arm."""
    sections = msgspec.to_builtins(DEFAULT)
    keys = [f"{section}.{name}" for section, told in sections.items() for name in told]
    assert set(COMMON) <= set(keys)
    text = "\n".join(path.read_text() for folder in ("streams", "agents") for path in (ROOT / folder).rglob("*.py"))
    whole = set(re.findall(r"^(?!.*>>>).*[sS]teering\.tuning\.(\w+)", text, re.MULTILINE))
    assert whole == {common.split(".")[0] for common in COMMON}


def test_the_wire_keeps_an_experiment_whole():
    one = experiment_of(told(layer="l", share=0.25, start=0.5, from_ms=1, to_ms=9))
    assert experiment_of(msgspec.json.decode(msgspec.json.encode(one))) == one
