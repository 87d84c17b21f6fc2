"""A shard's host: the part of a runner that user, video and learner shards share.

Takes chunks from Faust agents, hands them to the fold one by one, and writes checkpoints beside it: one in flight, each
a compare-and-set on the offsets of the one before. A refused checkpoint means that another process owns the shard, or
that Redis came back older than it was: the host drops everything it has in memory, loads the shard again and rewinds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol
from weakref import WeakKeyDictionary

from agents import log, tracing
from agents.errors import Stop
from agents.measures.telemetry import METRICS
from agents.settings import Settings
from agents.store import Loaded, Refused, ShardId, Store, StoreUnavailable
from agents.worker.one_by_one import OneByOne
from schemas.formats import NewerFormat

__all__ = ["ChunkEvent", "Pending", "ShardHost"]

_LOG = log.get("shard")
_TP = tuple[str, int]
_TOGETHER: Final = 8_000
"""Records folded together: verbs that come seldom are not folded one by one, and nobody waits long behind a fold."""
_STEPS: Final = 10
_BREATH_S: Final = 0.002
_REST: Final = 8.0
_REST_AT_MOST_S: Final = 0.1
"""After a fold a shard rests for so many times what the fold took, so that the next one finds more: one fold of many
records costs far less than many folds of few. Who comes after a pause does not wait.
"""


class ChunkEvent(Protocol):
    """What a Faust agent hands over: ``value`` is the transport's Chunk; ``ack`` lets its offsets be committed."""

    value: Any

    def ack(self) -> bool:
        """The chunk's effects are safe."""


@dataclass
class Pending:
    """One checkpoint, ready to be written: what it changes, and the chunks it makes safe."""

    keys: list[bytes]
    values: list[bytes]
    deletes: list[bytes]
    offsets: dict[str, int]
    outbox: list[tuple[int, bytes]] = field(default_factory=list)
    marks: Sequence[bytes] = ()
    unmarks: Sequence[bytes] = ()
    acks: list[ChunkEvent] = field(default_factory=list)
    waits: Sequence[Awaitable[None]] = ()
    after: Callable[[], Awaitable[None]] | None = None


_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """One fold of the process at a time, and after it a moment for everything else.

    A record takes many small steps from Kafka's thread through Faust to a shard's inbox. If each of them had to wait
    behind a fold, chunks would trickle in one by one, and each would be folded alone.
    """
    async with _TURNS.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        yield
        for wait_s in (*[0.0] * _STEPS, _BREATH_S, *[0.0] * _STEPS):
            await asyncio.sleep(wait_s)


class ShardHost(ABC):
    """Runs one shard. Subclasses say how a chunk is folded, what a checkpoint holds and what a fresh shard is."""

    kind: str
    topics: tuple[str, ...]

    def __init__(self, number: int, settings: Settings, store: Store, rewind: Callable[..., Awaitable[None]]) -> None:
        self.id = ShardId(self.kind, number)
        self.number = number
        self.settings = settings
        self.store = store
        self.token = ""
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rewind = rewind
        self._inbox: asyncio.Queue[ChunkEvent] = asyncio.Queue(maxsize=64)
        self._held: ChunkEvent | None = None
        self._stored: dict[str, int] = {}
        self._unsafe: list[ChunkEvent] = []
        self._folded = 0
        self.folded: dict[str, tuple[float, int]] = {}
        """Topic to when it was folded last (monotonic), and the time (ms) of the latest record then."""
        self._rested_s = 0.0
        self._saved_s = time.monotonic()
        self.folding = asyncio.Lock()
        """Held while a chunk is folded: rows must not leave memory meanwhile."""
        self._saving = OneByOne()
        self._publishing = OneByOne()
        self._lost = False
        self._tasks: list[asyncio.Task[None]] = []
        self.loops: list[Callable[[], Awaitable[None]]] = []
        self._outbox_done = 0
        self.open_now = False
        self._reloading = asyncio.Event()

    # --- what a subclass says -----------------------------------------------------------------------------------------

    @abstractmethod
    def fresh(self, loaded: Loaded) -> None:
        """Make an empty shard at the stored offsets, dropping any older one."""

    @abstractmethod
    def next_offset(self, topic: str) -> int:
        """The next offset to fold of a topic."""

    @abstractmethod
    async def fold(self, chunk: Any) -> None:
        """Fold one chunk into the shard."""

    async def fold_many(self, chunks: Sequence[Any]) -> None:
        """Fold chunks, each following what was folded of its topic."""
        for chunk in chunks:
            await self.fold(chunk)

    def hurried(self, chunk: Any) -> bool:
        """Whether somebody waits for what follows from this chunk."""
        return False

    @abstractmethod
    def save(self) -> Pending | None:
        """The next checkpoint, None if nothing changed."""

    async def opened(self, loaded: Loaded) -> None:  # noqa: B027  # nothing to do is a fine answer
        """Called when the shard is loaded: repeat effects that were stored and perhaps not carried out."""

    # --- life ---------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take the shard over; ``positions`` answers from then on."""
        with self._readable():
            await self._acquire()
        self.open_now = True
        self._start()

    def _start(self) -> None:
        loops = (self._run, self._tick, *self.loops)
        self._tasks = [asyncio.create_task(self._guard(loop())) for loop in loops]

    async def put(self, event: ChunkEvent) -> None:
        """Queue a chunk; waits while the shard is behind."""
        if self.open_now:
            await self._inbox.put(event)

    async def close(self, *, drain: bool) -> None:
        """Let go of the shard; ``drain`` writes a last checkpoint first if it can."""
        self.open_now = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if drain:
            with contextlib.suppress(Refused, StoreUnavailable, TimeoutError):
                async with asyncio.timeout(5.0):
                    await self.checkpoint()
                    await self._saving.idle()
                    await self.drained()
                    await self._publishing.idle()
        self._lost = True
        await self._saving.abandon()
        await self._publishing.abandon()
        self._empty()  # whoever waits to put a chunk goes on, or its agent would stand still

    async def drained(self) -> None:  # noqa: B027  # nothing to do is a fine answer
        """Called by a draining close after the last checkpoint."""

    @property
    def state(self) -> Literal["loading", "open", "reloading", "closed"]:
        """Where it is in its life: it folds while it is open."""
        if self._reloading.is_set():
            return "reloading"
        return "open" if self.open_now else "closed" if self._lost else "loading"

    def positions(self) -> dict[str, int]:
        """The next offset to fold of each topic seen so far; others are at their beginning."""
        return {topic: self.next_offset(topic) for topic in self.topics}

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            events = await self._waiting()
            if not events:
                # Read before a rewind, or a rewind crossed it: what lies between must come first.
                await self._rewind(self.number, self.positions())
                continue
            async with self.folding, _turn():
                began_s = time.monotonic()
                with tracing.following("fold", _headers(events), shard=str(self.id)):
                    await self.fold_many([event.value for event in events])
                ended_s = time.monotonic()
            self._rested_s = ended_s + min(_REST * (ended_s - began_s), _REST_AT_MOST_S)
            self.folded |= {one.value.tp.topic: (ended_s, one.value.records[-1].timestamp) for one in events}
            self._unsafe.extend(events)
            self._folded += sum(len(event.value.records) for event in events)
            if self._folded >= self.settings.checkpoint_events:
                await self.checkpoint()

    async def _waiting(self) -> list[ChunkEvent]:
        """The next chunk and those that wait behind it, some thousand records; none if the next does not follow."""
        taken: list[ChunkEvent] = []
        reached: dict[str, int] = {}
        count = 0
        self._held = self._held or await self._inbox.get()
        if (rest_s := self._rested_s - time.monotonic()) > 0 and not self.hurried(self._held.value):
            await asyncio.sleep(rest_s)
        while not taken or (count < _TOGETHER and (self._held or not self._inbox.empty())):
            event, self._held = self._held or await self._inbox.get(), None
            chunk = event.value
            topic, last = chunk.tp.topic, chunk.records[-1].offset
            if chunk.start > reached.get(topic, self.next_offset(topic)):
                self._held = event if taken else None
                break
            taken.append(event)
            reached[topic] = max(last + 1, reached.get(topic, 0))
            count += len(chunk.records)
        return taken

    async def _tick(self) -> None:
        """Checkpoints by time; notices one that was refused."""
        while True:
            await asyncio.sleep(self.settings.checkpoint_ms / 4_000)
            if self._due():
                await self.checkpoint()

    def _due(self) -> bool:
        return (time.monotonic() - self._saved_s) * 1_000 >= self.settings.checkpoint_ms

    async def checkpoint(self) -> None:
        """Start the next checkpoint, after the one in flight."""
        await self._saving.idle()
        if self._lost:
            return
        pending = self.save()
        self._saved_s = time.monotonic()
        if pending is None:
            return
        pending.acks, self._unsafe, self._folded = self._unsafe, [], 0
        self._saving.start(self._guard(self._write(pending)))

    async def _write(self, pending: Pending) -> None:
        for wait in pending.waits:
            await wait
        started = time.monotonic()
        try:
            await self.retried(
                self.store.checkpoint,
                self.id,
                self.token,
                self._stored,
                pending.offsets,
                pending.keys,
                pending.values,
                pending.deletes,
                pending.outbox,
                self._outbox_done,
                pending.marks,
                pending.unmarks,
            )
        except Refused as error:
            self._reload_soon(str(error))
            return
        self._stored = pending.offsets
        METRICS["checkpoint_seconds"].observe(time.monotonic() - started)
        METRICS["checkpoint_rows_total"].inc(len(pending.keys))
        for event in pending.acks:
            event.ack()
        if pending.after is not None:
            await pending.after()

    async def retried(self, call: Callable[..., Any], *args: Any) -> Any:
        """``call(*args)`` in a thread, again and again while the store is unavailable; the same arguments each time."""
        wait_s = 0.05
        while True:
            try:
                return await asyncio.to_thread(call, *args)
            except StoreUnavailable as error:
                METRICS["store_retries_total"].inc()
                _LOG.warning("store_unavailable", shard=str(self.id), error=str(error), wait_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 2.0)

    # --- refused ------------------------------------------------------------------------------------------------------

    def _reload_soon(self, why: str) -> None:
        self._lost = True  # what this host holds is not what is stored: it writes nothing more
        asyncio.get_running_loop().call_soon(self._inbox_reload, why)

    def _inbox_reload(self, why: str) -> None:
        self._tasks.append(asyncio.create_task(self._guard(self._reload(why))))

    async def _reload(self, why: str) -> None:
        """Drop the shard, load it again, replay the difference."""
        if self._reloading.is_set() or self._closed():
            return
        self._reloading.set()
        METRICS["shard_reloads_total"].inc()
        _LOG.warning("shard_reloaded", shard=str(self.id), why=why)
        mine = asyncio.current_task()
        others = [task for task in self._tasks if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._saving.abandon()
        await self._publishing.abandon()
        self._unsafe, self._folded = [], 0
        self._empty()
        await asyncio.sleep(1.0)  # let a new owner, if there is one, be told to us by Kafka first
        if self._closed():  # meanwhile
            return
        await self._acquire()
        await self._rewind(self.number, self.positions())
        self._reloading.clear()
        self._start()

    def _empty(self) -> None:
        self._held = None
        while not self._inbox.empty():
            self._inbox.get_nowait()

    def _closed(self) -> bool:
        return not self.open_now

    async def _acquire(self) -> None:
        self.token = secrets.token_hex(8)
        loaded: Loaded = await self.retried(self.store.acquire, self.id, self.token, _holder(self.settings))
        self._stored = dict(loaded.offsets)
        self._outbox_done = 0
        self._lost = False
        self.fresh(loaded)
        await self.opened(loaded)

    async def _guard(self, work: Awaitable[None]) -> None:
        """An unexpected error ends the process: nothing is acknowledged that is not safe."""
        try:
            with self._readable():
                await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if not self.failed.done():
                self.failed.set_exception(error)
            raise

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        """What a newer version wrote is no accident: say what to do."""
        try:
            yield
        except NewerFormat as error:
            raise Stop(
                f"shard {self.id}: {error}: a newer feedstream has written here; run that version, or a newer one"
            ) from error

    def live(self, events: Sequence[ChunkEvent]) -> None:
        """Keep chunks whose effects are made safe by something else than the next checkpoint."""
        self._unsafe.extend(events)


def _headers(events: Sequence[ChunkEvent]) -> Iterator[Any]:
    return (record.headers for event in events for record in event.value.records if record.headers)


def _holder(settings: Settings) -> str:
    """Who we are, to operators: the instance if it has a name, the machine and the process."""
    return f"{settings.instance}@" * bool(settings.instance) + f"{socket.gethostname()}:{os.getpid()}"
