"""A scenario: one mechanism, one number that it moves, measured with the mechanism on and off on the same seeds.

A scenario is a function of a seed and a ``Tuning``; it builds what it needs, runs for a second or so, and returns the
number. ``@scenario`` registers it. ``effect`` runs it on both sides and says how far apart they are, with an interval
over the seeds. The table in docs/mechanisms.md and the tests are made from the same registry.

What nobody may switch off (what is hidden stays away) is measured against the same world in which the signal that sets
it going was not given; such a scenario is told whether to give it, in place of a ``Tuning``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from streams.control.tuning import DEFAULT, changed

__all__ = ["ROOMS", "SCENARIOS", "Effect", "Scenario", "effect", "registered", "scenario"]

Measure = Callable[[int, Any], float]
"""Of a seed, and of a ``Tuning`` or, where ``off`` is in words, of whether the signal is given."""
_DRAWS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """``off`` are the settings that switch the mechanism off, or, where there are none, what is not done on that side,
    in words. The effect, on less off, must be at least ``least`` (or at most ``-least`` where ``fewer`` is better), and
    its interval must not hold 0.

    ``row`` names the mechanism as MECHANISMS does, ``shows`` what the number is, in words with its unit.
    """

    name: str
    row: str
    shows: str
    run: Measure
    off: Mapping[str, Any] | str
    least: float
    fewer: bool = False
    seeds: int = 5
    on: Mapping[str, Any] = field(default_factory=dict)

    def sides(self) -> tuple[Any, Any]:
        """What ``run`` is told, on and off."""
        if isinstance(self.off, str):
            return True, False
        return changed(DEFAULT, self.on), changed(DEFAULT, self.off)


class Effect(NamedTuple):
    """Means with the mechanism on and off, and the 95 % interval of their paired difference over the seeds."""

    on: float
    off: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """On less off."""
        return self.on - self.off


ROOMS: Final = (
    "agents.scenarios.asking",
    "agents.scenarios.bots",
    "agents.scenarios.candidates",
    "agents.scenarios.experiments",
    "agents.scenarios.foresight",
    "agents.scenarios.obeying",
    "agents.scenarios.privacy",
    "agents.scenarios.ranking",
    "agents.scenarios.unasked",
    "agents.scenarios.signals",
    "agents.scenarios.tiers",
    "agents.scenarios.slate",
    "agents.scenarios.trends",
    "agents.scenarios.viewer",
    "agents.scenarios.why",
    "agents.scenarios.words",
)
"""Modules that hold scenarios."""
SCENARIOS: Final[dict[str, Scenario]] = {}
"""Scenarios of the rooms imported so far, by name."""


def scenario(**told: Any) -> Callable[[Measure], Measure]:
    """Register the decorated function; its name, with spaces, names the scenario."""

    def register(run: Measure) -> Measure:
        name = run.__name__.replace("_", " ")
        if name in SCENARIOS:
            raise ValueError(f"there are two scenarios named {name!r}")
        SCENARIOS[name] = Scenario(name=name, run=run, **told)
        return run

    return register


def registered() -> dict[str, Scenario]:
    """Every scenario by name, from all rooms."""
    for room in ROOMS:
        importlib.import_module(room)
    return SCENARIOS


def effect(one: Scenario) -> Effect:
    """Run a scenario on and off, on the same seeds."""
    found = np.array([[one.run(seed, side) for side in one.sides()] for seed in range(one.seeds)])
    gains = found[:, 0] - found[:, 1]
    draws = np.random.default_rng(7).integers(0, len(gains), (_DRAWS, len(gains)))
    low, high = np.quantile(gains[draws].mean(axis=1), (0.025, 0.975))
    return Effect(float(found[:, 0].mean()), float(found[:, 1].mean()), float(low), float(high))
