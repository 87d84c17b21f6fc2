"""Scenarios of experiments: what a readout finds, and what draws with known odds tell."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from agents.evaluate.journey import journeys
from agents.evaluate.offpolicy import ips
from agents.evaluate.readout import readout
from agents.scenarios.scenario import scenario
from agents.scenarios.telling import looped, send
from agents.world.loop import Loop
from schemas.control import Control
from schemas.lines import Line, line_of, parse_line
from streams.control.tuning import Tuning
from streams.signals.watching import long_view

__all__ = ["a_draw_by_promise_fits_better", "an_arm_that_differs_is_found", "tried", "what_chance_would_earn"]

_WINDOW_MS: Final = 60_000


def known(seed: int, tuning: Tuning, viewers: int, shows: int, videos: int = 400) -> Loop:
    """A loop under ``tuning`` whose viewers have a past of ``shows`` showings that no feed decided."""
    loop = looped(seed, tuning, viewers, videos)
    for text in loop.world.log(shows, previews=False, trend=0.1):
        loop.replay.line(parse_line(text))
    loop.now_ms = loop.replay.users.watermark_ms
    return loop


def tried(loop: Loop, value: dict[str, Any], limit: int = 20, name: str = "x") -> list[Line]:
    """Experiment ``name`` in the closed loop: everybody asks once and watches it all. Lines of what was served and what
    came of it.
    """
    record = Control(v=1, key=f"experiment.{name}", value=value)
    send(loop.replay, "control", record)
    batches = [loop.ask(viewer, limit) for viewer in range(len(loop.world.tastes))]
    lines = [parse_line(line_of("feeds", batch)) for batch in batches]
    for viewer, batch in enumerate(batches):
        shown = [item.video_id for item in batch.items]
        events, _ = loop.world.watch(viewer, shown, loop.now_ms, batch.batch_id)
        loop.act(events)
        lines += [parse_line(line_of(topic, event)) for topic, event in events]
    return lines


@scenario(
    row="closed loop",
    shows="share of experiments in which the readout says that the arms differ; off: both arms draw at random",
    off={"explore.uniform": 1.0},
    least=1.0,
    seeds=2,
)
def an_arm_that_differs_is_found(seed: int, tuning: Tuning) -> float:
    """One arm draws all its places at random: viewers watch less to the end, and the readout finds it. Where everybody
    gets that, both arms are one and it finds nothing.
    """
    arms = {"as it is": {}, "chance": {"settings": {"explore.uniform": 1.0}}}
    lines = tried(known(seed, tuning, viewers=76, shows=2_500), {"salt": f"s{seed}", "arms": arms})
    found = readout(journeys(lines), "x", window_ms=_WINDOW_MS, metrics=["long_view"]).against["chance"]["long_view"]
    return float(found.found)


@scenario(
    row="exploration",
    shows="how far the estimate of what videos drawn at random earn (long views a showing) is from the truth",
    off={"explore.uniform": 0.0},
    on={"explore.uniform": 0.25},
    least=0.05,
    fewer=True,
    seeds=3,
)
def what_chance_would_earn(seed: int, tuning: Tuning) -> float:
    """What was drawn, weighed by its odds, tells what chance would earn; what was ranked tells more than the truth."""
    loop = known(seed, tuning, viewers=100, shows=1_000)
    world, names = loop.world, loop.world.tastes.user_ids
    left = [np.flatnonzero(~given) for given in world.given]
    truth = np.mean(
        [world.reactions.rates(world.affinities(at)[rows])["long_view"].mean() for at, rows in enumerate(left)]
    )
    found = journeys(tried(loop, {"salt": "s", "arms": {"a": {}, "b": {}}}, limit=15)).places
    drawn = [place for place in found if place.propensity is not None] or found
    watched, lengths = np.array([(place.watch_ms, place.duration_ms) for place in drawn]).T
    earned = long_view(watched, lengths).astype(np.float64)
    even = {name: 1.0 / len(rows) for name, rows in zip(names, left, strict=True)}
    target = np.array([even[place.user_id] for place in drawn])
    # What was ranked has no odds: it counts as if chance had chosen it.
    odds = np.array([place.propensity or even[place.user_id] for place in drawn])
    return abs(ips(earned, target, odds).value - float(truth))


@scenario(
    row="exploration",
    shows="hidden liking of the videos that were drawn (0: as good as chance, 1: the best)",
    off={"explore.promise": 0.0, "explore.uniform": 0.2},
    on={"explore.promise": 0.2, "explore.uniform": 0.0},
    least=0.1,
    seeds=3,
)
def a_draw_by_promise_fits_better(seed: int, tuning: Tuning) -> float:
    """A draw by how likely a video is to be the best costs the viewer less than one that takes any."""
    loop = known(seed, tuning, viewers=30, shows=1_500)
    found = []
    for viewer in range(len(loop.world.tastes)):
        drawn = [item.video_id for item in loop.ask(viewer, 20).items if item.propensity is not None]
        found.append(loop.world.match(viewer, drawn))
    return float(np.mean(found))
