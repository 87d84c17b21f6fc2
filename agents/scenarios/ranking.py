"""Scenarios of the ranking: what is shown, and in which order."""

from __future__ import annotations

import numpy as np

from agents.scenarios.scenario import scenario
from agents.world.loop import Loop
from agents.world.world import World
from streams.replay import Replay
from streams.tuning import Tuning

__all__ = ["fresh_places", "looped"]

_YEAR_MS = 365 * 86_400_000


def looped(seed: int, tuning: Tuning, viewers: int = 12, videos: int = 300) -> Loop:
    """The closed loop of a small world under ``tuning``."""
    world = World(seed, viewers=viewers, videos=videos)
    return Loop(world, Replay(world.start_ms + _YEAR_MS, tuning=tuning))


@scenario(
    row="bubble control",
    shows="share of 20 places that go to a video few have met",
    off={"slate.fresh": 0.0},
    least=0.05,
    seeds=3,
)
def fresh_places(seed: int, tuning: Tuning) -> float:
    """One place in ten goes to a fresh video."""
    loop = looped(seed, tuning)
    found = [loop.ask(viewer, 20).items for viewer in range(len(loop.world.tastes))]
    return float(np.mean([item.source == "fresh" for items in found for item in items]))
