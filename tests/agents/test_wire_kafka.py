"""On a real broker: topics are applied once and safely, and a gap in a series is never made."""

from __future__ import annotations

import contextlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from agents.errors import Stop
from agents.producer import DeliveryFailed, RecordProducer, Ticket
from agents.settings import Settings
from agents.topics import Admin, check
from schemas.topics import TOPICS

pytestmark = pytest.mark.kafka


def admin(bootstrap: str, **more: int) -> Admin:
    return Admin(bootstrap, Settings.from_env({}, **more))


def test_two_who_apply_at_once_leave_the_topics_as_they_should_be(kafka_bootstrap: str) -> None:
    if admin(kafka_bootstrap).diff():
        with pytest.raises(Stop, match=r"does not exist on .*feedstream topics apply"):
            check(kafka_bootstrap, Settings.from_env({}), TOPICS)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(admin(kafka_bootstrap).apply) for _ in range(2)]:
            done.result()
    assert admin(kafka_bootstrap).diff() == []
    assert admin(kafka_bootstrap).apply() == []
    check(kafka_bootstrap, Settings.from_env({}), TOPICS)


def test_a_setting_that_differs_is_named_and_corrected(kafka_bootstrap: str) -> None:
    admin(kafka_bootstrap).apply()
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, "engagement", incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": kafka_bootstrap})
    for future in client.incremental_alter_configs([resource]).values():
        future.result()
    deadline_s = time.monotonic() + 10
    while not admin(kafka_bootstrap).diff() and time.monotonic() < deadline_s:
        time.sleep(0.05)  # the broker tells of a changed setting a moment after it took it
    said = [str(one) for one in admin(kafka_bootstrap).apply()]
    assert said == ["engagement: retention.ms is 1000, should be -1"]
    assert admin(kafka_bootstrap).diff() == []


def test_partitions_are_never_changed(kafka_bootstrap: str) -> None:
    admin(kafka_bootstrap).apply()
    with pytest.raises(Stop, match="partitions of a topic are never changed"):
        admin(kafka_bootstrap, user_partitions=5).apply()
    deadline_s = time.monotonic() + 10
    while admin(kafka_bootstrap).diff() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert admin(kafka_bootstrap).diff() == []


def test_after_a_record_that_failed_none_of_its_series_follows(kafka_bootstrap: str) -> None:
    admin(kafka_bootstrap).apply()
    consumer = Consumer({"bootstrap.servers": kafka_bootstrap, "group.id": "test", "enable.auto.commit": False})
    _, before = consumer.get_watermark_offsets(TopicPartition("control", 0), timeout=10)
    producer, ticket = RecordProducer(kafka_bootstrap, client_id="test"), Ticket()
    for at in range(7):
        producer.send("control", b"k", b"%d" % at, partition=0, ticket=ticket)
    # Noise: what compresses well would slip under the broker's limit.
    producer.send("control", b"k", os.urandom(3 * 1_048_576), partition=0, ticket=ticket, tag=7)
    with contextlib.suppress(DeliveryFailed):
        for at in range(8, 10_000):
            producer.send("control", b"k", b"%d" % at, partition=0, ticket=ticket, tag=at)
    with pytest.raises(DeliveryFailed):
        ticket.wait(60)
    assert 7 in [tag for tag, _ in ticket.failures]
    with pytest.raises(DeliveryFailed, match="failed for good"):
        producer.send("control", b"k", b"later")
    producer.close()
    consumer.assign([TopicPartition("control", 0, before)])
    found = []
    while len(found) < 7:
        message = consumer.poll(10)
        assert message is not None
        found.append(int(message.value()))
    assert found == list(range(7))
    _, after = consumer.get_watermark_offsets(TopicPartition("control", 0), timeout=10)
    assert after == before + 7
    consumer.close()
