"""The page's benchmark, a small run of it: a like changes what is on the screen, and each figure of README is there."""

from __future__ import annotations

import pytest

from benchmarks.page import measure
from benchmarks.readme import PAGE_ROWS
from tests.conftest import program

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.chromium]


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("kafka", "redis_server")  # which are there, or it is skipped; it starts its own
def test_a_short_run_has_every_figure() -> None:
    program("chromium")
    found = measure(lambda _: None, 3)
    assert found.keys() == PAGE_ROWS.keys()
    assert found["page_likes"] == 3
    assert 0 < found["page_like_p50_ms"] <= found["page_like_p99_ms"]
