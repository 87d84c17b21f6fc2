"""A deployment that lost its Redis goes on from a snapshot that was taken while it ran, and nothing is off by one."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from agents.cli.state import exact_hash
from agents.cluster import in_kafka
from agents.judge.counts import compare_counts
from agents.snapshots.restoring import SEIZED
from agents.testing.live import Live
from agents.testing.load import load
from agents.testing.servers import RealKafka, RealRedis
from agents.testing.verdict import judge_feeds
from tests.agents.deployed import command, deployed

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.timeout(300)]


def wipe(live: Live) -> None:
    """Lose all that Redis holds of the deployment."""
    if keys := held(live):
        live.store.ask(lambda client: client.delete(*keys))


def held(live: Live) -> list[bytes]:
    """Every key of the deployment."""
    name = live.settings["namespace"]
    return live.store.ask(lambda client: [*client.scan_iter(f"*{name}*", count=5_000)])


def state(live: Live, *args: object, code: int = 0) -> Any:
    """What ``feedstream state`` prints as JSON; what it complains of where it is to end with ``code``."""
    done = command(live, "state", *args, "--json", code=code)
    return orjson.loads(done.stdout) if code == 0 else done.stderr.decode()


def test_counts_are_exact_after_a_loss_of_redis_and_of_the_log_before_the_snapshot(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    made = load(np.random.default_rng(11), 12_000, viewers=300, videos=200)
    third = len(made.lines) // 3
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    with deployed(kafka, redis_server, tmp_path, "snapped", request_ttl_s="1e12") as live:
        worker = live.start()
        live.send_lines(made.lines[:third])
        live.until_settled()
        sender = threading.Thread(target=live.send_lines, args=[made.lines[third : 2 * third]])
        sender.start()
        taken = state(live, "export", snapshots)
        sender.join()
        live.send_lines(made.lines[2 * third :])
        live.until_settled()
        live.until("exact counts", lambda: compare_counts(live.store, made.tally()) == [])
        asked = {orjson.loads(text)["value"]["request_id"] for text in made.lines if b'"feed.requests"' in text}
        assert len(asked) > 100
        live.until("every answer", lambda: asked <= {batch.get("request_id") for batch in live.batches()})

        refused = state(live, "import", taken["path"], code=1)
        assert "there is state of this namespace already" in refused
        assert live.stop(worker, signal.SIGKILL) == -signal.SIGKILL
        before = exact_hash(live.store)
        wipe(live)
        shown = state(live, "show", taken["path"])
        assert shown["rows"] == taken["rows"] > 1_000
        forget_before(live, shown["shards"])

        done = state(live, "import", taken["path"])
        assert done["rows"] == taken["rows"]
        assert done["behind"] > third
        assert done["viewers"] > 5
        live.start()
        live.until_settled()
        live.until("exact counts again", lambda: compare_counts(live.store, made.tally()) == [])
        live.until("the same state", lambda: exact_hash(live.store) == before)
        values = [message.value() for message in live.records("feeds")]
        assert judge_feeds(values).problems == []


def forget_before(live: Live, shards: dict[str, dict[str, int]]) -> None:
    """Let the log begin where the snapshot goes on, as retention would."""
    admin = AdminClient(live.kafka.options())
    ends = [
        TopicPartition(in_kafka(live.kafka, topic), int(shard.partition(":")[2]), offset)
        for shard, position in shards.items()
        for topic, offset in position.items()
        if offset and topic not in {"users", "videos"}  # compacted ones keep the latest of each key
    ]
    for future in admin.delete_records(ends, request_timeout=60.0, operation_timeout=60.0).values():
        future.result()


def test_a_worker_that_runs_during_an_import_ends_and_says_why(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    made = load(np.random.default_rng(12), 2_000, viewers=50, videos=100)
    with deployed(kafka, redis_server, tmp_path, "imported") as live:
        worker = live.start()
        live.send_lines(made.lines[:1_000])
        live.until_settled()
        file = tmp_path / "one.snapshot"
        state(live, "export", file)
        live.workers.remove(worker)
        # As it is in the middle of an import: the shard is somebody else's, and may not be opened.
        for shard in live.store.shards():
            live.store.run("seizing", shard, SEIZED, ["token", "an import"])
        live.send_lines(made.lines[1_000:])
        assert worker.wait() == 1
        assert "is being restored from a snapshot: wait for `feedstream state import`" in worker.said()
        state(live, "import", file, "--replace")
        live.start()
        live.until_settled()
        live.until("exact counts", lambda: compare_counts(live.store, made.tally()) == [])


def test_a_snapshot_that_the_log_does_not_go_on_from_is_refused_and_changes_nothing(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    made = load(np.random.default_rng(13), 2_000, viewers=50, videos=100)
    with deployed(kafka, redis_server, tmp_path, "gapped") as live:
        worker = live.start()
        live.send_lines(made.lines[:1_000])
        live.until_settled()
        file = tmp_path / "one.snapshot"
        state(live, "export", file)
        live.send_lines(made.lines[1_000:])
        live.until_settled()
        live.stop(worker)
        wipe(live)
        ends = {shard: dict(position) for shard, position in state(live, "show", file)["shards"].items()}
        ends["u:0"]["events.like"] += 3
        forget_before(live, ends)
        said = state(live, "import", file, code=1)
        at = ends["u:0"]["events.like"]
        assert f"events.like[0]: the snapshot goes on at {at - 3}, but Kafka begins at {at}" in said
        assert "use a later snapshot, or give --accept-loss" in said
        assert held(live) == []
        assert state(live, "import", file, "--accept-loss")["shards"] == 5
        live.store.ask(lambda client: client.hset(f"{live.settings['namespace']}:layout", "video_partitions", 5))
        before = sorted(held(live))
        said = state(live, "import", file, "--replace", "--accept-loss", code=1)
        assert "'video_partitions': 5" in said
        assert "name another FEEDSTREAM_NAMESPACE" in said
        assert sorted(held(live)) == before, "nothing was changed"
        live.settings["video_partitions"] = "3"
        assert "has video_partitions=2, the settings 3: set FEEDSTREAM_VIDEO_PARTITIONS=2" in state(
            live, "import", file, code=1
        )
