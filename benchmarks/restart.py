"""A worker is killed with very many viewers in the store and events waiting: how long until it is ready and caught up.

The viewers come in through the pipeline itself, five events each, in parts small enough for the benchmark's memory.
"""

from __future__ import annotations

import time
from typing import Any, Final

from agents.bench.workload import first_visits
from benchmarks.site import Site

__all__ = ["measure"]

_PART: Final = 50_000


def measure(site: Site, viewers: int, tail: int) -> dict[str, Any]:
    """Seconds from the start of a new worker until it is ready, and until ``tail`` waiting events are applied."""
    site.open()
    now_ms = int(time.time() * 1_000) - 3_600_000
    began_s, worker_s = time.monotonic(), 0.0
    for low in range(0, viewers, _PART):
        high = min(low + _PART, viewers)
        worker_s += site.measured(first_visits(low, high, site.shape.videos, now_ms)).worker_s
        if high % (_PART * 4) == 0 or high == viewers:
            site.say(f"restart: {high:,} of {viewers:,} viewers are in the store")
    filled_s = time.monotonic() - began_s
    site.kill_workers()
    # They come back: viewers spread over all of them, on videos met before and not.
    step = max(1, viewers * 5 // tail)
    waiting = [
        record
        for number in range(0, viewers, step)
        for record in first_visits(number, number + 1, site.shape.videos, now_ms + 1_800_000)
    ]
    site.send(waiting[:tail])
    started_s = time.monotonic()
    ready_s = site.start_worker()
    caught_up_s = site.folded() - started_s
    return {
        "restart_viewers": viewers,
        "restart_tail_events": len(waiting[:tail]),
        "restart_ready_s": ready_s,
        "restart_caught_up_s": caught_up_s,
        "restart_fill_s": filled_s,
        "restart_fill_us": worker_s / (viewers * 5) * 1e6,
        "restart_store_gb": site.info("memory")["used_memory"] / 2**30,
    }
