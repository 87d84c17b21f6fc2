"""What a worker will need to hold of what is stored, against what this machine has left.

The bytes of a row are measured (``agents.sizing.costs``); how many rows there are is estimated from keys drawn at
random, so that a large store is not walked through.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from agents.doctor.finding import Finding, ok, warning
from agents.settings import Settings
from agents.sizing.costs import shipped_costs
from agents.sizing.needs import held_bytes
from agents.store import Store
from agents.units import gib

__all__ = ["available_bytes", "check_memory", "needed_bytes"]

_CGROUP: Final = Path("/sys/fs/cgroup")


def check_memory(store: Store, settings: Settings) -> Finding:
    """One worker that owns every shard, with what is stored as far as the settings keep it in memory."""
    stored = store.estimate()
    need, have = needed_bytes(stored, settings), available_bytes()
    rows = ", ".join(f"{count:,} {name}" for name, count in stored.items())
    said = f"a worker that owns every shard needs about {gib(need)} (of about {rows}), {gib(have)} are free here"
    if need > have:
        return warning(
            said,
            "unless workers that run here hold it already: start workers on more machines, or lower "
            "FEEDSTREAM_HOT_VIEWERS, FEEDSTREAM_HOT_OUTCOMES, FEEDSTREAM_HOT_VIDEOS or FEEDSTREAM_ACTIVE_VIDEOS",
        )
    return ok(said)


def needed_bytes(stored: Mapping[str, int], settings: Settings) -> int:
    """Memory of one worker that owns every shard of a store with so many rows by kind."""
    return round(held_bytes(stored, shipped_costs().costs, settings, settings.user_partitions))


def available_bytes() -> int:
    """What is free on this machine, or within the limit of this container where that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        return min(free, max(0, limit - int((_CGROUP / "memory.current").read_text())))
    except (OSError, ValueError):  # no limit, or no such thing on this machine
        return free
