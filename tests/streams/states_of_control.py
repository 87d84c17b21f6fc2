"""The state of steering behind the face of ``states``."""

from __future__ import annotations

import random

import msgspec

from streams.steering import Steering
from streams.tuning import DEFAULT, described
from tests.streams.states import Events, State, Story, pickled

__all__ = ["STEERING"]

_KEYS = [f"tuning.{key}" for key, *_ in described() if key.startswith(("objective.", "slate.fresh"))]


def _set(rng: random.Random) -> Events:
    return [(rng.choice(_KEYS), rng.choice([None, 0.0, 0.25, 1.0])) for _ in range(20)]


def _steer(steering: Steering, events: Events) -> None:
    for key, value in events:
        steering.take(key, value)


def _story(rng: random.Random) -> Story:
    first, second = [(key, 0.5) for key in _KEYS[:4]], [(key, 0.75) for key in _KEYS[2:8]]
    return first, second, [(key, 0.5 if key in dict(first) else None) for key, _ in second]


def _flooded() -> tuple[int, int]:
    steering, rng = Steering(), random.Random(1)
    for _ in range(200):
        _steer(steering, _set(rng))
    return len(steering._set), len(_KEYS)


STEERING = State(
    "Steering",
    fresh=Steering,
    events=_set,
    apply=_steer,
    exact=lambda steering: msgspec.to_builtins(steering.tuning),
    again=pickled,
    raw=lambda steering: (steering.tuning, steering._set),
    flood=_flooded,
    cold=lambda steering: steering.tuning == DEFAULT,
    lane=lambda event: event[0],
    story=_story,
)
