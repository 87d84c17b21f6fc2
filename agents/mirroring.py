"""Mirroring: what apps wrote, copied to topics of another prefix, which may have more partitions.

Counts follow from the set of events alone, so a deployment on the copy has the same ones, and its partitions are its
own choice. Keys, headers and times of sending stay; records of one key stay in order. How far it is stands in a group,
once what was copied has arrived: run again, it repeats at most what was on its way, which changes nothing.
Requests are not copied: who asked is answered where they asked, and what nobody is shown must not count as served.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from agents.cluster import in_kafka, of_ours, renamed
from agents.errors import Stop
from agents.producer import RecordProducer, Ticket
from agents.settings import Settings
from agents.spans import SILENCE_S, Log, is_record, reader_options
from agents.stopping import Stopping
from schemas.topics import INPUTS

__all__ = ["mirror"]

_COPIED: Final = INPUTS - {"feed.requests"}
_MANY: Final = 2_000
_COMMITTED_S: Final = 1.0


def mirror(
    settings: Settings, prefix: str, stop: Stopping, *, follow: bool, told: Callable[[int], None] = lambda _: None
) -> int:
    """Copy to ``prefix`` until the ends as they are now, or, with ``follow``, until ``stop`` is asked for; returns how
    many records were copied. ``told`` hears of them meanwhile.

    Raises ``Stop`` where ``prefix`` is our own, its topics are not there, or Kafka stops answering.
    """
    if prefix == settings.topic_prefix:
        raise Stop(f"{prefix!r} is the prefix of the topics to copy: name another one")
    ours, theirs = settings.kafka, replace(settings.kafka, prefix=prefix)
    log, there = Log(ours, "feedstream-copy"), {topic for topic, _ in Log(theirs, "feedstream-copy").places(_COPIED)}
    if missing := sorted(_COPIED - there):
        raise Stop(
            f"topic {in_kafka(theirs, missing[0])} does not exist: set FEEDSTREAM_TOPIC_PREFIX={prefix} and the new "
            "partition counts, and run `feedstream topics apply`"
        )
    spans = log.spans(log.places(sorted(_COPIED)))
    ends = {place: span.high for place, span in spans.items() if span.high > span.low}
    group = f"{settings.namespace}.copy.{prefix}"
    consumer = Consumer(
        {**reader_options(ours, "feedstream-copy"), "group.id": group}, logger=logging.getLogger("feedstream.kafka")
    )
    try:
        with RecordProducer(theirs, client_id="feedstream-copy") as producer:
            at = _positions(consumer, [TopicPartition(in_kafka(ours, topic), number) for topic, number in spans])
            consumer.assign(at)
            done = {(of_ours(ours, one.topic), one.partition): one.offset for one in at}
            left = {place: high for place, high in ends.items() if done[place] < high}
            return _copied(consumer, producer, ours, stop, None if follow else left, told)
    except KafkaException as error:
        raise Stop(f"copying stopped: {error.args[0].str()}; run it again, and it goes on where it stood") from None
    finally:
        consumer.close()


def _copied(
    consumer: Any, producer: RecordProducer, ours: Any, stop: Stopping, left: Any, told: Callable[[int], None]
) -> int:
    count, committed_s, ticket, reached = 0, time.monotonic(), Ticket(), {}
    heard_s = committed_s
    while not stop.asked and (left is None or left):
        batch = [renamed(ours, one) for one in consumer.consume(_MANY, timeout=0.2)]
        for message in batch:
            if not is_record(message, left):
                continue
            producer.send(
                message.topic(), message.key(), message.value(), headers=message.headers(),
                stamp_ms=message.timestamp()[1], ticket=ticket,
            )  # fmt: skip
            count += 1
            place = message.topic(), message.partition()
            reached[place] = message.offset() + 1
            if left and reached[place] >= left.get(place, reached[place] + 1):
                del left[place]
        told(count)
        heard_s = time.monotonic() if batch else heard_s
        if left and time.monotonic() - heard_s > SILENCE_S:
            raise Stop(f"copying stopped: nothing came within {SILENCE_S:g} s; run it again, and it goes on")
        if reached and (time.monotonic() - committed_s > _COMMITTED_S or left == {} or stop.asked):
            _commit(consumer, ours, ticket, reached)
            ticket, reached, committed_s = Ticket(), {}, time.monotonic()
    if reached:
        _commit(consumer, ours, ticket, reached)
    return count


def _commit(consumer: Any, ours: Any, ticket: Ticket, reached: dict[tuple[str, int], int]) -> None:
    """Note how far it is, once all of that has arrived."""
    ticket.wait()
    offsets = [TopicPartition(in_kafka(ours, topic), number, offset) for (topic, number), offset in reached.items()]
    consumer.commit(offsets=offsets, asynchronous=False)


def _positions(consumer: Any, places: list[TopicPartition]) -> list[TopicPartition]:
    """Where each partition was left; where nothing was noted ``auto.offset.reset`` says its beginning."""
    found: list[TopicPartition] = consumer.committed(places, timeout=10.0)
    return found
