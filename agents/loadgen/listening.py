"""Listening to feeds: how long until a batch reflects what a made-up viewer did."""

from __future__ import annotations

import time
from array import array
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from agents.cluster import Cluster
from agents.loadgen.report import quantiles_ms
from agents.reading import following
from agents.world.waits import STRONG, Waits

__all__ = ["Listener"]

_LINGER_S: Final = 3.0
_EVERY_S: Final = 0.005


class _Batch(msgspec.Struct):
    """What is read of a batch."""

    batch_id: str
    user_id: str
    as_of: dict[str, dict[str, int]]


class Listener:
    """Reads ``feeds`` from its present end, for viewers whose ids begin with ``prefix``."""

    def __init__(self, cluster: str | Cluster, prefix: str) -> None:
        self._prefix = prefix.encode()
        self._consumer = following(cluster, "feedstream-loadgen", "feeds")
        self._decoder = msgspec.json.Decoder(_Batch)
        self._waits: defaultdict[str, Waits] = defaultdict(Waits)
        self._seen: set[str] = set()
        self._took_s = array("f")
        self._actions = 0
        self._read_s = 0.0

    def acted(self, topic: str, event: Mapping[str, Any], partition: int, offset: int, due_s: float) -> None:
        """An event was delivered; strong ones are waited for."""
        if topic in STRONG and event.get("op") != "remove":
            self._actions += 1
            self._waits[event["user_id"]].acted(topic, partition, offset, due_s)

    def read(self) -> None:
        """Take what came, unless that was done a moment ago."""
        now_s = time.monotonic()
        if now_s - self._read_s < _EVERY_S:
            return
        self._read_s = now_s
        for message in self._consumer.consume(500, timeout=0.0):
            if message.error() is not None or not (message.key() or b"").startswith(self._prefix):
                continue
            batch = self._decoder.decode(message.value())
            if batch.batch_id in self._seen:
                continue
            self._seen.add(batch.batch_id)
            waited_s = self._waits[batch.user_id].reflected(batch.as_of, time.monotonic())
            if waited_s is not None:
                self._took_s.append(waited_s)

    def linger(self) -> None:
        """Read on for a moment: the last actions are reflected after the last event."""
        until_s = time.monotonic() + _LINGER_S
        while time.monotonic() < until_s:
            self.read()
            time.sleep(_EVERY_S)

    def figures(self) -> dict[str, Any]:
        """Fields of a report."""
        p50_ms, p99_ms = quantiles_ms(self._took_s, 0.5, 0.99)
        return {
            "actions": self._actions,
            "reflected": len(self._took_s),
            "batches": len(self._seen),
            "action_to_feed_p50_ms": p50_ms,
            "action_to_feed_p99_ms": p99_ms,
        }

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()
