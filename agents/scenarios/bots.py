"""Scenarios of bots: accounts that act together on one video move its counts and hardly its place."""

from __future__ import annotations

from typing import Final

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import YEAR_MS, Teller
from agents.world.world import World
from schemas.lines import parse_line
from schemas.topics import COUNTS
from streams.control.tuning import Tuning
from streams.replay import Replay

__all__ = ["an_attack_moves_little"]

_ACCOUNTS: Final = 500
_EVERY_MS: Final = 100


@scenario(
    row="spam and bots",
    shows="share of the ranking that a video climbs when 500 new accounts like it within a minute, its counts exact",
    off={"bots.on": False},
    least=0.1,
    fewer=True,
    seeds=3,
)
def an_attack_moves_little(seed: int, tuning: Tuning) -> float:
    """Viewers watch what they stumble upon for some hours; then accounts that nobody knew like one of the videos."""
    world = World(seed, viewers=40, videos=150)
    replay = Replay(world.start_ms + YEAR_MS, tuning=tuning)
    now_ms = 0
    for line in map(parse_line, world.log(900, previews=False)):
        replay.line(line)
        now_ms = max(now_ms, line.ts_ms)
    replay.flush()
    likes_of = [_likes(replay, video.video_id) for video in world.videos.records]
    target = world.videos.records[int(np.argsort(likes_of, kind="stable")[len(likes_of) // 2])].video_id
    stood, likes = _place(Teller(replay, now_ms), world, target), _likes(replay, target)
    teller = Teller(replay, now_ms)
    for at in range(_ACCOUNTS):
        teller.now_ms += _EVERY_MS
        teller.does("like", f"bot{at}", target)
    replay.flush()
    if _likes(replay, target) != likes + _ACCOUNTS:
        raise RuntimeError(f"{_likes(replay, target)} likes are counted, {likes + _ACCOUNTS} stand")
    return stood - _place(teller, world, target)


def _likes(replay: Replay, video_id: str) -> int:
    row = replay.videos.row_of[video_id]
    return int(replay.videos.table.counts[row, COUNTS.index("likes")])


def _place(teller: Teller, world: World, video_id: str) -> float:
    """Mean place of a video among all that each viewer has not met, 0 the best and 1 the last."""
    places = []
    for user in world.tastes.user_ids:
        ids = teller.asks(user, 200, purpose="preview")
        if video_id in ids:
            places.append(ids.index(video_id) / len(ids))
    return float(np.mean(places))
