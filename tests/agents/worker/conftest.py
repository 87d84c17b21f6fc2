"""One broker, store and worker for all tests of this folder that do nothing to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.embedded import Embedded, free_port
from agents.testing.live import Live


@pytest.fixture(scope="package")
def embedded() -> Iterator[Embedded]:
    """An embedded broker and store for the whole folder."""
    with Embedded() as both:
        yield both


@pytest.fixture(scope="package")
def live(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One worker of every role on it; tests tell their viewers and videos apart by name."""
    more = {"snapshot_s": "0.5", "metrics_port": str(free_port())}
    with Live(embedded.broker, embedded.redis, tmp_path_factory.mktemp("live"), **more) as one:
        one.start()
        yield one
