"""A deployment of its own on servers that others use too, and our command as its operator runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.settings import Settings, environment
from agents.testing.live import Live
from agents.testing.servers import RealKafka, RealRedis
from agents.topics import Admin

__all__ = ["command", "deployed"]


@contextmanager
def deployed(
    kafka: RealKafka, redis: RealRedis, logs: Path, name: str, partitions: int = 2, **more: str
) -> Iterator[Live]:
    """``name`` is its namespace and the prefix of its topics, which are there; ``more`` are settings."""
    told = {"user_partitions": partitions, "video_partitions": partitions}
    settings = {key: str(value) for key, value in told.items()} | more
    with Live(kafka.url, redis.url, logs, namespace=name, topic_prefix=f"{name}.", **settings) as live:
        Admin(live.kafka, Settings.from_env({}, **told)).apply()
        yield live


def command(live: Live, *words: object, code: int = 0, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """``feedstream`` with the settings of a deployment, ended with ``code``."""
    done = subprocess.run(
        [sys.executable, "-m", "feedstream", *map(str, words)],
        env=environment(broker=live.broker, redis=live.redis, **live.settings), capture_output=True, check=False,
        **options,
    )  # fmt: skip
    assert done.returncode == code, done.stderr.decode()[-3_000:]
    return done
