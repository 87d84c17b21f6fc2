"""The state of steering behind the face of ``states``."""

from __future__ import annotations

import random

import msgspec

from streams.control.steering import Steering
from streams.control.tuning import DEFAULT, described
from tests.streams.states import Events, State, Story, pickled

__all__ = ["STEERING"]

_KEYS = [f"tuning.{key}" for key, *_ in described() if key.startswith(("objective.", "slate.fresh"))]


_NAMES = [f"experiment.e{at}" for at in range(4)]
_VIEWERS = range(1, 40)
_RULES = [None, {"do": "boost", "tag": "a"}, {"do": "take_down", "video": "b", "until_ms": 9}]


def _told(share: float) -> dict[str, object]:
    return {"salt": "s", "share": share, "arms": {"a": {}, "b": {"settings": {"slate.fresh": share}}}}


def _set(rng: random.Random) -> Events:
    some = [(rng.choice(_KEYS), rng.choice([None, 0.0, 0.25, 1.0])) for _ in range(20)]
    some += [(f"rule.r{rng.randrange(4)}", rng.choice(_RULES)) for _ in range(8)]
    return some + [(rng.choice(_NAMES), rng.choice([None, _told(0.25), _told(0.5)])) for _ in range(4)]


def _exact(steering: Steering) -> object:
    held = [(steering.arms(one, 5), msgspec.to_builtins(steering.of(one, 5))) for one in _VIEWERS]
    return msgspec.to_builtins(steering.tuning), held, steering.rules.named


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
    held = len(steering._set) + len(steering._told) + len(steering.rules.named)
    return held, len(_KEYS) + len(_NAMES) + 4


STEERING = State(
    "Steering",
    fresh=Steering,
    events=_set,
    apply=_steer,
    exact=_exact,
    again=pickled,
    raw=lambda steering: (steering.tuning, steering._set, steering._told, steering._trials, steering.rules.named),
    flood=_flooded,
    cold=lambda steering: steering.tuning == DEFAULT,
    lane=lambda event: event[0],
    story=_story,
)
