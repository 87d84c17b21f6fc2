"""Probes of a worker: whether its loop turns, its shards are open, the servers answer and how far behind it is.

It looks every second and keeps what it saw as one value that is replaced as a whole, so that the thread that answers
over HTTP never waits for the loop, and can say so when the loop stands still. It changes nothing of what it looks at.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import psutil

from agents import log
from agents.errors import FeedstreamError
from agents.measures.telemetry import METRICS
from agents.settings import Settings
from agents.spans import Log, Place, Span
from agents.worker.group import Group

__all__ = ["Backlog", "Probes", "Seen"]

_LOG = log.get("probes")
_LOOK_S: Final = 1.0
_ASK_S: Final = 2.0
_SILENT_S: Final = 20.0
"""A server that has not answered for so long does not answer."""
_STUCK_S: Final = 30.0
"""A loop that has not turned for so long does not turn any more: nothing that it does takes as long."""
_TURN_S: Final = 0.1
_LATELY_S: Final = 5.0
_LOOKS: Final = 1_000


class Backlog:
    """How long what waits in one topic-partition has been waiting, told by looks at where the partition ended."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque()

    def look(self, now_s: float, end: int) -> None:
        """At ``now_s`` the partition ended at ``end``."""
        if len(self._ends) < _LOOKS and (not self._ends or end > self._ends[-1][1]):
            self._ends.append((now_s, end))

    def age_s(self, now_s: float, reached: int) -> float:
        """For how long something beyond ``reached`` has been there, at least; 0 where nothing is."""
        while self._ends and self._ends[0][1] <= reached:
            self._ends.popleft()
        return now_s - self._ends[0][0] if self._ends else 0.0


class Seen(NamedTuple):
    """One look: rows of shards, as /states has them, why the worker is not ready (empty: it is), and when it was."""

    shards: Sequence[Mapping[str, Any]]
    why: Sequence[str]
    at_s: float


class Probes:
    """Looks at ``groups`` and asks ``ping`` (Redis) and ``log`` (Kafka) whether they answer."""

    def __init__(self, settings: Settings, groups: Sequence[Group], ping: Callable[[], None], log: Log) -> None:
        self._settings, self._groups, self._ping, self._log = settings, groups, ping, log
        self._beat_s = time.monotonic()
        self._asked: dict[str, tuple[float, str]] = dict.fromkeys(("Kafka", "Redis"), (self._beat_s, ""))
        self._spans: dict[Place, Span] = {}
        self._backlogs: dict[Place, Backlog] = {}
        self._shown: dict[Any, set[tuple[str, ...]]] = {}
        self._seen = Seen([], ["it is starting"], self._beat_s)
        self._process = psutil.Process()
        self._asking = ThreadPoolExecutor(2, "probes")
        self._tasks: list[asyncio.Task[None]] = []
        self.busy = "it is starting: the catalogue is being read"
        """Why the process as a whole is not ready, "" while it is."""

    def start(self) -> None:
        """Begin to look, from within the loop."""
        work = (self._turn(), self._look(), self._ask("Kafka", self._ask_kafka), self._ask("Redis", self._ping))
        self._tasks = [asyncio.create_task(one) for one in work]

    # --- answers, for any thread --------------------------------------------------------------------------------------

    def live(self) -> tuple[bool, dict[str, Any]]:
        """Whether the loop turns; if it does not, only a new process helps."""
        turned_s = time.monotonic() - self._beat_s
        return turned_s < _STUCK_S, {"live": turned_s < _STUCK_S, "turned_s": round(turned_s, 3)}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether shards are open, servers answer and nothing is further behind than ``FEEDSTREAM_BACKLOG_S``."""
        seen, now_s = self._seen, time.monotonic()
        why = list(seen.why)
        if now_s - seen.at_s > _LATELY_S:
            why.append(f"the loop has not turned for {now_s - seen.at_s:.0f} s")
        return not why, {"ready": not why, "why": why}

    def states(self) -> tuple[bool, dict[str, Any]]:
        """Every shard of the process, and how far it is with each topic."""
        return True, {**self.live()[1], **self.ready()[1], "shards": list(self._seen.shards)}

    # --- looking ------------------------------------------------------------------------------------------------------

    async def _turn(self) -> None:
        """How long the loop keeps everything waiting, over and over."""
        while True:
            self._beat_s = time.monotonic()
            await asyncio.sleep(_TURN_S)
            METRICS["loop_turn_seconds"].observe(max(0.0, time.monotonic() - self._beat_s - _TURN_S))

    async def _ask(self, who: str, ask: Callable[[], None]) -> None:
        while True:
            try:
                await asyncio.get_running_loop().run_in_executor(self._asking, ask)
                self._asked[who] = (time.monotonic(), "")
            except FeedstreamError as error:
                self._asked[who] = (time.monotonic(), str(error))
            except Exception as error:  # whatever it is, the probes go on and say it
                self._asked[who] = (time.monotonic(), repr(error))
            await asyncio.sleep(_ASK_S)

    def _ask_kafka(self) -> None:
        places = [(topic, number) for group in self._groups for number in sorted(group.hosts) for topic in group.topics]
        self._spans = self._log.spans(places or self._log.places(["control"]))

    async def _look(self) -> None:
        while True:
            try:
                self._seen = self._look_once(time.monotonic())
            except Exception as error:  # nobody may stand still since somebody watches
                _LOG.warning("look_failed", error=repr(error), exc_info=error)
            await asyncio.sleep(_LOOK_S)

    def _look_once(self, now_s: float) -> Seen:
        why = [self.busy] if self.busy else []
        for who, (at_s, error) in self._asked.items():
            silent = error or (f"it has not for {now_s - at_s:.0f} s" if now_s - at_s > _SILENT_S else "")
            METRICS["server_up"].labels(who.lower()).set(not silent)
            if silent:
                why.append(f"{who} does not answer: {silent}")
        rows = [row for group in self._groups for row in self._rows(group, now_s)]
        for row in rows:
            if row["state"] != "open":
                why.append(f"shard {row['shard']} is {row['state']}")
            why += [
                f"{topic} partition {row['partition']} is {one['behind_s']:.0f} s behind ({one['lag']:,} records)"
                for topic, one in row["topics"].items()
                if one["behind_s"] > self._settings.backlog_s
            ]
        self._measure(rows, ready=not why)
        return Seen(rows, why, now_s)

    def _rows(self, group: Group, now_s: float) -> list[dict[str, Any]]:
        shards = sorted((group.hosts | group.loading).items())
        return [
            {
                "shard": str(host.id),
                "role": group.name,
                "partition": number,
                "state": host.state,
                "topics": {topic: self._standing(group, topic, number, now_s) for topic in group.topics}
                if number in group.hosts
                else {},
            }
            for number, host in shards
        ]

    def _standing(self, group: Group, topic: str, number: int, now_s: float) -> dict[str, Any]:
        """How far a shard is with a topic: ``behind_s`` is for how long what waits has waited."""
        place, reached = (topic, number), group.reached(topic, number)
        if (span := self._spans.get(place)) is None:
            return {"next": reached, "end": None, "lag": 0, "behind_s": 0.0}
        backlog = self._backlogs.setdefault(place, Backlog())
        backlog.look(now_s, span.high)
        behind_s, lag = backlog.age_s(now_s, reached), max(0, span.high - max(reached, span.low))
        folded_s, stamp_ms = group.hosts[number].folded.get(topic, (0.0, 0))
        if lag and now_s - folded_s < _LATELY_S:  # a backlog that is older than we are is told by what it says itself
            behind_s = max(behind_s, time.time() - stamp_ms / 1_000)
        return {"next": reached, "end": span.high, "lag": lag, "behind_s": round(behind_s, 1)}

    def _measure(self, rows: Sequence[Mapping[str, Any]], *, ready: bool) -> None:
        METRICS["ready"].set(ready)
        METRICS["memory_bytes"].set(self._process.memory_info().rss)
        states = Counter((row["role"], row["state"]) for row in rows)
        self._show(METRICS["shards"], {(role, state): count for (role, state), count in states.items()})
        lags: dict[tuple[str, ...], float] = {
            (topic, str(row["partition"])): one["lag"] for row in rows for topic, one in row["topics"].items()
        }
        self._show(METRICS["lag_records"], lags)

    def _show(self, gauge: Any, values: Mapping[tuple[str, ...], float]) -> None:
        """Set a gauge for each of ``values``, by labels; those that are gone are shown no more."""
        for labels in self._shown.get(gauge, set()) - values.keys():
            gauge.remove(*labels)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        self._shown[gauge] = set(values)
