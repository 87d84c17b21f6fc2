"""How much of a running deployment is used, and at which load the next step is due.

What is read: ends of partitions twice, a few seconds apart, checkpoints, a thousand keys at random, and what Redis says
of itself. Nothing is changed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.lag import lags_within
from agents.settings import Settings
from agents.sizing.costs import Costs
from agents.sizing.needs import Term, event_us, feed_us, held_bytes
from agents.spans import Log, Place, Span
from agents.store import Store
from agents.topics import FOLDED
from agents.units import gib
from schemas.events import EVENTS

__all__ = ["Reading", "Use", "read", "used"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What runs: shards by the store's layout, ``workers`` that own any of them, what came in ``seconds``, and how many
    rows of each kind are ``stored``. Of Redis the fullest server; ``redis_max_bytes`` 0: no limit is set.
    """

    user_partitions: int
    video_partitions: int
    workers: int
    seconds: float
    events: int
    feeds: int
    lag: int
    stored: dict[str, int]
    redis_used_bytes: int
    redis_max_bytes: int


@dataclass(frozen=True, slots=True)
class Use:
    """Terms by name, in order, and the ``steps`` that are due, now or later."""

    terms: dict[str, Term]
    steps: list[str]
    due: bool
    """Whether a step is due now."""


def read(settings: Settings, store: Store, seconds: float) -> Reading:
    """Look at what runs; takes as long as ``seconds``. Raises ``Stop`` where Kafka does not answer."""
    log = Log(settings.kafka, "feedstream-plan")
    folded = [topic for topics in FOLDED.values() for topic in topics]
    spans, began_s = log.spans(log.places((*folded, "feeds"))), time.monotonic()
    before, found = _ends(spans), lags_within(spans, store)
    info: dict[str, Any] = max(store.servers().values(), key=lambda one: int(one["used_memory"]))
    shards = store.shards()
    users, videos = (sum(one.kind == kind for one in shards) for kind in "uv")
    holders = {one.holder for one in store.standing(shards)} - {""} if shards else set()
    stored = store.estimate()
    time.sleep(max(0.0, seconds - (time.monotonic() - began_s)))
    after, spent_s = _ends(log.spans(log.places((*EVENTS, "feeds")))), time.monotonic() - began_s
    grown = {topic: end - before[topic] for topic, end in after.items()}
    return Reading(
        user_partitions=users,
        video_partitions=videos,
        workers=len(holders),
        seconds=spent_s,
        events=sum(grown[topic] for topic in EVENTS if topic in grown),
        feeds=grown.get("feeds", 0),
        lag=sum(one.lag for one in found),
        stored=stored,
        redis_used_bytes=int(info["used_memory"]),
        redis_max_bytes=int(info.get("maxmemory", 0)),
    )


def used(reading: Reading, costs: Costs, settings: Settings, room: float = 0.5) -> Use:
    """How much is used, and what to do; ``room`` is the share that is to stay free."""
    terms: dict[str, Term] = {}
    steps: list[str] = []
    due = _work(terms, steps, reading, costs, room)
    due |= _rows(terms, steps, reading, costs, settings)
    due |= _redis(terms, steps, reading, room)
    return Use(terms, steps, due)


def _work(terms: dict[str, Term], steps: list[str], reading: Reading, costs: Costs, room: float) -> bool:
    events, feeds = reading.events / reading.seconds, reading.feeds / reading.seconds
    each_us, usable = event_us(costs), 1.0 - room
    each_feed_us = feed_us(costs, reading.stored.get("active videos", 0))
    cores = (events * each_us + feeds * each_feed_us) / 1e6
    share, most = cores / max(1, reading.workers), min(reading.user_partitions, reading.video_partitions)
    terms |= {
        one.name: one
        for one in (
            Term("events_per_s", events, "events/s", f"{reading.events:,} in {reading.seconds:.1f} s"),
            Term("feeds_per_s", feeds, "feeds/s", f"{reading.feeds:,} in the same time"),
            Term("lag", reading.lag, "records", "not applied yet"),
            Term("workers", reading.workers, "processes", f"own the shards, of {most} that could"),
            Term(
                "work_cores",
                cores,
                "cores",
                f"{events:,.0f} x {each_us:.1f} µs + {feeds:,.0f} x {each_feed_us:,.0f} µs",
            ),
            Term("work_used", share, "of each worker", f"{cores:.2f} cores / {reading.workers} workers"),
        )
    }
    if not reading.workers:
        steps.append("nobody owns a shard: start `feedstream worker`")
        return True
    wanted = max(1, math.ceil(cores / usable))
    # More events come with more feeds, in the proportion of now.
    a_core = 1e6 / (each_us + each_feed_us * (feeds / events if events else 1 / 52))
    for name, count, what in (
        ("next_worker_at", reading.workers, "workers"),
        ("partitions_end_at", most, "partitions"),
    ):
        how = f"{count} {what} x {usable:g} x {a_core:,.0f} events/s a core"
        terms[name] = Term(name, count * usable * a_core, "events/s", how)
    if wanted > most:
        steps.append(f"now: {wanted} workers are needed and there are {most} partitions: see docs/scaling.md for more")
        return True
    if wanted > reading.workers:
        steps.append(f"now: start {wanted - reading.workers} more workers, {events:,.0f} events/s need {wanted}")
        return True
    steps.append(f"at {terms['next_worker_at'].value:,.0f} events/s (now {events:,.0f}): start another worker")
    steps.append(f"at {terms['partitions_end_at'].value:,.0f} events/s: more partitions, by docs/scaling.md")
    return False


def _rows(terms: dict[str, Term], steps: list[str], reading: Reading, costs: Costs, settings: Settings) -> bool:
    held = held_bytes(reading.stored, costs, settings, reading.user_partitions)
    spread = held / max(1, reading.workers)
    rows = ", ".join(f"{count:,} {name}" for name, count in reading.stored.items())
    how = f"each at most, of about {rows}, over {reading.workers} workers"
    terms["worker_held_bytes"] = Term("worker_held_bytes", spread, "bytes", how)
    active, most = reading.stored.get("active videos", 0), settings.active_videos
    terms["candidates_used"] = Term("candidates_used", active / most, "of FEEDSTREAM_ACTIVE_VIDEOS",
                                    f"{active:,} active videos / {most:,}")  # fmt: skip
    if active >= most:
        steps.append(f"now: {active:,} videos are active, the least engaged are no candidates: raise "
                     "FEEDSTREAM_ACTIVE_VIDEOS, which costs memory and time in every worker")  # fmt: skip
        return True
    steps.append(
        f"at {most:,} active videos (now {active:,}): raise FEEDSTREAM_ACTIVE_VIDEOS, or leave the least engaged"
    )
    return False


def _redis(terms: dict[str, Term], steps: list[str], reading: Reading, room: float) -> bool:
    size, most = reading.redis_used_bytes, reading.redis_max_bytes
    how = gib(size) + (f" / maxmemory {gib(most)}" if most else ", no maxmemory is set")
    terms["redis_used"] = Term("redis_used", size / most if most else 0.0, "of Redis' memory", how)
    if not most:
        steps.append(f"Redis holds {gib(size)} and has no maxmemory: set one")
        return False
    if size > (1.0 - room) * most:
        steps.append(f"now: Redis holds {gib(size)} of {gib(most)}: give it more memory, or use Redis Cluster")
        return True
    steps.append(f"at {gib((1.0 - room) * most)} in Redis (now {gib(size)}): give it more memory")
    return False


def _ends(spans: Mapping[Place, Span]) -> dict[str, int]:
    """The sum of the ends of each topic's partitions."""
    sums: dict[str, int] = {}
    for (topic, _), span in spans.items():
        sums[topic] = sums.get(topic, 0) + span.high
    return sums
