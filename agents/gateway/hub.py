"""The hub: what all calls of a gateway process share. It follows the broadcast topics, as a worker does, and the feeds.

It owns no state: whatever it holds can be read again, and another process behind the same load balancer holds the same.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from agents import log, tracing
from agents.consumer import FEED_TOPICS, Slates
from agents.gateway.hides import Hides
from agents.gateway.watch import Watch
from agents.latest import Latest
from agents.measures.telemetry import METRICS
from agents.ports import ports_of
from agents.producer import RecordProducer
from agents.sentences import text_encoder
from agents.settings import Settings
from agents.store import Store, StoreUnavailable
from agents.worker.broadcasts import BROADCAST, lost_states, take, take_states
from agents.worker.replica import BroadcastReader, Message
from agents.worker.shared import Replica
from schemas.catalogue import Video
from schemas.codec import BadRecord, decode
from schemas.feeds import FeedBatch, FeedDelta
from schemas.trends import Trend
from streams import limits
from streams.arrays.hashing import hash64
from streams.control.rules import effect
from streams.ranking.ranking import Model
from streams.video.catalogue import Catalogue

__all__ = ["Hub", "Listener"]

_LOG = log.get("gateway")
_DELIVERY_S: Final = 10.0


class ModelNews(msgspec.Struct, frozen=True):
    """Of a snapshot, what is told of it."""

    model: str
    version: int
    ts_ms: int
    metrics: dict[str, float]


_NEWS: Final = msgspec.msgpack.Decoder(ModelNews)


class Listener:
    """One open stream of a viewer's feed; ``cut`` once it fell too far behind."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[FeedBatch | FeedDelta] = asyncio.Queue(limits.STREAM_BACKLOG)
        self.cut = False

    def put(self, record: FeedBatch | FeedDelta) -> None:
        """Hand over a record."""
        try:
            self.waiting.put_nowait(record)
        except asyncio.QueueFull:
            self.cut = True


class Hub:
    """Connections and replicas of one process; ``started`` before calls, ``closed`` at the end."""

    def __init__(self, settings: Settings) -> None:
        """Connect; raises ``Stop`` where Kafka does not answer. A store that does not answer is waited for."""
        self.settings = settings
        self.store = Store(settings.store_url, settings.namespace)
        self.producer = RecordProducer(settings.kafka, client_id=f"{settings.namespace}-gateway", timeout_s=_DELIVERY_S)
        catalogue = Catalogue(text_encoder(settings.text_model))
        self.replica = Replica(model=Model(ports=ports_of(settings)), catalogue=catalogue)
        self.slates = Slates(limits.SLATES)
        self.hides = Hides()
        self.trends: Latest[tuple[str, str], Trend] = Latest(limits.TRENDS_KEPT)
        self.models: Latest[str, ModelNews] = Latest(limits.MODELS_TOLD)
        self.watch = Watch(settings, self.store)
        self.asked: dict[str, asyncio.Future[FeedBatch]] = {}
        """Requests by id that wait for their batch."""
        self._listeners: dict[str, set[Listener]] = {}
        self._streams = 0
        self._gone: Latest[str, None] = Latest(limits.GONE)
        self._readers: list[BroadcastReader] = []

    async def started(self) -> None:
        """Begin to follow; returns at once."""
        await asyncio.to_thread(self._connected)
        self._readers = [
            BroadcastReader(self.settings.kafka, BROADCAST, self._take_broadcasts),
            BroadcastReader(self.settings.kafka, FEED_TOPICS, self._take_feeds, news=True),
        ]
        for reader in self._readers:
            reader.start()
        self.watch.start()

    async def caught_up(self) -> None:
        """Wait until everything that was broadcast is read, and feeds are followed."""
        for reader in self._readers:
            await reader.caught_up.wait()
        cut, known = self._readers[0].cut, self.replica.catalogue.row_of
        try:
            pages = await asyncio.to_thread(lambda: list(lost_states(self.store, cut)))
        except StoreUnavailable as error:
            _LOG.warning("lost_states_unread", error=str(error))
            return
        for states in pages:
            take_states(self.replica, [(name, state) for name, state in states if name not in known])

    async def closed(self) -> None:
        """Stop; what was sent and not delivered is lost to whoever did not wait for it."""
        for reader in self._readers:
            await reader.closed()
        await self.watch.closed()
        await asyncio.to_thread(self.producer.close)
        self.store.close()

    @property
    def failures(self) -> list[asyncio.Future[None]]:
        """Futures that hold an exception once the process cannot go on."""
        return [reader.failed for reader in self._readers]

    def problems(self) -> list[str]:
        """Why this process should get no calls now, a sentence each; none where it should."""
        found = []
        if not self._readers or not all(reader.caught_up.is_set() for reader in self._readers):
            found.append("the catalogue is not read yet")
        if any(reader.failed.done() for reader in self._readers):
            found.append("reading Kafka has failed")
        return found

    def listen(self, user_id: str) -> Listener | None:
        """A stream of a viewer's feed, to be given back with ``leave``; None where there are too many."""
        if self._streams >= limits.STREAMS:
            return None
        self._streams += 1
        METRICS["gateway_open"].set(self._streams)
        listener = Listener()
        self._listeners.setdefault(user_id, set()).add(listener)
        return listener

    def leave(self, user_id: str, listener: Listener) -> None:
        """The stream ended."""
        self._streams -= 1
        METRICS["gateway_open"].set(self._streams)
        METRICS["gateway_cut_off_total"].inc(listener.cut)
        held = self._listeners.get(user_id, set())
        held.discard(listener)
        if not held:
            self._listeners.pop(user_id, None)

    def forget(self, user_id: str) -> None:
        """Drop what is held of a viewer who asks to be forgotten."""
        self.slates.forget(user_id)
        self.hides.forget(user_id)

    def record(self, video_id: str | None) -> Video | None:
        """What was announced of a video, None where this process knows nothing of it."""
        row = self.replica.catalogue.row_of.get(video_id or "", -1)
        return self.replica.catalogue.videos[row] if row >= 0 else None

    def barred(self, country: str | None = None) -> set[int]:
        """Rows of the catalogue that operators' rules take down now, for viewers of a country."""
        where, now_ms = hash64(country) if country else 0, int(time.time() * 1_000)
        found: set[int] = set(
            effect(self.replica.catalogue, self.replica.steering.rules, where, now_ms).barred.tolist()
        )
        return found

    def gone(self, video_id: str) -> bool:
        """Whether a video was taken down, or left for another reason, since it was a candidate."""
        return video_id in self._gone and not self.replica.catalogue.shows(video_id)

    def _connected(self) -> None:
        kafka = logging.getLogger("feedstream.kafka")
        kafka.setLevel(logging.CRITICAL)  # that there is no Kafka is said once, by the error that ends the process
        self.producer.check()
        kafka.setLevel(logging.NOTSET)

    def _take_broadcasts(self, batch: list[Message]) -> None:
        heard = take(self.replica, batch)
        for video_id in heard.gone.values():
            self._gone[video_id] = None
        for trend in heard.trends:
            self.trends[trend.kind, trend.id] = trend
        for message in batch:
            if message.topic == "models" and message.value and (told := _news(message.value)) is not None:
                self.models[told.model] = told

    def _take_feeds(self, batch: Iterable[Message]) -> None:
        for message in batch:
            record = _read(message)
            if not isinstance(record, FeedBatch | FeedDelta):
                continue
            if isinstance(record, FeedBatch) and record.request_id in self.asked:
                waiting = self.asked[record.request_id]
                with tracing.following("received", [message.headers]):
                    if not waiting.done():
                        waiting.set_result(record)
            if self.slates.take(record):
                for listener in self._listeners.get(record.user_id, ()):
                    listener.put(record)


def _news(value: bytes) -> ModelNews | None:
    try:
        return _NEWS.decode(value)
    except msgspec.MsgspecError:
        return None  # named in the log by whoever takes the snapshot


def _read(message: Message) -> Any:
    try:
        return decode(message.topic, message.key, message.value, message.timestamp_ms)
    except BadRecord as bad:
        _LOG.warning("record_unread", topic=message.topic, offset=message.offset, why=str(bad))
        return None
