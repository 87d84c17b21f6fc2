"""What an event and a feed cost all around: workers by role, Kafka's disk, Redis.

Each role is a process of its own, so its share of the work is known. Feeds are counted whole: reading the request,
ranking, the ledger in Redis, the batch in Kafka. What lies on Kafka's disk is measured at a steady rate, since what is
sent all at once is compressed as no app's events are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
import psutil

from agents.bench.workload import Record
from benchmarks.latency import steady
from benchmarks.pipeline import Slices
from benchmarks.site import Site, cpu_s, until
from schemas.events import EVENTS

__all__ = ["measure"]

_FEEDS: Final = 1_000
_FEEDS_PER_S: Final = 100.0
_RATE, _STEADY_S = 1_000.0, 8.0
_ROLES: Final = ("users", "videos", "learner")


def measure(site: Site, slices: Slices, events: int) -> dict[str, Any]:
    """Figures of ``events`` events, then of 1,000 feeds, on a fresh ``site``, with the videos of its shape."""
    base = 0
    for role in _ROLES:
        site.start_worker(role, 30.0)
        base = max(base, psutil.Process(site.workers[-1].pid).memory_info().rss)
    site.announce(site.shape.videos)
    site.measured(slices.take(events // 2, site.shape))  # not counted: first models, first rows
    found: dict[str, Any] = {"worker_base_bytes": base}
    before = _spent(site)
    site.measured(slices.take(events, site.shape))
    found |= {f"flow_{name}_us": spent / events * 1e6 for name, spent in _since(before, _spent(site)).items()}
    log, few = _log_bytes(site), int(_RATE * _STEADY_S)
    steady(site, slices.take(few, site.shape), _RATE)
    site.settled()
    grown = _grown(log, _log_bytes(site))
    found |= {f"{name}_event_log_bytes": grown[name] / few for name in ("input", "derived", "state")}
    found |= _feeds(site)
    site.kill_workers()
    return found


def _feeds(site: Site) -> dict[str, float]:
    """What a batch of 20 costs the user shards, Redis and Kafka."""
    had = _made(site)
    site.send(_requests("warm", _FEEDS // 10))
    _answered(site, had + _FEEDS // 10)
    before, log, memory = _spent(site), _log_bytes(site), site.info("memory")["used_memory"]
    steady(site, list(_requests("asked", _FEEDS)), _FEEDS_PER_S)
    _answered(site, had + _FEEDS + _FEEDS // 10)
    spent, grown = _since(before, _spent(site)), _grown(log, _log_bytes(site))
    site.say(f"flow: {spent['users'] / _FEEDS * 1e6:.0f} µs a feed")
    return {
        "feed_us": spent["users"] / _FEEDS * 1e6,
        "feed_redis_us": spent["redis"] / _FEEDS * 1e6,
        "feed_log_bytes": (grown["feeds"] + grown["requests"]) / _FEEDS,
        "feed_redis_bytes": (site.info("memory")["used_memory"] - memory) / _FEEDS,
    }


def _requests(name: str, count: int) -> Iterator[Record]:
    now_ms = int(time.time() * 1_000)
    for at in range(count):
        user = f"{name}-{at}"
        value = {"v": 1, "request_id": f"{user}.r", "user_id": user, "ts_ms": now_ms, "limit": 20}
        yield "feed.requests", user.encode(), orjson.dumps(value)


def _answered(site: Site, count: int) -> None:
    until(f"{count} feeds", lambda: _made(site) >= count, 300.0)


def _made(site: Site) -> int:
    """Feeds that were ever made there."""
    return sum(site.ends(["feeds"]).values())


def _spent(site: Site) -> dict[str, float]:
    """CPU seconds of each process so far."""
    servers = {"kafka": site.kafka.process, "redis": site.redis.process}
    found = {role: cpu_s(worker.pid) for role, worker in zip(_ROLES, site.workers, strict=True)}
    return found | {name: cpu_s(process.pid) for name, process in servers.items() if process is not None}


def _log_bytes(site: Site) -> dict[str, int]:
    """Bytes of Kafka's segments by what they hold."""
    kinds = dict.fromkeys(EVENTS, "input") | {
        "engagement": "derived", "training": "derived", "video.state": "state", "feeds": "feeds",
        "feed.requests": "requests",
    }  # fmt: skip
    found = dict.fromkeys(kinds.values(), 0)
    for segment in (site.kafka.folder / "logs").glob("*/*.log"):
        if kind := kinds.get(segment.parent.name.rpartition("-")[0]):
            found[kind] += segment.stat().st_size
    return found


def _since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - spent for name, spent in before.items()}


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: after[name] - size for name, size in before.items()}
