"""Experiments: who takes part in what, and in which arm, from the records and the viewer alone.

Nothing is stored about a viewer: the same records give the same arms in every process, after a crash and in a replay.
Two experiments that share a layer or change one setting share no viewer, so neither is mixed with the other's effect.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, Final, NamedTuple

import msgspec

from schemas.control import Experiment
from streams.arrays.hashing import hash64
from streams.control.tuning import COMMON, DEFAULT, changed

__all__ = ["Trial", "arms_of", "experiment_of", "trials", "unit"]

_WHOLE: Final = 2.0**64


class Trial(NamedTuple):
    """An experiment ready for look-ups: ``edges`` of its arms in [0, 1], and the settings ``touched`` by any arm."""

    name: str
    told: Experiment
    arms: tuple[str, ...]
    edges: tuple[float, ...]
    touched: frozenset[str]


def experiment_of(value: Any) -> Experiment:
    """The experiment that a record's value describes; raises ``ValueError`` that names what is wrong with it.

    >>> two = {"now": {}, "more": {"settings": {"slate.fresh": 0.3}}}
    >>> experiment_of({"salt": "s", "arms": two}).arms["more"].settings
    {'slate.fresh': 0.3}
    >>> experiment_of({"salt": "s", "arms": two, "share": 2})
    Traceback (most recent call last):
    ValueError: Expected `float` <= 1.0 - at `$.share`
    """
    try:
        told = msgspec.convert(value, Experiment)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if told.start + told.share > 1.0 + 1e-9:
        raise ValueError(f"from start {told.start:g} on there is no share of {told.share:g} left of the layer")
    if told.start and not told.layer:
        raise ValueError(f"start is {told.start:g}, but no layer is named that it is a place in")
    if told.to_ms <= told.from_ms:
        raise ValueError(f"to_ms {told.to_ms} is not after from_ms {told.from_ms}")
    for name, arm in told.arms.items():
        try:
            changed(DEFAULT, arm.settings)
        except ValueError as error:
            raise ValueError(f"arm {name}: {error}") from None
        if common := [key for key in arm.settings if key in COMMON]:
            raise ValueError(f"arm {name}: {common[0]} holds for everybody at once, so no arm can set it")
    return told


def trials(told: Mapping[str, Experiment]) -> list[Trial]:
    """The experiments by name, those first that keep a viewer whom two want: the earlier, then by name.

    >>> two = experiment_of({"salt": "s", "arms": {"a": {}, "b": {"weight": 3}}})
    >>> trials({"x": two})[0].edges
    (0.25, 1.0)
    """
    made = []
    for name, one in sorted(told.items(), key=lambda item: (item[1].from_ms, item[0])):
        total = sum(arm.weight for arm in one.arms.values())
        edges = tuple(upto / total for upto in accumulate(arm.weight for arm in one.arms.values()))
        touched = frozenset(key for arm in one.arms.values() for key in arm.settings)
        made.append(Trial(name, one, tuple(one.arms), edges, touched))
    return made


def arms_of(found: Iterable[Trial], viewer: int, now_ms: int) -> dict[str, str]:
    """Experiment to arm, for a viewer (hash) at ``now_ms``. Costs a few microseconds an experiment.

    >>> two = experiment_of({"salt": "s", "arms": {"a": {}, "b": {}}, "to_ms": 9})
    >>> arms_of(trials({"x": two}), 1, 5), arms_of(trials({"x": two}), 1, 9)
    ({'x': 'b'}, {})
    """
    taken: dict[str, str] = {}
    layers: set[str] = set()
    touched: frozenset[str] = frozenset()
    for one in found:
        told = one.told
        if not told.from_ms <= now_ms < told.to_ms:
            continue
        if told.layer in layers or not touched.isdisjoint(one.touched):
            continue
        if told.share < 1.0:
            at = unit("layer", told.layer, viewer) if told.layer else unit("share", told.salt, viewer)
            if not told.start <= at < told.start + told.share:
                continue
        place = bisect_right(one.edges, unit("arm", told.salt, viewer))
        taken[one.name] = one.arms[min(place, len(one.arms) - 1)]
        touched |= one.touched
        if told.layer:
            layers.add(told.layer)
    return taken


def unit(*names: object) -> float:
    """A number in [0, 1) that looks drawn at random and is the same for the same names."""
    return hash64("\0".join(map(str, names))) / _WHOLE
