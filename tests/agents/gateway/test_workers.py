"""Workers are asked by whoever looks at all of them: who is down is told of, who says too much is no worker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from agents.gateway import workers as of_workers
from agents.gateway.workers import Asked, Workers, buckets_of, gained, quantile, samples, summed
from streams import limits
from tests.served import served

PAGE = """# HELP feedstream_memory_bytes memory of the process that is resident
# TYPE feedstream_memory_bytes gauge
feedstream_memory_bytes 5e+07
# TYPE feedstream_feed_items_total counter
feedstream_feed_items_total{source="similar",stage="served",tier="0"} 20.0
feedstream_feed_items_total{source="similar",stage="seen",tier="0"} 8.0
feedstream_feed_items_total{source="fresh",stage="seen",tier="1"} 2.0
feedstream_feed_items_created{source="similar",stage="served",tier="0"} 1.7e+09
# TYPE feedstream_action_to_feed_seconds histogram
feedstream_action_to_feed_seconds_bucket{le="0.1"} 10.0
feedstream_action_to_feed_seconds_bucket{le="0.25"} 20.0
feedstream_action_to_feed_seconds_bucket{le="+Inf"} 20.0
feedstream_action_to_feed_seconds_count 20.0
"""


@asynccontextmanager
async def worker(page: bytes = PAGE.encode(), states: Any = None, status: int = 200) -> AsyncIterator[str]:
    """A worker as its metrics port shows it; its address."""
    app = web.Application()

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=page, status=status)

    async def told(_: web.Request) -> web.Response:
        return web.json_response(states or {"ready": True, "why": [], "shards": []})

    app.add_routes([web.get("/metrics", metrics), web.get("/states", told)])
    async with served(app) as address:
        yield address


async def looked(addresses: str) -> list[Asked]:
    asking = Workers(addresses)
    try:
        return await asking.look()
    finally:
        await asking.closed()


async def test_each_worker_is_told_of_and_one_that_is_down_says_why(unused_port: int) -> None:
    async with worker() as one, worker() as other:
        found = await looked(f"{one},127.0.0.1:{unused_port},{other},nowhere.invalid:9464")
    assert sorted(asked.address for asked in found) == sorted(
        [one, other, f"127.0.0.1:{unused_port}", "nowhere.invalid:9464"]
    )
    by = {asked.address: asked for asked in found}
    assert by[one].states == {"ready": True, "why": [], "shards": []}
    assert by[one].error == by[other].error == ""
    assert by[f"127.0.0.1:{unused_port}"].error.startswith("nothing listens there")
    assert by["nowhere.invalid:9464"].error.startswith("the name nowhere.invalid is not known")


async def test_a_worker_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_workers, "_PATIENCE_S", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))
    with silent:
        (found,) = await looked(f"127.0.0.1:{silent.getsockname()[1]}")
    assert found.error == "it does not answer within 0.2 s"


async def test_what_is_no_worker_is_told_of_as_such() -> None:
    async with worker(status=404) as address:
        (found,) = await looked(address)
    assert found.error == "/metrics answers 404: is it the metrics port of a worker?"


async def test_a_page_beyond_the_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WORKER_PAGE_BYTES", 1_000)
    async with worker(page=b"#" * 1_001) as address:
        (found,) = await looked(address)
    assert found.error == "/metrics has more than 1000 bytes"


async def test_a_name_stands_for_all_of_its_addresses_up_to_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [(socket.AF_INET, None, None, "", (f"127.0.{at // 250}.{at % 250 + 1}", 1)) for at in range(300)]
    twin = [(socket.AF_INET6, None, None, "", ("::1", 1, 0, 0))]

    async def resolve(*_: Any, **__: Any) -> Any:
        return many + twin

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    found = await looked("workers:1")
    assert len(found) == limits.WORKERS_WATCHED
    assert [one.address for one in found] == sorted(one.address for one in found)
    assert not any(":1]" in one.address for one in found)


def test_what_is_asked_for_is_read_from_a_page_and_nothing_else() -> None:
    found = samples(PAGE, "feed_items_total", "memory_bytes", "action_to_feed_seconds", "rank_seconds")
    assert [value for _, value in found["memory_bytes"]] == [5e7]
    assert summed(found["feed_items_total"], "stage") == {("served",): 20.0, ("seen",): 10.0}
    assert summed(found["feed_items_total"], "source", "stage")["fresh", "seen"] == 2.0
    assert buckets_of(found["action_to_feed_seconds"]) == {0.1: 10.0, 0.25: 20.0, float("inf"): 20.0}
    assert found["rank_seconds"] == []


@pytest.mark.parametrize(("share", "value"), [(0.25, 0.05), (0.5, 0.1), (0.75, 0.175), (1.0, 0.25)])
def test_a_quantile_lies_evenly_within_its_bucket(share: float, value: float) -> None:
    assert quantile(share, {0.1: 10.0, 0.25: 20.0, float("inf"): 20.0}) == pytest.approx(value)


def test_a_quantile_beyond_the_last_bound_is_that_bound_and_of_nothing_is_none() -> None:
    assert quantile(0.99, {0.1: 0.0, float("inf"): 5.0}) == 0.1
    assert quantile(0.5, {0.1: 0.0, float("inf"): 0.0}) is None
    assert quantile(0.5, {}) is None


def test_what_came_between_two_looks_is_told_and_a_worker_that_began_anew_is_taken_as_it_is() -> None:
    assert gained({1.0: 2.0, 2.0: 5.0}, {1.0: 3.0, 2.0: 9.0}) == {1.0: 1.0, 2.0: 4.0}
    assert gained({1.0: 2.0, 2.0: 5.0}, {1.0: 1.0, 2.0: 1.0}) == {1.0: 1.0, 2.0: 1.0}
