"""Video shards at work: changes of counts and records of videos of one partition, and the states that go out to all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

import msgspec

from agents import log
from agents.measures.telemetry import METRICS
from agents.producer import Ticket
from agents.store import Loaded
from agents.topics import FOLDED
from agents.worker.intake import Intake
from agents.worker.shard_host import Pending, ShardHost
from agents.worker.shared import Shared
from schemas.codec import encode
from schemas.formats import NewerFormat
from schemas.partitioner import partition
from streams import limits
from streams.arrays.hashing import hash64
from streams.shards.changes import Batch, decode_frame
from streams.shards.video_shard import VideoShard, video_key
from streams.trends.lookout import Lookout

__all__ = ["VideoHost"]

_LOG = log.get("videos")
_STATES_EVERY_S: Final = 0.1
_NUMBERS_EVERY_S: Final = 1.0
_NUMBERS_AT_LAST_S: Final = 5.0
_NUMBERS_SHARE: Final = 1 / 40
"""Share of the time that saying numbers may take: every process reads every state, so they are said less often where
there are many.
"""
_FEW: Final = 32
_WHOLE: Final = 0
"""The partition whose owner looks at tags and sounds, which run across all of them."""
_TRENDS: Final = b"t:"
"""Row key of the trends of a shard."""


class VideoHost(ShardHost):
    """One video shard. A changed record, or a video that enters or leaves the active set, is said within 100 ms and
    before the checkpoint that holds it: a state said twice is harmless, one never said is not. Where many numbers
    change they are said every 1 to 5 s; after a crash ``opened`` says them again.
    """

    kind = "v"
    topics = FOLDED["v"]

    def __init__(self, number: int, shared: Shared, rewind: Callable[..., Awaitable[None]]) -> None:
        super().__init__(number, shared.settings, shared.store, rewind)
        self.shared = shared
        self.shard: VideoShard
        self._intake = Intake(shared)
        self._said = Ticket()
        self._noted: set[str] = set()
        self._numbers_due_s = 0.0
        self._lookout: Lookout
        self.loops = [self._say_loop]

    def fresh(self, loaded: Loaded) -> None:
        """An empty shard at the stored offsets; rows come from the store when they are needed."""
        settings = self.settings
        active_ms = int(settings.active_days * limits.DAY_MS)
        share = -(-settings.active_videos // settings.video_partitions)
        self.shard = VideoShard(self.number, active_ms, share, self.shared.steering)
        self.shard.offsets = dict(loaded.offsets)
        self._lookout = Lookout(self.shard, self.shared.catalogue, whole=self.number == _WHOLE)

    async def opened(self, loaded: Loaded) -> None:
        """Bring the active videos back, so that they can expire, and say their states again; trends that were stored
        and perhaps not published go out again.
        """
        token = self.token

        (trends,) = await self.retried(self.store.mget, self.id, [_TRENDS])
        if self.token == token and trends is not None:
            self._lookout.decode(trends)
            await self._publish()
        active = await self.retried(self.store.marked, self.id)
        if self.token == token:
            await self._warm(key[len(video_key("")) :].decode() for key in active)
            self.shard.say_again()

    def next_offset(self, topic: str) -> int:
        """The next offset to fold of a topic."""
        return self.shard.offsets.get(topic, 0)

    async def fold(self, chunk: Any) -> None:
        """Fold changes, or records of videos."""
        topic = chunk.tp.topic
        records = [record for record in chunk.records if record.offset >= self.next_offset(topic)]
        if not records:
            return
        METRICS["events_total"].labels(topic).inc(len(records))
        if topic == "engagement":
            await self._changes(records)
        else:
            await self._records(topic, records)

    async def _changes(self, records: list[Any]) -> None:
        batches: list[Batch] = []
        for record in records:
            try:
                batches.append(decode_frame(record.value or b""))
            except NewerFormat:
                raise
            except (msgspec.MsgspecError, ValueError):
                self._intake.refuse("engagement", record, "type", "$")
        await self._warm(video_id for batch in batches for video_id in batch.video_ids)
        self.shard.apply_many(batches, records[-1].offset + 1)

    async def _records(self, topic: str, records: list[Any]) -> None:
        videos, kept, _ = self._intake.read(topic, records)
        names = [record.key.decode() for record in kept]
        await self._warm(names)
        await self._note_names(videos)
        self.shard.apply_videos(list(zip(names, videos, strict=True)), records[-1].offset + 1)

    async def _note_names(self, videos: Iterable[Any]) -> None:
        """Tags travel as hashes: note their names once, for whoever reads a persona."""
        words = {word for video in videos if video is not None for word in (*video.tags, video.category) if word}
        fresh = {hash64(word): word for word in words - self._noted}
        await self.retried(self.store.note_names, fresh)
        self._noted |= words

    def save(self) -> Pending | None:
        """Dirty rows and offsets; trends go out after the checkpoint that holds them."""
        self._lookout.look(self.shared.steering.tuning.trends)
        if self.shard.offsets == self._stored and not self.shard.dirty and not self._lookout.changed:
            return None
        self._say(urgent=True)
        saved = self.shard.checkpoint()
        trends = [self._lookout.encode()] if self._lookout.changed else []
        said, self._said = self._said, Ticket()

        async def after() -> None:
            async with self.folding:  # what a chunk has found in memory stays there until it is folded
                self.shard.cool(self.settings.hot_videos // self.settings.video_partitions)
            await self._publish()

        waits = [self._intake.letters().delivered(), said.delivered()]
        marks = [key for key, active in zip(saved.keys, saved.active, strict=True) if active]
        unmarks = [key for key, active in zip(saved.keys, saved.active, strict=True) if not active]
        rows = saved.keys + [_TRENDS] * len(trends), saved.values + trends, saved.deletes, saved.offsets
        return Pending(*rows, marks=marks, unmarks=unmarks, waits=waits, after=after)

    async def _publish(self) -> None:
        """Publish trends that are stored; a video's to its own partition, a tag's or sound's to that of its name."""
        ticket, trends = Ticket(), list(self._lookout.unsent)
        for trend in trends:
            key, count = trend.id.encode(), self.settings.video_partitions
            place = self.number if trend.kind == "video" else partition(key, count)
            self.shared.producer.send("trends", key, encode(trend), partition=place, ticket=ticket)
        await ticket.delivered()
        self._lookout.sent(trends)

    async def _say_loop(self) -> None:
        while True:
            await asyncio.sleep(_STATES_EVERY_S)
            began_s = time.monotonic()
            if self.shard.waiting > _FEW and began_s < self._numbers_due_s:
                self._say(urgent=True)
                continue
            self._say()
            took_s = time.monotonic() - began_s
            self._numbers_due_s = began_s + min(max(_NUMBERS_EVERY_S, took_s / _NUMBERS_SHARE), _NUMBERS_AT_LAST_S)

    def _say(self, *, urgent: bool = False) -> None:
        for video_id, state in self.shard.states(urgent=urgent):
            value = None if state is None else self.shard.encode(self.shard.row_of[video_id], state)
            self.shared.producer.send("video.state", video_id.encode(), value, partition=self.number, ticket=self._said)
        # Before the checkpoint that holds what was decided, so at least once; decided again, it has the same id.
        for made in self.shard.referee.decisions():
            key = made.video_id.encode()
            self.shared.producer.send("tiers", key, encode(made), partition=self.number, ticket=self._said)
            METRICS["tier_decisions_total"].labels(made.decision).inc()

    async def _warm(self, video_ids: Iterable[str]) -> None:
        missing = self.shard.missing(video_ids)
        for low in range(0, len(missing), 5_000):
            part = missing[low : low + 5_000]
            values = await self.retried(self.store.mget, self.id, [video_key(name) for name in part])
            self.shard.load(part, values)
