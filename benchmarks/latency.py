"""From an action to a feed that reflects it, at half load.

Probe viewers like something they were served; the clock runs from the sending of the like to the reading of the first
feed batch of theirs whose ``as_of`` covers the like's offset. Meanwhile a steady stream of other viewers' events keeps
the workers at half of what they sustain.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import orjson
from confluent_kafka import Consumer
from confluent_kafka import Producer as KafkaProducer

from agents.bench.workload import Record
from agents.deliveries import Place
from benchmarks.pipeline import Slices
from benchmarks.site import Site, until

__all__ = ["LIGHT", "covered", "light", "measure", "steady"]

LIGHT: Final = 500.0
"""Events a second that are little."""
_PROBES: Final = 240
_ACTIONS_PER_S: Final = 30.0
_LIKE: Final = "events.like"


def measure(site: Site, slices: Slices, rate: float, seconds: float) -> dict[str, Any]:
    """p50 and p99 in ms of actions during ``seconds`` at ``rate`` events/s; those never answered are counted too."""
    site.open()
    records = slices.take(int(rate * seconds), site.shape)
    probes = _Probes(site)
    try:
        load = threading.Thread(target=steady, args=(site, records, rate), name="load", daemon=True)
        load.start()
        probes.act(seconds)
        load.join()
        until("the last answers", lambda: not probes.waiting, 10.0) if probes.waiting else None
    except RuntimeError as error:
        site.say(f"latency: {error}")
    finally:
        probes.close()
    site.settled()
    took_ms = np.array(probes.took_ms or [np.nan])
    return {
        "latency_rate_events_per_s": rate,
        "action_to_feed_p50_ms": float(np.percentile(took_ms, 50)),
        "action_to_feed_p99_ms": float(np.percentile(took_ms, 99)),
        "action_to_feed_actions": len(probes.took_ms),
        "action_to_feed_unanswered": len(probes.waiting),
    }


def light(site: Site, slices: Slices, seconds: float) -> dict[str, Any]:
    """The same p50 and p99 while little else goes on."""
    found = measure(site, slices, LIGHT, seconds)
    return {f"action_to_feed_light_{name}_ms": found[f"action_to_feed_{name}_ms"] for name in ("p50", "p99")}


def covered(as_of: dict[str, dict[str, int]], partition: int, offset: int) -> bool:
    """Whether a batch reflects the like at ``offset`` of ``partition``; ``as_of`` names the next offset.

    >>> covered({"events.like": {"3": 8}}, 3, 7), covered({"events.like": {"3": 8}}, 3, 8)
    (True, False)
    """
    return Place(_LIKE, partition, offset).covered(as_of)


class _Probes:
    """Viewers who act, and the thread that reads the feeds."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._items: dict[str, list[str]] = {}
        self.waiting: dict[str, tuple[float, int, int]] = {}
        self.took_ms: list[float] = []
        self._early: dict[str, list[tuple[float, dict[str, dict[str, int]]]]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._sent = 0
        self._kafka = KafkaProducer(
            {"bootstrap.servers": site.kafka.bootstrap, "partitioner": "murmur2_random", "acks": "all", "linger.ms": 0}
        )
        self._thread = threading.Thread(target=self._read, name="feeds", daemon=True)
        self._thread.start()
        names = [f"p{at}" for at in range(_PROBES)]
        site.send([("users", name.encode(), _user(name, at)) for at, name in enumerate(names)])
        until("a first feed of every probe", lambda: len(self._items) == _PROBES, 60.0)
        self._names = names

    def act(self, seconds: float) -> None:
        """Like something now and then, at random moments; nobody acts who still waits."""
        rng = np.random.default_rng(7)
        end_s = time.monotonic() + seconds
        turn = 0
        while time.monotonic() < end_s:
            self._wait(float(rng.exponential(1 / _ACTIONS_PER_S)))
            name = self._names[turn % _PROBES]
            turn += 1
            if name not in self.waiting:
                self._like(name, self._items[name][int(rng.integers(8))])

    def _wait(self, seconds: float) -> None:
        """So long, and not less because a delivery is reported."""
        end_s = time.monotonic() + seconds
        while (rest_s := end_s - time.monotonic()) > 0:
            self._kafka.poll(rest_s)

    def close(self) -> None:
        """Stop reading."""
        self._stop.set()
        self._thread.join()

    def _like(self, name: str, video: str) -> None:
        self._sent += 1
        now_ms = int(time.time() * 1_000)
        value = {"v": 1, "event_id": f"{name}.{self._sent}", "user_id": name, "session_id": "s", "video_id": video}
        sent_s = time.monotonic()

        def delivered(error: Any, message: Any) -> None:
            with self._lock:
                if error is None:
                    self.waiting[name] = (sent_s, message.partition(), message.offset())
                    for read_s, as_of in self._early.pop(name, []):
                        self._answer(name, read_s, as_of)

        with self._lock:
            self._early[name] = []
            self.waiting[name] = (sent_s, 0, 2**62)
        body = orjson.dumps(value | {"ts_ms": now_ms})
        self._kafka.produce(_LIKE, body, name.encode(), on_delivery=delivered)
        self._kafka.poll(0)

    def _answer(self, name: str, read_s: float, as_of: dict[str, dict[str, int]]) -> None:
        waiting = self.waiting.get(name)
        if waiting is None:
            return
        sent_s, partition, offset = waiting
        if offset < 2**62 and covered(as_of, partition, offset):
            self.took_ms.append((read_s - sent_s) * 1_000)
            del self.waiting[name]
        elif offset == 2**62:
            self._early.setdefault(name, []).append((read_s, as_of))

    def _read(self) -> None:
        consumer = Consumer(
            {"bootstrap.servers": self._site.kafka.bootstrap, "group.id": f"bench-{time.time_ns()}",
             "auto.offset.reset": "earliest", "enable.auto.commit": False, "fetch.wait.max.ms": 10}
        )  # fmt: skip
        consumer.subscribe(["feeds"])
        while not self._stop.is_set():
            for message in consumer.consume(500, timeout=0.005):
                if message.error() is not None or not message.key().startswith(b"p"):
                    continue
                read_s = time.monotonic()
                batch = orjson.loads(message.value())
                with self._lock:
                    if len(batch["items"]) >= 8:
                        self._items[batch["user_id"]] = [item["video_id"] for item in batch["items"]]
                    self._answer(batch["user_id"], read_s, batch["as_of"])
        consumer.close()


def steady(site: Site, records: Sequence[Record], rate: float) -> None:
    """Send ``records`` at ``rate``, whatever the workers do."""
    producer = site.producer
    began_s, sent = time.monotonic(), 0
    while sent < len(records):
        due = min(len(records), int((time.monotonic() - began_s) * rate))
        for topic, key, value in records[sent:due]:
            producer.send(topic, key, value)
        sent = max(sent, due)
        time.sleep(0.005)


def _user(name: str, at: int) -> bytes:
    return orjson.dumps({"v": 1, "user_id": name, "lang": "en", "interests": [f"t{at % 200}"]})
