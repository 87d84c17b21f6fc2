"""The audience: the world's viewers at a real broker. They read the feed topic, watch, and send what they did.

One thread, no waiting: ``step`` does what is due. A viewer watches the newest batch from its top, one video after the
other, and asks for a batch only when left without one, as an app would when it is opened.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Producer as KafkaProducer

from agents.cluster import Cluster, in_kafka
from agents.producer import producer_options
from agents.reading import following
from agents.world.gauges import Watched
from agents.world.waits import STRONG, Waits
from agents.world.world import World
from schemas.codec import decode, encode
from schemas.control import Control
from schemas.events import Event
from schemas.feeds import FeedBatch, FeedRequest

__all__ = ["Audience"]

_ASK_AGAIN_S: Final = 3.0


@dataclass
class _Viewer:
    """One viewer at the screen: what is still to watch, and actions not yet seen in a feed."""

    queue: deque[str] = field(default_factory=deque)
    batch_id: str | None = None
    position: int = 0
    free_s: float = 0.0
    asked_s: float = float("-inf")
    waits: Waits = field(default_factory=Waits)
    served: set[str] = field(default_factory=set)


class Audience:
    """All viewers of ``world`` on a broker; figures go to ``gauges``, what is wrong to ``problems``.

    ``hurry`` is how many seconds of watching fit into one. Feeds are read from where their topic ends now; those of
    other viewers are passed over.
    """

    def __init__(self, world: World, cluster: str | Cluster, gauges: Watched, hurry: float, linger_ms: int = 5) -> None:
        self.world = world
        self.gauges = gauges
        self.problems: list[str] = []
        self.undelivered = 0
        """Records that Kafka did not confirm."""
        self.actions = 0
        """Strong actions that a feed may reflect."""
        self._hurry, self._cluster = hurry, cluster
        self._viewers = [_Viewer() for _ in world.tastes.user_ids]
        self._contents: dict[str, bytes] = {}
        self._due: list[tuple[float, int, int, str, Event]] = []
        self._order = itertools.count()
        self._asked = itertools.count()
        options = producer_options(cluster, client_id="feedstream-viewers", timeout_s=60.0)
        self._kafka = KafkaProducer({**options, "log_level": 0, "linger.ms": linger_ms})
        self._feeds = following(cluster, "feedstream-viewers", "feeds")

    def announce(self, what: str = "all") -> None:
        """Send the records of the world's ``videos``, of its ``users``, or ``all``."""
        if what in {"all", "videos"}:
            for video in self.world.videos.records:
                self._produce("videos", video.video_id, encode(video))
        if what in {"all", "users"}:
            for user in self.world.users:
                self._produce("users", user.user_id, encode(user))
        self._kafka.flush(30.0)

    def steer(self, key: str, *, value: Any) -> None:
        """Set one of the settings that workers read while they run."""
        self._produce("control", key, encode(Control(v=1, key=key, value=value)))
        self._kafka.flush(30.0)

    def upload(self, count: int) -> None:
        """``count`` new videos of the world."""
        for video in self.world.upload(count, int(time.time() * 1_000)):
            self._produce("videos", video.video_id, encode(video))

    def step(self, now_s: float, *, acting: bool = True) -> None:
        """Read what came, send what is due, and let whoever is free watch on; ``acting`` False: only what was begun."""
        self._kafka.poll(0)
        for message in self._feeds.consume(200, timeout=0.005):
            if message.error() is None:
                self._take(message.value(), message.key(), message.timestamp()[1])
            elif message.error().fatal():
                self.problems.append(f"reading feeds failed: {message.error().str()}")
        self._send_due(now_s)
        if acting:
            for row, viewer in enumerate(self._viewers):
                if viewer.free_s <= now_s:
                    self._watch_or_ask(row, viewer, now_s)

    @property
    def settled(self) -> bool:
        """Whether everything begun was sent and delivered."""
        return not self._due and not len(self._kafka)

    def give_up(self) -> None:
        """Count what Kafka has not confirmed by now as undelivered."""
        self._kafka.purge()
        self._kafka.flush(5.0)

    def served_everybody(self) -> float:
        """Share of the viewers who were given anything yet."""
        return sum(bool(viewer.served) for viewer in self._viewers) / len(self._viewers)

    def close(self) -> None:
        """Deliver what waits and leave."""
        self._kafka.flush(10.0)
        self._feeds.close()

    # --- reading ------------------------------------------------------------------------------------------------------

    def _take(self, value: bytes, key: bytes, timestamp_ms: int) -> None:
        batch = decode("feeds", key, value, timestamp_ms)
        if not isinstance(batch, FeedBatch):
            raise TypeError("a feed record is no batch")
        row = self.world.tastes.row_of.get(batch.user_id)
        if row is None:
            return
        arrived_s = time.monotonic()
        known = self._contents.setdefault(batch.batch_id, value)
        if known is not value:
            self.gauges.repeats += 1
            if known != value:
                self.problems.append(f"batch {batch.batch_id} has two contents")
            return
        self.gauges.batches += 1
        viewer = self._viewers[row]
        ids = [item.video_id for item in batch.items]
        if again := viewer.served.intersection(ids):
            self.problems.append(f"{batch.user_id} was served {sorted(again)[0]} twice")
        if ids:
            self.gauges.matched(self.world.match(row, ids), first=not viewer.served)
            viewer.queue, viewer.batch_id, viewer.position = deque(ids), batch.batch_id, 0
        viewer.served.update(ids)
        self.world.offer(row, ids)
        if (waited_s := viewer.waits.reflected(batch.as_of, arrived_s)) is not None:
            self.gauges.latencies.add(waited_s)

    # --- acting -------------------------------------------------------------------------------------------------------

    def _watch_or_ask(self, row: int, viewer: _Viewer, now_s: float) -> None:
        if viewer.queue:
            now_ms = int(time.time() * 1_000)
            video, position = viewer.queue.popleft(), viewer.position
            viewer.position += 1
            events, end_ms = self.world.watch(row, [video], now_ms, viewer.batch_id, position, self._hurry)
            for topic, event in events:
                due_s = now_s + (event.ts_ms - now_ms) / 1_000
                heapq.heappush(self._due, (due_s, next(self._order), row, topic, event))
            viewer.free_s = now_s + (end_ms - now_ms) / 1_000
        elif now_s - viewer.asked_s > _ASK_AGAIN_S:
            viewer.asked_s = now_s
            user = self.world.tastes.user_ids[row]
            request = FeedRequest(
                v=1, request_id=f"{user}.{next(self._asked)}", user_id=user, ts_ms=int(time.time() * 1_000)
            )
            self._produce("feed.requests", user, encode(request))

    def _send_due(self, now_s: float) -> None:
        while self._due and self._due[0][0] <= now_s:
            _, _, row, topic, event = heapq.heappop(self._due)
            self.world.count([(topic, event)])
            self.gauges.events += 1
            self.gauges.rate.add(self.gauges.elapsed_s, 1.0)
            self._produce(topic, event.user_id, encode(event), row if topic in STRONG else None)

    def _produce(self, topic: str, key: str, value: bytes, strong_row: int | None = None) -> None:
        sent_s = time.monotonic()

        def report(error: Any, message: Any) -> None:
            if error is not None:
                self.undelivered += 1
                self.problems.append(f"a record for {topic} was not delivered: {error.str()}")
            elif strong_row is not None:
                self.actions += 1
                self._viewers[strong_row].waits.acted(topic, message.partition(), message.offset(), sent_s)

        while True:
            try:
                self._kafka.produce(in_kafka(self._cluster, topic), value, key.encode(), on_delivery=report)
            except BufferError:
                self._kafka.poll(0.01)
                continue
            return
