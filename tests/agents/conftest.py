"""A mock cluster of librdkafka's for tests of what speaks to a broker, and every kind of Redis for the store's."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from agents.embedded import Embedded


@pytest.fixture
def mock_broker() -> Iterator[str]:
    """``host:port`` of a mock cluster that lives as long as the test; it makes topics of 4 partitions when asked."""
    log = logging.getLogger("tests.mock_broker")
    log.setLevel(logging.CRITICAL)
    holder = AdminClient({"bootstrap.servers": "", "test.mock.num.brokers": 1}, logger=log)
    broker = next(iter(holder.list_topics(timeout=10).brokers.values()))
    yield f"{broker.host}:{broker.port}"
    del holder


@pytest.fixture(scope="module")
def valkey() -> Iterator[str]:
    """URL of the store that is embedded by default."""
    with Embedded() as embedded:
        yield embedded.redis


@pytest.fixture(
    params=["valkey"] + [pytest.param(name, marks=pytest.mark.redis) for name in ("redis_server", "redis_cluster")]
)
def any_redis(request: pytest.FixtureRequest) -> str:
    """URL of each server that state may be kept in; tests use namespaces of their own, since some share it."""
    server = request.getfixturevalue(request.param)
    return str(server if isinstance(server, str) else server.url)


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number
