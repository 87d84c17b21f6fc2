"""A user shard's host alone: what a worker makes of records and publishes, without a broker, a store or a group.

For tests and scenarios of what goes out unasked. The fold, the desk and the commit of feeds are a worker's own; store
and producer are stand-ins that take everything, and keep what was published. Nothing is ever read back, so a story must
not be so long that rows leave memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import SimpleNamespace, TracebackType
from typing import Any, TypeVar

import msgspec

from agents.dead_letters import BadShare
from agents.settings import Settings
from agents.store import Loaded
from agents.worker.broadcasts import take
from agents.worker.replica import Message
from agents.worker.shared import Shared
from agents.worker.users import UserHost
from schemas.codec import encode
from schemas.control import Control
from schemas.lines import line_of, parse_line
from streams.control.steering import Steering
from streams.video.catalogue import Catalogue

__all__ = ["Alone"]

_T = TypeVar("_T")


class _Store:
    """Holds nothing and takes everything."""

    def acquire(self, *_: object) -> Loaded:
        return Loaded({}, [], [], {}, 0)

    def mget(self, _: object, keys: list[bytes]) -> list[None]:
        return [None] * len(keys)

    def checkpoint(self, *_: object) -> None:
        pass

    def commit_feeds(self, _: object, __: str, feed_count: int, *___: object) -> int:
        return feed_count + 1


class _Producer:
    """Keeps values by topic; everything is delivered at once."""

    def __init__(self) -> None:
        self.sent: dict[str, list[bytes]] = {}

    def send(self, topic: str, _: bytes | None, value: bytes, **__: object) -> None:
        self.sent.setdefault(topic, []).append(value)


class Alone:
    """One open host that ranks from ``catalogue``; a context of an event loop.

    Records are stamped with the time of sending, as Kafka does, since a worker answers no old ones; nothing else
    depends on it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        store: Any = _Store()
        producer: Any = _Producer()
        self._sent: dict[str, list[bytes]] = producer.sent
        self._shared = Shared(
            settings=Settings.from_env({}), store=store, producer=producer, bad=BadShare(0.5),
            catalogue=catalogue, steering=Steering(), learn=False,
        )  # fmt: skip
        self._host = UserHost(0, self._shared, self._rewind)
        self._offsets: dict[str, int] = {}

    async def __aenter__(self) -> Alone:
        await self._host.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._host.close(drain=True)

    async def tell(self, topic: str, *records: msgspec.Struct) -> None:
        """Records of a topic of viewers, folded together."""
        lines = [parse_line(line_of(topic, record)) for record in records]
        first = self._offsets.get(topic, 0)
        self._offsets[topic] = first + len(lines)
        kept = [
            SimpleNamespace(topic=topic, partition=0, offset=at, key=line.key_bytes, value=line.value_bytes,
                            timestamp=int(time.time() * 1_000))
            for at, line in enumerate(lines, first)
        ]  # fmt: skip
        await self._host.fold(SimpleNamespace(tp=SimpleNamespace(topic=topic, partition=0), start=first, records=kept))

    def order(self, *controls: Control) -> None:
        """Records of ``control``, as the replica hands them to every shard."""
        self._hear(Message("control", 0, 0, one.key.encode(), encode(one), one.ts_ms or 0) for one in controls)

    def remove(self, *video_ids: str) -> None:
        """Videos are gone."""
        self._hear(Message("video.state", 0, 0, name.encode(), None, 0) for name in video_ids)

    async def published(self, topic: str, kind: type[_T]) -> list[_T]:
        """What was published of a topic so far, in order, as ``kind``."""
        for _ in range(2):  # the second one waits for what the first has begun
            await self._host.drained()
        return [msgspec.json.decode(value, type=kind) for value in self._sent.get(topic, ())]

    def _hear(self, messages: Iterable[Message]) -> None:
        heard = take(self._shared, messages)
        for names, country in ((heard.gone, None), *heard.taken):
            self._host.take_down(names, country)

    async def _rewind(self, *_: object) -> None:
        raise AssertionError("nobody else owns the shard, so nothing is read again")
