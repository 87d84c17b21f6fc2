"""The benchmarks' own parts: the plain way counts right, slices are what they say, figures find their goals."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import orjson
import pytest
import redis
import redis.asyncio as aioredis

from agents.bench import host
from agents.bench.workload import EVENTS_A_MEETING, Record, Shape, first_visits, sessions, videos
from agents.embedded import Embedded
from agents.judge.tally import Tally
from benchmarks import report
from benchmarks.latency import covered
from benchmarks.plain import Plain
from benchmarks.sizes import in_memory
from schemas.codec import decode
from schemas.topics import COUNTS

NOW_MS = 1_760_000_000_000


def a_slice(events: int = 2_000, **shape: float) -> list[Record]:
    small = Shape(viewers=50, videos=40, length=10)._replace(**shape)
    return sessions(np.random.default_rng(3), events, small, NOW_MS, 1_800.0, "t")


def test_a_slice_has_as_many_readable_events_as_asked_for_in_order_of_time():
    records = a_slice()
    events = [decode(topic, key, value, NOW_MS + 10**7) for topic, key, value in records]
    times = [event.ts_ms for event in events]
    assert len(records) == 2_000
    assert times == sorted(times)
    assert len({event.event_id for event in events}) == 2_000
    shown = sum(topic == "events.impression" for topic, _, _ in records)
    assert 2_000 / shown == pytest.approx(EVENTS_A_MEETING, rel=0.1)


def test_a_hot_video_takes_half_of_the_events():
    records = a_slice(length=2, hot=0.5, videos=10_000)
    share = sum(b'"video_id":"v0"' in value for _, _, value in records) / len(records)
    assert share == pytest.approx(0.5, abs=0.05)


def test_announced_videos_and_first_visits_can_be_read():
    made = videos(5, NOW_MS) + first_visits(0, 3, 5, NOW_MS)
    assert all(decode(topic, key, value, NOW_MS + 10**6) for topic, key, value in made)
    assert len(made) == 5 + 15


def test_the_plain_way_counts_as_the_tally_does():
    records = a_slice(600)
    records += records[::5]  # duplicates change nothing
    tally = Tally()
    for topic, _, value in records:
        tally.add(topic, orjson.loads(value))
    with Embedded() as embedded:

        async def run() -> Plain:
            client = aioredis.Redis.from_url(embedded.redis)
            plain = Plain(client)
            for _, _, value in videos(40, 0):
                plain.announce(value)
            for topic, _, value in records:
                await plain.handle(topic.removeprefix("events."), value)
            await client.aclose()
            return plain

        plain = asyncio.run(run())
        client = redis.Redis.from_url(embedded.redis, decode_responses=True)
        for video, counts in tally.counts().items():
            stored = client.hgetall(f"v:{video}")
            assert {name: int(stored.get(name, 0)) for name in COUNTS} == counts
        client.close()
    assert 0.0 < plain.losses["skip"].get() < 1.0


def test_a_batch_covers_a_like_below_its_next_offset_only():
    assert covered({"events.like": {"1": 5}}, 1, 4)
    assert not covered({"events.like": {"1": 5}}, 1, 5)
    assert not covered({}, 1, 0)


def test_sizes_are_of_one_row():
    sizes, shard, _ = in_memory(count=256, video_count=60)
    assert len(shard.viewers) == 256
    # The first 64 rows come with the empty table.
    assert sizes["viewer_memory_bytes"] > 0.75 * shard.viewers.bytes_per_row()
    assert sizes["outcome_memory_bytes"] > 0.75 * shard.outcomes.bytes_per_row()


def test_the_table_says_which_goal_was_missed():
    text = report.table({"transport_ratio": 44.4, "pipeline_ratio": 7.0, "pipeline_us": 12_345.6, "runs": [1.0]})
    assert text.splitlines() == [
        "transport_ratio    44.4  >= 30  ok",
        "pipeline_ratio        7  >= 25  MISSED",
        "pipeline_us      12,346",
    ]


def test_bench_json_holds_machine_versions_and_figures(tmp_path: Path):
    path = tmp_path / "out" / "bench.json"
    report.write(path, {"machine": host.machine(), "versions": host.versions(kafka="4"), "figures": {"a": 1.0}})
    found = orjson.loads(path.read_bytes())
    assert found["machine"]["cores"] >= 1
    assert found["versions"]["kafka"] == "4"
    assert found["versions"]["river"][0].isdigit()
