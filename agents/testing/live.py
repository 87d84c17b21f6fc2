"""A live loop for tests: worker processes on a broker and a store, what is sent to them and what comes out.

Everything is awaited with a deadline; what did not come is named, with the end of the workers' logs.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import orjson
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka import Producer as KafkaProducer

from agents.children import die_with_parent
from agents.cluster import Cluster, in_kafka
from agents.deliveries import Place
from agents.producer import producer_options
from agents.settings import Settings, environment
from agents.spans import Log, is_record, reader_options
from agents.store import ShardId, Store
from schemas.events import EVENTS
from schemas.lines import parse_line

__all__ = ["PATIENCE_S", "Live", "Place", "Waited", "Worker"]

PATIENCE_S: Final = 90.0
"""The longest that anything may take: machines that run tests may be busy with others."""
_POLL_S: Final = 0.03
_FAST: Final = {"session_timeout_s": "6", "checkpoint_ms": "100"}


class Waited(AssertionError):
    """What had to come did not; the message says what, and what the workers said last."""


class Worker:
    """One worker process and its log (stdout and stderr apart)."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        self._out = log.with_suffix(".out")
        with log.open("wb") as errors, self._out.open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603  # our own program
                command, env=env, stdout=out, stderr=errors, preexec_fn=die_with_parent()
            )

    def lines(self) -> list[dict[str, Any]]:
        """What was logged so far, as JSON objects; whatever is no JSON is left out."""
        found = []
        for text in self.log.read_bytes().splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                found.append(line)
        return found

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Log lines of one event."""
        return [line for line in self.lines() if line.get("event") == event]

    def said(self) -> str:
        """Everything on stderr."""
        return self.log.read_text(errors="replace")

    def out(self) -> str:
        """Everything on stdout."""
        return self._out.read_text(errors="replace")

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """The exit code."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Waited(f"worker {self.process.pid} did not end: {self.said()[-2_000:]}") from None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(how)
        return self.wait()


class _Reader:
    """What a topic holds, read to the end that it has at each call: a look at all there is must not miss some."""

    def __init__(self, kafka: Cluster, topic: str) -> None:
        self._log = Log(kafka, "test-ends")
        self._places = self._log.places([topic])
        self._consumer = Consumer(reader_options(kafka, "test") | {"fetch.wait.max.ms": 10, "log_level": 0})
        self._consumer.assign([TopicPartition(in_kafka(kafka, topic), number, 0) for _, number in self._places])
        self._next = dict.fromkeys((number for _, number in self._places), 0)
        self._found: list[Any] = []

    def read(self) -> list[Any]:
        ends = {number: span.high for (_, number), span in self._log.spans(self._places).items()}
        deadline_s = time.monotonic() + PATIENCE_S
        while any(self._next[number] < end for number, end in ends.items()):
            if time.monotonic() > deadline_s:
                raise Waited(f"{self._places} were not read to {ends} within {PATIENCE_S:g} s: {self._next}")
            for message in self._consumer.consume(2_000, timeout=0.02):
                if is_record(message, None):
                    self._next[message.partition()] = message.offset() + 1
                    self._found.append(message)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    self._next[message.partition()] = message.offset()
        return self._found

    def close(self) -> None:
        self._consumer.close()


class Live:
    """A broker and a store by URL. ``logs`` is a folder for the workers' logs, ``settings`` go to every worker.

    A worker that ends without being asked to fails whatever is awaited.
    """

    def __init__(self, broker: str, redis: str, logs: Path, **settings: str) -> None:
        self.broker, self.redis, self.logs = broker, redis, logs
        self.settings = _FAST | settings
        told = {
            name: value for name, value in settings.items() if name.startswith("kafka_") or name.endswith("_prefix")
        }
        self.kafka = Settings.from_env({}, broker=broker, **told).kafka
        self.bootstrap = self.kafka.bootstrap
        self.store = Store(redis, self.settings.get("namespace", "feedstream"))
        self.workers: list[Worker] = []
        options = producer_options(self.kafka, client_id="test", timeout_s=60.0)
        self._producer = KafkaProducer({**options, "log_level": 0})
        self._readers: dict[str, _Reader] = {}
        self._batches: dict[str, dict[str, Any]] = {}
        self._parsed = 0
        self._started = 0

    def __enter__(self) -> Live:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()
        for reader in self._readers.values():
            reader.close()
        self.store.close()

    # --- workers ------------------------------------------------------------------------------------------------------

    def spawn(self, role: str = "all", package: Path | None = None, **more: str) -> Worker:
        """Start a worker; ``more`` are settings by name. ``package`` is a folder with another build of ours."""
        self._started += 1
        env = environment(broker=self.broker, redis=self.redis, **(self.settings | more))
        command = [sys.executable, "-m", "feedstream", "worker", "--role", role]
        if package is not None:
            env["PYTHONPATH"] = str(package)
            command.insert(1, "-P")  # or the folder that we are in would come first
        worker = Worker(command, env, self.logs / f"worker-{self._started}.log")
        self.workers.append(worker)
        return worker

    def start(self, role: str = "all", package: Path | None = None, **more: str) -> Worker:
        """Start a worker and wait until it is ready."""
        worker = self.spawn(role, package, **more)
        self.until("a ready worker", lambda: worker.logged("ready"))
        return worker

    def gateway(self, **more: str) -> tuple[Worker, str]:
        """A gateway process on any free port, ready, and its URL; ``more`` are settings by name."""
        self._started += 1
        told = {"gateway_port": "0", **self.settings, **more}
        env = environment(broker=self.broker, redis=self.redis, **told)
        command = [sys.executable, "-m", "feedstream", "gateway"]
        process = Worker(command, env, self.logs / f"gateway-{self._started}.log")
        self.workers.append(process)
        self.until("a ready gateway", lambda: process.logged("ready"))
        return process, process.logged("listening")[0]["url"]

    def stop(self, worker: Worker, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop a worker on purpose; returns its exit code."""
        self.workers.remove(worker)
        try:
            return worker.stop(how)
        finally:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()

    # --- in -----------------------------------------------------------------------------------------------------------

    def send(
        self, topic: str, key: str | bytes | None, value: dict[str, Any] | bytes | None, stamp_ms: int | None = None
    ) -> Place:
        """Publish one record and wait for its delivery; ``stamp_ms`` is the record's own time (default: now)."""
        done: list[Any] = []
        self._produce(topic, key, value, lambda error, message: done.append((error, message)), stamp_ms)
        self._producer.flush(PATIENCE_S)
        ((error, message),) = done
        if error is not None:
            raise Waited(f"a record for {topic} was not delivered: {error.str()}")
        return Place(topic, message.partition(), message.offset())

    def send_lines(self, lines: Iterable[bytes]) -> None:
        """Publish wire lines and wait until all are delivered."""
        failed: list[str] = []

        def report(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error.str())

        for text in lines:
            line = parse_line(text)
            self._produce(line.topic, line.key_bytes, line.value_bytes, report)
        if self._producer.flush(PATIENCE_S) or failed:
            raise Waited(f"not every line was delivered: {failed[:3]}")

    def _produce(self, topic: str, key: Any, value: Any, report: Any, stamp_ms: int | None = None) -> None:
        raw = orjson.dumps(value) if isinstance(value, dict) else value
        named = key.encode() if isinstance(key, str) else key
        extra = {} if stamp_ms is None else {"timestamp": stamp_ms}
        while True:
            try:
                self._producer.produce(in_kafka(self.kafka, topic), raw, named, on_delivery=report, **extra)
            except BufferError:
                self._producer.poll(0.05)
                continue
            self._producer.poll(0)
            return

    # --- out ----------------------------------------------------------------------------------------------------------

    def records(self, topic: str) -> list[Any]:
        """Every message of a topic that is there by now, in order of arrival; the list grows from call to call."""
        if topic not in self._readers:
            self._readers[topic] = _Reader(self.kafka, topic)
        return self._readers[topic].read()

    def batches(self, user: str | None = None, **wanted: Any) -> list[dict[str, Any]]:
        """Feed batches by now, repeats dropped; of one viewer, with fields as ``wanted``."""
        records = self.records("feeds")
        for message in records[self._parsed :]:
            batch = orjson.loads(message.value())
            self._batches.setdefault(batch["batch_id"], batch)
        self._parsed = len(records)
        wanted |= {} if user is None else {"user_id": user}
        return [one for one in self._batches.values() if all(one.get(name) == value for name, value in wanted.items())]

    def batch(self, user: str, **wanted: Any) -> dict[str, Any]:
        """The first batch of a viewer with fields as ``wanted``, awaited."""
        self.until(f"a batch for {user} with {wanted}", lambda: self.batches(user, **wanted))
        return self.batches(user, **wanted)[0]

    # --- waiting ------------------------------------------------------------------------------------------------------

    def until(self, what: str, holds: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
        """Wait for ``holds``; raises ``Waited`` when it does not come or a worker ends."""
        deadline_s = time.monotonic() + patience_s
        while not holds():
            ended = [one for one in self.workers if one.process.poll() is not None]
            if ended or time.monotonic() > deadline_s:
                why = f"a worker ended with {ended[0].process.returncode}" if ended else f"not within {patience_s:g} s"
                said = "\n".join(one.said()[-2_000:] for one in self.workers)
                raise Waited(f"{what} did not come: {why}; the workers said:\n{said}")
            time.sleep(_POLL_S)

    def until_applied(self, *places: Place) -> None:
        """Wait until the records at ``places`` (user topics) are checkpointed."""

        def applied() -> bool:
            return all(self.store.offsets(ShardId("u", one.partition)).get(one.topic, 0) > one.offset for one in places)

        self.until(f"a checkpoint of {len(places)} records", applied)

    def until_settled(self) -> None:
        """Wait until every event sent so far is checkpointed."""
        log = Log(self.kafka, "test-ends")
        ends = {place: span.high for place, span in log.spans(log.places((*EVENTS, "users"))).items()}
        self.until_applied(*(Place(topic, number, end - 1) for (topic, number), end in ends.items() if end > 0))
