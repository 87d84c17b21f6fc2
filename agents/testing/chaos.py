"""Exact under fire: a load on real workers that are killed, frozen and robbed of their store; what must hold after.

Nothing is assumed of the workers but their command, their topics and what they checkpoint. Every kill waits for
progress since the one before: a run that stands still proves nothing. The sentences in ``Report.problems`` are the
verdict; an empty list is a pass.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from agents.children import spawn
from agents.cli.state import exact_hash
from agents.judge.counts import compare_counts, compare_views
from agents.producer import RecordProducer, Ticket
from agents.spans import Log, Place
from agents.store import ShardId, Store, StoreUnavailable
from agents.testing.load import BadSample, Load
from agents.testing.verdict import judge_feeds, judge_letters
from schemas.events import EVENTS
from schemas.lines import parse_line

__all__ = ["Ground", "Plan", "Report", "Timeout", "run_chaos"]

_POLL_S: Final = 0.1
_USER_TOPICS: Final = (*EVENTS, "users")


class Timeout(RuntimeError):
    """Something that had to happen did not; the message says what, and where the logs are."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A running Kafka with all topics, and a Redis: URLs, and what kills Redis with SIGKILL and starts it again."""

    broker: str
    redis: str
    restart_redis: Callable[[], None]

    @property
    def bootstrap(self) -> str:
        """``host:port`` for Kafka clients."""
        return self.broker.removeprefix("kafka://")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done to the workers; times in seconds."""

    workers: int = 3
    kills: int = 10
    freezes: int = 1
    restarts: int = 1
    session_timeout_s: float = 6.0
    patience_s: float = 90.0
    """The longest that progress, or the end, may take."""

    def steps(self, rng: np.random.Generator) -> list[str]:
        """What is done, in an order drawn by ``rng``.

        >>> sorted(Plan(kills=1).steps(np.random.default_rng(0)))
        ['freeze', 'kill', 'restart']
        """
        steps = ["kill"] * self.kills + ["freeze"] * self.freezes + ["restart"] * self.restarts
        return [steps[at] for at in rng.permutation(len(steps)).tolist()]


@dataclass
class Report:
    """What was done and seen; ``problems`` are sentences, none if everything held."""

    events: int = 0
    done: list[str] = field(default_factory=list)
    seconds: float = 0.0
    batches: int = 0
    repeats: int = 0
    letters: int = 0
    exact: str = ""
    problems: list[str] = field(default_factory=list)


class _Workers:
    """Worker processes, each with a log of its own; whoever ends uncalled is a problem."""

    def __init__(self, ground: Ground, plan: Plan, logs: Path, namespace: str) -> None:
        self._settings = {
            "broker": ground.broker,
            "redis": ground.redis,
            "namespace": namespace,
            "session_timeout_s": str(plan.session_timeout_s),
            "checkpoint_ms": "200",
        }
        self._logs = logs
        self._started = 0
        self.running: list[subprocess.Popen[bytes]] = []
        self.ended: list[str] = []

    def start(self) -> None:
        log = self._logs / f"worker-{self._started}.log"
        self._started += 1
        with log.open("wb") as sink:
            process = spawn(["worker"], self._settings, cwd=self._logs, stdout=sink, stderr=sink)
        self.running.append(process)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        self.running.remove(process)

    def watch(self) -> None:
        """Note whoever ended by itself, and start another in its place."""
        for process in [one for one in self.running if one.poll() is not None]:
            self.ended.append(f"worker {process.pid} ended by itself with {process.returncode}: see {self._logs}")
            self.running.remove(process)
            self.start()

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            try:
                process.wait(30.0)
            except subprocess.TimeoutExpired:
                self.ended.append(f"worker {process.pid} did not stop within 30 s of SIGTERM")
                process.kill()
                process.wait()
        self.running.clear()


class _Siege:
    """One run: the state that its steps share."""

    def __init__(self, ground: Ground, plan: Plan, logs: Path, namespace: str, say: Callable[[str], None]) -> None:
        self.ground = ground
        self.plan = plan
        self.say = say
        self.store = Store(ground.redis, namespace)
        self.log = Log(ground.bootstrap, "chaos-judge")
        self.workers = _Workers(ground, plan, logs, namespace)
        self.logs = logs

    def progress(self) -> int:
        """Input records applied, as checkpointed; -1 while the store does not answer."""
        try:
            return sum(sum(self.store.offsets(shard).values()) for shard in self.store.shards())
        except StoreUnavailable:
            return -1

    def await_(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until ``holds()``; raises ``Timeout`` after the plan's patience."""
        deadline_s = time.monotonic() + self.plan.patience_s
        while not holds():
            self.workers.watch()
            if time.monotonic() > deadline_s:
                raise Timeout(f"{what} did not come within {self.plan.patience_s:g} s: see the logs in {self.logs}")
            time.sleep(_POLL_S)

    def await_progress(self, since: int, records: int) -> None:
        self.await_(f"progress beyond {since} applied records", lambda: self.progress() >= since + records)

    def step(self, what: str, send: Callable[[], None], rng: np.random.Generator) -> None:
        """Do one thing to the workers, with ``send``'s records on their way."""
        victim = self.workers.running[int(rng.integers(len(self.workers.running)))]
        if what == "freeze":
            os.kill(victim.pid, signal.SIGSTOP)
            time.sleep(self.plan.session_timeout_s + 3.0)
            before = self.progress()
            send()
            # Progress now is that of the others, who own the frozen one's shards by the time it wakes up.
            self.await_progress(before, 1)
            os.kill(victim.pid, signal.SIGCONT)
            return
        send()
        if what == "kill":
            self.workers.kill(victim)
            self.workers.start()
        else:
            self.ground.restart_redis()


def run_chaos(
    ground: Ground,
    load: Load,
    bad: Sequence[BadSample],
    plan: Plan,
    rng: np.random.Generator,
    logs: Path,
    say: Callable[[str], None] = lambda _: None,
    namespace: str = "feedstream",
) -> Report:
    """Send ``load`` and ``bad``, do to the workers what ``plan`` says, and judge what came of it.

    ``ground`` must be fresh: topics empty, no key of ``namespace``. ``logs`` keeps the workers' logs. Raises
    ``Timeout`` where the workers stop making progress; everything else that does not hold is in the report.
    """
    started_s = time.monotonic()
    siege = _Siege(ground, plan, logs, namespace, say)
    report = Report(events=load.events)
    steps = plan.steps(rng)
    parts = np.array_split(np.arange(len(load.lines)), len(steps) + 1)
    try:
        with RecordProducer(ground.bootstrap, client_id="chaos") as producer:
            for _ in range(plan.workers):
                siege.workers.start()
            _send_bad(producer, bad)
            _send(producer, [load.lines[at] for at in parts[0].tolist()])
            seen = 0
            for step, part in zip(steps, parts[1:], strict=True):
                siege.await_progress(seen, min(1_000, len(part) // 2))
                time.sleep(float(rng.random()))
                seen = siege.progress()
                lines = [load.lines[at] for at in part.tolist()]
                siege.step(step, partial(_send, producer, lines), rng)
                report.done.append(step)
                say(f"{time.monotonic() - started_s:6.1f} s  {step} after {max(seen, 0):,} records were applied")
        _settle(siege, report, load)
        _judge(siege, report, load, bad)
    finally:
        siege.workers.stop()
        siege.store.close()
        report.problems.extend(siege.workers.ended)
        report.seconds = time.monotonic() - started_s
    return report


def _settle(siege: _Siege, report: Report, load: Load) -> None:
    """Wait until everything sent is applied, then until the state is the one that replay makes of the same log."""
    ends = _ends(siege.log, _USER_TOPICS)
    siege.await_("the end of the log", lambda: not _behind(siege.store, ends))
    asked = _asked(load.lines)

    def answered() -> bool:
        batches = (orjson.loads(record.value()) for record in _records(siege.log, "feeds"))
        return asked <= {batch.get("request_id") for batch in batches}

    try:
        siege.await_("an answer to every request", answered)
    except Timeout as error:
        report.problems.append(str(error))
    siege.say("everything sent is applied; replaying the same log")
    wanted = _replayed(siege.logs, load.lines)

    def equal() -> bool:
        report.exact = exact_hash(siege.store)
        return report.exact == wanted

    try:
        siege.await_("the state that replay makes", equal)
    except Timeout:
        report.problems.append(f"the exact hash is {report.exact}, replay's is {wanted}")


def _judge(siege: _Siege, report: Report, load: Load, bad: Sequence[BadSample]) -> None:
    tally = load.tally()
    report.problems += compare_counts(siege.store, tally) + compare_views(siege.store, tally)
    feeds = list(_records(siege.log, "feeds"))
    with (siege.logs / "feeds.jsonl").open("wb") as sink:
        sink.writelines(record.value() + b"\n" for record in feeds)
    verdict = judge_feeds(record.value() for record in feeds)
    report.batches, report.repeats = verdict.batches, verdict.repeats
    report.problems += verdict.problems
    letters = judge_letters([dict(record.headers() or ()) for record in _records(siege.log, "dead-letters")])
    report.letters = len(letters)
    wanted = sorted(sample.cause for sample in bad)
    if sorted(letters.values()) != wanted:
        report.problems.append(f"dead letters say {sorted(letters.values())}, sent were {wanted}")


def _send(producer: RecordProducer, lines: Iterable[bytes]) -> None:
    ticket = Ticket()
    for text in lines:
        line = parse_line(text)
        producer.send(line.topic, line.key_bytes, line.value_bytes, ticket=ticket)
    ticket.wait(120.0)


def _send_bad(producer: RecordProducer, bad: Sequence[BadSample]) -> None:
    ticket = Ticket()
    for sample in bad:
        producer.send(sample.topic, sample.key, sample.value, ticket=ticket)
    ticket.wait(120.0)


def _replayed(folder: Path, lines: Iterable[bytes]) -> str:
    """The exact hash of the command ``replay``."""
    path = folder / "load.jsonl"
    with path.open("wb") as sink:
        sink.writelines(lines)
    command = [sys.executable, "-m", "feedstream", "replay", str(path), "--state-hash"]
    done = subprocess.run(command, check=True, capture_output=True, cwd=folder)  # noqa: S603  # our own program
    exact: str = orjson.loads(done.stdout)["exact"]
    return exact


def _behind(store: Store, ends: dict[Place, int]) -> list[Place]:
    """Topic-partitions whose stored offset is not the end."""
    try:
        stored = {number: store.offsets(ShardId("u", number)) for number in {number for _, number in ends}}
    except StoreUnavailable:
        return list(ends)
    return [where for where, end in ends.items() if end and stored[where[1]].get(where[0], 0) != end]


def _asked(lines: Iterable[bytes]) -> set[str]:
    """Ids of every request of a log."""
    found = (orjson.loads(text) for text in lines if text.startswith(b'{"topic":"feed.requests"'))
    return {line["value"]["request_id"] for line in found}


def _ends(log: Log, topics: Iterable[str]) -> dict[Place, int]:
    return {place: span.high for place, span in log.spans(log.places(topics)).items()}


def _records(log: Log, topic: str) -> Iterable[Any]:
    """Every record of ``topic`` up to its present end."""
    return log.read(log.spans(log.places([topic])))
