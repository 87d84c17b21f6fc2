"""One broker, store, worker and gateway for all tests of this folder that do nothing to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.embedded import Embedded
from agents.testing.live import Live

SECRET = "a secret of sixteen bytes"  # of the tests


@pytest.fixture(scope="package")
def embedded() -> Iterator[Embedded]:
    """An embedded broker and store for the whole folder."""
    with Embedded() as both:
        yield both


@pytest.fixture(scope="package")
def live(embedded: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One worker of every role on it."""
    with Live(embedded.broker, embedded.redis, tmp_path_factory.mktemp("live"), snapshot_s="0.5") as one:
        one.start()
        yield one


@pytest.fixture(scope="package")
def url(live: Live) -> str:
    """A gateway without keys that signs tokens and asks for none."""
    return live.gateway(gateway_secret=SECRET)[1]
