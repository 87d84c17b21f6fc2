"""Scenarios of explanations: what is named as the cause is the cause."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import YEAR_MS
from agents.world.world import World
from schemas.lines import parse_line
from streams.control.tuning import Tuning
from streams.ranking.features import FEATURES
from streams.ranking.ranking import Request, rank
from streams.replay import Replay
from streams.why.explain import FAMILIES

__all__ = ["the_named_reason_is_the_cause"]

_SHOWN, _ASKING = 10, 12


@scenario(
    row="explanations",
    shows="how many times further down an item comes, in doublings, without the family of its first reason",
    off={"explain.reasons": 0},
    least=1.0,
    seeds=3,
)
def the_named_reason_is_the_cause(seed: int, tuning: Tuning) -> float:
    """Switch off the features of the family that an item names, and it falls; of who names none, one can only guess."""
    replay = _learnt(seed)
    rng, fallen = np.random.default_rng(seed), []
    for viewer in range(_ASKING):
        ranked = _ranked(replay, viewer, tuning, ())
        guesses = rng.choice(list(FAMILIES), _SHOWN)
        named = [_family(reasons, guess) for reasons, guess in zip(ranked.reasons[:_SHOWN], guesses, strict=False)]
        for family in sorted(set(named)):
            without = _ranked(replay, viewer, tuning, FAMILIES[family]).rows.tolist()
            places = [at for at, one in enumerate(named) if one == family]
            fallen += [np.log2((without.index(ranked.rows[at]) + 1) / (at + 1)) for at in places]
    return float(np.mean(fallen))


@lru_cache(maxsize=1)
def _learnt(seed: int) -> Replay:
    """A replay that has learnt from a small world's log; reasons change nothing in it."""
    world = World(seed, viewers=20, videos=300)
    replay = Replay(world.start_ms + YEAR_MS)
    for number, text in enumerate(world.log(2_000, previews=False)):
        replay.line(parse_line(text))
        if number % 32 == 0:
            replay.flush()
    replay.flush()
    return replay


def _ranked(replay: Replay, viewer: int, tuning: Tuning, without: tuple[str, ...]) -> Any:
    """Everything that may be shown to a viewer, best first, as if some features said nothing."""
    model, now_ms = replay.model(), replay.users.watermark_ms
    weights = model.weights * np.array([name not in without for name in FEATURES])
    request = Request(viewer, now_ms, limit=10_000, pure=True, tuning=tuning)
    return rank(replay.catalogue, replay.users.viewers, request, model._replace(weights=weights))


def _family(reasons: list[str], guess: str) -> str:
    """The family that the first reason names, the ``guess`` where none is named."""
    word = reasons[0].partition(":")[0] if reasons else guess
    return {"tag": "interest", "rest": guess}.get(word, word)
