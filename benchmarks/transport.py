"""Transport and decoding alone: ours against a plain Faust agent on the same topics, each in a process of its own.

The plain agent is stock Faust as a good user sets it up, and decodes with msgspec too; the clock of CPU time runs from
the assignment of partitions, before the first fetch, to the last record.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import faust
import msgspec
import orjson

from agents.bench.workload import Record
from agents.settings import Settings
from agents.testing.reader import PATIENCE_S
from agents.transport import make_app
from benchmarks.site import Site
from schemas.codec import decode_many
from schemas.events import EVENTS

__all__ = ["measure", "plain_app"]

PREFIX: Final = "bench."
_TOPICS: Final = tuple(PREFIX + topic.removeprefix("events.") for topic in EVENTS)


def measure(site: Site, records: Sequence[Record], share: float, repetitions: int) -> dict[str, Any]:
    """CPU µs an event of both, medians of alternating runs. The rival, being slower, reads a ``share`` of the log."""
    site.topics(_TOPICS)
    site.send(records, PREFIX)
    few = int(len(records) * share)
    ours, plain = [], []
    for nth in range(repetitions):
        ours.append(_child("ours", site.kafka.bootstrap, len(records), nth))
        plain.append(_child("plain", site.kafka.bootstrap, few, nth))
        site.say(f"transport {nth + 1}/{repetitions}: {ours[-1]['us']:.2f} µs an event, plain {plain[-1]['us']:.1f} µs")
    mine, rival = median(one["us"] for one in ours), median(one["us"] for one in plain)
    return {
        "transport_ratio": rival / mine,
        "transport_us": mine,
        "transport_plain_us": rival,
        "transport_events_per_s": median(one["events_per_s"] for one in ours),
        "transport_runs_us": [[a["us"], b["us"]] for a, b in zip(ours, plain, strict=True)],
    }


def plain_app(name: str, bootstrap: str) -> Any:
    """A stock Faust app: only what a good user sets, nothing overridden."""
    return faust.App(
        name,
        broker=f"kafka://{bootstrap}",
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        store="memory://",
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        autodiscover=False,
    )


def _child(which: str, bootstrap: str, count: int, nth: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.transport", which, bootstrap, str(count), f"{which}{nth}"]
    done = subprocess.run(command, check=True, capture_output=True, timeout=300)
    found: dict[str, float] = orjson.loads(done.stdout.splitlines()[-1])
    return found


class _Clock:
    """Counts records; ``done`` when all are there."""

    def __init__(self, count: int) -> None:
        self.left = self.count = count
        self.done = asyncio.Event()
        self.began = (0.0, 0.0)
        self.took = (0.0, 0.0)

    def start(self) -> None:
        self.began = (time.process_time(), time.monotonic())

    def read(self, records: int) -> None:
        self.left -= records
        if self.left <= 0 and not self.done.is_set():
            self.took = (time.process_time() - self.began[0], time.monotonic() - self.began[1])
            self.count -= self.left
            self.done.set()


class _Owner:
    """Owns every partition from its beginning."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock

    async def assigned(self, tps: set[Any]) -> None:
        self._clock.start()

    async def revoked(self, tps: set[Any]) -> None:
        pass

    def positions(self, tps: set[Any]) -> dict[Any, int]:
        return dict.fromkeys(tps, 0)


def _ours(bootstrap: str, name: str, clock: _Clock) -> Any:
    settings = Settings.from_env({}, broker=f"kafka://{bootstrap}")
    app = make_app(settings, name, dict.fromkeys(_TOPICS, 4), _Owner(clock))
    for topic in _TOPICS:

        async def read(stream: Any, topic: str = topic) -> None:
            async for event in stream.noack().events():
                records = event.value.records
                decoded = decode_many(
                    topic.replace(PREFIX, "events."),
                    [record.key for record in records],
                    [record.value for record in records],
                    [record.timestamp for record in records],
                )
                assert not decoded.bad
                event.ack()
                clock.read(len(records))

        app.agent(app.chunk_topics[topic], name=topic)(read)
    return app


def _plain(bootstrap: str, name: str, clock: _Clock) -> Any:
    app = plain_app(name, bootstrap)
    decoders = {topic: msgspec.json.Decoder(EVENTS[topic.replace(PREFIX, "events.")]) for topic in _TOPICS}

    async def assigned(*_: Any, **__: Any) -> None:
        clock.start()

    async def read(stream: Any) -> None:
        async for event in stream.events():
            decoders[event.message.topic].decode(event.value)
            clock.read(1)

    app.on_partitions_assigned.connect(assigned, weak=False)
    app.agent(app.topic(*_TOPICS, value_serializer="raw", value_type=bytes))(read)
    return app


async def _main(which: str, bootstrap: str, count: int, name: str) -> None:
    clock = _Clock(count)
    app = (_ours if which == "ours" else _plain)(bootstrap, name, clock)
    await app.start()
    await asyncio.wait_for(clock.done.wait(), 10 * PATIENCE_S)
    cpu, wall = clock.took
    print(orjson.dumps({"us": cpu / clock.count * 1e6, "events_per_s": clock.count / wall}).decode(), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
