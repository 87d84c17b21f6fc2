"""Each check tells the sound from the unsound, and says what to do about the unsound."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from confluent_kafka import Producer as KafkaProducer

from agents.doctor import here
from agents.doctor.examine import checks
from agents.doctor.finding import failed, ok, warning, worst
from agents.doctor.here import check_partitioner, check_versions
from agents.doctor.kafka import check_lag, check_producers, check_topics
from agents.doctor.memory import available_bytes, check_memory, needed_bytes
from agents.doctor.redis import check_clock, check_durable, check_layout, check_room, check_server
from agents.embedded import Embedded
from agents.settings import Settings
from agents.sizing.costs import shipped_costs
from agents.spans import Log
from agents.store import ShardId, Store
from agents.testing.servers import RealRedis
from agents.topics import Admin

ROOT = Path(__file__).parents[3]
SOUND = {"redis_version": "7.2.4", "aof_enabled": 1, "maxmemory_policy": "noeviction", "evicted_keys": 0,
         "used_memory": 2**30, "maxmemory": 0, "total_system_memory": 8 * 2**30}  # fmt: skip


@pytest.fixture(scope="module")
def both() -> Iterator[Embedded]:
    with Embedded() as embedded:
        yield embedded


@pytest.fixture
def log(both: Embedded) -> Log:
    return Log(both.broker.removeprefix("kafka://"))


@pytest.fixture
def store(both: Embedded, request: pytest.FixtureRequest) -> Iterator[Store]:
    made = Store(both.redis, re.sub(r"\W", "-", request.node.name))
    yield made
    made.close()


def publish(both: Embedded, topic: str, key: str, *, partition: int, stamp_ms: int = 0) -> int:
    """The offset of a record put where it does not perhaps belong."""
    done: list[int] = []
    log = logging.getLogger("tests.quiet")
    log.setLevel(logging.CRITICAL)
    kafka = KafkaProducer({"bootstrap.servers": both.broker.removeprefix("kafka://")}, logger=log)
    kafka.produce(topic, b"{}", key.encode(), partition, timestamp=stamp_ms,
                  on_delivery=lambda _, message: done.append(message.offset()))  # fmt: skip
    kafka.flush(30)
    return done[0]


def test_the_gravest_finding_is_the_verdict() -> None:
    assert worst([]) == "ok"
    assert worst([ok("a"), warning("b", "c"), ok("d")]) == "warning"
    assert worst([failed("a", "b"), warning("b", "c")]) == "failed"


def test_versions_are_held_to_what_the_package_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_versions()
    assert found.verdict == "ok"
    assert {"Python 3", "faust-streaming 0.15.3", "river 0.26"} <= {
        part for part in ("Python 3", "faust-streaming 0.15.3", "river 0.26") if part in found.found
    }
    monkeypatch.setattr(here, "version", lambda name: "0.15.4" if name == "faust-streaming" else "99.0")
    found = check_versions()
    assert found.verdict == "failed"
    assert "faust-streaming is 0.15.4, made for faust-streaming==0.15.3" in found.found


def test_a_partitioner_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert check_partitioner().verdict == "ok"
    monkeypatch.setattr(here, "producer_options", lambda *_, **__: {"partitioner": "consistent_random"})
    found = check_partitioner()
    assert found.verdict == "failed"
    assert re.search(r"librdkafka places \d+ of 64 keys elsewhere", found.found)
    monkeypatch.setattr(here, "murmur2", lambda _: 0)
    assert "murmur2 of '21'" in check_partitioner().found


@pytest.mark.parametrize(
    ("changed", "verdict", "words"),
    [
        ({}, "ok", "appendonly yes"),
        ({"aof_enabled": 0}, "failed", "appendonly is no"),
        ({"maxmemory_policy": "allkeys-lru"}, "failed", "maxmemory-policy is allkeys-lru"),
        ({"evicted_keys": 3}, "failed", "3 keys were evicted"),
        ({"aof_last_write_status": "err"}, "failed", "could not be written"),
    ],
)
def test_a_store_that_could_lose_rows_is_found(changed: dict[str, object], verdict: str, words: str) -> None:
    found = check_durable(SOUND | changed)
    assert (found.verdict, words in found.found, bool(found.do)) == (verdict, True, verdict != "ok")


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "ok"),
        ({"used_memory": 7 * 2**30}, "warning"),
        ({"maxmemory": 2**30}, "failed"),
        ({"total_system_memory": 0}, "warning"),
    ],
)
def test_a_store_without_room_is_found(changed: dict[str, object], verdict: str) -> None:
    assert check_room(SOUND | changed).verdict == verdict


def test_an_old_server_is_a_warning_and_a_loading_one_a_failure() -> None:
    assert check_server(SOUND).found == "redis 7.2.4"
    assert check_server(SOUND | {"valkey_version": "9.1.0"}).found == "valkey 9.1.0"
    assert check_server(SOUND | {"redis_version": "6.2.1"}).verdict == "warning"
    assert check_server(SOUND | {"loading": 1}).verdict == "failed"


def test_another_layout_than_the_settings_is_found(store: Store) -> None:
    settings = Settings.from_env({})
    assert check_layout(store, settings).verdict == "ok"
    store.layout({"user_partitions": 8})
    found = check_layout(store, settings)
    assert (found.verdict, "FEEDSTREAM_USER_PARTITIONS=8" in found.do) == ("failed", True)


def test_clocks_apart_are_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_env({})
    assert check_clock(store, settings).verdict == "ok"
    now_ms = store.clock_ms
    monkeypatch.setattr(store, "clock_ms", lambda: now_ms() + 5_000)
    assert check_clock(store, settings).verdict == "warning"
    monkeypatch.setattr(store, "clock_ms", lambda: now_ms() - 60_000)
    assert check_clock(store, settings).verdict == "failed"


def test_topics_with_other_partitions_are_found(both: Embedded) -> None:
    bootstrap = both.broker.removeprefix("kafka://")
    assert check_topics(Admin(bootstrap, Settings.from_env({}))).verdict == "ok"
    found = check_topics(Admin(bootstrap, Settings.from_env({}, user_partitions=6)))
    assert found.verdict == "failed"
    assert "events.watch: partitions is 4, should be 6" in found.found
    assert "FEEDSTREAM_USER_PARTITIONS" in found.do


@pytest.mark.kafka
def test_a_missing_topic_is_to_be_applied(kafka_bootstrap: str) -> None:
    admin = Admin(kafka_bootstrap, Settings.from_env({}))
    admin.apply()
    assert check_topics(admin).verdict == "ok"
    log = Log(kafka_bootstrap)
    assert check_producers(log).verdict == "ok"
    assert {span.low for span in log.spans(log.places(["users"])).values()} == {0}


def test_keys_astray_and_stamps_of_the_future_are_found() -> None:
    with Embedded() as both:
        log = Log(both.broker.removeprefix("kafka://"))
        assert check_producers(log).found == "nobody has published an event yet"
        publish(both, "events.like", "foobar", partition=2)  # where murmur2 puts it
        assert check_producers(log).verdict == "ok"
        publish(both, "events.like", "foobar", partition=2, stamp_ms=int(time.time() * 1_000) + 10_000)
        assert check_producers(log).verdict == "warning"
        publish(both, "events.skip", "foobar", partition=1)
        found = check_producers(log)
        assert found.verdict == "failed"
        assert "events.skip partition 1 has a key that belongs to partition 2 (1 of 2 are astray)" in found.found


def test_lag_is_judged_by_how_long_the_oldest_record_waits() -> None:
    settings = Settings.from_env({})
    with Embedded() as both:
        log, store, shard = Log(both.broker.removeprefix("kafka://")), Store(both.redis), ShardId("u", 2)
        now_ms = int(time.time() * 1_000)
        publish(both, "events.like", "foobar", partition=2, stamp_ms=now_ms - 400_000)
        publish(both, "events.like", "foobar", partition=2, stamp_ms=now_ms - 100_000)
        found = check_lag(log, store, settings)
        assert (found.verdict, found.found) == ("warning", "2 records wait, and nobody ever opened shard u:2")
        store.acquire(shard, "t", "me")
        found = check_lag(log, store, settings)
        assert found.verdict == "failed"
        assert re.search(r"2 records wait, the oldest for 40\d\.\d s, on events.like partition 2, longer", found.found)
        store.checkpoint(shard, "t", {}, {"events.like": 1}, [], [], [], [], 0)
        assert check_lag(log, store, settings).verdict == "warning"
        store.checkpoint(shard, "t", {"events.like": 1}, {"events.like": 2}, [], [], [], [], 0)
        assert check_lag(log, store, settings).found == "0 records wait"
        store.checkpoint(shard, "t", {"events.like": 2}, {"events.like": 3}, [], [], [], [], 0)
        found = check_lag(log, store, settings)
        assert (found.verdict, "up to 3, the log ends at 2" in found.found) == ("failed", True)
        store.close()


def test_memory_follows_what_is_stored_as_far_as_settings_keep_it(store: Store) -> None:
    settings = Settings.from_env({})
    nothing = needed_bytes({}, settings)
    costs = shipped_costs().costs
    rows = 1_000 * costs.viewer_memory_bytes + 10 * costs.outcome_memory_bytes
    assert needed_bytes({"viewers": 1_000, "outcomes": 10}, settings) == pytest.approx(nothing + rows, abs=1)
    most = settings.hot_videos * costs.video_memory_bytes
    assert needed_bytes({"videos": 10**9}, settings) == pytest.approx(nothing + most, abs=1)
    assert available_bytes() > 0
    found = check_memory(store, settings)
    assert found.found.startswith("a worker that owns every shard needs about ")


def test_rows_are_estimated_by_kind() -> None:
    with Embedded() as both:
        store = Store(both.redis, "n")
        store.layout({"user_partitions": 4, "video_partitions": 4})
        for kind, keys in (("u", [b"v:%d" % at for at in range(100)] + [b"o:%d" % at for at in range(300)]),
                           ("v", [b"e:%d" % at for at in range(100)])):  # fmt: skip
            store.acquire(ShardId(kind, 1), "t")
            store.checkpoint(ShardId(kind, 1), "t", {}, {"t": 1}, keys, keys, [], [], 0, keys[:7] * (kind == "v"))
        found = store.estimate()
        assert found["active videos"] == 7
        for name, count in {"viewers": 100, "outcomes": 300, "videos": 100}.items():
            assert found[name] == pytest.approx(count, rel=0.5), name
        assert set(Store(both.redis, "other").estimate().values()) == {0}


@pytest.mark.redis
def test_debians_redis_is_looked_at_like_any_other(redis_server: RealRedis) -> None:
    store = Store(redis_server.url)
    info = store.server()
    assert check_server(info).found.startswith("redis ")
    assert {check_durable(info).verdict, check_room(info).verdict} == {"ok"}
    redis.Redis.from_url(redis_server.url).config_set("maxmemory-policy", "allkeys-lru")
    assert check_durable(store.server()).verdict == "failed"
    store.close()


def test_a_server_that_leaves_between_two_checks_is_a_finding(unused_port: int) -> None:
    with Embedded() as both:
        examined = checks(Settings.from_env({}, broker=both.broker, redis=both.redis), timeout_s=1.0)
        found = {}
        for check in examined:
            found[check.name] = check.run()
            if check.name == "redis":
                both.close()
    assert found["redis"].verdict == "ok"
    assert found["layout"].verdict == "failed"
