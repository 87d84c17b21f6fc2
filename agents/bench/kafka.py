"""How long a record takes to a Kafka and back, one at a time: a topic of its own is made for it, and deleted."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from agents.cluster import Cluster, cluster_options
from agents.errors import Stop
from agents.producer import RecordProducer, Ticket, connect_or_stop
from agents.spans import reader_options
from agents.store import new_token

__all__ = ["measure"]

_PATIENCE_S: Final = 10.0


def measure(cluster: str | Cluster, records: int = 100) -> dict[str, Any]:
    """ms until a record is confirmed, and until it was read again; raises ``Stop`` where Kafka does not take it."""
    admin = AdminClient({**cluster_options(cluster), "client.id": "feedstream-bench", "log_level": 0})
    metadata = connect_or_stop(admin, cluster, _PATIENCE_S)
    brokers, is_mock = len(metadata.brokers), str(metadata.cluster_id).startswith("mockCluster")
    topic = f"feedstream-bench-{new_token()}"
    try:
        if is_mock:
            admin.list_topics(topic, timeout=_PATIENCE_S)
        else:
            admin.create_topics([NewTopic(topic, 1, min(3, brokers))])[topic].result(_PATIENCE_S)
        confirmed, read = _timed(cluster, topic, records)
    except KafkaException as error:
        raise Stop(f"Kafka at {cluster} does not take a topic for the measurement: {error.args[0].str()}") from None
    finally:
        if not is_mock:
            admin.delete_topics([topic])[topic].exception(_PATIENCE_S)
    figures: dict[str, float] = {"kafka_brokers": brokers}
    for name, took in (("kafka_confirmed", confirmed), ("kafka_round_trip", read)):
        p50, p99 = np.quantile(took, (0.5, 0.99)) * 1_000.0
        figures |= {f"{name}_p50_ms": float(p50), f"{name}_p99_ms": float(p99)}
    return figures


def _timed(cluster: str | Cluster, topic: str, records: int) -> tuple[list[float], list[float]]:
    options = reader_options(cluster, "feedstream-bench") | {"fetch.wait.max.ms": 5, "enable.partition.eof": False}
    consumer = Consumer({**options, "log_level": 0})
    confirmed, read = [], []
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        with RecordProducer(cluster, client_id="feedstream-bench", timeout_s=_PATIENCE_S) as producer:
            for nth in range(records + 10):
                ticket, began_s = Ticket(), time.perf_counter()
                producer.send(topic, b"k", b"%d" % nth, partition=0, ticket=ticket)
                ticket.wait(_PATIENCE_S)
                confirmed.append(time.perf_counter() - began_s)
                _read(consumer, topic)
                read.append(time.perf_counter() - began_s)
    finally:
        consumer.close()
    return confirmed[10:], read[10:]  # the first ones find the way


def _read(consumer: Consumer, topic: str) -> None:
    deadline_s = time.perf_counter() + _PATIENCE_S
    while time.perf_counter() < deadline_s:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            return
    raise Stop(f"a record on {topic} was confirmed and did not come back within {_PATIENCE_S:g} s")
