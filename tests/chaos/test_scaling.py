"""Workers come and go under a steady load, on a real Kafka and a real Redis Cluster: nothing is lost or told twice."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from agents.spans import Log
from agents.store import ShardId
from agents.testing.crew import await_owners, await_progress, judge
from agents.testing.live import Live, Worker
from agents.testing.load import Load, load
from agents.testing.servers import RealKafka, RealRedisCluster
from agents.testing.steady import Steady

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.redis]
PER_S = 100


def made(events: int) -> Load:
    now_ms = int(time.time() * 1_000)
    return load(np.random.default_rng(7), events, viewers=300, videos=300, start_ms=now_ms - 3_600_000, asking=0.5)


@pytest.mark.timeout(400)
def test_one_worker_then_three_then_one_while_a_slot_of_redis_moves(
    empty_kafka: RealKafka, redis_cluster: RealRedisCluster, tmp_path: Path
) -> None:
    flood = made(16_000)
    with Live(empty_kafka.url, redis_cluster.url, tmp_path) as live, Steady(live.kafka, flood.lines, PER_S) as flow:
        one = live.start()
        await_progress(live)
        two, three = live.spawn(), live.spawn()
        await_owners(live, one, two, three)
        await_progress(live)
        for shard in (ShardId("u", 0), ShardId("v", 0)):
            redis_cluster.move(redis_cluster.slot_of(live.store.key(shard, "owner")))
        await_progress(live)
        assert flow.flowing, "the load was over before the workers had gone: it showed nothing"
        assert [live.stop(one), live.stop(two)] == [0, 0]
        await_owners(live, three)
        flow.rest()
        assert judge(live, flood.tally(), Log(live.kafka, "test-lag")) == []
        assert len(live.batches()) > 300
        assert live.stop(three) == 0


@pytest.mark.timeout(300)
def test_a_named_worker_that_is_back_within_its_time_moves_no_shard(
    empty_kafka: RealKafka, redis_cluster: RealRedisCluster, tmp_path: Path
) -> None:
    flood = made(6_000)
    told = {"namespace": "named", "session_timeout_s": "90"}
    with (
        Live(empty_kafka.url, redis_cluster.url, tmp_path, **told) as live,
        Steady(live.kafka, flood.lines, 20) as flow,
    ):
        ann, bob = live.spawn(instance="ann"), live.spawn(instance="bob")
        await_owners(live, ann, bob)
        live.until("two workers that say so", lambda: bob.logged("ready") and ann.logged("ready"))
        before, told_bob = names(live), assignments(bob)
        assert live.stop(ann) == 0
        ann = live.start(instance="ann")
        await_owners(live, ann, bob)
        await_progress(live)
        assert names(live) == before
        assert assignments(bob) == told_bob
        assert flow.flowing
        flow.rest()
        assert judge(live, flood.tally(), Log(live.kafka, "test-lag")) == []


def assignments(worker: Worker) -> int:
    """How often Kafka has told a worker which shards of viewers and videos are its own."""
    return sum(line["group"] != "learner" for line in worker.logged("shards_assigned"))


def names(live: Live) -> dict[str, str]:
    """The name of the worker that holds each shard."""
    shards = live.store.shards()
    holders = live.store.standing(shards)
    return {str(shard): one.holder.partition("@")[0] for shard, one in zip(shards, holders, strict=True)}
