"""What a measurement was made on, and when: without it a figure says nothing."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import psutil

__all__ = ["machine", "today", "versions"]

_LIBRARIES: Final = (
    "feedstream", "faust-streaming", "aiokafka", "confluent-kafka", "river", "numpy", "pandas", "msgspec", "orjson",
    "redis", "hiredis",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Processor, cores and memory of this machine."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "cpu": model,
        "cores": psutil.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "load_before": psutil.getloadavg()[0],
    }


def today() -> str:
    """The date of a measurement, UTC."""
    return datetime.now(UTC).date().isoformat()


def versions(**servers: str) -> dict[str, str]:
    """Python's, the libraries' and the servers' versions."""
    found = {"python": sys.version.split()[0]}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | servers


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
