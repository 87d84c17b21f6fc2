"""Deployments beside each other on one Kafka and one Redis: by prefix, with more partitions, rebuilt from the log."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from agents.cli.state import exact_hash
from agents.judge.counts import compare_counts
from agents.lag import lags, totals
from agents.settings import environment
from agents.spans import Log
from agents.store import Store
from agents.testing.live import Live
from agents.testing.load import Load, load
from agents.testing.servers import RealKafka, RealRedis
from agents.testing.verdict import judge_feeds
from tests.agents.deployed import command, deployed

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.timeout(300)]


def exact(live: Live, made: Load) -> None:
    live.until("exact counts", lambda: compare_counts(live.store, made.tally()) == [])
    live.until("no lag", lambda: not any(totals(lags(Log(live.kafka), live.store)).values()))


def test_the_log_copied_to_more_partitions_while_it_grows_makes_the_same_counts(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    made = load(np.random.default_rng(21), 4_000, viewers=100, videos=100)
    half = len(made.lines) // 2
    with (
        deployed(kafka, redis_server, tmp_path, "narrow") as old,
        deployed(kafka, redis_server, tmp_path, "wide", 3) as new,
    ):
        old.start()
        old.send_lines(made.lines[:half])
        copying = subprocess.Popen(
            [sys.executable, "-m", "feedstream", "topics", "copy", "--to", "wide.", "--follow"],
            env=environment(broker=old.broker, redis=old.redis, **old.settings),
            stdout=subprocess.PIPE,
        )
        try:
            new.start()
            new.until_applied()
            old.send_lines(made.lines[half : half + half // 2])
            exact_until_now(old, made.lines[: half + half // 2])
            # Producers are switched: from here on they write to the new topics, and the rest is copied meanwhile.
            new.send_lines(made.lines[half + half // 2 :])
            exact(new, made)
        finally:
            copying.send_signal(signal.SIGTERM)
            said, _ = copying.communicate(timeout=60)
        assert copying.returncode == 0
        assert said.endswith(b"records copied to wide.\n")
        # Run again it has nothing to copy: it went on where it stood.
        again = command(old, "topics", "copy", "--to", "wide.")
        assert again.stdout == b"0 records copied to wide.\n"
        assert {shard.number for shard in new.store.shards() if shard.kind == "u"} == {0, 1, 2}
        asked = [orjson.loads(message.value())["request_id"] for message in new.records("feed.requests")]
        sent = [
            orjson.loads(line)["value"]["request_id"] for line in made.lines[half + half // 2 :] if is_request(line)
        ]
        assert sorted(asked) == sorted(sent), "who asked the old deployment is answered there"


def is_request(line: bytes) -> bool:
    return orjson.loads(line)["topic"] == "feed.requests"


def exact_until_now(live: Live, lines: list[bytes]) -> None:
    exact(live, Load(lines, 0, 0))


def test_a_copy_ends_where_a_transaction_ended(kafka: RealKafka, redis_server: RealRedis, tmp_path: Path) -> None:
    with (
        deployed(kafka, redis_server, tmp_path, "marked") as live,
        deployed(kafka, redis_server, tmp_path, "taken") as copied,
    ):
        producer = Producer({**live.kafka.options(), "transactional.id": "marked"})
        producer.init_transactions(30.0)
        producer.begin_transaction()
        producer.produce("marked.events.like", b"{}", b"ann")
        producer.commit_transaction(30.0)
        done = command(live, "topics", "copy", "--to", "taken.", timeout=60)
        assert done.stdout == b"1 records copied to taken.\n"
        copied.until("the record", lambda: len(copied.records("events.like")) == 1)


def test_a_copy_to_topics_that_are_not_there_or_to_itself_says_what_to_do(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    with deployed(kafka, redis_server, tmp_path, "lonely") as live:
        for prefix, said in (
            (
                "nowhere.",
                "topic nowhere.control does not exist: set FEEDSTREAM_TOPIC_PREFIX=nowhere. and the new",
            ),
            ("lonely.", "'lonely.' is the prefix of the topics to copy: name another one"),
        ):
            done = command(live, "topics", "copy", "--to", prefix, code=1)
            assert said in done.stderr.decode()


def rebuilt(live: Live, name: str) -> Any:
    return orjson.loads(command(live, "state", "rebuild", name, "--json").stdout)


def test_state_rebuilt_from_the_log_is_equal_and_is_switched_to_without_showing_anything_twice(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    made = load(np.random.default_rng(22), 4_000, viewers=100, videos=300)
    half = len(made.lines) // 2
    with deployed(kafka, redis_server, tmp_path, "running", request_ttl_s="1e12") as live:
        worker = live.start()
        live.send_lines(made.lines[:half])
        exact_until_now(live, made.lines[:half])
        first = rebuilt(live, "anew")
        assert first["settings"] == {"FEEDSTREAM_NAMESPACE": "anew", "FEEDSTREAM_INTERNAL_PREFIX": "anew."}
        anew = Store(live.redis, "anew")
        assert exact_hash(anew) == exact_hash(live.store)
        sent = len(live.batches())
        assert first["viewers"] > 3
        live.send_lines(made.lines[half:])  # it runs on, and serves
        exact(live, made)
        assert live.stop(worker) == 0
        rebuilt(live, "anew")
        assert exact_hash(anew) == exact_hash(live.store)
        anew.close()
        live.store.close()
        live.store = Store(live.redis, "anew")
        live.settings |= {"namespace": "anew", "internal_prefix": "anew."}
        live.start()
        viewers = sorted({batch["user_id"] for batch in live.batches()})
        for user in viewers:
            request = {"v": 1, "request_id": f"{user}.after", "user_id": user, "ts_ms": 1_760_003_600_000}
            live.send("feed.requests", user, request)
        for user in viewers:
            live.batch(user, request_id=f"{user}.after")
        assert len(live.batches()) > sent
        assert judge_feeds(message.value() for message in live.records("feeds")).problems == []
        there = AdminClient(live.kafka.options()).list_topics(timeout=30.0).topics
        assert "running.anew.engagement" in there
        assert "running.anew.feeds" not in there


@pytest.mark.parametrize(
    "loop", [("--listen", "--rate", "200", "--for", "2"), ("--react", "--rate", "60", "--for", "8")]
)
def test_a_load_reaches_the_deployment_of_the_settings_and_no_other(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path, loop: tuple[str, ...]
) -> None:
    name, tally = f"loaded{loop[0]}", tmp_path / "tally.json"
    with deployed(kafka, redis_server, tmp_path, name) as live:
        live.start()
        words = ("loadgen", "--viewers", "20", "--videos", "60", *loop, "--tally", tally, "--json")
        told = orjson.loads(command(live, *words).stdout)
        assert told["sent"] > 0
        assert told["batches"] > 0
        command(live, "loadgen", "--check", tally)


def test_a_rebuild_into_what_runs_is_refused(kafka: RealKafka, redis_server: RealRedis, tmp_path: Path) -> None:
    with deployed(kafka, redis_server, tmp_path, "only") as live:
        done = command(live, "state", "rebuild", "only", code=1)
        assert "only is the namespace that runs: name another one to rebuild into" in done.stderr.decode()
