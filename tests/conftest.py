"""Fixtures of all tests: public logs, skipped where absent, required where FEEDSTREAM_REQUIRE names them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import settings

from agents.settings import one_thread
from agents.testing import charts, datasets, foreign, servers

Found = TypeVar("Found")

# Laws are judged by what they find, never by how long a busy machine took over one example.
settings.register_profile("feedstream", deadline=None, print_blob=True)
settings.load_profile("feedstream")
one_thread()  # nothing has imported numpy yet


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where browser tests keep what a person would see, for whoever looks at a CI run."""
    parser.addoption("--screenshots", metavar="FOLDER", default="build/screenshots", help="default: build/screenshots")


def pytest_xdist_auto_num_workers() -> int:
    """Of ``-n auto``: one process more than there are cores, since half of the tests wait for servers of theirs."""
    return min((os.cpu_count() or 1) + 1, 8)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first in the piece that each process begins with, so that all of them end at about the same time."""
    count = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if _is_long(item)]
    short = [item for item in items if not _is_long(item)]
    size = -(-len(items) // count)
    ordered: list[pytest.Item] = []
    for at in range(count):
        own = long[at::count]
        rest = size - len(own)
        ordered += own + short[:rest]
        del short[:rest]
    items[:] = ordered


def _is_long(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("quality", "chaos"))


def required(name: str) -> bool:
    """Whether FEEDSTREAM_REQUIRE (words, comma-separated) names ``name``: then its absence is a failure, not a skip."""
    return name in os.environ.get("FEEDSTREAM_REQUIRE", "").replace(",", " ").split()


@pytest.fixture(scope="session")
def movielens() -> Path:
    """Folder of MovieLens-100K in RecBole's format."""
    return started("movielens", datasets.movielens)


@pytest.fixture(scope="session")
def open_bandit() -> Path:
    """Folder of the Open Bandit Dataset, a file a policy and campaign."""
    return started("open_bandit", datasets.open_bandit)


@pytest.fixture(scope="session")
def kuairand() -> Path:
    """The KuaiRand cut, a gzipped CSV."""
    return started("kuairand", datasets.kuairand)


@pytest.fixture(scope="session")
def kafka() -> Iterator[servers.RealKafka]:
    """A real Apache Kafka, without topics."""
    server = started("kafka", servers.RealKafka)
    yield server
    server.close()


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: servers.RealKafka) -> str:
    """host:port of the real Kafka."""
    return kafka.bootstrap


@pytest.fixture
def fresh_kafka() -> Iterator[servers.RealKafka]:
    """A real Apache Kafka of a test's own, for whoever must know every record on it."""
    server = started("kafka", servers.RealKafka)
    yield server
    server.close()


@pytest.fixture
def redis_server() -> Iterator[servers.RealRedis]:
    """A real Redis of its own, empty."""
    server = started("redis", servers.RealRedis)
    yield server
    server.close()


@pytest.fixture(scope="module")
def redis_cluster() -> Iterator[servers.RealRedisCluster]:
    """A real Redis Cluster of three nodes, shared by the tests of a module: each uses a namespace of its own."""
    cluster = started("redis", servers.RealRedisCluster)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def recipe() -> Callable[[Path], list[str]]:
    """What runs a recipe of docs/examples/produce, by its file; a skip where its language is not on this machine."""
    return lambda path: started(foreign.LANGUAGES[path.suffix], lambda: foreign.command(path))


@pytest.fixture(scope="session")
def asyncapi_schema() -> Path:
    """The official JSON Schema of AsyncAPI 3.0."""
    return started("node", foreign.asyncapi_schema)


@pytest.fixture(scope="session")
def helm() -> Path:
    """The program helm; built here only where it is required, since that takes minutes."""
    return started("helm", lambda: charts.helm(build=required("helm")))


@pytest.fixture(scope="session")
def custom_definitions() -> list[Path]:
    """Definitions of KEDA's and Prometheus' kinds; built as helm is."""
    return started("helm", lambda: charts.custom_definitions(build=required("helm")))


@pytest.fixture(scope="session")
def keda_kafka() -> str:
    """KEDA's source that reads a trigger of kind kafka; had as helm is."""
    return started("helm", lambda: charts.keda_kafka(build=required("helm")))


def program(name: str) -> str:
    """The path of a program of this machine that a package of the same name brings; a skip where there is none."""
    return started(name, lambda: servers.found(name, f"apt-get install {name}"))


def started(name: str, start: Callable[[], Found]) -> Found:
    """What ``start`` makes. Where it is unavailable: a skip, or a failure if FEEDSTREAM_REQUIRE names ``name``."""
    try:
        return start()
    except (datasets.Unavailable, servers.Unavailable) as error:
        if required(name):
            pytest.fail(f"FEEDSTREAM_REQUIRE names {name}, but {error}")
        pytest.skip(str(error))
