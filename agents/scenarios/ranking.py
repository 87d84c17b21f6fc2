"""Scenarios of the ranking: what is shown, and in which order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import YEAR_MS, looped
from agents.world.loop import Loop
from agents.world.world import World
from schemas.lines import parse_line
from streams.control.tuning import Tuning
from streams.replay import Replay

__all__ = ["fresh_places", "weight_on_finishing_brings_videos_that_are_finished"]


@scenario(
    row="strength order",
    shows="mean duration in s of the ten videos shown first",
    on={"objective.complete": 10.0, "objective.long_view": 0.0, "objective.like": 0.0},
    off={},
    least=3.0,
    fewer=True,
    seeds=3,
)
def weight_on_finishing_brings_videos_that_are_finished(seed: int, tuning: Tuning) -> float:
    """Short videos are finished far more often: a higher weight on finishing brings shorter ones, without a restart."""
    loop = _watched(seed)
    loop.replay.steering.tuning = tuning
    return float(np.mean([_seconds(loop, viewer) for viewer in range(len(loop.world.tastes))]))


@lru_cache(maxsize=1)
def _watched(seed: int) -> Loop:
    """A world after 5,000 events. Previews change nothing in it, so both sides of a scenario may look at it."""
    world = World(seed, viewers=20, videos=300)
    replay = Replay(world.start_ms + YEAR_MS)
    for number, text in enumerate(world.log(5_000)):
        replay.line(parse_line(text))
        if number % 32 == 0:
            replay.flush()
    loop = Loop(world, replay)
    loop.now_ms = replay.users.watermark_ms
    return loop


def _seconds(loop: Loop, viewer: int) -> float:
    videos = loop.world.videos
    shown = loop.ask(viewer, 10, "preview").items
    return float(np.mean([videos.duration_ms[videos.row_of[item.video_id]] for item in shown])) / 1_000.0


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
