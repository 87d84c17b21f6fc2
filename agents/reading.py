"""Reading: what topics hold or bring, for whoever looks from outside.

It reads on its own, in no consumer group, and commits nothing: a worker never notices it.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from agents.cluster import Cluster, in_kafka, renamed
from agents.errors import Stop
from agents.producer import connect_or_stop
from agents.spans import reader_options
from agents.stopping import stopping

__all__ = ["following", "messages"]


def messages(
    bootstrap: str | Cluster, topics: tuple[str, ...], from_start: bool, until_end: bool
) -> Generator[Any, None, None]:
    """Kafka's messages of topics as they arrive; ``until_end``: only up to the end as it is now.

    Raises ``Stop`` where a topic does not exist or the broker stops answering, ``KeyboardInterrupt`` where a signal
    comes before that end; without one, a signal is the end.
    """
    consumer = Consumer(reader_options(bootstrap, "feedstream-tail"), logger=logging.getLogger("feedstream.kafka"))
    try:
        places = _places(consumer, bootstrap, topics, from_start)
        ends = _ends(consumer, places, from_start) if until_end else None
        consumer.assign(places)
        for message in _polled(consumer, ends):
            yield renamed(bootstrap, message)
    except KafkaException as error:
        raise Stop(f"reading from {bootstrap} stopped: {error.args[0].str()}") from None
    finally:
        consumer.close()


def following(cluster: str | Cluster, client_id: str, topic: str) -> Consumer:
    """A consumer that stands where ``topic`` ends now, so that it misses nothing that is published from now on.

    In no group; it commits nothing. Raises ``Stop`` where there is no broker, or no such topic.
    """
    options = reader_options(cluster, client_id) | {"fetch.wait.max.ms": 5, "enable.partition.eof": False}
    consumer = Consumer(options, logger=logging.getLogger("feedstream.kafka"))
    try:
        places = _places(consumer, cluster, (topic,), from_start=False)
        for place in places:
            place.offset = consumer.get_watermark_offsets(place, timeout=10.0)[1]
        consumer.assign(places)
    except (KafkaException, Stop) as error:
        consumer.close()
        if isinstance(error, Stop):
            raise
        raise Stop(f"reading from {cluster} stopped: {error.args[0].str()}") from None
    return consumer


def _places(
    consumer: Consumer, bootstrap: str | Cluster, topics: tuple[str, ...], from_start: bool
) -> list[TopicPartition]:
    metadata = connect_or_stop(consumer, bootstrap, 10.0)
    places = []
    for topic in dict.fromkeys(topics):
        name = in_kafka(bootstrap, topic)
        if name not in metadata.topics:
            there = ", ".join(sorted(one for one in metadata.topics if not one.startswith("_"))) or "none"
            raise Stop(f"topic {topic} does not exist on {bootstrap} (there are: {there})")
        begin = OFFSET_BEGINNING if from_start else OFFSET_END
        places += [TopicPartition(name, number, begin) for number in metadata.topics[name].partitions]
    return places


def _ends(consumer: Consumer, places: list[TopicPartition], from_start: bool) -> dict[tuple[str, int], int]:
    """The end of every partition that holds something to print."""
    ends = {}
    for place in places:
        low, high = consumer.get_watermark_offsets(place, timeout=10.0)
        if from_start and high > low:
            ends[place.topic, place.partition] = high
    return ends


def _polled(consumer: Consumer, ends: dict[tuple[str, int], int] | None) -> Iterator[Any]:
    """Messages as they arrive; until ``ends`` or a signal to stop. Who asked for all of them gets no part for it."""
    with stopping() as stop:
        while not stop.asked and (ends is None or ends):
            message = consumer.poll(0.2)
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield message
            elif error.code() != KafkaError._PARTITION_EOF:
                _raise_lasting(error)
            if ends:
                _strike(message, ends)
    if ends:
        raise KeyboardInterrupt


def _strike(message: Any, ends: dict[tuple[str, int], int]) -> None:
    """Forget the end that ``message`` has reached: it is the last record, or the word that there are no more."""
    place = (message.topic(), message.partition())
    ended = message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF
    if ended or (message.error() is None and message.offset() + 1 >= ends.get(place, 0)):
        ends.pop(place, None)


def _raise_lasting(error: KafkaError) -> None:
    if error.fatal() or not error.retriable():
        transient = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT}
        if error.code() not in transient:
            raise KafkaException(error)
