"""Scenarios of what goes out unasked: deltas that repair a batch already sent, and the batch after a strong signal.

A worker's own host makes them; a replay, which answers requests only, has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from agents.scenarios.scenario import scenario
from agents.scenarios.viewer import Stage, share
from agents.testing.alone import Alone
from schemas.catalogue import Video
from schemas.control import Control
from schemas.feeds import FeedBatch, FeedDelta, FeedRequest

__all__ = ["a_like_brings_a_batch", "hidden_while_unseen", "taken_down_while_unseen"]

_FIRST: Final = 40
_SEEN: Final = 36


class _Sent:
    """Ann before a worker's host: she was sent forty videos, watched most of them, and was sent the next ones."""

    def __init__(self, stage: Stage, host: Alone) -> None:
        self.stage, self.host = stage, host
        self.videos: list[Video] = []

    async def begin(self) -> None:
        """Ask and watch, until the next batch comes."""
        asked = FeedRequest(v=1, request_id="r", user_id="ann", ts_ms=self.stage.now_ms, limit=_FIRST)
        await self.host.tell("feed.requests", asked)
        for video in (await self._all_sent())[:_SEEN]:
            await self.does("watch", video.video_id, watch_ms=video.duration_ms, duration_ms=video.duration_ms)
        self.videos = await self._all_sent()
        if len(self.videos) <= _FIRST:
            raise RuntimeError("no batch followed when a few videos were left of the one before")

    async def does(self, verb: str, video_id: str | None = None, **more: Any) -> None:
        """Ann does something; a second goes by."""
        self.stage.now_ms += 1_000
        await self.host.tell(f"events.{verb}", self.stage.event(verb, "ann", video_id, **more))

    @property
    def tag(self) -> str:
        """The leading tag of one that was left when the next batch came."""
        return self.videos[_SEEN].tags[0]

    async def withdrawn(self, *more: str) -> float:
        """Whether deltas have withdrawn the unseen videos with the ``tag``, and ``more`` (ids), and nothing else."""
        gone = {name for delta in await self.host.published("feed.delta", FeedDelta) for name in delta.removed}
        return float(gone == {video.video_id for video in self.videos[_SEEN:] if self.tag in video.tags} | {*more})

    async def _all_sent(self) -> list[Video]:
        by_id = {video.video_id: video for video in self.stage.videos}
        batches = await self.host.published("feeds", FeedBatch)
        return [by_id[item.video_id] for batch in batches for item in batch.items]


def _told(seed: int, story: Callable[[_Sent], Awaitable[float]]) -> float:
    """What ``story`` finds."""

    async def tell() -> float:
        stage = Stage(seed)
        stage.replay.flush()
        async with Alone(stage.replay.catalogue) as host:
            sent = _Sent(stage, host)
            await sent.begin()
            return await story(sent)

    return asyncio.run(tell())


@scenario(
    row="deltas",
    shows="whether deltas withdraw what was sent, is unseen and has a tag just hidden, and nothing else (1) or not (0)",
    off="nothing is hidden",
    least=0.9,
    seeds=3,
)
def hidden_while_unseen(seed: int, given: bool) -> float:
    """What was sent and is hidden before it is seen goes away, from both batches; what was seen stays."""

    async def story(sent: _Sent) -> float:
        if given:
            await sent.does("feedback", kind="hide_tag", target=sent.tag)
        return await sent.withdrawn()

    return _told(seed, story)


@scenario(
    row="deltas",
    shows="whether deltas withdraw what was sent, is unseen and was taken down, and nothing else (1) or not (0)",
    off="nothing is taken down",
    least=0.9,
    seeds=3,
)
def taken_down_while_unseen(seed: int, given: bool) -> float:
    """An operator takes a tag down, and one more video is removed by whoever uploaded it."""

    async def story(sent: _Sent) -> float:
        other = next(video.video_id for video in reversed(sent.videos) if sent.tag not in video.tags)
        if given:
            sent.host.order(Control(v=1, key="rule.x", value={"do": "take_down", "tag": sent.tag}))
            sent.host.remove(other)
        return await sent.withdrawn(other)

    return _told(seed, story)


@scenario(
    row="deltas",
    shows="share of the subject just liked in the batch that follows unasked (none: 0)",
    off="nothing is liked",
    least=0.2,
    seeds=3,
)
def a_like_brings_a_batch(seed: int, given: bool) -> float:
    """A strong signal is answered at once, by a batch that knows of it."""

    async def story(sent: _Sent) -> float:
        liked = sent.videos[0]
        if given:
            await sent.does("like", liked.video_id)
        batches = [one for one in await sent.host.published("feeds", FeedBatch) if one.trigger == "signal"]
        names = {item.video_id for batch in batches for item in batch.items}
        alike = [video.video_id for video in sent.stage.videos if video.category == liked.category]
        return share([video for video in sent.stage.videos if video.video_id in names], alike)

    return _told(seed, story)
