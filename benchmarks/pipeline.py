"""The whole pipeline against the plain way, in CPU time an event, and what one very hot video costs.

Real ``feedstream worker --role all`` processes and the plain agent take turns on consecutive slices of one stream of
events. The worker's clock runs from the sending of a slice until everything that follows from it (changes of counts,
training) is checkpointed; servers are counted apart.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import numpy as np

from agents.bench.workload import Record, Shape, sessions, videos
from agents.children import die_with_parent
from benchmarks.plain import EVERY
from benchmarks.site import Behind, Site, Span, cpu_s, until
from schemas.events import EVENTS

__all__ = ["Slices", "hot", "measure"]

PREFIX: Final = "plain."
_SPAN_S: Final = 1_800.0


class Slices:
    """Consecutive slices of event time, half an hour each, that end about now."""

    def __init__(self, rng: np.random.Generator, hours: float = 12.0) -> None:
        self._rng = rng
        self._next_ms = int((time.time() - hours * 3_600) * 1_000)
        self._count = 0

    def take(self, events: int, shape: Shape) -> list[Record]:
        """The next slice."""
        made = sessions(self._rng, events, shape, self._next_ms, _SPAN_S, f"b{self._count}")
        self._next_ms += int(_SPAN_S * 1_000)
        self._count += 1
        return made


def measure(site: Site, slices: Slices, events: int, plain_events: int, repetitions: int) -> dict[str, Any]:
    """CPU µs an event of both, medians of alternating runs, and the events/s that the workers sustain."""
    site.open()
    site.measured(slices.take(events // 2, site.shape))  # a first slice, not counted: imports, first models
    rival = _Rival(site)
    spans: list[Span] = []
    plain_us: list[float] = []
    try:
        rival.send(videos(site.shape.videos, 0))
        rival.took(slices.take(EVERY * 2, site.shape))  # the same for the rival
        for nth in range(repetitions):
            records = slices.take(events, site.shape)
            spans.append(site.measured(records))
            plain_us.append(rival.took(records[:plain_events]))
            mine = spans[-1].worker_s / events * 1e6
            site.say(f"pipeline {nth + 1}/{repetitions}: {mine:.1f} µs an event, plain {plain_us[-1]:.0f} µs")
    finally:
        rival.close()
    return _summary(spans, plain_us, events)


def hot(site: Site, slices: Slices, events: int, repetitions: int) -> dict[str, Any]:
    """Cost an event where one video takes half of all, relative to the same sessions without it; medians."""
    site.open()
    flat = site.shape._replace(viewers=200_000, length=2)
    spiky = flat._replace(hot=0.5)
    site.measured(slices.take(events // 2, flat))
    base_us, hot_us = [], []
    for nth in range(repetitions):
        for shape, found in ((flat, base_us), (spiky, hot_us)):
            found.append(site.measured(slices.take(events, shape)).worker_s / events * 1e6)
        site.say(f"hot video {nth + 1}/{repetitions}: {hot_us[-1]:.1f} µs an event, flat {base_us[-1]:.1f} µs")
    return {
        "hot_ratio": median(hot_us) / median(base_us),
        "hot_us": median(hot_us),
        "hot_flat_us": median(base_us),
        "hot_runs_us": [[a, b] for a, b in zip(hot_us, base_us, strict=True)],
    }


def _summary(spans: Sequence[Span], plain_us: Sequence[float], events: int) -> dict[str, Any]:
    mine = [span.worker_s / events * 1e6 for span in spans]
    return {
        "pipeline_ratio": median(plain_us) / median(mine),
        "pipeline_us": median(mine),
        "pipeline_plain_us": median(plain_us),
        "pipeline_events_per_s": median(events / span.wall_s for span in spans),
        "pipeline_kafka_us": median(span.kafka_s for span in spans) / events * 1e6,
        "pipeline_redis_us": median(span.redis_s for span in spans) / events * 1e6,
        "pipeline_runs_us": [[a, b] for a, b in zip(mine, plain_us, strict=True)],
    }


class _Rival:
    """The plain agent as a process, on topics and a Redis database of its own."""

    def __init__(self, site: Site) -> None:
        self._site = site
        site.topics([PREFIX + topic.removeprefix("events.") for topic in EVENTS] + [f"{PREFIX}videos"])
        self._out = site.folder / "plain.out"
        url = site.redis.url.removesuffix("/0") + "/1"
        with self._out.open("wb") as sink, (site.folder / "plain.err").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.plain", site.kafka.bootstrap, url, PREFIX, "plain"],
                stdout=sink, stderr=errors, preexec_fn=die_with_parent(),
            )  # fmt: skip
        self._sent = 0

    def send(self, records: Sequence[Record]) -> None:
        """Publish records of videos."""
        for low in range(0, len(records), 1_000):
            part = [(f"events.{topic}", key, value) for topic, key, value in records[low : low + 1_000]]
            self._site.send(part, PREFIX)

    def took(self, records: Sequence[Record]) -> float:
        """CPU µs an event of ``records``, whose number is a multiple of ``EVERY``."""
        assert len(records) % EVERY == 0
        before = cpu_s(self._process.pid)
        self._site.send(records, PREFIX)
        self._sent += len(records)
        until("the plain agent's end", self._done, 300.0, 0.02)
        return (cpu_s(self._process.pid) - before) / len(records) * 1e6

    def close(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()

    def _done(self) -> bool:
        if self._process.poll() is not None:
            raise Behind(f"the plain agent ended with {self._process.returncode}: see {self._site.folder}")
        return b'{"done":%d}' % self._sent in self._out.read_bytes()[-2_000:]
