"""``feedstream plan`` without servers and with ``--here``; ``feedstream bench`` where there are some, and where not."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest

from agents.bench import kafka, ranking, replay
from agents.bench.workload import Shape
from agents.embedded import Embedded
from agents.store import ShardId, Store


def test_a_plan_shows_its_arithmetic_and_needs_no_server(ask: Any) -> None:
    done = ask("plan", "--events", 20_000, "--viewers", 1_000_000)
    assert (done.code, done.err) == (0, "")
    assert "workers" in done.out
    assert "20,000 events/s x " in done.out
    assert "50% of every core and of memory stay free" in done.out
    assert done.out.splitlines()[-2].startswith("costs: make bench on ")
    told = ask("plan", "--events", 20_000, "--viewers", 1_000_000, "--json").json
    assert {"name", "value", "unit", "how"} == set(told["terms"][0])
    assert told["load"]["active_viewers"] == 400_000


def test_a_plan_without_a_load_says_what_to_say(ask: Any) -> None:
    done = ask("plan", "--events", 5)
    assert done.code == 2
    assert "say --events and --viewers, or --here" in done.err


def test_a_plan_here_reads_what_runs(ground: Embedded, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.cli.plan._LOOK_S", 0.2)
    done = ask("plan", "--here")
    assert done.code == 1
    assert "nobody owns a shard: start `feedstream worker`" in done.out
    store = Store(ground.redis)
    store.layout({"user_partitions": 4, "video_partitions": 4})
    store.acquire(ShardId("u", 1), "t", "worker-1@host:7")
    store.acquire(ShardId("v", 1), "t", "worker-1@host:7")
    store.close()
    told = ask("plan", "--here", "--json")
    assert (told.code, told.err) == (0, "")
    assert told.json["reading"]["workers"] == 1
    assert told.json["reading"]["user_partitions"] == 4
    assert not told.json["due"]


def test_bench_measures_servers_and_leaves_nothing_behind(
    ground: Embedded, ask: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    measure, rates, round_trips = replay.measure, ranking.rates, kafka.measure
    monkeypatch.setattr(replay, "measure", lambda: measure(events=500, rounds=1, shape=Shape(100, 100)))
    monkeypatch.setattr(ranking, "rates", lambda *_, **__: rates(2_000, 64, rounds=1, singles=3))
    monkeypatch.setattr(kafka, "measure", lambda cluster: round_trips(cluster, records=5))
    done = ask("bench", "--json")
    assert (done.code, done.err) == (0, "")
    figures = done.json["figures"]
    for name in ("replay_us", "decode_ratio", "batches_per_s", "checkpoint_ms", "checkpoint_ratio",
                 "kafka_confirmed_p50_ms", "kafka_round_trip_p99_ms"):  # fmt: skip
        assert figures[name] > 0, name
    assert figures["kafka_round_trip_p50_ms"] >= figures["kafka_confirmed_p50_ms"]
    assert done.json["left_out"] == []
    store = Store(ground.redis)
    assert store.server().get("db0") is None, "every key is gone"
    store.close()
    path = tmp_path / "costs.json"
    path.write_text(done.out)
    told = ask("plan", "--events", 10, "--viewers", 10, "--costs", path, "--json").json
    assert told["measured"][0].startswith("feedstream bench on ")
    assert orjson.dumps(told)


def test_bench_leaves_out_servers_that_are_not_there(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FEEDSTREAM_BROKER", "FEEDSTREAM_REDIS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(replay, "measure", lambda: {"replay_us": 50.0, "decode_us": 2.0, "decode_ratio": 1.5})
    monkeypatch.setattr(ranking, "rates", lambda *_, **__: {"batches_per_s": 500.0})
    done = ask("bench")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"… events/s and core +20,000\n", done.out)
    assert re.search(r"… of which decoding and checking +2  json\.loads alone, .* 1\.50 times as long\n", done.out)
    assert "left out: Kafka: FEEDSTREAM_BROKER is embedded://" in done.out
    assert "left out: Redis: FEEDSTREAM_REDIS is embedded://" in done.out
