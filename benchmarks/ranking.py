"""Ranking at 100,000 active videos: batches a second and core with viewers batched, and the time of a single one.

In a process of its own with one BLAS thread, so that a core is a core.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import orjson

from agents.bench.ranking import rates
from agents.settings import ONE_THREAD, environment

__all__ = ["measure"]


def measure(say: Callable[[str], None], videos: int = 100_000, viewers: int = 2_000) -> dict[str, Any]:
    """Figures of the child process."""
    command = [sys.executable, "-m", "benchmarks.ranking", str(videos), str(viewers)]
    done = subprocess.run(command, check=True, capture_output=True, env={**environment(), **ONE_THREAD}, timeout=600)
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    say(f"ranking: {found['batches_per_s']:.0f} batches/s a core")
    return found


if __name__ == "__main__":
    print(orjson.dumps(rates(int(sys.argv[1]), int(sys.argv[2]))).decode())
