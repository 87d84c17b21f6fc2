"""Adjusting: move one setting by what an experiment around it has shown, a step at a time, within declared bounds.

It decides and changes nothing; who asked publishes what it says. It moves only where the interval of the metric leaves
0 out and no guardrail is found to be worse. After a move the experiment starts anew around the new value, with another
salt, so that the guarantee of its intervals does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from agents.evaluate.readout import GUARDRAILS, Readout

__all__ = ["Aim", "around", "decided"]


class Aim(NamedTuple):
    """``setting`` may be from ``low`` to ``high`` and moves by ``step`` so that ``metric`` rises, or, if ``fewer``,
    falls.
    """

    setting: str
    low: float
    high: float
    step: float
    metric: str
    fewer: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the readout has to compare: the metric first, then every guardrail."""
        return (self.metric, *(name for name in GUARDRAILS if name != self.metric))


def around(value: float, aim: Aim) -> dict[str, dict[str, Any]]:
    """Arms of an experiment around ``value``: as it is, a step less, a step more, as far as the bounds allow.

    >>> around(0.2, Aim("slate.fresh", 0.1, 0.25, 0.1, "positive"))
    {'now': {}, 'less': {'settings': {'slate.fresh': 0.1}}, 'more': {'settings': {'slate.fresh': 0.25}}}
    >>> list(around(0.1, Aim("slate.fresh", 0.1, 0.25, 0.1, "positive")))
    ['now', 'more']
    """
    moved = {"less": max(aim.low, value - aim.step), "more": min(aim.high, value + aim.step)}
    return {"now": {}} | {
        name: {"settings": {aim.setting: round(one, 6)}} for name, one in moved.items() if abs(one - value) > 1e-9
    }


def decided(read: Readout, arms: Mapping[str, float], aim: Aim) -> tuple[float | None, str]:
    """The value to move to, by a readout against the present one and the value of each arm; None: stay. And why.

    ``read`` must compare ``aim.metrics``. Of several arms that are better the one that gains most.
    """
    sign = -1.0 if aim.fewer else 1.0
    better: list[tuple[float, str]] = []
    said = []
    for arm, found in read.against.items():
        one = found[aim.metric]
        low = min(sign * one.low, sign * one.high)
        worse = [name for name in aim.metrics[1:] if found[name].low > 0.0]
        if arm not in arms:
            said.append(f"arm {arm} is not known")
        elif worse:
            said.append(f"arm {arm} makes {worse[0]} worse")
        elif not low > 0.0:
            said.append(f"arm {arm} is not shown to be better by {aim.metric}")
        else:
            better.append((sign * one.value, arm))
    if not better:
        return None, "; ".join(said) or "no arm has enough viewers yet"
    gain, arm = max(better)
    value = min(max(arms[arm], aim.low), aim.high)
    return value, f"arm {arm} is better by {aim.metric} ({sign * gain:+.4f}) and makes no guardrail worse"
