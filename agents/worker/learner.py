"""The learner at work: training rows in, snapshots out, its state checkpointed like any shard's.

Feeds survive without it: workers go on with the last snapshot. ``control`` records steer it while it runs:
``models.freeze`` (true: publish nothing new) and ``models.rollback`` (a version still kept: publish that one again, and
nothing new as long as the record stands).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from agents import log
from agents.measures.telemetry import METRICS
from agents.store import Loaded
from agents.topics import FOLDED
from agents.worker.shard_host import Pending, ShardHost
from agents.worker.shared import Shared
from schemas.internal import ModelSnapshot
from streams.learning.gate import refusal
from streams.learning.learner import Learner
from streams.learning.snapshots import encode_snapshot
from streams.learning.training import decode_training

__all__ = ["LearnerHost"]

_LOG = log.get("learner")
_STATE: Final = b"learner"
_KEPT: Final = 20
"""Published versions that can be rolled back to."""
_SAVE_EVERY_S: Final = 5.0


class LearnerHost(ShardHost):
    """The one learner: partition 0 of ``training``."""

    kind = "l"
    topics = FOLDED["l"]

    def __init__(self, number: int, shared: Shared, rewind: Callable[..., Awaitable[None]]) -> None:
        super().__init__(number, shared.settings, shared.store, rewind)
        self.shared = shared
        self.learner: Learner
        self._offset = 0
        self._learnt = 0
        self._served: dict[str, ModelSnapshot] = {}
        self._kept: deque[list[ModelSnapshot]] = deque(maxlen=_KEPT)
        self._rolled_back: Any = None
        self._state_s = 0.0
        self.loops = [self._publish_loop]

    def fresh(self, loaded: Loaded) -> None:
        """A learner without state; ``opened`` brings it back."""
        self.learner = self._new()
        self._offset = loaded.offsets.get("training", 0)

    def _new(self) -> Learner:
        window_ms = int(self.settings.learn_window_s * 1_000)
        return Learner(self.settings.learn_rows, window_ms, steering=self.shared.steering)

    async def opened(self, loaded: Loaded) -> None:
        """Go on where the last checkpoint stood."""
        (value,) = await self.retried(self.store.mget, self.id, [_STATE])
        if value is not None:
            try:
                self.learner.restore(value)
            except (ValueError, KeyError, msgspec.MsgspecError) as error:
                _LOG.warning("learner_starts_anew", why=str(error))
                self.learner = self._new()

    def next_offset(self, topic: str) -> int:
        """The next training record to learn."""
        return self._offset

    async def fold(self, chunk: Any) -> None:
        """Learn the frames of a chunk, one after the other."""
        for record in chunk.records:
            if record.offset < self._offset:
                continue
            try:
                rows = decode_training(record.value or b"")
            except (msgspec.MsgspecError, ValueError) as error:
                _LOG.warning("training_refused", why=str(error), offset=record.offset)
                rows = None
            if rows is not None:
                self.learner.learn(rows)
            self._offset = record.offset + 1
            await asyncio.sleep(0)
        METRICS["events_total"].labels("training").inc(len(chunk.records))

    def save(self) -> Pending | None:
        """The learner's whole state, every few seconds: it is one row."""
        now_s = time.monotonic()
        if self._stored.get("training", 0) == self._offset or now_s - self._state_s < _SAVE_EVERY_S:
            return None
        self._state_s = now_s
        return Pending([_STATE], [self.learner.to_bytes()], [], {"training": self._offset})

    async def _publish_loop(self) -> None:
        if self.number != 0:
            return  # a broker may make more partitions than are asked for; nothing is ever in them
        while True:
            await asyncio.sleep(self.settings.snapshot_s)
            self._roll_back()
            held = self.shared.control.get("models.freeze") is True or "models.rollback" in self.shared.control
            if self.learner.seen == self._learnt or held:
                continue
            self._learnt = self.learner.seen
            self._publish(self.learner.snapshots(self.learner.join.watermark_ms))

    def _publish(self, made: list[ModelSnapshot]) -> None:
        """Publish what passes the gate; a refused model stays as it is served."""
        for name, value in self.learner.metrics().items():
            head, _, kind = name.partition("_log_loss") if name.endswith("_log_loss") else name.partition("_auc")
            if name.endswith("_log_loss"):
                METRICS["head_log_loss"].labels(head).set(value)
            elif name.endswith("_auc") and not kind:
                METRICS["head_auc"].labels(head).set(value)
        passed = []
        for one in made:
            why = refusal(one, self._served.get(one.model), self.settings.gate_margin)
            METRICS["model_snapshots_total"].labels(
                one.model.partition(":")[0], "refused" if why else "published"
            ).inc()
            if why is not None:
                _LOG.warning("snapshot_refused", why=why)
                continue
            passed.append(one)
        self._send(passed)
        self._kept.append([one for one in passed if ":" not in one.model])  # what comes in chunks is not rolled back

    def _roll_back(self) -> None:
        """Publish a version again that was served before, once for each control record that asks for it."""
        wanted = self.shared.control.get("models.rollback")
        if wanted == self._rolled_back:
            return
        self._rolled_back = wanted
        if wanted is None:
            return
        name = str(wanted).rpartition("-")[2]  # a batch says ranker-12 of version 12
        found = [one for version in self._kept for one in version if str(one.version) == name]
        if found:
            self._send(found)
        _LOG.info("rolled_back" if found else "rollback_unknown", version=wanted)

    def _send(self, snapshots: list[ModelSnapshot]) -> None:
        for one in snapshots:
            self._served[one.model] = one
            self.shared.producer.send("models", one.model.encode(), encode_snapshot(one))
