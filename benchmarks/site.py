"""The site of a benchmark: one real Kafka, one real Redis, and real worker processes, with their CPU time read apart.

CPU time is user and system time of a whole process, all threads, as the kernel counts it (10 ms steps). Everything
listens on 127.0.0.1 and dies with the benchmark.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil
import redis
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from agents.bench.workload import Record, Shape, videos
from agents.children import die_with_parent
from agents.producer import RecordProducer, Ticket
from agents.settings import Settings, environment
from agents.store import ShardId, Store
from agents.testing.live import Live
from agents.testing.servers import RealKafka, RealRedis
from agents.topics import Admin
from schemas.events import EVENTS

__all__ = ["Behind", "Site", "Span", "cpu_s", "living", "until"]

_POLL_S: Final = 0.05
_QUIET_S: Final = 0.5
_PATIENCE_S: Final = 900.0


@contextlib.contextmanager
def living(**settings: str) -> Iterator[Live]:
    """A worker of every role with ``settings``, ready, on a Kafka and a Redis of its own."""
    with (
        contextlib.closing(RealKafka()) as kafka,
        contextlib.closing(RealRedis()) as redis,
        tempfile.TemporaryDirectory() as logs,
        Live(kafka.url, redis.url, Path(logs), **settings) as live,
    ):
        Admin(kafka.bootstrap, Settings.from_env({}, broker=kafka.url, redis=redis.url)).apply()
        live.start()
        yield live


class Behind(RuntimeError):
    """Something did not happen in time; the message says what."""


class Span(NamedTuple):
    """What a stretch of work took: CPU seconds of workers, Kafka and Redis, and wall seconds until caught up."""

    worker_s: float
    kafka_s: float
    redis_s: float
    wall_s: float


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, every thread."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def until(what: str, holds: Callable[[], bool], patience_s: float = _PATIENCE_S, poll_s: float = _POLL_S) -> None:
    """Wait until ``holds()``; raises ``Behind``."""
    deadline_s = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline_s:
            raise Behind(f"{what} did not come within {patience_s:g} s")
        time.sleep(poll_s)


class Site:
    """Servers with all topics, and workers once ``open`` was called. ``shape`` says which videos are announced."""

    def __init__(self, shape: Shape, say: Callable[[str], None]) -> None:
        self.say = say
        self.shape = shape
        self.folder = Path(tempfile.mkdtemp(prefix="feedstream-bench-"))
        self.kafka, self.redis = RealKafka(), RealRedis()
        self.settings = Settings.from_env({}, broker=self.kafka.url, redis=self.redis.url, session_timeout_s=6.0)
        Admin(self.kafka.bootstrap, self.settings).apply()
        self.producer = RecordProducer(self.kafka.bootstrap, client_id="bench")
        self.store = Store(self.redis.url, self.settings.namespace)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started = 0

    def topics(self, names: Iterable[str], partitions: int = 4) -> None:
        """Make topics that are no feedstream topics."""
        admin = AdminClient({"bootstrap.servers": self.kafka.bootstrap})
        for future in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
            future.result(30)

    def open(self) -> None:
        """Workers at work, with every video of the shape announced; nothing happens the second time."""
        if self.workers:
            return
        self.start_worker()
        self.announce(self.shape.videos)

    def announce(self, count: int) -> None:
        """Announce so many videos, and wait until workers know them."""
        self.send(videos(count, int(time.time() * 1_000) - 86_400_000))
        self.settled()

    def start_worker(self, role: str = "all", session_timeout_s: float = 6.0) -> float:
        """Start a worker; returns the seconds until it said that it is ready."""
        path = self.folder / f"worker-{self._started}.log"
        self._started += 1
        began_s = time.monotonic()
        with path.open("wb") as sink:
            silent_s = f"{session_timeout_s:g}"
            process = subprocess.Popen(
                [sys.executable, "-m", "feedstream", "worker", "--role", role],
                env=environment(broker=self.kafka.url, redis=self.redis.url, session_timeout_s=silent_s),
                stdout=sink, stderr=sink, preexec_fn=die_with_parent(),
            )  # fmt: skip
        self.workers.append(process)

        def ready() -> bool:
            if process.poll() is not None:
                raise Behind(f"the worker ended with {process.returncode}: {path.read_text()[-2_000:]}")
            return b'"ready"' in path.read_bytes()

        until("a worker's ready", ready, poll_s=0.01)
        return time.monotonic() - began_s

    def kill_workers(self) -> None:
        """SIGKILL, and wait until they are gone."""
        for process in self.workers:
            process.kill()
            process.wait()
        self.workers.clear()

    def send(self, records: Iterable[Record], prefix: str = "") -> None:
        """Publish records and wait for their delivery; ``prefix`` replaces ``events.`` in the names of topics."""
        ticket = Ticket()
        for topic, key, value in records:
            name = prefix + topic.partition(".")[2] if prefix else topic
            self.producer.send(name, key, value, ticket=ticket)
        ticket.wait(600.0)

    def behind(self) -> int:
        """Records that no checkpoint holds yet: of events, viewers and videos, of changes and of training rows."""
        ends = self.ends((*EVENTS, "users", "videos", "engagement", "training"))
        stored = {
            kind: [self.store.offsets(ShardId(kind, number)) for number in range(count)]
            for kind, count in (("u", 4), ("v", 4), ("l", 1))
        }
        home = {"videos": "v", "engagement": "v", "training": "l"}
        return sum(end - stored[home.get(topic, "u")][number].get(topic, 0) for (topic, number), end in ends.items())

    def settled(self) -> float:
        """Wait until nothing is behind and nothing moves; returns the monotonic time since when."""
        since = 0.0

        def still() -> bool:
            nonlocal since
            for process in self.workers:
                if process.poll() is not None:
                    raise Behind(f"a worker ended with {process.returncode}: see {self.folder}")
            if self.behind():
                since = 0.0
                return False
            since = since or time.monotonic()
            return time.monotonic() - since >= _QUIET_S

        until("a state without backlog", still)
        return since

    def measured(self, records: Sequence[Record]) -> Span:
        """What ``records`` cost, from their sending until everything that follows from them is checkpointed."""
        before, began_s = self._cpu(), time.monotonic()
        self.send(records)
        users_s = self.folded()
        self.settled()
        worker, kafka, redis = (after - old for after, old in zip(self._cpu(), before, strict=True))
        return Span(worker, kafka, redis, users_s - began_s)

    def info(self, section: str) -> dict[str, Any]:
        """What Redis says of itself."""
        client = redis.Redis.from_url(self.redis.url)
        try:
            found: dict[str, Any] = client.info(section)
            return found
        finally:
            client.close()

    def close(self) -> None:
        """Stop everything."""
        self.kill_workers()
        self.producer.close()
        self.store.close()
        self.kafka.close()
        self.redis.close()

    def folded(self) -> float:
        """Wait until all events sent and the changes they made are applied; returns when, by the monotonic clock."""
        ends = self.ends(EVENTS)

        def done() -> bool:
            stored = [self.store.offsets(ShardId("u", number)) for number in range(4)]
            return all(stored[number].get(topic, 0) >= end for (topic, number), end in ends.items())

        until("the end of the events", done)
        return time.monotonic()

    def _cpu(self) -> tuple[float, float, float]:
        assert self.kafka.process is not None
        assert self.redis.process is not None
        return (
            sum(cpu_s(process.pid) for process in self.workers),
            cpu_s(self.kafka.process.pid),
            cpu_s(self.redis.process.pid),
        )

    def ends(self, topics: Iterable[str]) -> dict[tuple[str, int], int]:
        """The offset after the last record of every partition of ``topics``."""
        consumer = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "bench", "log_level": 0})
        try:
            there = consumer.list_topics(timeout=10.0).topics
            return {
                (topic, number): consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10.0)[1]
                for topic in topics
                for number in there[topic].partitions
            }
        finally:
            consumer.close()
