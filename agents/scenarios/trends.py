"""Scenarios of trends: what rises is seen at once and shown, why something falls is told."""

from __future__ import annotations

from typing import Final

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import looped, send
from agents.world.loop import Loop
from schemas.catalogue import Video
from schemas.events import Like
from schemas.trends import Cause
from streams.control.tuning import Tuning
from streams.shards.changes import PAIR, ROW, SOFT, Batch
from streams.shards.video_shard import VideoShard
from streams.trends.lookout import Lookout
from streams.video.catalogue import Catalogue

__all__ = ["Flow", "burst", "bursts_are_seen", "calm", "causes_are_named", "rising_places"]

_MINUTE_MS: Final = 60_000
_NEVER_S: Final = 300.0
_CAUSES: Final[tuple[Cause, ...]] = ("supply", "exposure", "interest", "quality")
_FLOWS: Final = 12
_T0_MS: Final = 1_760_000_000_000


def _like(loop: Loop, viewer: int, video_id: str) -> None:
    user = loop.world.tastes.user_ids[viewer]
    name = f"{user}.{video_id}"
    like = Like(v=1, event_id=name, user_id=user, session_id=user, video_id=video_id, ts_ms=loop.now_ms)
    loop.act([("events.like", like)])


def calm(seed: int, tuning: Tuning, viewers: int = 40, videos: int = 200) -> Loop:
    """An hour in which everybody likes this and that; forty videos that nobody met share a tag and a sound."""
    loop = looped(seed, tuning, viewers=viewers, videos=videos)
    for at in range(40):
        video = Video(v=1, video_id=f"flash{at}", creator_id=f"maker{at}", created_ms=loop.now_ms, duration_ms=15_000,
                      tags=["flash"], sound_id="beat")  # fmt: skip
        send(loop.replay, "videos", video)
    rng = np.random.default_rng(seed)
    likes = 6 * viewers
    for at in range(likes):
        loop.now_ms = loop.world.start_ms + at * 60 * _MINUTE_MS // likes
        _like(loop, at % viewers, loop.world.videos.records[int(rng.integers(20, videos))].video_id)
    loop.replay.flush()
    return loop


def burst(loop: Loop, targets: list[str], seconds: int) -> dict[str, float]:
    """One like a second, of ``targets`` in turn and by viewers in turn; what then was said to rise, after how many
    seconds.
    """
    begin_ms = loop.now_ms
    for second in range(seconds):
        loop.now_ms = begin_ms + second * 1_000
        _like(loop, second % len(loop.world.tastes), targets[second % len(targets)])
        if second % 5 == 4:
            loop.replay.flush()
    rising = [trend for trend in loop.replay.trends if trend.state == "rising" and trend.ts_ms >= begin_ms]
    return {trend.id: (trend.ts_ms - begin_ms) / 1_000 for trend in rising}


@scenario(
    row="trends",
    shows="seconds until a burst (a like a second) of a video, of a tag and of a sound is seen, the slowest of them",
    off={"trends.on": False},
    least=240.0,
    fewer=True,
    seeds=3,
)
def bursts_are_seen(seed: int, tuning: Tuning) -> float:
    """A video bursts, then forty videos that share a tag and a sound, none of them alone."""
    loop = calm(seed, tuning)
    target = loop.world.videos.records[seed].video_id
    found = burst(loop, [target], 40)
    loop.now_ms += 30 * _MINUTE_MS
    found |= burst(loop, [f"flash{at}" for at in range(40)], 40)
    return max(found.get(name, _NEVER_S) for name in (target, "flash", "beat"))


@scenario(
    row="bubble control",
    shows="share of 20 places that go to what rises, while something does",
    off={"trends.share": 0.0},
    least=0.03,
    seeds=3,
)
def rising_places(seed: int, tuning: Tuning) -> float:
    """One place in twenty goes to what rises."""
    loop = calm(seed, tuning)
    burst(loop, [f"flash{at}" for at in range(40)], 40)
    found = [loop.ask(viewer, 20).items for viewer in range(20, 40)]
    return float(np.mean([item.source == "rising" for items in found for item in items]))


@scenario(
    row="trends",
    shows="share of planted falls (a tag each by supply, exposure, interest and quality) whose cause is named",
    off={"trends.on": False},
    least=0.7,
    seeds=3,
)
def causes_are_named(seed: int, tuning: Tuning) -> float:
    """Twelve tags, each with a steady flow; after seven hours one factor of each of four goes down to a quarter."""
    flow = Flow(seed)
    lookout = Lookout(flow.shard, flow.catalogue, whole=True)
    found: dict[str, str | None] = {}
    for minute in range(0, 9 * 60, 10):
        flow.step(minute, fallen=minute >= 7 * 60)
        for trend in lookout.look(tuning.trends):
            if trend.state == "falling" and trend.kind == "tag":
                found.setdefault(trend.id, trend.cause)
    return float(np.mean([found.get(f"tag{at}") == cause for at, cause in enumerate(_CAUSES)]))


class Flow:
    """What twelve tags get in ten minutes each time, drawn: uploads, viewers, long views and likes."""

    def __init__(self, seed: int) -> None:
        self.shard, self.catalogue = VideoShard(0, 30 * 86_400_000, 10**6), Catalogue()
        self._rng = np.random.default_rng(seed)
        self._videos: list[list[str]] = [[] for _ in range(_FLOWS)]
        self._offset = 0

    def step(self, minute: int, *, fallen: bool) -> None:
        """Ten minutes from ``minute`` on; ``fallen``: each of the first four tags has a quarter of one factor."""
        at_ms = _T0_MS + minute * _MINUTE_MS
        ids: list[str] = []
        rows = []
        for tag in range(_FLOWS):
            cut = {cause: 0.25 if fallen and tag == at else 1.0 for at, cause in enumerate(_CAUSES)}
            self._upload(tag, int(self._rng.poisson(3 * cut["supply"])), at_ms)
            shown = self._videos[tag][-30:] or ["none"]
            # Whoever uploads less is met less, as many viewers an upload as before.
            met = self._rng.poisson(60 * cut["supply"] * cut["exposure"])
            watched = self._rng.random(met) < 0.6 * cut["interest"]
            liked = watched & (self._rng.random(met) < 0.4 * cut["quality"])
            video = len(ids) + self._rng.integers(0, len(shown), met)
            ids += shown
            made = np.zeros(met, dtype=ROW)
            made["video"], made["kind"] = video, SOFT
            made["ts_ms"] = at_ms + self._rng.integers(0, 10 * _MINUTE_MS, met)
            made["signal"][:, 0], made["signal"][:, 1], made["signal"][:, 2] = 1, watched, liked
            rows.append(made)
        self._offset += 1
        packed = np.concatenate(rows)
        packed["offset"] = self._offset
        self.shard.apply(Batch("drawn", 0, ids, packed, np.empty(0, PAIR)))
        self.catalogue.take_states(self.shard.states())

    def _upload(self, tag: int, count: int, at_ms: int) -> None:
        made = [
            Video(v=1, video_id=f"tag{tag}.{len(self._videos[tag]) + at}", creator_id="maker", created_ms=at_ms,
                  duration_ms=15_000, tags=[f"tag{tag}"])
            for at in range(count)
        ]  # fmt: skip
        self._videos[tag] += [video.video_id for video in made]
        self.shard.apply_videos([(video.video_id, video) for video in made])
