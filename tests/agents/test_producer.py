"""The producer delivers every record, in order, where murmur2 says, or says which it could not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from agents.errors import Stop
from agents.producer import DeliveryFailed, RecordProducer, Ticket, producer_options
from schemas.partitioner import partition
from streams import limits


def records_of(bootstrap: str, topic: str, count: int) -> list[Any]:
    """The first ``count`` messages of ``topic`` in a mock cluster, by partition and offset."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
    places = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in places])
    found = []
    while len(found) < count:
        message = consumer.poll(10)
        assert message is not None, f"{len(found)} of {count} records arrived"
        assert message.error() is None, message.error()
        found.append(message)
    consumer.close()
    return sorted(found, key=lambda message: (message.partition(), message.offset()))


def test_records_go_where_murmur2_says_in_the_order_of_sending(mock_broker: str) -> None:
    keys = [f"user-{at}".encode() for at in range(1_000)]
    with RecordProducer(mock_broker, client_id="test") as producer:
        for at, key in enumerate(keys):
            producer.send("events.like", key, str(at).encode())
    for number in range(4):
        expected = [at for at, key in enumerate(keys) if partition(key, 4) == number]
        found = [one for one in records_of(mock_broker, "events.like", len(keys)) if one.partition() == number]
        assert [int(one.value()) for one in found] == expected


def test_partition_headers_and_tombstones_are_carried(mock_broker: str) -> None:
    with RecordProducer(mock_broker, client_id="test") as producer:
        producer.send("dead-letters", None, None, partition=3, headers=[("cause", b"json"), ("offset", b"7")])
        producer.send("dead-letters", b"\xff", b"\x00", partition=3)
    first, second = records_of(mock_broker, "dead-letters", 2)
    assert (first.partition(), first.key(), first.value()) == (3, None, None)
    assert first.headers() == [("cause", b"json"), ("offset", b"7")]
    assert (second.key(), second.value(), second.headers()) == (b"\xff", b"\x00", None)


async def test_a_ticket_is_settled_when_its_records_are_delivered(mock_broker: str) -> None:
    with RecordProducer(mock_broker, client_id="test") as producer:
        ticket = Ticket()
        await ticket.delivered()
        for at in range(100):
            producer.send("feeds", b"ann", str(at).encode(), ticket=ticket)
        await asyncio.wait_for(ticket.delivered(), 30)
        assert ticket.pending == 0
        ticket.wait(0)


def test_a_record_that_is_too_large_is_refused_at_once_and_harms_no_other(mock_broker: str) -> None:
    with RecordProducer(mock_broker, client_id="test") as producer:
        ticket = Ticket()
        producer.send("models", b"a", b"1", ticket=ticket)
        with pytest.raises(DeliveryFailed, match=r"a record for models was not delivered: .*too large"):
            producer.send("models", b"b", b"0" * (limits.PRODUCER_RECORD_BYTES + 1), ticket=ticket)
        producer.send("models", b"c", b"2", ticket=ticket)
        ticket.wait(30)
    assert ticket.failed == 0
    assert sorted(one.value() for one in records_of(mock_broker, "models", 2)) == [b"1", b"2"]


def test_what_nobody_takes_in_time_is_named(unused_port: int) -> None:
    producer = RecordProducer(f"127.0.0.1:{unused_port}", client_id="test", timeout_s=0.5)
    ticket = Ticket()
    for at in range(limits.REPORTED + 5):
        producer.send("feeds", b"ann", b"{}", ticket=ticket, tag=at)
    with pytest.raises(DeliveryFailed, match="a record for feeds was not delivered"):
        ticket.wait(30)
    assert ticket.failed == limits.REPORTED + 5
    assert [tag for tag, _ in ticket.failures] == list(range(limits.REPORTED))
    producer.close()


def test_waiting_ends_at_its_time(unused_port: int) -> None:
    producer = RecordProducer(f"127.0.0.1:{unused_port}", client_id="test")
    producer.send("feeds", b"ann", b"{}")
    with pytest.raises(TimeoutError, match="1 records were not delivered within"):
        producer.flush(0.1)
    producer.close()


def test_a_full_queue_blocks_and_loses_nothing(mock_broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PRODUCER_RECORDS", 10)
    with RecordProducer(mock_broker, client_id="test") as producer:
        for at in range(200):
            producer.send("control", b"k", str(at).encode())
    assert [int(one.value()) for one in records_of(mock_broker, "control", 200)] == list(range(200))


def test_an_absent_broker_is_one_sentence(unused_port: int) -> None:
    producer = RecordProducer(f"127.0.0.1:{unused_port}", client_id="test")
    with pytest.raises(
        Stop, match=f"Kafka at 127.0.0.1:{unused_port} does not answer within 0.3 s .*FEEDSTREAM_BROKER"
    ):
        producer.check(0.3)
    producer.close()


def test_without_a_timeout_a_record_is_tried_for_ever_and_a_gap_is_fatal() -> None:
    worker = producer_options("b:1", client_id="w")
    assert (worker["message.timeout.ms"], worker["enable.gapless.guarantee"]) == (0, True)
    command = producer_options("b:1", client_id="c", timeout_s=30)
    assert (command["message.timeout.ms"], command["enable.gapless.guarantee"]) == (30_000, False)
    for options in (worker, command):
        assert options["enable.idempotence"]
        assert options["partitioner"] == "murmur2_random"
        assert options["acks"] == "all"
