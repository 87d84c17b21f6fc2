"""A mock cluster of librdkafka's for tests of what speaks to a broker."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient


@pytest.fixture
def mock_broker() -> Iterator[str]:
    """``host:port`` of a mock cluster that lives as long as the test; it makes topics of 4 partitions when asked."""
    log = logging.getLogger("tests.mock_broker")
    log.setLevel(logging.CRITICAL)
    holder = AdminClient({"bootstrap.servers": "", "test.mock.num.brokers": 1}, logger=log)
    broker = next(iter(holder.list_topics(timeout=10).brokers.values()))
    yield f"{broker.host}:{broker.port}"
    del holder


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number
