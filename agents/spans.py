"""Reading parts of the log: where partitions begin and end, and the records between two offsets.

For whoever looks at a log without being a worker: in no consumer group, nothing is committed, nothing is missed by it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from agents.cluster import Cluster, cluster_options, in_kafka, of_ours, renamed
from agents.errors import Stop
from agents.producer import connect_or_stop
from streams import limits

__all__ = ["SILENCE_S", "Log", "Place", "Span", "is_record", "reader_options"]

Place = tuple[str, int]
"""Topic and partition."""
SILENCE_S: Final = 15.0
"""A broker that sends nothing for so long, where there is something, has stopped answering."""
_LITTLE: Final = 65_536
"""Bytes to fetch where one record is wanted; a broker sends a larger one all the same."""
_SETTLING: Final = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
"""What a broker says of a partition that is new, or that has just got another leader."""
_LOG: Final = logging.getLogger("feedstream.kafka")


class Span(NamedTuple):
    """What a partition holds: records from offset ``low`` to before ``high``; those before ``low`` are gone."""

    low: int
    high: int


def reader_options(bootstrap: str | Cluster, client_id: str) -> dict[str, Any]:
    """librdkafka's options of a reader on its own, every one we depend on."""
    return {
        **cluster_options(bootstrap),
        "client.id": client_id,
        # librdkafka wants a name even of who joins no group.
        "group.id": client_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 100,
        "receive.message.max.bytes": 2 * limits.PRODUCER_RECORD_BYTES,
        "fetch.message.max.bytes": limits.PRODUCER_RECORD_BYTES,
        "socket.keepalive.enable": True,
    }


class Log:
    """One cluster's log at ``bootstrap``. Every method raises ``Stop`` in one sentence where it does not answer."""

    def __init__(self, bootstrap: str | Cluster, client_id: str = "feedstream-reader", timeout_s: float = 10.0) -> None:
        self._bootstrap, self._client_id, self._timeout_s = bootstrap, client_id, timeout_s
        options = {**cluster_options(bootstrap), "client.id": client_id, "socket.keepalive.enable": True}
        self._admin = AdminClient(options, logger=_LOG)
        connect_or_stop(self._admin, bootstrap, timeout_s)

    def places(self, topics: Iterable[str]) -> list[Place]:
        """Every partition of those of ``topics`` that exist, in order."""
        there = connect_or_stop(self._admin, self._bootstrap, self._timeout_s).topics
        named = {topic: there.get(in_kafka(self._bootstrap, topic)) for topic in topics}
        return [(topic, number) for topic, found in named.items() if found for number in sorted(found.partitions)]

    def spans(self, places: Iterable[Place]) -> dict[Place, Span]:
        """What each of ``places`` holds now, in their order."""
        wanted = list(places)
        lows, highs = (self._offsets(wanted, spec) for spec in (OffsetSpec.earliest(), OffsetSpec.latest()))
        return {place: Span(low, high) for place, low, high in zip(wanted, lows, highs, strict=True)}

    def read(self, spans: Mapping[Place, Span]) -> Iterator[Any]:
        """Every message of ``spans``, each partition in order."""
        return self._read(spans, reader_options(self._bootstrap, self._client_id), only_first=False)

    def first(self, offsets: Mapping[Place, int]) -> dict[Place, Any]:
        """The first message at or after each of ``offsets``, where there is one by now."""
        spans = {place: Span(max(offsets[place], span.low), span.high) for place, span in self.spans(offsets).items()}
        options = reader_options(self._bootstrap, self._client_id) | {"fetch.message.max.bytes": _LITTLE}
        found = self._read(spans, options, only_first=True)
        return {(message.topic(), message.partition()): message for message in found}

    def _read(self, spans: Mapping[Place, Span], options: dict[str, Any], *, only_first: bool) -> Iterator[Any]:
        left = {place: span.high for place, span in spans.items() if span.high > span.low}
        if not left:
            return
        consumer = Consumer(options, logger=_LOG)
        try:
            consumer.assign([self._in_kafka(place, spans[place].low) for place in left])
            heard_s = time.monotonic()
            while left:
                batch = consumer.consume(1_000, timeout=0.2)
                for message in (renamed(self._bootstrap, one) for one in batch):
                    if not _within(message, left):
                        continue
                    yield message
                    if only_first:
                        left.pop((message.topic(), message.partition()), None)
                if batch:  # what whoever reads us did with it took its own time
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > SILENCE_S:
                    raise self._stopped(f"nothing came within {SILENCE_S:g} s")
        except KafkaException as error:
            raise self._stopped(error.args[0].str()) from None
        finally:
            consumer.close()

    def _offsets(self, places: list[Place], spec: Any) -> list[int]:
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            asked = self._admin.list_offsets(
                {self._in_kafka(place): spec for place in places},
                # What an open transaction holds can be read by nobody yet.
                isolation_level=IsolationLevel.READ_COMMITTED,
                request_timeout=self._timeout_s,
            )
            try:
                found = {
                    (of_ours(self._bootstrap, one.topic), one.partition): future.result().offset
                    for one, future in asked.items()
                }
            except KafkaException as error:
                if error.args[0].code() not in _SETTLING or time.monotonic() > deadline_s:
                    raise self._stopped(error.args[0].str()) from None
                time.sleep(0.1)
            else:
                return [found[place] for place in places]

    def _in_kafka(self, place: Place, *offset: int) -> TopicPartition:
        return TopicPartition(in_kafka(self._bootstrap, place[0]), place[1], *offset)

    def _stopped(self, why: str) -> Stop:
        return Stop(f"reading from {self._bootstrap} stopped: {why}")


def _within(message: Any, left: dict[Place, int]) -> bool:
    """Whether ``message`` is a record of what is ``left`` to read; takes a partition that is read out of it."""
    place = message.topic(), message.partition()
    if not is_record(message, left):
        return False
    high = left.get(place, 0)
    if message.offset() + 1 >= high:
        left.pop(place, None)
    return bool(message.offset() < high)


def is_record(message: Any, left: dict[Place, int] | None) -> bool:
    """Whether a message is no event of the client; the end of a partition takes it out of what is ``left`` to read.

    Raises ``KafkaException`` for what will not pass.
    """
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:
        if left:
            left.pop((message.topic(), message.partition()), None)
    elif error.fatal() or not error.retriable():
        raise KafkaException(error)
    return False
