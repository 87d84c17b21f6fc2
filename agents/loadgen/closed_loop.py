"""A closed loop: the world's viewers watch what they are given and react, so feeds decide what is sent.

What is sent depends on the deployment: one that gives no feeds gets no load. The rate asked for sets how fast viewers
watch; the rate achieved says what came of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from agents.cluster import Cluster
from agents.loadgen.expected import Expectation
from agents.loadgen.report import Report
from agents.stopping import Stopping
from agents.world.audience import Audience
from agents.world.gauges import Watched
from agents.world.world import World

__all__ = ["ClosedLoop", "events_a_second"]

_SAMPLE: Final = 60
_SETTLE_S: Final = 30.0


class ClosedLoop:
    """``viewers`` of a world of ``videos``, drawn from ``seed``, whose ids begin with ``prefix``."""

    def __init__(self, cluster: str | Cluster, seed: int, viewers: int, videos: int, prefix: str, rate: float) -> None:
        self._gauges = Watched()
        self._seed, self._prefix, self._rate = seed, prefix, rate
        self.world = World(seed, viewers, videos, int(time.time() * 1_000), prefix)
        hurry = max(1.0, rate / (viewers * events_a_second(seed)))
        self._audience = Audience(self.world, cluster, self._gauges, hurry)
        self._audience.announce("videos")

    def run(self, seconds: float, stop: Stopping, tell: Callable[[str], None]) -> Report:
        """Viewers sign up, then watch for so long, less if somebody asks to ``stop``; what was begun is sent."""
        self._audience.announce("users")
        self._gauges.phase = "running"
        began_s, told_s = time.monotonic(), 0.0
        while (now_s := time.monotonic()) - began_s < seconds and not stop.asked:
            self._gauges.elapsed_s = now_s - began_s
            self._audience.step(now_s)
            if now_s - told_s >= 1.0:
                told_s = now_s
                tell(f"{self._gauges.events:,} events sent, {self._gauges.batches:,} batches watched")
        acted_s = time.monotonic() - began_s
        acted = self._gauges.events
        self._gauges.phase = "settling"
        tell("waiting for delivery")
        deadline_s = time.monotonic() + _SETTLE_S
        while not self._audience.settled and time.monotonic() < deadline_s:
            self._audience.step(time.monotonic(), acting=False)
        self._audience.give_up()
        return self._report(acted / max(acted_s, 1e-9), acted_s)

    @property
    def problems(self) -> list[str]:
        """What went wrong, in sentences."""
        return self._audience.problems

    def expectation(self) -> Expectation:
        """What must come of what was sent."""
        counts = self.world.tally.counts()
        doubtful = sorted(counts) if self._audience.undelivered else []
        return Expectation(self._prefix, self._seed, self._gauges.events, counts, doubtful)

    def close(self) -> None:
        """Leave."""
        self._audience.close()

    def _report(self, achieved: float, seconds: float) -> Report:
        waits, refused = self._gauges.latencies, self._audience.undelivered
        p50_ms, p99_ms = (waits.quantile(q) * 1_000.0 if len(waits) else None for q in (0.5, 0.99))
        return Report(
            loop="closed",
            sent=self._gauges.events,
            delivered=self._gauges.events - refused,
            refused=refused,
            duplicates=0,
            seconds=seconds,
            asked_per_s=self._rate,
            achieved_per_s=achieved,
            actions=self._audience.actions,
            reflected=len(waits),
            batches=self._gauges.batches,
            action_to_feed_p50_ms=p50_ms,
            action_to_feed_p99_ms=p99_ms,
        )


def events_a_second(seed: int) -> float:
    """Events a second of one viewer of a world who watches without a pause, by trying it."""
    world = World(seed, viewers=4, videos=200)
    names = [video.video_id for video in world.videos.records[:_SAMPLE]]
    events, end_ms = world.watch(0, names, world.start_ms)
    return len(events) / ((end_ms - world.start_ms) / 1_000.0)
