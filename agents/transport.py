"""The batch transport: Faust's aiokafka driver, handing over chunks of records instead of single messages.

Faust's own path costs some 250 µs of Python a message; here one Faust event carries up to ``chunk_records`` records
of one partition. Everything that overrides Faust lives in this module, pinned to faust-streaming 0.15.3, with a test
that fails when the overridden source changes. What differs from upstream, and why:

* ``getmany`` yields one message a chunk, and says where the chunk starts in the log (``Chunk.start``), so that a reader
  can tell compacted gaps, which are fine, from records that were skipped, which never are;
* offsets come from the app (the store), not from Kafka's commits, on every assignment, and ``rewind`` goes back to them
  while running;
* commits advance through an ordered queue of chunks in flight, so acks may come in any order;
* partitions are assigned by range, which gives partition p of every topic to the same member. Without tables, Faust
  0.15.3 would use round robin, which does not.

An agent reads like this, acknowledging when its effects are safe::

    app = make_app(settings, "users", {"events.like": 4}, owner)

    @app.agent(app.chunk_topics["events.like"])
    async def likes(stream):
        async for event in stream.noack().events():
            await host.put(event)          # later: event.ack()
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import aiokafka
import faust
from aiokafka.consumer import group_coordinator
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from agents import log
from agents.cluster import Cluster, in_kafka, of_ours
from agents.errors import Stop
from agents.settings import Settings

__all__ = ["FAUST_VERSION", "OVERRIDDEN", "Chunk", "Owner", "make_app"]

FAUST_VERSION: Final = "0.15.3"
_LEADER_WAITS_S: Final = 0.1
_LOG = log.get("transport")


class Chunk(NamedTuple):
    """Records of one partition in order, by our name of its topic; nothing of the log between ``start`` and the last of
    them is missing.
    """

    tp: TP
    start: int
    records: list[Any]


class Owner(Protocol):
    """Whoever owns the shards behind the partitions: told of every change before anything is read."""

    async def assigned(self, tps: set[TP]) -> None:
        """Take partitions over; ``positions`` must answer for them afterwards."""

    async def revoked(self, tps: set[TP]) -> None:
        """Let go of partitions."""

    def positions(self, tps: set[TP]) -> Mapping[TP, int]:
        """The next offset to apply of each partition."""


class _Raw(faust.Schema):  # type: ignore[misc]  # faust ships no types we can use
    """Hands a chunk through as it is."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:
        return None

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:
        return message.value


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that talks to Kafka, with every option we depend on stated."""

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = RangePartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=int(conf.broker_max_poll_interval * 1_000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            # Many small fetches would cost more than what is in them: a few records wait a moment for more.
            fetch_min_bytes=65_536,
            fetch_max_wait_ms=50,
            request_timeout_ms=int(conf.broker_request_timeout * 1_000),
            check_crcs=True,
            session_timeout_ms=int(conf.broker_session_timeout * 1_000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1_000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1_000),
            metadata_max_age_ms=30_000,
            connections_max_idle_ms=540_000,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials),
        )


class _Rebalance(group_coordinator.CoordinatorGroupRebalance):  # type: ignore[misc]
    """Gets along with librdkafka's mock cluster, which refuses a member that syncs after the leader (INVALID_REQUEST).

    Upstream takes that for fatal, and the member stands still for ever. Here it joins again, and the leader gives the
    others a moment first. A real broker never answers so.
    """

    async def _on_join_leader(self, response: Any) -> Any:
        if len(response.members) > 1:
            await asyncio.sleep(_LEADER_WAITS_S)
        return await super()._on_join_leader(response)

    async def _send_sync_group_request(self, request: Any) -> Any:
        try:
            return await super()._send_sync_group_request(request)
        except KafkaError as error:
            if "InvalidRequestError" not in str(error):
                raise
            return None  # upstream has already asked to join again


# aiokafka makes the object itself, by this name.
group_coordinator.CoordinatorGroupRebalance = _Rebalance


class _Consumer(driver.Consumer):  # type: ignore[misc]
    """Yields chunks and keeps the offsets of those in flight, in order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._inflight: dict[TP, deque[int]] = defaultdict(deque)
        self._position: dict[TP, int] = {}
        self._skipped: set[TP] = set()
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Fetch, then yield (partition, message whose value is a ``Chunk``)."""
        if self._skipped:
            skipped, self._skipped = self._skipped, set()
            await self.rewind(self.app.owner.positions(skipped & set(self.assignment())))
        starts = dict(self._position)
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        size = self.app.chunk_records
        # What was fetched and not yielded would be skipped in silence: it is sought again.
        self._skipped = {TP(tp.topic, tp.partition) for tp in records}
        for topic_partition, found in records.items():
            tp = TP(topic_partition.topic, topic_partition.partition)
            if active is not None and tp not in active and tp not in self._buffered_partitions:
                continue
            start = starts.get(tp, -1)
            for low in range(0, len(found), size):
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                if self._position.get(tp) != start:
                    break  # somebody sought meanwhile: these records belong to the time before
                part = found[low : low + size]
                if part[0].offset < start:
                    raise _other_log(tp, start, part[0].offset)
                last = part[-1].offset
                self._position[tp] = last + 1
                self._inflight[tp].append(last)
                if low + size >= len(found):
                    self._skipped.discard(tp)
                ours = TP(of_ours(self.app.cluster, tp.topic), tp.partition)
                yield tp, self._message(tp, Chunk(ours, start, part), generation)
                start = last + 1

    def _message(self, tp: TP, chunk: Chunk, generation: int) -> ConsumerMessage:
        last = chunk.records[-1]
        stamp_s = last.timestamp / 1_000.0
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, stamp_s, last.timestamp_type, [], None, chunk, None, 0, 0, tp,
            generation_id=generation,
        )  # fmt: skip

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Gaps (compaction, transaction markers) need no book: the queue in flight holds only what was yielded."""

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit: past every chunk that is acknowledged with all before it."""
        queue, acked = self._inflight[tp], self._acked_index[tp]
        new = None
        while queue and queue[0] in acked:
            last = queue.popleft()
            acked.discard(last)
            new = last + 1
        self._acked[tp][:] = list(acked)
        return new

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The owner loads its shards before Faust goes on."""
        await self.app.owner.assigned(set(assigned))
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """The owner lets go first."""
        await self.app.owner.revoked(set(revoked))
        self._forget(revoked)
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        """Seek every assigned partition to the store's offset, never to Kafka's."""
        tps = set(self.assignment())
        await self._go(self.app.owner.positions(tps))

    async def rewind(self, positions: Mapping[TP, int]) -> None:
        """Go back to ``positions`` while running; chunks from before are told by their ``start``."""
        assigned = self.assignment()
        await self._go({tp: offset for tp, offset in positions.items() if tp in assigned})

    def reached(self, tp: TP, folded: int) -> int:
        """The next offset of ``tp`` to fold, where everything below ``folded`` is: beyond marks of transactions and
        compacted gaps that Kafka has passed over, and that no record may ever follow.
        """
        if tp in self._skipped or folded < self._position.get(tp, 0):
            return folded
        subscription = getattr(getattr(self._thread, "_consumer", None), "_subscription", None)
        assignment = getattr(getattr(subscription, "subscription", None), "assignment", None)
        state = None if assignment is None else assignment.state_value(tp)
        return folded if state is None else max(folded, state._position or 0)

    async def _go(self, positions: Mapping[TP, int]) -> None:
        if not positions:
            return
        self._forget(positions)
        await self.seek_wait(positions)
        for tp, offset in positions.items():
            self._committed_offset[tp] = offset or None
            self._read_offset[tp] = None
            self._position[tp] = offset

    def _forget(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            self._position.pop(tp, None)
            self._inflight.pop(tp, None)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        """Upstream notes a commit as done even when it failed (issue 316): take the note back."""
        before = {tp: self._committed_offset[tp] for tp in offsets}
        done: bool = await super()._commit_offsets(offsets, start_new_transaction)
        if not done:
            self._committed_offset.update(before)
        return done


def _other_log(tp: TP, start: int, found: int) -> Stop:
    """The broker knew no such offset and began again: what it holds would be taken for applied, in silence."""
    return Stop(
        f"the store has applied {tp.topic} partition {tp.partition} up to offset {start}, Kafka goes on at {found}: "
        "it is another Kafka than the store was filled from, or it lost its log; use the right one, or another "
        "FEEDSTREAM_NAMESPACE to begin anew"
    )


class _Transport(driver.Transport):  # type: ignore[misc]
    Consumer = _Consumer


OVERRIDDEN: Final = (
    (group_coordinator.CoordinatorGroupRebalance.__bases__[0], "_on_join_leader"),
    (group_coordinator.CoordinatorGroupRebalance.__bases__[0], "_send_sync_group_request"),
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
    (driver.AIOKafkaConsumerThread, "_seek_wait"),
    (driver.Consumer, "_new_consumer_thread"),
    (driver.Consumer, "getmany"),
    (driver.Consumer, "_wait_next_records"),
    (driver.Consumer, "_drain_messages"),
    (driver.Consumer, "ack"),
    (driver.Consumer, "_add_gap"),
    (driver.Consumer, "_new_offset"),
    (driver.Consumer, "_filter_committable_offsets"),
    (driver.Consumer, "_commit_offsets"),
    (driver.Consumer, "perform_seek"),
    (driver.Consumer, "on_partitions_assigned"),
    (driver.Consumer, "on_partitions_revoked"),
)
"""Upstream methods that this module overrides or leans on, for the test that watches their source."""


class _App(faust.App):  # type: ignore[misc]
    """A Faust app that knows who owns its partitions."""

    owner: Owner
    cluster: Cluster
    chunk_records: int
    chunk_topics: dict[str, Any]


def _credentials(cluster: Cluster) -> Any:
    """How Faust gets into a cluster; None where nothing guards it."""
    context = cluster.context()
    if cluster.user:
        return faust.SASLCredentials(
            username=cluster.user, password=cluster.password, ssl_context=context, mechanism=cluster.mechanism
        )
    return None if context is None else faust.SSLCredentials(context)


def make_app(settings: Settings, group: str, topics: Mapping[str, int], owner: Owner) -> Any:
    """A Faust app for one consumer group, with every Faust setting stated that we depend on.

    ``topics`` maps names to partition counts. Raises ``Stop`` where the compiled stream iterator of Faust is missing.
    """
    _check_faust()
    app = _App(
        f"{settings.namespace}.{group}",
        broker=f"kafka://{settings.bootstrap.replace(',', ';kafka://')}",
        broker_credentials=_credentials(settings.kafka),
        consumer_group_instance_id=f"{settings.instance}.{group}" if settings.instance else None,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 6,
        broker_rebalance_timeout=max(60.0, settings.session_timeout_s),
        broker_request_timeout=max(40.0, settings.session_timeout_s + 10),
        broker_max_poll_interval=600.0,
        broker_max_poll_records=None,
        broker_commit_every=None,
        broker_commit_interval=1.0,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1_048_576,
        processing_guarantee="at_least_once",
        stream_wait_empty=False,
        stream_buffer_maxsize=8,
        stream_processing_timeout=600.0,
        stream_publish_on_commit=False,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        web_tables_enabled=False,
        worker_redirect_stdouts=False,
        store="memory://",
        datadir=str(Path(tempfile.gettempdir()) / "feedstream-faust"),
        autodiscover=False,
    )
    app.transport = _Transport(app.conf.broker_consumer, app, loop=app.loop)
    app.owner, app.cluster, app.chunk_records = owner, settings.kafka, settings.chunk_records
    app.chunk_topics = {
        name: app.topic(in_kafka(settings.kafka, name), schema=_Raw(), partitions=count, internal=False, acks=True)
        for name, count in topics.items()
    }
    return app


def _check_faust() -> None:
    if faust.__version__ != FAUST_VERSION:
        raise Stop(
            f"faust-streaming is {faust.__version__}, this transport is made for {FAUST_VERSION}: install that one"
        )
    from faust.streams import _CStreamIterator  # noqa: PLC0415  # looked for at start, when it can still be said plainly

    if _CStreamIterator is None:
        raise Stop("Faust's compiled stream iterator is missing (10 times slower): install a wheel of faust-streaming")


Rewind = Callable[[int, Mapping[str, int]], Any]
