"""``feedstream lag``: what Redis has applied against what the log holds, by partition and in sum."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import orjson
import pytest

from agents.embedded import Embedded
from agents.lag import Lag, lags
from agents.producer import RecordProducer
from agents.spans import Log
from agents.store import ShardId, Store
from agents.topics import FOLDED


def sent(ground: Embedded, topic: str, partition: int, count: int) -> None:
    with RecordProducer(ground.broker.removeprefix("kafka://"), client_id="test") as producer:
        for _ in range(count):
            producer.send(topic, b"k", b"{}", partition=partition)


def test_lag_is_what_the_log_has_beyond_the_checkpoint(ground: Embedded, ask) -> None:
    sent(ground, "events.like", 1, 7)
    sent(ground, "feed.requests", 1, 3)
    sent(ground, "training", 0, 2)
    sent(ground, "training", 3, 1)  # of the learner there is one
    store = Store(ground.redis)
    store.acquire(ShardId("u", 1), "t", "worker-1@host:7")
    store.checkpoint(ShardId("u", 1), "t", {}, {"events.like": 5}, [], [], [], [], 0)
    store.commit_feeds(ShardId("u", 1), "t", 0, [], [], {"feed.requests": 3}, [], [])
    done = ask("lag", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["lag"] == 4
    assert {topic: lag for topic, lag in done.json["topics"].items() if lag} == {"events.like": 2, "training": 2}
    assert set(done.json["topics"]) == {topic for topics in FOLDED.values() for topic in topics}
    rows = {(one["topic"], one["partition"]): one for one in done.json["partitions"]}
    assert rows["events.like", 1] == {
        "topic": "events.like", "partition": 1, "shard": "u:1", "end": 7, "applied": 5, "lag": 2,
        "owner": "worker-1@host:7",
    }  # fmt: skip
    assert rows["feed.requests", 1]["lag"] == 0
    assert rows["training", 0]["owner"] is None
    lines = ask("lag").out.splitlines()
    assert lines[0].split() == ["topic", "partition", "end", "applied", "lag", "owner"]
    assert "events.like                1            7            5            2  worker-1@host:7" in lines
    assert lines[-1].split() == ["everything", "all", "4"]
    store.close()


def test_a_store_beyond_the_log_is_told_apart_from_one_that_is_done(ground: Embedded, ask) -> None:
    store = Store(ground.redis)
    store.acquire(ShardId("v", 0), "t")
    store.checkpoint(ShardId("v", 0), "t", {}, {"videos": 9}, [], [], [], [], 0)
    (one,) = [one for one in lags(Log(ground.broker.removeprefix("kafka://")), store) if one.applied]
    assert (one.end, one.applied, one.lag) == (0, 9, 0)
    assert "beyond end" in ask("lag").out
    store.close()


def test_watch_looks_again_until_it_is_interrupted(ground: Embedded) -> None:
    command = [sys.executable, "-m", "feedstream", "lag", "--watch", "--json", "--every-s", "0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    try:
        assert process.stdout is not None
        assert orjson.loads(process.stdout.readline())["lag"] == 0
        sent(ground, "users", 0, 1)
        while orjson.loads(process.stdout.readline())["topics"]["users"] != 1:
            pass
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, b"")
    finally:
        process.kill()
        process.communicate()


def test_watch_ends_even_where_kafka_s_client_drops_the_interruption(
    ground: Embedded, ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def dropping(*_: object) -> list[Lag]:
        looks.append(1)
        assert len(looks) < 3, "it looks again"
        if len(looks) == 2:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        return []

    monkeypatch.setattr("agents.lag.lags", dropping)
    done = ask("lag", "--watch", "--json", "--every-s", "0.1")
    assert (done.code, done.out.count("\n"), len(looks)) == (0, 2, 2)


def test_a_store_that_does_not_answer_is_one_sentence(ground: Embedded, ask, unused_port: int, monkeypatch) -> None:
    monkeypatch.setenv("FEEDSTREAM_REDIS", f"redis://127.0.0.1:{unused_port}/0")
    done = ask("lag")
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "Redis is unreachable" in done.err
