"""Adjusting: a setting moves by what was shown, never by less, never past its bounds, never against a guardrail."""

from __future__ import annotations

import pytest

from agents.evaluate.adjust import Aim, around, decided
from agents.evaluate.journey import journeys
from agents.evaluate.readout import Readout, readout
from agents.evaluate.sequential import Difference
from agents.scenarios.experiments import known, tried
from streams.control.tuning import DEFAULT, changed

AIM = Aim("objective.like", 0.2, 1.0, 0.1, "positive")
ARMS = {"now": 0.5, "less": 0.4, "more": 0.6}


def read(**arms: dict[str, tuple[float, float]]) -> Readout:
    """``arms``: metric to the interval against the present value."""
    nothing = dict.fromkeys(AIM.metrics, (-1.0, 1.0))
    against = {
        arm: {name: Difference((low + high) / 2, low, high, 99, 99) for name, (low, high) in (nothing | found).items()}
        for arm, found in arms.items()
    }
    return Readout("now", {}, 0, 0, {}, against, {})


@pytest.mark.parametrize(
    ("arms", "value", "why"),
    [
        ({"more": {"positive": (0.1, 0.3)}, "less": {}}, 0.6, "arm more is better by positive (+0.2000)"),
        ({"more": {"positive": (0.1, 0.3)}, "less": {"positive": (0.3, 0.5)}}, 0.4, "arm less is better"),
        ({"more": {"positive": (-0.1, 0.3)}}, None, "arm more is not shown to be better by positive"),
        ({"more": {"positive": (-0.3, -0.1)}}, None, "arm more is not shown to be better by positive"),
        ({"more": {"positive": (0.1, 0.3), "report": (0.001, 0.2)}}, None, "arm more makes report worse"),
        ({"more": {"positive": (float("nan"), float("nan"))}}, None, "arm more is not shown to be better"),
        ({"other": {"positive": (0.1, 0.3)}}, None, "arm other is not known"),
        ({}, None, "no arm has enough viewers yet"),
    ],
)
def test_a_setting_moves_where_a_gain_is_shown_and_no_guardrail_is_worse(arms, value, why):
    found, said = decided(read(**arms), ARMS, AIM)
    assert found == value
    assert why in said


def test_what_is_to_fall_moves_where_it_fell():
    aim = AIM._replace(metric="skip", fewer=True)
    against = {"less": dict.fromkeys(aim.metrics, Difference(0.0, -1.0, 1.0, 99, 99))}
    against["less"]["skip"] = Difference(-0.2, -0.3, -0.1, 99, 99)
    assert decided(Readout("now", {}, 0, 0, {}, against, {}), ARMS, aim)[0] == 0.4


def test_no_arm_and_no_move_passes_the_bounds():
    for value in (0.2, 0.25, 0.6, 0.95, 1.0):
        moved = [arm["settings"]["objective.like"] for arm in around(value, AIM).values() if arm]
        assert all(AIM.low <= one <= AIM.high for one in moved)
    assert decided(read(more={"positive": (0.1, 0.3)}), ARMS | {"more": 9.0}, AIM)[0] == 1.0


def test_in_the_closed_loop_a_share_of_chance_falls_to_its_bound_and_stays():
    aim = Aim("explore.uniform", 0.1, 1.0, 0.9, "long_view")
    loop, value, seen = known(2, changed(DEFAULT, {"explore.uniform": 1.0}), viewers=100, shows=3_000), 1.0, [1.0]
    for turn in range(2):
        lines = tried(loop, {"salt": f"s{turn}", "arms": around(value, aim)})
        arms = {"now": value, "less": value - aim.step, "more": value + aim.step}
        found, _ = decided(readout(journeys(lines), "x", "now", 60_000, aim.metrics), arms, aim)
        if found is not None:
            value = found
            loop.replay.steering.take("tuning.explore.uniform", value)
        seen.append(value)
    assert seen == pytest.approx([1.0, 0.1, 0.1])
