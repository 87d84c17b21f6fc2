"""What a worker says of itself while it runs: whether it is live and ready, why not, and how far each shard is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from agents.embedded import Embedded
from agents.errors import Stop
from agents.settings import Settings
from agents.spans import Log, Span
from agents.store import ShardId
from agents.testing.live import Live
from agents.testing.servers import RealRedis
from agents.worker.probes import Backlog, Probes
from schemas.topics import TOPICS
from tests.agents.test_health import asked


def test_a_backlog_is_as_old_as_the_first_look_that_saw_more_than_is_folded() -> None:
    backlog = Backlog()
    assert backlog.age_s(5.0, 0) == 0.0
    for now_s, end in ((10.0, 100), (12.0, 100), (14.0, 150)):
        backlog.look(now_s, end)
    assert backlog.age_s(15.0, 50) == 5.0
    assert backlog.age_s(15.0, 100) == 1.0
    assert backlog.age_s(15.0, 150) == 0.0
    backlog.look(20.0, 150)  # nothing new: what is folded stays folded
    assert backlog.age_s(21.0, 150) == 0.0


class Host:
    """A shard as probes see it."""

    def __init__(self, number: int, state: str = "open") -> None:
        self.id, self.state = ShardId("u", number), state
        self.folded: dict[str, tuple[float, int]] = {}


class Group:
    """A group of one topic, ``reached`` at an offset."""

    def __init__(self, *hosts: Host) -> None:
        self.name, self.topics, self.at = "users", ("users",), 0
        self.hosts = {host.id.number: host for host in hosts if host.state == "open"}
        self.loading = {host.id.number: host for host in hosts if host.state != "open"}

    def reached(self, topic: str, number: int) -> int:
        return self.at


class Silent(Log):
    """A log that ends at ``end``, or does not answer."""

    def __init__(self, end: int | None) -> None:
        self.end = end

    def places(self, topics: Any) -> list[tuple[str, int]]:
        return [("control", 0)]

    def spans(self, places: Any) -> dict[tuple[str, int], Span]:
        if self.end is None:
            raise Stop("Kafka at nowhere does not answer")
        return {place: Span(0, self.end) for place in places}


async def watched(group: Group, log: Log, ping: Any = lambda: None, **more: Any) -> Probes:
    probes = Probes(Settings.from_env({}, **more), [group], ping, log)  # type: ignore[list-item]  # a group's double
    probes.busy = ""
    probes.start()
    while probes._seen.why == ["it is starting"]:
        await asyncio.sleep(0.01)
    return probes


def gauge(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"feedstream_{name}", labels)


async def test_a_worker_whose_shards_are_open_is_ready_and_its_gauges_say_so() -> None:
    group = Group(Host(0), Host(1))
    probes = await watched(group, Silent(0))
    assert probes.ready() == (True, {"ready": True, "why": []})
    assert probes.live()[0]
    assert (gauge("ready"), gauge("shards", role="users", state="open"), gauge("server_up", server="kafka")) == (
        1,
        2,
        1,
    )
    assert (gauge("memory_bytes") or 0) > 1e6
    assert gauge("lag_records", topic="users", partition="1") == 0
    del group.hosts[1]
    probes._seen = probes._look_once(time.monotonic())
    assert gauge("lag_records", topic="users", partition="1") is None, "a shard that is gone has no lag here"
    assert [row["shard"] for row in probes.states()[1]["shards"]] == ["u:0"]


async def test_what_is_not_well_is_named() -> None:
    def ping() -> None:
        raise Stop("Redis is unreachable: refused")

    probes = await watched(Group(Host(0), Host(1, "loading")), Silent(None), ping)
    probes.busy = "it is stopping"
    await asyncio.sleep(0.05)
    probes._seen = probes._look_once(time.monotonic())
    well, told = probes.ready()
    assert not well
    assert told["why"] == [
        "it is stopping",
        "Kafka does not answer: Kafka at nowhere does not answer",
        "Redis does not answer: Redis is unreachable: refused",
        "shard u:1 is loading",
    ]
    assert (gauge("ready"), gauge("server_up", server="redis"), gauge("server_up", server="kafka")) == (0, 0, 0)


async def test_a_worker_that_is_further_behind_than_the_bound_is_not_ready() -> None:
    group = Group(Host(0))
    probes = await watched(group, Silent(9), backlog_s=30.0)
    now_s = time.monotonic()
    while not probes._spans:
        await asyncio.sleep(0.01)
    probes._look_once(now_s)
    assert not [text for text in probes._look_once(now_s + 29).why if "behind" in text]
    seen = probes._look_once(now_s + 31)
    assert [text for text in seen.why if "behind" in text] == ["users partition 0 is 31 s behind (9 records)"]
    assert gauge("lag_records", topic="users", partition="0") == 9
    group.at = 9
    assert not [text for text in probes._look_once(now_s + 32).why if "behind" in text]
    group.at, group.hosts[0].folded = 8, {"users": (now_s + 32, int((time.time() - 500) * 1_000))}
    behind = probes._look_once(now_s + 32).shards[0]["topics"]["users"]["behind_s"]
    assert behind == pytest.approx(500, abs=5), "what is folded now says itself how late it is"


async def test_a_loop_that_stands_still_is_not_live_and_not_ready() -> None:
    probes = await watched(Group(Host(0)), Silent(0))
    probes._beat_s -= 40.0
    probes._seen = probes._seen._replace(at_s=probes._seen.at_s - 40.0)
    assert not probes.live()[0]
    well, told = probes.ready()
    assert (well, told["why"]) == (False, ["the loop has not turned for 40 s"])


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Live]:
    with Embedded() as both, Live(both.broker, both.redis, tmp_path) as one:
        yield one


def test_a_running_worker_answers_over_http(ground: Live, unused_port: int) -> None:
    worker = ground.spawn(metrics_port=str(unused_port))
    ground.until("an answer", lambda: answered(unused_port, "/ready"))
    ground.until("a ready worker", lambda: worker.logged("ready"))
    ground.until("ready", lambda: asked(unused_port, "/ready")[0] == 200)
    assert asked(unused_port, "/live")[0] == 200
    place = ground.send("users", "ann", {"v": 1, "user_id": "ann"})

    def standing() -> dict[str, Any]:
        rows = {row["shard"]: row for row in orjson.loads(asked(unused_port, "/states")[1])["shards"]}
        assert set(rows) == {*(f"u:{at}" for at in range(4)), *(f"v:{at}" for at in range(4)),
                             *(f"l:{at}" for at in range(4))}  # fmt: skip
        found: dict[str, Any] = rows[f"u:{place.partition}"]
        return found

    ground.until("its offset", lambda: standing()["topics"]["users"]["end"] == place.offset + 1)
    ground.until("no lag", lambda: standing()["topics"]["users"]["lag"] == 0)
    assert standing()["topics"]["users"]["next"] == place.offset + 1
    assert standing()["state"] == "open"
    metrics = asked(unused_port, "/metrics")[1].decode()
    assert 'feedstream_shards{role="users",state="open"} 4.0' in metrics
    assert "feedstream_ready 1.0" in metrics
    assert f'feedstream_lag_records{{partition="{place.partition}",topic="users"}} 0.0' in metrics
    process = ground.workers[0].process
    assert ground.stop(ground.workers[0]) == process.returncode == 0


def answered(port: int, path: str) -> bool:
    try:
        return asked(port, path)[0] in {200, 503}
    except OSError:
        return False


@pytest.mark.redis
def test_a_worker_without_its_store_says_so_and_is_ready_again_when_it_is_back(
    redis_server: RealRedis, mock_broker: str, unused_port: int, tmp_path: Path
) -> None:
    with Live(f"kafka://{mock_broker}", redis_server.url, tmp_path, metrics_port=str(unused_port)) as ground:
        for topic in TOPICS:
            ground.records(topic)  # a mock cluster makes a topic when it is asked for
        ground.start()
        ground.until("ready", lambda: asked(unused_port, "/ready")[0] == 200)
        redis_server.kill()
        ground.until("not ready", lambda: asked(unused_port, "/ready")[0] == 503)
        assert "Redis does not answer: Redis is unreachable" in asked(unused_port, "/ready")[1].decode()
        assert asked(unused_port, "/live")[0] == 200
        assert 'feedstream_server_up{server="redis"} 0.0' in asked(unused_port, "/metrics")[1].decode()
        redis_server.start()
        ground.until("ready again", lambda: asked(unused_port, "/ready")[0] == 200)
