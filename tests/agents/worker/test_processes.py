"""Worker processes: what they say and with which code they leave; nothing is lost or counted twice by any way out."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import psutil
import pytest

from agents.cli.state import exact_hash
from agents.embedded import Embedded
from agents.judge.counts import compare_counts, compare_views
from agents.settings import environment
from agents.store import ShardId
from agents.testing.live import Live
from agents.testing.load import Load, load
from agents.testing.verdict import judge_feeds
from agents.worker.outgoing import Outgoing
from schemas.lines import read_lines
from streams.replay import Replay

pytestmark = pytest.mark.timeout(240)


def made_load(events: int = 4_000, seed: int = 5) -> Load:
    start_ms = int(time.time() * 1_000) - 3_600_000
    return load(np.random.default_rng(seed), events, viewers=60, videos=90, start_ms=start_ms, asking=0.3)


def replayed(lines: list[bytes]) -> str:
    """The exact hash of a replay."""
    engine = Replay(int(time.time() * 1_000))
    for _ in engine.run(read_lines(lines)):
        pass
    return engine.exact_hash()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Live]:
    """A broker and a store of a test's own, without a worker."""
    with Embedded() as both, Live(both.broker, both.redis, tmp_path) as one:
        yield one


def test_what_was_committed_and_not_published_goes_out_from_whoever_takes_over(ground: Live) -> None:
    """A batch and a delta, the same bytes, each to its own topic; a NUL in a viewer's id is a character like others."""
    user, shard = "ann\0e", ShardId("u", 0)
    records = [Outgoing("1-b", "feeds", user, b'{"a":1}', 0.0), Outgoing("delta-1", "feed.delta", user, b"\0\xff", 0.0)]
    ground.store.layout({"user_partitions": 4, "video_partitions": 4})
    ground.store.acquire(shard, "gone")
    ground.store.commit_feeds(shard, "gone", 0, [], [], {}, [record.stored() for record in records], [])
    ground.start()

    def published() -> list[tuple[str, bytes, bytes]]:
        found = (message for topic in ("feeds", "feed.delta") for message in ground.records(topic))
        return [(message.topic(), message.key(), message.value()) for message in found]

    ground.until("both", lambda: len(published()) == 2)
    assert published() == [(record.topic, user.encode(), record.value) for record in records]


# --- what a worker says when it cannot start --------------------------------------------------------------------------


def test_a_worker_that_cannot_start_says_why_in_one_sentence(embedded: Embedded, unused_port: int) -> None:
    asked: list[tuple[dict[str, str], list[str]]] = [
        ({"checkpoint_ms": "soon"}, ["FEEDSTREAM_CHECKPOINT_MS is 'soon'", "whole number"]),
        ({"broker": "embedded://"}, ["FEEDSTREAM_BROKER is embedded://", "feedstream up"]),
        ({"redis": "embedded://"}, ["FEEDSTREAM_REDIS is embedded://", "feedstream up"]),
        ({"user_partitions": "3"}, ["has 4 partitions but FEEDSTREAM_USER_PARTITIONS is 3"]),
        ({"redis": f"redis://127.0.0.1:{unused_port}/0"}, ["Redis is unreachable", str(unused_port)]),
        (
            {"broker": f"kafka://127.0.0.1:{unused_port}"},
            [f"Kafka at 127.0.0.1:{unused_port} does not answer", "FEEDSTREAM_BROKER"],
        ),
    ]
    ours = {"broker": embedded.broker, "redis": embedded.redis}
    started = [(refusing(environment(**(ours | settings))), words) for settings, words in asked]
    for process, words in started:
        refused(process, words)


def test_a_store_filled_with_other_partition_counts_is_refused(ground: Live) -> None:
    ground.store.layout({"user_partitions": 8})
    process = refusing(environment(broker=ground.broker, redis=ground.redis))
    refused(process, ["user_partitions=8", "FEEDSTREAM_NAMESPACE"])


def refusing(env: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "feedstream", "worker"]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def refused(process: subprocess.Popen[str], words: list[str]) -> None:
    """The command ends with 1, one sentence on stderr and nothing on stdout."""
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, ""), err
    assert err.startswith("feedstream")
    assert err.count("\n") == 1, err
    for one in words:
        assert one in err


# --- starting and stopping --------------------------------------------------------------------------------------------


def test_ready_is_said_once_and_a_terminated_worker_has_lost_nothing(ground: Live) -> None:
    worker = ground.start(checkpoint_ms="60000")
    (said,) = worker.logged("ready")
    assert said["pid"] == worker.process.pid
    assert said["shards"]["users"] == [0, 1, 2, 3]
    made = made_load(2_000)
    ground.send_lines(made.lines)
    asked = {orjson.loads(text)["value"]["request_id"] for text in made.lines if b'"feed.requests"' in text}
    ground.until("every answer", lambda: asked <= {one.get("request_id") for one in ground.batches()})
    assert not any(ground.store.offsets(shard) for shard in ground.store.shards())
    mapped = {Path(one.path).name for one in psutil.Process(worker.process.pid).memory_maps()}
    seldom = [name for name in mapped if name.startswith(("_stats_pythran", "_lbfgsb"))]
    assert seldom == [], "what few workers ever need is read when they do"
    assert ground.stop(worker) == 0
    assert len(worker.logged("ready")) == len(worker.logged("stopped")) == 1
    assert worker.out() == ""
    # What was folded was checkpointed on the way out, or a worker reads it again.
    ground.start()
    ground.until("the judge's tally", lambda: not compare_counts(ground.store, made.tally()))
    ground.until_settled()
    assert exact_hash(ground.store) == replayed(made.lines)
    assert not compare_views(ground.store, made.tally())
    assert not judge_feeds(message.value() for message in ground.records("feeds")).problems


def test_cold_rows_leave_memory_and_come_back_as_they_were(ground: Live) -> None:
    small = {"hot_viewers": "3", "hot_outcomes": "20", "hot_videos": "8", "chunk_records": "50"}
    ground.start(**small)
    made = made_load(3_000, seed=6)
    third = len(made.lines) // 3
    for low in range(0, len(made.lines), third):
        ground.send_lines(made.lines[low : low + third])
        ground.until_settled()
    ground.until("the judge's tally", lambda: not compare_counts(ground.store, made.tally()))
    wanted = replayed(made.lines)
    ground.until("the state that replay makes", lambda: exact_hash(ground.store) == wanted)
    assert not compare_views(ground.store, made.tally())
    assert not judge_feeds(message.value() for message in ground.records("feeds")).problems


def test_two_workers_share_the_shards_and_a_killed_one_loses_nothing(ground: Live) -> None:
    first, second = ground.spawn(), ground.spawn()
    ground.until("two ready workers", lambda: first.logged("ready") and second.logged("ready"))

    def shared() -> bool:
        owned = [one.logged("shards_assigned") for one in (first, second)]
        latest = [[line["shards"] for line in lines if line["group"] == "users"][-1:] for lines in owned]
        return sorted(number for lists in latest for shards in lists for number in shards) == [0, 1, 2, 3] and all(
            lists and 0 < len(lists[0]) < 4 for lists in latest
        )

    ground.until("shards on both", shared)
    made = made_load(3_000, seed=7)
    half = len(made.lines) // 2
    ground.send_lines(made.lines[:half])
    ground.until("progress", lambda: any(ground.store.offsets(shard) for shard in ground.store.shards()))
    assert ground.stop(first, signal.SIGKILL) == -signal.SIGKILL
    ground.send_lines(made.lines[half:])
    ground.spawn()
    ground.until("the judge's tally", lambda: not compare_counts(ground.store, made.tally()))
    wanted = replayed(made.lines)
    ground.until("the state that replay makes", lambda: exact_hash(ground.store) == wanted)
    assert not compare_views(ground.store, made.tally())
    assert not judge_feeds(message.value() for message in ground.records("feeds")).problems


# --- what ends a worker -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def doomed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A worker that has seen nothing yet; the last test of this file ends it."""
    with Embedded() as both, Live(both.broker, both.redis, tmp_path_factory.mktemp("doomed")) as one:
        one.start()
        yield one


def test_viewers_who_come_before_any_video_get_their_first_batch_when_videos_are_known(doomed: Live) -> None:
    doomed.until_applied(doomed.send("users", "ann", {"v": 1, "user_id": "ann"}))
    for at in range(3):
        value: dict[str, Any] = {
            "v": 1, "video_id": f"v{at}", "creator_id": f"c{at}", "created_ms": 0, "duration_ms": 1}  # fmt: skip
        doomed.send("videos", f"v{at}", value)
    assert len(doomed.batch("ann", trigger="first")["items"]) == 3


def test_mostly_bad_input_stops_the_worker_with_a_sentence_and_what_was_bad_is_kept(doomed: Live) -> None:
    (worker,) = doomed.workers
    doomed.workers.remove(worker)
    doomed.send_lines([b'{"topic":"events.like","key":"ann","value":{"v":1}}'] * 1_500)
    assert worker.wait() == 1
    said = [line for line in worker.said().splitlines() if line.startswith("feedstream worker: ")]
    assert len(said) == 1
    assert "records are bad, more than FEEDSTREAM_BAD_SHARE=0.5 allows" in said[0]
    doomed.start(bad_share="0")
    doomed.until("all dead letters", lambda: len(places(doomed)) == 1_500)
    doomed.until_settled()


def places(live: Live) -> set[tuple[bytes, bytes]]:
    """Partition and offset of every dead letter's record."""
    found = [dict(message.headers()) for message in live.records("dead-letters")]
    return {(one["partition"], one["offset"]) for one in found}
