"""Scenarios of sources of candidates, each off in turn: what is lost where nobody looks there. Sources that are
mechanisms of their own (friends, transitions, rising, fresh, locale, chance) have theirs in other rooms.
"""

from __future__ import annotations

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.viewer import Stage, share
from schemas.catalogue import Video
from streams.control.tuning import Tuning

__all__ = ["by_whom_one_follows", "liked_by_the_like_minded", "liked_together"]


@scenario(
    row="candidates",
    shows="share of the first ten that is by the five creators whom a viewer follows",
    off={"persona.followed": 0.0},
    least=0.2,
)
def by_whom_one_follows(seed: int, tuning: Tuning) -> float:
    """Ann follows five creators at their profiles and did nothing else; others like anything."""
    stage = Stage(seed, tuning)
    makers = sorted({video.creator_id for video in stage.videos})
    chosen = [makers[at] for at in stage.rng.permutation(len(makers))[:5].tolist()]
    for maker in chosen:
        theirs = next(video for video in stage.videos if video.creator_id == maker)
        stage.tell("follow", "ann", theirs.video_id, creator_id=maker)
    stage.replay.flush()
    return share(stage.shown("ann"), [video.video_id for video in stage.videos if video.creator_id in chosen])


@scenario(
    row="candidates",
    shows="share of the rest of a set among the first ten after two likes of it, by passers-by (the like-minded off)",
    on={"persona.alike": 0.0},
    off={"persona.together": 0.0, "persona.alike": 0.0},
    least=0.05,
    seeds=3,
)
def liked_together(seed: int, tuning: Tuning) -> float:
    """Sets of videos that nothing but the likes of passing viewers, five in a row each, ties together."""
    stage, sets = _sets(seed, tuning, 8)
    for at in range(160):
        stage.like(f"u{at}", [sets[at % 8][one] for one in stage.rng.permutation(8)[:5].tolist()])
    return _found(stage, sets, liked=2)


@scenario(
    row="candidates",
    shows="share of the rest of a set among the first ten after two likes of it, by regulars (co-occurrence off)",
    on={"persona.together": 0.0},
    off={"persona.together": 0.0, "persona.alike": 0.0},
    least=0.1,
    seeds=3,
)
def liked_by_the_like_minded(seed: int, tuning: Tuning) -> float:
    """Sets of videos that nothing but the likes of regulars, one a day, ties together."""
    stage, sets = _sets(seed, tuning, 8)
    for day in range(6):
        stage.now_ms += 86_400_000
        for at in range(40):
            stage.like(f"u{at}", [sets[at % 8][(day + at // 8) % 8]])
    return _found(stage, sets, liked=2)


def _sets(seed: int, tuning: Tuning, count: int) -> tuple[Stage, list[list[Video]]]:
    stage = Stage(seed, tuning)
    order = stage.rng.permutation(len(stage.videos))[: count * 8].reshape(count, 8).tolist()
    return stage, [[stage.videos[at] for at in part] for part in order]


def _found(stage: Stage, sets: list[list[Video]], liked: int) -> float:
    found = []
    for number, videos in enumerate(sets):
        stage.like(f"new{number}", videos[:liked])
        shown = stage.shown(f"new{number}", 10, purpose="preview")
        found.append(share(shown, [video.video_id for video in videos[liked:]]))
    return float(np.mean(found))
