"""The consumer: the current slate of each viewer, from ``feeds`` and ``feed.delta``.

``Slates`` is the rule alone, without a connection: repeats are dropped, a batch that follows is put behind what is
left, any other takes its place, and a delta takes out what must not be shown any more. The two topics are read side by
side, so a delta may be read before the batch that it is about. ``FeedConsumer`` reads Kafka into it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException

from agents.cluster import Cluster, cluster_options, in_kafka, of_ours
from agents.errors import Stop
from agents.latest import Latest
from schemas.codec import BadRecord, decode
from schemas.feeds import FeedBatch, FeedDelta, FeedItem
from streams import limits

__all__ = ["FEED_TOPICS", "FeedConsumer", "Slate", "Slates"]

FEED_TOPICS: Final = ("feeds", "feed.delta")
_LOG = logging.getLogger("feedstream.kafka")
_KEPT: Final = 64
_BATCH: Final = 500


class Slate(msgspec.Struct, frozen=True, kw_only=True):
    """What one viewer is to be shown next: ``items``, best first, without what was shown or withdrawn. ``batch`` is the
    latest one, whose ``as_of`` says what it reflects.
    """

    user_id: str
    batch: FeedBatch
    items: tuple[FeedItem, ...]


@dataclass(slots=True)
class _Held:
    batch: FeedBatch | None = None
    items: list[FeedItem] = field(default_factory=list)
    batches: Latest[str, None] = field(default_factory=lambda: Latest(_KEPT))
    deltas: Latest[str, FeedDelta] = field(default_factory=lambda: Latest(_KEPT))


class Slates:
    """The slates of the ``viewers`` served latest; of whoever was served longest ago nothing is known any more.

    >>> from schemas.feeds import FeedBatch, FeedDelta, FeedItem
    >>> slates, item = Slates(), FeedItem(video_id="v1", position=0, score=1.0, source="popular", reasons=["popular"])
    >>> batch = FeedBatch(v=1, batch_id="1-a", user_id="ann", seq=1, ts_ms=0, trigger="first", as_of={}, model="prior",
    ...                   items=[item])
    >>> slates.take(batch), slates.take(batch), [one.video_id for one in slates.slate("ann").items]
    (True, False, ['v1'])
    """

    def __init__(self, viewers: int = 100_000) -> None:
        self._held: Latest[str, _Held] = Latest(viewers)

    def __len__(self) -> int:
        return len(self._held)

    def take(self, record: FeedBatch | FeedDelta) -> bool:
        """Take over a record in the order of its partition; whether it said anything new."""
        return self._delta(record) if isinstance(record, FeedDelta) else self._batch(record)

    def slate(self, user_id: str) -> Slate | None:
        """What ``user_id`` is to be shown next; None where nothing was ever heard of."""
        held = self._held.get(user_id)
        if held is None or held.batch is None:
            return None
        return Slate(user_id=user_id, batch=held.batch, items=tuple(held.items))

    def shown(self, user_id: str, video_id: str) -> None:
        """A video was shown: it, and what stood before it, is not to be shown next any more."""
        held = self._held.get(user_id)
        if held is not None:
            places = [at for at, item in enumerate(held.items) if item.video_id == video_id]
            if places:
                del held.items[: places[0] + 1]

    def forget(self, user_id: str) -> None:
        """Drop what is held of a viewer."""
        self._held.pop(user_id, None)

    def _batch(self, batch: FeedBatch) -> bool:
        if batch.trigger == "preview":
            return False  # an answer to whoever asked for it: nothing was served
        held = self._of(batch.user_id)
        if batch.batch_id in held.batches:
            return False
        # A smaller number is a repeat from before, but for a viewer who was forgotten and began anew.
        if held.batch is not None and batch.seq <= held.batch.seq:
            if batch.trigger != "first":
                return False
            held.deltas.clear()
        gone = {name for delta in held.deltas.values() if delta.seq >= batch.seq for name in delta.removed}
        left = held.items if batch.trigger == "near_end" else []
        items = [*left, *(item for item in batch.items if item.video_id not in gone)]
        held.batch, held.items = batch, items[-limits.SLATE_ITEMS :]
        held.batches[batch.batch_id] = None
        return True

    def _delta(self, delta: FeedDelta) -> bool:
        held = self._of(delta.user_id)
        if delta.delta_id in held.deltas:
            return False
        held.deltas[delta.delta_id] = delta
        gone = set(delta.removed)
        kept = [item for item in held.items if item.video_id not in gone]
        changed = len(kept) < len(held.items)
        held.items = kept
        return changed

    def _of(self, user_id: str) -> _Held:
        """What is held of a viewer, who is the latest now."""
        held = self._held.get(user_id) or _Held()
        self._held[user_id] = held
        return held


class FeedConsumer:
    """Reads ``feeds`` and ``feed.delta`` into ``slates``; iterate to be told of each record that said anything new.

    With a ``group`` the partitions are shared among its members and positions are committed once a record was handed
    out and the next one was asked for: after a crash the latest come again, and are dropped as repeats. Without one,
    all partitions are read, from the end or (``from_start``) from the beginning.

    >>> for record in FeedConsumer("localhost:9092", group="app"): print(record.user_id)   # doctest: +SKIP
    """

    def __init__(
        self,
        broker: str | Cluster,
        *,
        group: str | None = None,
        from_start: bool = False,
        viewers: int = 100_000,
        **options: Any,
    ) -> None:
        """Connect to ``broker``, ``host:port[,host:port]`` or a ``Cluster``, which says how to get in
        (``Settings.from_env().kafka``); ``options`` are librdkafka's.
        """
        self.slates = Slates(viewers)
        self.bad = 0
        """Records that could not be read; they are logged and skipped."""
        self._commits = group is not None
        self._closed = False
        reset = "earliest" if from_start or group is not None else "latest"
        self._kafka = Consumer(
            {
                **cluster_options(broker),
                "group.id": group or f"feedstream-consumer-{id(self):x}",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": reset,
                "fetch.wait.max.ms": 20,
                **options,
            },
            logger=_LOG,
        )
        self._kafka.subscribe([in_kafka(broker, topic) for topic in FEED_TOPICS])
        self._cluster = broker

    def __enter__(self) -> FeedConsumer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[FeedBatch | FeedDelta]:
        while not self._closed:
            yield from self.poll(1.0)

    def poll(self, timeout_s: float = 0.0) -> Iterator[FeedBatch | FeedDelta]:
        """Records that say anything new among those that come within ``timeout_s``, each after it was taken over.

        Raises ``Stop`` where Kafka has failed for good.
        """
        first = self._kafka.poll(timeout_s)
        found: Sequence[Any] = [] if first is None else [first, *self._kafka.consume(_BATCH, timeout=0)]
        for message in found:
            record = self._read(message)
            if record is not None and self.slates.take(record):
                yield record
            if self._commits and message.error() is None:
                self._kafka.store_offsets(message)
        if self._commits and found:
            self._commit()

    def close(self) -> None:
        """Leave the group."""
        if not self._closed:
            self._closed = True
            if self._commits:
                self._commit(wait=True)
            self._kafka.close()

    def _commit(self, *, wait: bool = False) -> None:
        try:
            self._kafka.commit(asynchronous=not wait)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NO_OFFSET:
                raise

    def _read(self, message: Any) -> FeedBatch | FeedDelta | None:
        if (error := message.error()) is not None:
            if error.fatal():
                raise Stop(f"reading feeds failed for good ({error.str()}): start the consumer again")
            return None
        try:
            topic = of_ours(self._cluster, message.topic())
            record = decode(topic, message.key(), message.value(), message.timestamp()[1])
        except BadRecord as bad:
            self.bad += 1
            _LOG.warning("%s[%d]@%d is no feed: %s", message.topic(), message.partition(), message.offset(), bad)
            return None
        return record if isinstance(record, FeedBatch | FeedDelta) else None
