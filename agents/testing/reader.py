"""Members of a group that apply chunks by the law of a shard and keep what they saw, for tests of the transport."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from faust.types.tuples import TP

from agents.settings import Settings
from agents.transport import Chunk, make_app

__all__ = ["PATIENCE_S", "Reader", "committed", "numbers", "reading", "send"]

PATIENCE_S: Final = 30.0
_GROUPS = itertools.count()


class Reader:
    """A member of a group that applies chunks by the law of a shard: forward, without a gap that is not the log's."""

    def __init__(self, broker: str, topics: Mapping[str, int], **more: Any) -> None:
        self.stored: dict[TP, int] = dict(more.pop("stored", {}))
        self.acks: bool = more.pop("acks", True)
        group = more.pop("group", f"g{next(_GROUPS)}")
        settings = Settings.from_env({}, broker=f"kafka://{broker}", **{"session_timeout_s": 6.0, **more})
        self.next = dict(self.stored)
        self.chunks: dict[TP, list[Chunk]] = defaultdict(list)
        self.values: dict[TP, list[tuple[int, Any]]] = defaultdict(list)
        self.events: list[Any] = []
        self.stale = 0
        self.owned: set[TP] = set()
        self.on_chunk: Callable[[Chunk], Any] | None = None
        self.changed = asyncio.Condition()
        self.group_id = f"{settings.namespace}.{group}"
        self.app = make_app(settings, group, topics, self)
        for topic in topics:
            self.app.agent(self.app.chunk_topics[topic], name=f"{group}.{topic}")(self._read)

    async def assigned(self, tps: set[TP]) -> None:
        """These partitions are ours now."""
        async with self.changed:
            self.owned = set(tps)
            self.changed.notify_all()

    async def revoked(self, tps: set[TP]) -> None:
        """These no more."""
        async with self.changed:
            self.owned -= tps
            self.changed.notify_all()

    def positions(self, tps: set[TP]) -> dict[TP, int]:
        """The next offset to apply; a partition not stored begins at 0."""
        return {tp: self.next.get(tp, 0) for tp in tps}

    async def _read(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self._take(event)

    async def _take(self, event: Any) -> None:
        chunk = event.value
        if self.on_chunk is not None:
            await self.on_chunk(chunk)
        async with self.changed:
            self.chunks[chunk.tp].append(chunk)
            self.events.append(event)
            at = self.next.get(chunk.tp, 0)
            if chunk.start > at:
                self.stale += 1
            else:
                self.values[chunk.tp] += [(r.offset, r.value) for r in chunk.records if r.offset >= at]
                self.next[chunk.tp] = max(at, chunk.records[-1].offset + 1)
                if self.acks:
                    event.ack()
            self.changed.notify_all()

    async def until(self, law: Callable[[], bool]) -> None:
        """Wait for ``law`` to hold; fails with what there is."""
        async with self.changed:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self.changed.wait_for(law)
            except TimeoutError:
                raise AssertionError(
                    f"waited in vain: next {self.next}, owned {self.owned}, stale {self.stale}"
                ) from None

    async def until_at(self, tp: TP, offset: int) -> None:
        """Wait until everything of ``tp`` below ``offset`` was applied."""
        await self.until(lambda: self.next.get(tp, 0) >= offset)


@asynccontextmanager
async def reading(*readers: Reader) -> AsyncIterator[None]:
    """The readers at work, then stopped."""
    starting = [asyncio.create_task(reader.app.start()) for reader in readers]
    try:
        await asyncio.gather(*starting)
        yield
    finally:
        for reader in readers:
            await asyncio.wait_for(reader.app.stop(), PATIENCE_S)


def send(broker: str, topic: str, count: int, *, partition: int = 0, **config: Any) -> None:
    """Publish the numbers below ``count`` to one partition."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 50, **config})
    for number in range(count):
        producer.produce(topic, b"%d" % number, b"k", partition=partition)
    if producer.flush(30):
        raise AssertionError(f"{topic}: not everything was delivered")


def numbers(reader: Reader, tp: TP) -> list[int]:
    """What was applied of a partition, as numbers."""
    return [int(value) for _, value in reader.values[tp]]


def committed(broker: str, group: str, tp: TP) -> int:
    """What the group has committed; below 0: nothing."""
    admin = AdminClient({"bootstrap.servers": broker})
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(tp.topic, tp.partition)])
    found = admin.list_consumer_group_offsets([wanted])[group].result(30)
    offset: int = found.topic_partitions[0].offset
    return offset
