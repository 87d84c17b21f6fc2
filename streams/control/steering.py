"""Steering: what ``control`` records have set, as whoever ranks reads it.

One object a process, handed to everybody, changed in place when a record comes. A record that cannot be read changes
nothing: what was set before stands.
"""

from __future__ import annotations

from typing import Any, Final

from schemas.control import Experiment, Promotion
from streams import limits
from streams.control.experiments import Trial, arms_of, experiment_of, trials
from streams.control.promotions import NO_CAMPAIGNS
from streams.control.rules import NO_RULES
from streams.control.tuning import DEFAULT, Tuning, changed

__all__ = ["EXPERIMENT", "Steering"]

_TUNING: Final = "tuning."
_RULE: Final = "rule."
EXPERIMENT: Final = "experiment."
"""What the keys of experiments begin with."""


class Steering:
    """Latest values by key, and what follows from them for everybody and for one viewer.

    >>> steering = Steering()
    >>> steering.take("tuning.slate.fresh", 0.5)
    >>> steering.tuning.slate.fresh
    0.5
    >>> arms = {"a": {"settings": {"slate.fresh": 0.2}}, "b": {"settings": {"slate.fresh": 0.3}}}
    >>> steering.take("experiment.fresh", {"salt": "s", "arms": arms})
    >>> steering.arms(viewer=1, now_ms=0), steering.of(viewer=1, now_ms=0).slate.fresh
    ({'fresh': 'b'}, 0.3)
    >>> steering.take("tuning.slate.fresh", None)
    >>> steering.tuning == DEFAULT
    True
    """

    def __init__(self, base: Tuning = DEFAULT) -> None:
        self.tuning = base
        self.rules = NO_RULES
        self.campaigns = NO_CAMPAIGNS
        self._base = base
        self._set: dict[str, Any] = {}
        self._told: dict[str, Experiment] = {}
        self._trials: list[Trial] = []
        self._made: dict[tuple[tuple[str, str], ...], Tuning] = {}

    def take(self, key: str, value: Any) -> None:
        """Take over a record's value, None unsets; raises ``ValueError`` that names what is wrong with it."""
        if key.startswith(EXPERIMENT):
            self._try(key.removeprefix(EXPERIMENT), value)
        elif key.startswith(_RULE):
            self.rules = self.rules.put(key.removeprefix(_RULE), value)
        elif key.startswith(_TUNING):
            held = {name: one for name, one in self._set.items() if name != key}
            if value is not None:
                held[key] = value
            self.tuning = changed(self._base, {name.removeprefix(_TUNING): one for name, one in held.items()})
            self._set = held
        self._made.clear()

    def promote(self, name: str, promotion: Promotion | None) -> None:
        """Take over a campaign, None ends it; raises ``ValueError`` that says what is wrong with it."""
        self.campaigns = self.campaigns.put(name, promotion)

    @property
    def experiments(self) -> dict[str, Experiment]:
        """Every experiment by name, in order."""
        return dict(sorted(self._told.items()))

    def arms(self, viewer: int, now_ms: int) -> dict[str, str]:
        """Experiment to arm of a viewer (hash) at ``now_ms``; empty where none runs."""
        return arms_of(self._trials, viewer, now_ms) if self._trials else {}

    def of(self, viewer: int, now_ms: int) -> Tuning:
        """What holds for a viewer (hash) at ``now_ms``: what is set for everybody, then the viewer's arms."""
        arms = self.arms(viewer, now_ms)
        if not arms:
            return self.tuning
        key = tuple(arms.items())
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= limits.TUNINGS:
                self._made.clear()
            settings = [self._told[name].arms[arm].settings for name, arm in key]
            found = changed(self.tuning, {name: one for some in settings for name, one in some.items()})
            self._made[key] = found
        return found

    def _try(self, name: str, value: Any) -> None:
        held = {one: told for one, told in self._told.items() if one != name}
        if value is not None:
            if not name:
                raise ValueError(f"{EXPERIMENT}: an experiment has a name")
            try:
                held[name] = experiment_of(value)
            except ValueError as error:
                raise ValueError(f"{EXPERIMENT}{name}: {error}") from None
            if len(held) > limits.EXPERIMENTS:
                raise ValueError(f"{EXPERIMENT}{name}: there are {limits.EXPERIMENTS} experiments already; end one")
        self._told, self._trials = held, trials(held)
