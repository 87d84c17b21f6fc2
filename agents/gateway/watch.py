"""The watch: looks at topics, shards and workers every few seconds, and keeps curves of what it saw.

It looks often while somebody asks, and seldom while nobody does, so that an idle gateway costs next to nothing and
whoever opens the dashboard finds the last while on it already. Whatever does not answer is a sentence, never an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from agents import log
from agents.errors import FeedstreamError
from agents.gateway.history import History
from agents.gateway.workers import Asked, Workers, buckets_of, gained, quantile, summed
from agents.lag import Lag, lags_within, totals
from agents.settings import Settings
from agents.spans import Log, Place, Span
from agents.store import Store, StoreUnavailable
from schemas.topics import TOPICS
from streams.control.proceeds import STAGES

__all__ = ["Latency", "Look", "Watch"]

_LOG = log.get("watch")
_T = TypeVar("_T")
_OFTEN_S: Final = 2.0
_SELDOM_S: Final = 10.0
_LOOKED_AT_S: Final = 60.0
"""For so long after a question somebody is looking."""
_PATIENCE_S: Final = 5.0
_WINDOW_S: Final = 60.0
"""Latency is told over the last so long: a look alone has too few actions."""
_RATE_S: Final = 10.0
"""What comes a second is told over the last so long, however often it is looked at."""


class Latency(NamedTuple):
    """From an action to the feed that follows: quantiles in seconds over ``feeds`` of the last minute."""

    p50_s: float
    p99_s: float
    feeds: int


class Look(NamedTuple):
    """One look: what each topic-partition holds, how far shards are, what workers said, and what did not answer."""

    at_ms: int
    spans: Mapping[Place, Span]
    lags: Sequence[Lag]
    workers: Sequence[Asked]
    problems: Sequence[str]
    flow: Mapping[str, float]
    latency: Latency | None


class _Lately(Generic[_T]):
    """What was seen at the looks of the last ``window_s``, and at the one before."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: deque[tuple[float, _T]] = deque()

    def since(self, now_s: float, seen: _T) -> tuple[float, _T]:
        """Note what is ``seen`` now; what was seen a window ago, or as early as there is, and how long ago."""
        self._seen.append((now_s, seen))
        while len(self._seen) > 1 and now_s - self._seen[1][0] >= self._window_s:
            self._seen.popleft()
        then_s, before = self._seen[0]
        return now_s - then_s, before


_NOTHING: Final = Look(0, {}, [], [], ["the first look is not done yet: wait some seconds"], {}, None)


class Watch:
    """Looks at the deployment of ``settings``; ``start`` it within a loop, and have it ``closed``."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.history = History()
        self.workers = Workers(settings.workers)
        self._settings, self._store = settings, store
        self._log: Log | None = None
        self._look = _NOTHING
        self._asked_s = float("-inf")
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ends: _Lately[Counter[str]] = _Lately(_RATE_S)
        self._stages: _Lately[dict[str, dict[str, float]]] = _Lately(_RATE_S)
        self._delays: _Lately[dict[str, dict[float, float]]] = _Lately(_WINDOW_S)

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._looking())

    async def closed(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.workers.closed()

    def latest(self) -> Look:
        """The latest look; from now on somebody is looking."""
        if time.monotonic() - self._asked_s > _OFTEN_S:
            self._hurry.set()
        self._asked_s = time.monotonic()
        return self._look

    async def _looking(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                await self._look_once()
            except Exception as error:  # whatever it is, the next look may go well
                _LOG.warning("look_failed", error=repr(error), exc_info=error)
            watched = time.monotonic() - self._asked_s < _LOOKED_AT_S
            self._hurry.clear()
            rest_s = max(0.1, (_OFTEN_S if watched else _SELDOM_S) - (time.monotonic() - began_s))
            if watched:
                await asyncio.sleep(rest_s)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), rest_s)

    async def _look_once(self) -> None:
        (spans, lags, problems), workers = await asyncio.gather(asyncio.to_thread(self._servers), self.workers.look())
        now_s, now_ms = time.monotonic(), int(time.time() * 1_000)
        flow = self._flow(spans, now_s)
        curves: dict[str, float | None] = {f"flow:{topic}": per_s for topic, per_s in flow.items()}
        curves |= {f"lag:{topic}": float(count) for topic, count in totals(lags).items()}
        latency = self._told(workers, now_s, curves)
        self._look = Look(now_ms, spans, lags, workers, problems, flow, latency)
        self.history.add(now_ms, curves)

    def _servers(self) -> tuple[dict[Place, Span], list[Lag], list[str]]:
        try:
            if self._log is None:
                self._log = Log(self._settings.kafka, f"{self._settings.namespace}-watch", _PATIENCE_S)
            spans = self._log.spans(self._log.places(TOPICS))
        except FeedstreamError as error:
            return {}, [], [f"Kafka does not answer: {error}"]
        try:
            return spans, lags_within(spans, self._store), []
        except StoreUnavailable as error:
            return spans, [], [f"Redis does not answer, so lag is not known: {error}"]

    def _flow(self, spans: Mapping[Place, Span], now_s: float) -> dict[str, float]:
        """Records a second by topic of late; empty at the first look."""
        ends: Counter[str] = Counter()
        for (topic, _), span in spans.items():
            ends[topic] += span.high
        if not ends:
            return {}
        passed_s, before = self._ends.since(now_s, ends)
        if not passed_s:
            return {}
        return {topic: max(0, end - before[topic]) / passed_s for topic, end in ends.items() if topic in before}

    def _told(self, workers: Sequence[Asked], now_s: float, curves: dict[str, float | None]) -> Latency | None:
        """Curves of what workers say: latency, losses, memory, items by stage."""
        delays: dict[str, dict[float, float]] = {}
        stages: dict[str, dict[str, float]] = {}
        for one in workers:
            if one.error:
                continue
            said = one.said
            delays[one.address] = buckets_of(said["action_to_feed_seconds"])
            stages[one.address] = {stage: n for (stage,), n in summed(said["feed_items_total"], "stage").items()}
            curves |= {f"loss:{labels['head']}": value for labels, value in said["head_log_loss"]}
            curves |= {f"auc:{labels['head']}": value for labels, value in said["head_auc"]}
            curves |= {f"memory:{one.address}": value for _, value in said["memory_bytes"]}
        curves |= self._items(stages, now_s)
        return self._latency(delays, now_s, curves)

    def _items(self, stages: dict[str, dict[str, float]], now_s: float) -> dict[str, float | None]:
        """Items a second by stage of late, of the workers that were there all the while."""
        passed_s, before = self._stages.since(now_s, stages)
        both = stages.keys() & before.keys()
        if not both or not passed_s:
            return {}
        return {
            f"items:{stage}": sum(max(0.0, stages[who].get(stage, 0.0) - before[who].get(stage, 0.0)) for who in both)
            / passed_s
            for stage in STAGES
        }

    def _latency(
        self, delays: dict[str, dict[float, float]], now_s: float, curves: dict[str, float | None]
    ) -> Latency | None:
        _, first = self._delays.since(now_s, delays)
        total: Counter[float] = Counter()
        for who, buckets in delays.items():
            total.update(gained(first.get(who, {}), buckets))
        p50_s, p99_s = quantile(0.5, total), quantile(0.99, total)
        if p50_s is None or p99_s is None:
            return None
        curves |= {"latency:p50": p50_s, "latency:p99": p99_s}
        return Latency(p50_s, p99_s, int(max(total.values())))
