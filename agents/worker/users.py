"""User shards at work: events, viewers' records and feed requests of one partition, and the feeds that go out.

Feed batches are committed, then published: a group commit writes the served ledgers, the request offsets and the
batches themselves; on taking a shard over, unpublished ones go out again, the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from agents import log, tracing
from agents.measures.telemetry import METRICS
from agents.producer import Ticket
from agents.store import Loaded, Refused
from agents.topics import FOLDED
from agents.worker.intake import Intake, Part, sent_ms
from agents.worker.measured import measured
from agents.worker.outbox import Outbox, receipts
from agents.worker.outgoing import Group, Outgoing, of_batch, of_delta, of_stored
from agents.worker.requests import alive, once_each
from agents.worker.shard_host import Pending, ShardHost
from agents.worker.shared import Shared
from agents.worker.throttle import Signal, Throttle
from schemas.events import EVENTS
from schemas.feeds import FeedBatch, FeedRequest
from streams.arrays.hashing import pair
from streams.control.promotions import SPENT_KEY, Pacer
from streams.control.reports import REPORT_KEY
from streams.learning.training import encode_training
from streams.ranking.desk import Desk, Reason, feed_key
from streams.ranking.ranking import Ranked, Request, rank_many
from streams.shards.changes import frames
from streams.shards.columns import columns, merge
from streams.shards.results import Missing
from streams.shards.user_shard import UserShard

__all__ = ["UserHost"]

_LOG = log.get("users")
REQUESTS: Final = "feed.requests"
_TOGETHER: Final = 64
"""Requests ranked together; between two such runs other shards have their turn."""
_STILL_S: Final = 0.3
_UNFED: Final = 10_000
"""First batches that may wait for videos; further viewers get theirs when they ask."""


class UserHost(ShardHost):
    """One user shard. ``shared`` is the process's; ``rewind`` moves the consumer back after a reload."""

    kind = "u"
    topics = FOLDED["u"]

    def __init__(self, number: int, shared: Shared, rewind: Callable[..., Awaitable[None]]) -> None:
        super().__init__(number, shared.settings, shared.store, rewind)
        self.shared = shared
        self.shard: UserShard
        self.desk: Desk
        self._outbox = Outbox(())
        self._intake = Intake(shared)
        self._requests_done: dict[str, int] = {}
        self._feed_count = 0
        self._group = Group()
        self._feed_due = asyncio.Event()
        self._published: list[str] = []
        self._throttle = Throttle()
        self._forgotten: dict[str, None] = {}
        self._leaving: dict[str, None] = {}
        self._unfed: dict[str, Signal] = {}
        self._receipts: list[Outgoing] = []
        self.loops = [self._feed_loop, self._first_loop, self._signal_loop]

    # --- what ShardHost asks ------------------------------------------------------------------------------------------

    def fresh(self, loaded: Loaded) -> None:
        """An empty shard at the stored offsets; rows come from the store when they are needed."""
        shared = self.shared
        self.shard = UserShard(self.number, shared.catalogue, learn=shared.learn, steering=shared.steering)
        self.shard.viewers.lent.shards = self.settings.user_partitions
        self.shard.offsets = dict(loaded.offsets)
        self.desk = Desk(self.shard, self.token, self.settings.refill_at, shared.steering)
        self.desk.pacer = Pacer(self.number, self.settings.user_partitions)
        self._requests_done, self._feed_count = dict(loaded.feed_offsets), loaded.feed_count
        self._group, self._published, self._throttle = Group(), [], Throttle()
        self._forgotten, self._leaving, self._unfed = {}, {}, {}
        self._receipts, self._outbox = [], Outbox(loaded.outbox)

    async def opened(self, loaded: Loaded) -> None:
        """Repeat what was stored and perhaps not sent: frames in order, feed batches with the same bytes."""
        await self._send_frames(self._outbox.numbers())
        self.desk.resume(*await self.retried(self.store.mget, self.id, [SPENT_KEY, REPORT_KEY]))
        ticket = Ticket()
        for name, stored in loaded.feeds:
            of_stored(name, stored).send(self.shared.producer, self.number, ticket)
            self._published.append(name)
        await ticket.delivered()
        self._feed_due.set()

    def next_offset(self, topic: str) -> int:
        """The next offset to fold of a topic."""
        return (self._requests_done if topic == REQUESTS else self.shard.offsets).get(topic, 0)

    async def fold(self, chunk: Any) -> None:
        """Decode, fold, and make the batches that follow."""
        await self.fold_many([chunk])

    async def fold_many(self, chunks: Sequence[Any]) -> None:
        """The same for several chunks; what waits of events is folded as one batch, which costs far less."""
        parts: list[Part] = []
        reached: dict[str, int] = {}
        for chunk in chunks:
            topic = chunk.tp.topic
            done = max(self.next_offset(topic), reached.get(topic, 0))
            records = [record for record in chunk.records if record.offset >= done]
            if not records:
                continue
            reached[topic] = records[-1].offset + 1
            METRICS["events_total"].labels(topic).inc(len(records))
            events, kept, late = self._intake.read(topic, records)
            if topic in EVENTS:
                batch = columns(topic, events, [record.offset for record in kept])
                parts.append(Part(batch, reached[topic], late, kept))
                continue
            await self._events(parts)
            parts = []
            if topic == REQUESTS:
                await self._answer(events, kept, reached[topic])
            else:
                await self._users(events, kept, reached[topic], late)
        await self._events(parts)

    def hurried(self, chunk: Any) -> bool:
        """Requests are not kept waiting."""
        return bool(chunk.tp.topic == REQUESTS)

    def save(self) -> Pending | None:
        """Dirty rows, offsets and the frames of changed counts; training rows go out after it."""
        if self.shard.offsets == self._stored and not (self.shard.dirty or self._published or self._outbox.spent):
            return None
        made = frames(self.shard.changes.drain(self.number), self.settings.video_partitions)
        training = self.shard.training.drain() if self.shard.training else None
        saved = self.shard.checkpoint()
        outbox, self._receipts = self._outbox.add(made, self._receipts), []
        measured(self.shard, self.shared.proceeds)
        watermark_ms = self.shard.watermark_ms
        leaving = [feed_key(user) for user in self._forgotten if not self._served(user)]
        self._leaving, self._forgotten = self._forgotten, {}

        async def after() -> None:
            self._leaving = {}
            if training is not None:
                value = encode_training(self.number, watermark_ms, training)
                self.shared.producer.send("training", None, value, partition=0)
            await self._send_frames([number for number, _ in outbox])
            await self._cool()

        # A ledger is written by feed commits: one in flight must not come after its deletion.
        waits = [self._intake.letters().delivered(), *([self._publishing.idle()] if self._leaving else [])]
        deletes = [*saved.deletes, *leaving]
        return Pending(saved.keys, saved.values, deletes, saved.offsets, outbox, waits=waits, after=after)

    async def drained(self) -> None:
        """The last feed commit and its publication."""
        await self._commit_feeds()

    # --- events -------------------------------------------------------------------------------------------------------

    async def _events(self, parts: Sequence[Part]) -> None:
        if not parts:
            return
        batch = merge([part.columns for part in parts])
        await self._warm(self.shard.missing(batch))
        applied = self.shard.apply(batch, *(part.following for part in parts))
        self.shared.proceeds.note(self.shard.viewers, self.shard.outcomes, applied.touched)
        for row in applied.hid:
            self._withdraw(row, self.desk.hidden(row), "hidden")
        if any(part.late for part in parts):
            return
        near = self.desk.engaged(applied.viewer.tolist(), applied.video.tolist())
        served, users = self.shard.viewers.seq, self.shard.viewers.user_ids
        acted = (*applied.hid, *applied.strong.tolist())
        strong = [row for row in dict.fromkeys(acted) if served[row] > 0 and row not in near]
        if not (near or strong):
            return
        times = dict(zip(applied.viewer.tolist(), batch.ts_ms.tolist(), strict=True))
        sent = sent_ms(parts, [users[row] for row in (*near, *strong)])
        due: list[tuple[int, int, Any]] = [(row, times[row], "near_end") for row in near]
        for row in strong:
            signal = Signal(times.get(row, self.shard.watermark_ms), sent.get(users[row], 0))
            if self._throttle.take(users[row], at_once=row in applied.hid):  # what is hidden must go
                due.append((row, signal.ts_ms, "signal"))
            else:
                self._throttle.wait(users[row], signal)
        self._emit(due, sent)

    async def _signal_loop(self) -> None:
        """Signals that came too soon after the one before are answered a second after that."""
        while True:
            waited = await self._throttle.due()
            async with self.folding:
                still = {user: one for user, one in waited.items() if self._served(user) and self._throttle.take(user)}
                await self._emit_waiting(still, "signal")

    def take_down(self, names: Mapping[int, str], country: str | None = None) -> None:
        """Withdraw videos (hash to id) from whoever (of a ``country``) was sent them and has not seen them."""
        if self.open_now:
            for row in self.desk.holders(names, country):
                self._withdraw(row, names, "taken_down")

    def _withdraw(self, row: int, names: Mapping[int, str], reason: Reason) -> None:
        delta = self.desk.withdraw(row, names, self.shard.watermark_ms, self._as_of(), reason)
        if delta is not None:
            self._group.records.append(of_delta(delta))
            self._group.rows[row] = None
            self._feed_due.set()

    def settle(self, videos: list[int]) -> None:
        """Videos (hashes) that the catalogue has just learnt of."""
        self.shard.settle(videos if self.open_now else [])

    async def _users(self, users: Sequence[Any], records: Sequence[Any], following: int, late: bool) -> None:
        named = [record.key.decode() for record in records]
        await self._warm(Missing([user for user in dict.fromkeys(named) if user not in self.shard.viewers.row_of], []))
        gone = [user for user, record in zip(named, users, strict=True) if record is None]
        rows = [row for user in gone if (row := self.shard.viewers.row_of.get(user)) is not None]
        first = self.shard.apply_users(list(zip(named, users, strict=True)), following)
        self.desk.forget(rows)
        self._forgotten.update(dict.fromkeys(gone))
        self._throttle.answered(*gone)
        self._receipts += receipts(self.shard.forgotten, records)
        if late or not records:
            return
        now_ms = self.shard.watermark_ms or int(records[-1].timestamp)
        due = [row for row in dict.fromkeys(first) if not self.desk.served_before(row)]
        if len(self.shared.catalogue.candidates()) >= self.settings.batch_items:
            self._emit([(row, now_ms, "first") for row in due])
        elif len(self._unfed) < _UNFED:
            self._unfed.update({self.shard.viewers.user_ids[row]: Signal(now_ms, 0) for row in due})

    async def _first_loop(self) -> None:
        """First batches that found nothing to show wait until videos are known, and no more of them arrive."""
        known = 0
        while True:
            await asyncio.sleep(_STILL_S)
            have = len(self.shared.catalogue.candidates()) if self._unfed else 0
            still, known = 0 < have == known, have
            if not still:
                continue
            async with self.folding:
                unfed, self._unfed = self._unfed, {}
                await self._emit_waiting({user: one for user, one in unfed.items() if not self._served(user)}, "first")

    async def _emit_waiting(self, waited: Mapping[str, Signal], trigger: Any) -> None:
        row_of, acted = self.shard.viewers.row_of, {user: one.acted_ms for user, one in waited.items()}
        due = [(row_of[user], one.ts_ms, trigger) for user, one in waited.items() if user in row_of]
        for low in range(0, len(due), _TOGETHER):
            self._emit(due[low : low + _TOGETHER], acted)
            await asyncio.sleep(0)

    def _served(self, user: str) -> bool:
        row = self.shard.viewers.row_of.get(user)
        return row is not None and self.desk.served_before(row)

    async def _answer(self, requests: Sequence[Any], records: Sequence[Any], following: int) -> None:
        wanted = alive(requests, records, self.settings.request_ttl_s)
        METRICS["expired_requests_total"].inc(len(requests) - len(wanted))
        users = dict.fromkeys(request.user_id for request, _ in wanted)
        await self._warm(Missing([user for user in users if user not in self.shard.viewers.row_of], []))
        for low in range(0, len(wanted), _TOGETHER):
            # No offset may be committed without its answer, and no answer without its offset.
            self._reply(wanted[low : low + _TOGETHER])
            self._requests_done[REQUESTS] = wanted[low : low + _TOGETHER][-1][1] + 1
            await asyncio.sleep(0)
        self._requests_done[REQUESTS] = following
        self._feed_due.set()

    def _reply(self, requests: Sequence[tuple[FeedRequest, int]]) -> None:
        """Rank (request, offset) together; who asks twice is ranked the second time as of the first."""
        for now in once_each(requests):
            asked = [self.desk.request(request) for request, _ in now]
            for (request, offset), ranked in zip(now, self._rank(asked), strict=True):
                row = self.shard.viewers.row_of[request.user_id]
                batch = self.desk.batch(request, ranked, self._as_of(offset + 1), self.shared.model.version)
                self._keep(row, batch, ranked)

    def _emit(self, due: Sequence[tuple[int, int, Any]], acted: Mapping[str, int] | None = None) -> None:
        """Batches of our own accord: (viewer row, event time, trigger), and when viewers (by id) ``acted``."""
        asked = [self.desk.own(row, now_ms, self.settings.batch_items) for row, now_ms, _ in due]
        for (row, now_ms, trigger), ranked in zip(due, self._rank(asked), strict=True):
            self.desk.pacer.settle(row, ())
            if len(ranked.rows):
                batch = self.desk.made(row, ranked, self._as_of(), self.shared.model.version, trigger, now_ms)
                self._keep(row, batch, ranked, (acted or {}).get(batch.user_id, 0))
        self._feed_due.set()

    def _rank(self, asked: Sequence[Request]) -> list[Ranked]:
        if not asked:
            return []
        with METRICS["rank_seconds"].time(), tracing.within("rank", requests=len(asked)):
            return rank_many(self.shared.catalogue, self.shard.viewers, asked, self.shared.model)

    def _keep(self, row: int, batch: FeedBatch, ranked: Ranked, acted_ms: int = 0) -> None:
        self._group.records.append(of_batch(batch, acted_ms))
        METRICS["feed_batches_total"].labels(batch.trigger).inc()
        if batch.trigger == "preview":
            return
        self._group.rows[row] = None
        self._throttle.answered(batch.user_id)
        if not len(ranked.rows):
            return
        viewers, catalogue = self.shard.viewers, self.shared.catalogue
        names = pair(viewers.hash[[row] * len(ranked.rows)], catalogue.hash[ranked.rows])
        self.shared.proceeds.serve(names, ranked.sources, catalogue.tier[ranked.rows], batch.arms)
        if self.shared.learn:
            self.shard.open_served(names, batch.ts_ms, ranked.x)

    def _as_of(self, requests: int | None = None) -> dict[str, dict[str, int]]:
        """What a batch reflects; the answer to a request reflects that too, up to offset ``requests``."""
        here = str(self.number)
        offsets = self.shard.offsets | self._requests_done
        if requests is not None:
            offsets[REQUESTS] = requests
        return {topic: {here: offset} for topic, offset in offsets.items()}

    # --- feeds --------------------------------------------------------------------------------------------------------

    async def _feed_loop(self) -> None:
        while True:
            await self._feed_due.wait()
            self._feed_due.clear()
            await self._commit_feeds()
            await asyncio.sleep(self.settings.feed_commit_ms / 1_000)

    async def _commit_feeds(self) -> None:
        await self._publishing.idle()
        while self._leaving and not self._lost:  # ledgers are being deleted: whoever is back comes after that
            await self._saving.idle()
            await self._publishing.idle()
        if not self._lost:
            self._publishing.start(self._guard(self._committed()))

    async def _committed(self) -> None:
        """Commit what waits, then publish it."""
        group, self._group = self._group, Group()
        published, self._published = self._published, []
        keys, values = self.desk.ledgers(group.rows)
        stored, offsets = [record.stored() for record in group.records], dict(self._requests_done)
        try:
            with group.committing():
                self._feed_count = await self.retried(
                    self.store.commit_feeds, self.id, self.token, self._feed_count, keys, values, offsets, stored,
                    published,
                )  # fmt: skip
        except Refused as error:
            self._reload_soon(str(error))
            return
        self._published.extend(await group.publish(self.shared.producer, self.number))
        if self._published and not self._group.records:
            self._feed_due.set()

    async def _warm(self, missing: Missing) -> None:
        """Bring cold rows back: one MGET for a batch, ledgers included."""
        keys = missing.keys() + [feed_key(user) for user in missing.users]
        if not keys:
            return
        # Not deleted there yet when they are read; by the time the answer is here they may be.
        gone = self._forgotten.keys() | self._leaving.keys()
        values = await self.retried(self.store.mget, self.id, keys)
        split = len(keys) - len(missing.users)
        if gone:
            owners = [*missing.users, *(user for user, *_ in missing.outcomes), *missing.users]
            values = [None if user in gone else value for user, value in zip(owners, values, strict=True)]
        self.shard.load(missing, values[:split])
        for user, value in zip(missing.users, values[split:], strict=True):
            if value is not None:
                self.desk.decode(self.shard.viewers.rows([user])[0], value)

    async def _cool(self) -> None:
        """Let cold rows go, between two chunks: what a chunk has found in memory stays there until it is folded."""
        viewers, outcomes = self.settings.hot_viewers, self.settings.hot_outcomes
        if len(self.shard.viewers) <= viewers and len(self.shard.outcomes) <= outcomes:
            return
        async with self.folding:
            # A ledger on its way to the store is not there yet, and must not be read back from it.
            await self._commit_feeds()
            await self._publishing.idle()
            if not self._lost:
                self.desk.forget(self.shard.cool(viewers, outcomes))

    async def _send_frames(self, numbers: Sequence[int]) -> None:
        """Publish what was stored, in order; what is delivered leaves the outbox with the next checkpoint."""
        await self._outbox.send(numbers, self.shared.producer, self.number)
        self._outbox_done = max(self._outbox_done, self._outbox.done)
