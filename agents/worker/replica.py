"""The replica: broadcast topics read whole by every process, without a group.

A thread reads ``video.state``, ``models``, ``control`` and ``trends`` from their beginnings and hands batches to the
event loop; the process is ready once it has reached what was their end when it started.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from agents import log, tracing
from agents.cluster import Cluster, cluster_options, in_kafka, renamed
from agents.errors import Stop
from agents.producer import Headers

__all__ = ["BroadcastReader", "Message"]

_LOG = log.get("replica")
_BATCH: Final = 5_000
_REST_S: Final = 0.25
_LEADERLESS_S: Final = 60.0
"""A broker that has much to do makes a new topic in seconds, and says until then that it does not lead it."""


class Message(NamedTuple):
    """One record as found."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers | None = None


class BroadcastReader:
    """Reads all partitions of ``topics`` for ever; ``handle`` gets batches in the event loop, in order of partition.

    ``caught_up`` is set when everything there was at the start has been handled. ``news``: only what comes from then
    on, each record as soon as it comes.
    """

    def __init__(
        self,
        bootstrap: str | Cluster,
        topics: Sequence[str],
        handle: Callable[[list[Message]], object],
        *,
        news: bool = False,
    ) -> None:
        self.caught_up = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.cut: set[tuple[str, int]] = set()
        """Partitions that had lost their beginning: what was said there last of a key may be gone."""
        self._loop = asyncio.get_running_loop()
        self._bootstrap, self._topics, self._handle = bootstrap, topics, handle
        self._news = news
        self._stop = threading.Event()
        self._room = threading.Semaphore(4)
        self._thread = threading.Thread(target=self._run, name="broadcast-reader", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()

    async def closed(self) -> None:
        """Stop the thread and wait for its end: whoever closes the loop has to, since the thread calls into it."""
        self.close()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        consumer = Consumer(
            {
                **cluster_options(self._bootstrap),
                "group.id": "unused",  # demanded by librdkafka; nothing is committed
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10 if self._news else 50,
                "log_level": 3,
            }
        )
        try:
            waiting = self._assign(consumer)
            while not self._stop.is_set():
                found = self._found(consumer)
                batch = []
                for one in (renamed(self._bootstrap, one) for one in found):
                    error = one.error()
                    if error is None:
                        stamp_ms = one.timestamp()[1]
                        headers = one.headers() if self._news and tracing.on() else None
                        place = one.topic(), one.partition(), one.offset()
                        batch.append(Message(*place, one.key(), one.value(), stamp_ms, headers))
                    elif error.code() == KafkaError._PARTITION_EOF:
                        waiting.discard((one.topic(), one.partition()))
                    elif error.fatal():
                        raise KafkaException(error)
                self._pass_on(batch, not waiting)
        except BaseException as error:  # whatever it is, the loop must hear of it
            self._loop.call_soon_threadsafe(self._fail, error)
        finally:
            consumer.close()

    def _found(self, consumer: Any) -> list[Any]:
        """What has come: of news the first at once, of a whole topic as much as comes within a moment."""
        if not self._news:
            found: list[Any] = consumer.consume(_BATCH, timeout=0.05)
            return found
        first = consumer.poll(0.05)
        return [] if first is None else [first, *consumer.consume(_BATCH, timeout=0)]

    def _assign(self, consumer: Any) -> set[tuple[str, int]]:
        metadata = None
        for _ in range(20):
            try:
                metadata = consumer.list_topics(timeout=5.0)
                if all(in_kafka(self._bootstrap, topic) in metadata.topics for topic in self._topics):
                    break
            except KafkaException:
                pass
            time.sleep(_REST_S)
        names = {topic: in_kafka(self._bootstrap, topic) for topic in self._topics}
        missing = [name for name in names.values() if metadata is None or name not in metadata.topics]
        if metadata is None or missing:
            raise Stop(f"Kafka has no topic {', '.join(missing)}: run `feedstream topics apply`")
        places = [(topic, number) for topic, name in names.items() for number in metadata.topics[name].partitions]
        for topic, number in () if self._news else places:
            if self._begin(consumer, names[topic], number) > 0:
                self.cut.add((topic, number))
        begin = OFFSET_END if self._news else OFFSET_BEGINNING
        consumer.assign([TopicPartition(names[topic], number, begin) for topic, number in places])
        return set(places)

    def _begin(self, consumer: Any, topic: str, number: int) -> int:
        """The first offset that a partition holds; asked again where nobody leads it yet, or its leader has moved."""
        until_s = time.monotonic() + _LEADERLESS_S
        while True:
            try:
                return int(consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10.0)[0])
            except KafkaException as error:
                if self._stop.wait(_REST_S) or time.monotonic() > until_s:
                    said = error.args[0].str()
                    raise Stop(
                        f"Kafka does not say where partition {number} of {topic} begins ({said}): look at its log"
                    ) from None

    def _pass_on(self, batch: list[Message], done: bool) -> None:
        if not batch and (not done or self.caught_up.is_set()):
            return
        self._room.acquire()
        self._loop.call_soon_threadsafe(self._take, batch, done)

    def _take(self, batch: list[Message], done: bool) -> None:
        self._room.release()
        if batch:
            try:
                self._handle(batch)
            except BaseException as error:  # the process must end, not this callback
                self._fail(error)
                return
        if done:
            self.caught_up.set()

    def _fail(self, error: BaseException) -> None:
        if not self.failed.done():
            self.failed.set_exception(error)
