"""What a load needs: arithmetic over measured costs, every step of it shown.

Pure: a load, costs and settings in, terms and warnings out. A core is planned to be busy for the share that head room
leaves, so that a worker that dies, a rebalance or a burst finds room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents.settings import Settings
from agents.sizing.costs import Costs
from agents.sizing.load import Load
from agents.units import gib
from streams import limits

__all__ = ["HALF", "Needs", "Term", "event_us", "feed_us", "held_bytes", "needs"]

HALF: Final = 0.5
"""Share of all events that one video may take: what happens on a day of one great hit."""
_DAY_S: Final = 86_400.0
_GROWTH: Final = 2
"""Partitions for so many times the workers, since raising their number is a procedure."""
_REDIS_BYTES: Final = 64 * 2**30
"""More than this is slow to load again, and to copy, for one Redis process."""


@dataclass(frozen=True, slots=True)
class Term:
    """One number of the answer: ``how`` it follows, in words and figures."""

    name: str
    value: float
    unit: str
    how: str


@dataclass(frozen=True, slots=True)
class Needs:
    """Terms by name, in order, and what somebody should know before buying machines."""

    terms: dict[str, Term]
    warnings: list[str]

    def __getitem__(self, name: str) -> float:
        return self.terms[name].value


def event_us(costs: Costs) -> float:
    """An event in user and video shards: what workers of all roles take, without the learner's share."""
    split = costs.flow_users_us + costs.flow_videos_us + costs.flow_learner_us
    return costs.pipeline_us * (1.0 - costs.flow_learner_us / split)


def feed_us(costs: Costs, active_videos: int) -> float:
    """A batch out of so many active videos: ranking grows with them, all else was measured with 10,000.

    A little too much, since what was measured whole ranks 10,000, too.
    """
    return costs.feed_us + 1e6 / costs.batches_per_s * active_videos / 100_000


def held_bytes(stored: Mapping[str, int], costs: Costs, settings: Settings, user_partitions: int) -> float:
    """Memory of one worker that owns every shard of a store with so many rows by kind, as far as settings keep them."""
    rows = {
        "viewers": (settings.hot_viewers * user_partitions, costs.viewer_memory_bytes),
        "outcomes": (settings.hot_outcomes * user_partitions, costs.outcome_memory_bytes),
        "videos": (settings.hot_videos, costs.video_memory_bytes),
        "active videos": (settings.active_videos, costs.video_replica_memory_bytes),
    }
    return costs.worker_base_bytes + sum(min(stored.get(name, 0), most) * size for name, (most, size) in rows.items())


class _Sheet:
    """Terms as they are worked out."""

    def __init__(self) -> None:
        self.terms: dict[str, Term] = {}

    def put(self, name: str, value: float, unit: str, how: str) -> float:
        self.terms[name] = Term(name, value, unit, how)
        return value


def needs(load: Load, costs: Costs, settings: Settings, room: float = 0.5) -> Needs:
    """What ``load`` needs; ``room`` is the share of every core and of memory that stays free."""
    sheet = _Sheet()
    _workers(sheet, load, costs, settings, room)
    _memory(sheet, load, costs, settings, room)
    _redis(sheet, load, costs, room)
    _kafka(sheet, load, costs, room)
    _gateway(sheet, load, costs, room)
    return Needs(sheet.terms, _warnings(sheet.terms, load, costs, settings, room))


def _workers(sheet: _Sheet, load: Load, costs: Costs, settings: Settings, room: float) -> None:
    each_us = event_us(costs)
    learner_us = costs.pipeline_us - each_us
    events = sheet.put("events_cores", load.events_per_s * each_us / 1e6, "cores",
                       f"{load.events_per_s:,.0f} events/s x {each_us:.1f} µs in user and video shards")  # fmt: skip
    feed = feed_us(costs, min(load.active_videos, settings.active_videos))
    feeds = sheet.put("feeds_cores", load.feeds_per_s * feed / 1e6, "cores",
                      f"{load.feeds_per_s:,.0f} feeds/s x {feed:,.0f} µs")  # fmt: skip
    learner = sheet.put("learner_cores", load.events_per_s * learner_us / 1e6, "cores",
                        f"{load.events_per_s:,.0f} events/s x {learner_us:.1f} µs, in one process")  # fmt: skip
    usable = 1.0 - room
    workers = sheet.put("workers", max(2, math.ceil((events + feeds) / usable)), "processes",
                        f"({events:.2f} + {feeds:.2f}) cores / {usable:g} of a core each, 2 at least")  # fmt: skip
    sheet.put("learners", 1, "process", f"of {learner:.2f} cores; there is one, beside the workers")
    sheet.put("worker_cores", workers + math.ceil(learner / usable), "cores", "a core a worker, and the learner's")
    sheet.put("partitions", max(4, 2 ** math.ceil(math.log2(workers * _GROWTH))), "partitions",
              f"{workers:g} workers x {_GROWTH} for growth, up to a power of 2; of users and of videos")  # fmt: skip


def _memory(sheet: _Sheet, load: Load, costs: Costs, settings: Settings, room: float) -> None:
    workers, partitions = sheet.terms["workers"].value, sheet.terms["partitions"].value
    shards = math.ceil(partitions / workers)
    viewers = min(load.active_viewers / workers, settings.hot_viewers * shards)
    outcomes = min(load.active_viewers * load.outcomes / workers, settings.hot_outcomes * shards)
    active = min(load.active_videos, settings.active_videos)
    videos = min(load.active_videos / workers, settings.hot_videos)
    parts = {
        "empty": costs.worker_base_bytes,
        f"{viewers:,.0f} viewers": viewers * costs.viewer_memory_bytes,
        f"{outcomes:,.0f} outcomes": outcomes * costs.outcome_memory_bytes,
        f"{videos:,.0f} videos": videos * costs.video_memory_bytes,
        f"{active:,.0f} candidates": active * costs.video_replica_memory_bytes,
    }
    held = sheet.put("worker_held_bytes", sum(parts.values()), "bytes",
                     " + ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in parts.items()))  # fmt: skip
    # Tables double as they grow, and two thirds of the shards of a dead worker may come at once.
    sheet.put("worker_memory_bytes", held / (1.0 - room), "bytes", f"held / {1.0 - room:g}")
    sheet.put("workers_memory_bytes", held / (1.0 - room) * workers, "bytes", f"the same x {workers:g} workers")


def _redis(sheet: _Sheet, load: Load, costs: Costs, room: float) -> None:
    stay = load.days  # a video known is kept for as long as the log; one that is removed goes
    videos = load.active_videos + load.uploads_per_day * stay
    ledger = costs.feed_redis_bytes + 8 * min(limits.SERVED, load.outcomes)
    parts = {
        f"{load.viewers:,} viewers": load.viewers * costs.viewer_redis_bytes,
        "their ledgers": load.viewers * ledger,
        f"{load.viewers * load.outcomes:,.0f} outcomes": load.viewers * load.outcomes * costs.outcome_redis_bytes,
        f"{videos:,.0f} videos": videos * costs.video_redis_bytes,
    }
    held = sheet.put("redis_held_bytes", sum(parts.values()), "bytes",
                     " + ".join(f"{name} {size / 2**30:,.2f} GiB" for name, size in parts.items()))  # fmt: skip
    memory = sheet.put("redis_memory_bytes", held / (1.0 - room), "bytes",
                       f"held / {1.0 - room:g}: rewriting the append-only file copies what changes")  # fmt: skip
    work = load.events_per_s * costs.pipeline_redis_us + load.feeds_per_s * costs.feed_redis_us
    cores = sheet.put("redis_cores", work / 1e6, "cores",
                      f"{load.events_per_s:,.0f} events/s x {costs.pipeline_redis_us:.1f} µs + {load.feeds_per_s:,.0f} "
                      f"feeds/s x {costs.feed_redis_us:.0f} µs")  # fmt: skip
    nodes = max(1, math.ceil(cores / (1.0 - room)), math.ceil(memory / _REDIS_BYTES))
    sheet.put("redis_nodes", nodes, "processes", f"Redis runs commands on one core, and holds {gib(_REDIS_BYTES)} well")


def _kafka(sheet: _Sheet, load: Load, costs: Costs, room: float) -> None:
    mean, feeds = load.events_per_s / load.peak, load.feeds_per_s / load.peak
    written = mean * (costs.input_event_log_bytes + costs.derived_event_log_bytes + costs.state_event_log_bytes)
    kept = mean * (costs.input_event_log_bytes + costs.derived_event_log_bytes) + feeds * costs.feed_log_bytes
    sheet.put("kafka_bytes_per_day", (written + feeds * costs.feed_log_bytes) * _DAY_S, "bytes",
              f"{mean:,.0f} events/s x ({costs.input_event_log_bytes:.0f} + {costs.derived_event_log_bytes:.0f} + "
              f"{costs.state_event_log_bytes:.0f}) bytes + {feeds:,.0f} feeds/s x {costs.feed_log_bytes:,.0f} bytes, "
              "one copy")  # fmt: skip
    compacted = (load.active_videos + load.uploads_per_day * load.days) * costs.video_redis_bytes
    sheet.put("kafka_disk_bytes", (kept * _DAY_S * load.days + 2 * compacted) * load.replicas / (1.0 - room), "bytes",
              f"what is kept of {load.days:g} days, and compacted topics, x {load.replicas} copies / {1.0 - room:g}"
              )  # fmt: skip
    sheet.put("kafka_cores", load.events_per_s * costs.pipeline_kafka_us * load.replicas / 1e6 / (1.0 - room), "cores",
              f"{load.events_per_s:,.0f} events/s x {costs.pipeline_kafka_us:.1f} µs x {load.replicas} copies / "
              f"{1.0 - room:g}")  # fmt: skip


def _gateway(sheet: _Sheet, load: Load, costs: Costs, room: float) -> None:
    events, feeds = load.events_per_s * load.http, load.feeds_per_s * load.http
    cores = sheet.put("gateway_cores", (events * costs.gateway_event_us + feeds * costs.gateway_feed_us) / 1e6, "cores",
                      f"{events:,.0f} events/s x {costs.gateway_event_us:.0f} µs + {feeds:,.0f} feeds/s x "
                      f"{costs.gateway_feed_us:,.0f} µs")  # fmt: skip
    by_streams = load.streams / (limits.STREAMS * (1.0 - room))
    processes = max(2 * bool(load.http or load.streams), math.ceil(cores / (1.0 - room)), math.ceil(by_streams))
    sheet.put("gateways", processes, "processes",
              f"{cores:.2f} cores / {1.0 - room:g}, and {load.streams:,} streams / {limits.STREAMS:,} of a process / "
              f"{1.0 - room:g}; 2 at least where there are any")  # fmt: skip
    each = load.streams / max(1, processes)
    sheet.put("gateway_memory_bytes", (costs.gateway_base_bytes + each * costs.gateway_stream_bytes) / (1.0 - room),
              "bytes", f"({gib(costs.gateway_base_bytes)} empty + {each:,.0f} streams x "
              f"{costs.gateway_stream_bytes / 1024:.0f} KiB) / {1.0 - room:g}")  # fmt: skip


def _warnings(terms: dict[str, Term], load: Load, costs: Costs, settings: Settings, room: float) -> list[str]:
    found = []
    if load.active_videos > settings.active_videos:
        found.append(
            f"{load.active_videos:,} active videos are more than FEEDSTREAM_ACTIVE_VIDEOS={settings.active_videos:,}: "
            "the least engaged wait in Redis and are no candidates; each costs memory and time in every worker"
        )
    one = load.events_per_s * HALF * costs.flow_videos_us / 1e6
    if one > 1.0 - room:
        found.append(
            f"if one video takes half of all events, its partition needs {one:.2f} cores, and a partition is one "
            "process: beyond one core its counts come late (nothing is lost), whatever the number of workers"
        )
    if (learner := terms["learner_cores"].value) > 1.0 - room:
        found.append(
            f"the learner needs {learner:.2f} cores and is one process: beyond one core models fall behind, feeds go on"
        )
    if terms["redis_nodes"].value > 1:
        found.append("one Redis is not enough: use Redis Cluster, where the keys of a shard stay together on one node")
    partitions = int(terms["partitions"].value)
    if (settings.user_partitions, settings.video_partitions) != (partitions, partitions):
        found.append(
            f"set FEEDSTREAM_USER_PARTITIONS and FEEDSTREAM_VIDEO_PARTITIONS to {partitions} before the first start "
            f"(they are {settings.user_partitions} and {settings.video_partitions} here): later only the procedure of "
            "docs/scaling.md raises them"
        )
    return found
