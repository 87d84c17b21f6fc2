"""A real Kafka for the tests of this folder, whose topics are empty when a test begins."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from agents.settings import Settings
from agents.testing import servers
from agents.topics import Admin
from tests.conftest import started


@pytest.fixture(scope="package")
def chaos_kafka() -> Iterator[servers.RealKafka]:
    server = started("kafka", servers.RealKafka)
    yield server
    server.close()


@pytest.fixture
def empty_kafka(chaos_kafka: servers.RealKafka) -> servers.RealKafka:
    """A Kafka with all topics, and no record in any of ours."""
    admin = AdminClient(chaos_kafka.options())
    if ours := [name for name in admin.list_topics(timeout=10.0).topics if not name.startswith("__")]:
        for deleted in admin.delete_topics(ours).values():
            deleted.result(30.0)
        deadline_s = time.monotonic() + 30.0
        while set(ours) & set(admin.list_topics(timeout=10.0).topics):
            assert time.monotonic() < deadline_s, "deleted topics are still there"
    Admin(chaos_kafka.bootstrap, Settings.from_env({}), 60.0).apply()
    return chaos_kafka
