"""A consumer group of a worker: the hosts of the partitions it owns, and the Faust app that feeds them.

One group a role, so that each is rebalanced on its own. Partition p of every topic of a group belongs to shard p.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from faust.types.tuples import TP

from agents import log
from agents.cluster import in_kafka, of_ours
from agents.settings import Settings
from agents.transport import make_app
from agents.worker.shard_host import ShardHost

__all__ = ["Group"]

_LOG = log.get("group")


class Group:
    """Owns shards of one kind. ``make`` builds a host from (number, rewind); ``counts`` are the partitions of the
    topics.
    """

    def __init__(
        self, name: str, settings: Settings, counts: Mapping[str, int], make: Callable[[int, Any], ShardHost]
    ) -> None:
        self.name = name
        self.topics = tuple(counts)
        self.hosts: dict[int, ShardHost] = {}
        self.loading: dict[int, ShardHost] = {}
        """Shards that are ours and not open yet."""
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready = asyncio.Event()
        self.app = make_app(settings, name, counts, self)
        self._make, self._kafka = make, settings.kafka
        self._draining = False
        for topic in counts.items():
            self._agent(topic[0])

    def _agent(self, topic: str) -> None:
        async def read(stream: Any) -> None:
            async for event in stream.noack().events():
                host = self.hosts.get(event.value.tp.partition)
                if host is not None:
                    await host.put(event)

        self.app.agent(self.app.chunk_topics[topic], name=f"{self.name}.{topic}")(read)

    async def assigned(self, tps: set[TP]) -> None:
        """Open the shards that are ours from now on."""
        numbers = {tp.partition for tp in tps}
        await self._close(set(self.hosts) - numbers)
        fresh = [self._open(number) for number in sorted(numbers - set(self.hosts))]
        await asyncio.gather(*fresh)
        self.ready.set()
        _LOG.info("shards_assigned", group=self.name, shards=sorted(self.hosts))

    async def revoked(self, tps: set[TP]) -> None:
        """Write a last checkpoint of the shards that are ours no more, and drop them."""
        await self._close({tp.partition for tp in tps})

    def positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The next offset to fold of each partition whose shard is open."""
        return {
            tp: self.hosts[tp.partition].next_offset(of_ours(self._kafka, tp.topic))
            for tp in tps
            if tp.partition in self.hosts
        }

    def reached(self, topic: str, number: int) -> int:
        """The next offset to fold of a partition whose shard is open; gaps at the end of the log are behind it."""
        reached: int = self.app.consumer.reached(self._tp(topic, number), self.hosts[number].next_offset(topic))
        return reached

    async def rewind(self, number: int, offsets: Mapping[str, int]) -> None:
        """Seek every topic of a shard to ``offsets``."""
        await self.app.consumer.rewind({self._tp(topic, number): offset for topic, offset in offsets.items()})

    async def stop(self) -> None:
        """Drain: fold nothing more, write what was folded, leave the group."""
        self._draining = True
        await self._close(set(self.hosts))
        await self.app.stop()

    def _tp(self, topic: str, number: int) -> TP:
        return TP(in_kafka(self._kafka, topic), number)

    async def _open(self, number: int) -> None:
        host = self.loading[number] = self._make(number, self.rewind)
        try:
            await host.open()
        finally:
            del self.loading[number]
        self.hosts[number] = host
        host.failed.add_done_callback(self._host_failed)

    async def _close(self, numbers: set[int]) -> None:
        closing = [self.hosts.pop(number) for number in sorted(numbers) if number in self.hosts]
        await asyncio.gather(*(host.close(drain=True) for host in closing))

    def _host_failed(self, future: asyncio.Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None and not self.failed.done():
            self.failed.set_exception(error)
