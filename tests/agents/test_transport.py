"""The transport: every record once and in order, whatever codec, gap, transaction, rewind or rebalance lies between."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import itertools
import textwrap
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from faust.types.tuples import TP

from agents import transport
from agents.settings import Settings
from agents.testing.servers import RealKafka
from agents.transport import OVERRIDDEN, Chunk, make_app

NUMBERS = itertools.count()
PATIENCE_S = 30.0

SOURCES = {
    "CoordinatorGroupRebalance._on_join_leader": "b0a892cb39a0ab99",
    "CoordinatorGroupRebalance._send_sync_group_request": "a4e0edc2899cfd66",
    "AIOKafkaConsumerThread._create_worker_consumer": "c179c0bdb9755c3a",
    "AIOKafkaConsumerThread._seek_wait": "98f8aa716db26656",
    "Consumer._new_consumer_thread": "8fd0d41b15145615",
    "Consumer.getmany": "e486c434b7928ee8",
    "Consumer._wait_next_records": "ba40cd3671328d3b",
    "Consumer._drain_messages": "8f35dd7a11144daa",
    "Consumer.ack": "5548cf0f75843f73",
    "Consumer._add_gap": "f1cc1db634f5ea09",
    "Consumer._new_offset": "2b29afe4dd9a65a3",
    "Consumer._filter_committable_offsets": "4fb75ba687d078b9",
    "Consumer._commit_offsets": "86b3e9b0aec773ac",
    "Consumer.perform_seek": "2b4ceebd23deb7ee",
    "Consumer.on_partitions_assigned": "c07feb1175f7dcf1",
    "Consumer.on_partitions_revoked": "652177e770ee66d6",
}
"""Hashes of the upstream source that agents/transport.py overrides or leans on (faust 0.15.3, aiokafka 0.14.0)."""


class Reader:
    """A member of a group that applies chunks by the law of a shard: forward, without a gap that is not the log's."""

    def __init__(self, broker: str, topics: Mapping[str, int], **more: Any) -> None:
        self.stored: dict[TP, int] = dict(more.pop("stored", {}))
        self.acks: bool = more.pop("acks", True)
        group = more.pop("group", f"g{next(NUMBERS)}")
        settings = Settings.from_env({}, broker=f"kafka://{broker}", **{"session_timeout_s": 6.0, **more})
        self.next = dict(self.stored)
        self.chunks: dict[TP, list[Chunk]] = defaultdict(list)
        self.values: dict[TP, list[tuple[int, Any]]] = defaultdict(list)
        self.events: list[Any] = []
        self.stale = 0
        self.owned: set[TP] = set()
        self.on_chunk: Callable[[Chunk], Any] | None = None
        self.changed = asyncio.Condition()
        self.group_id = f"{settings.namespace}.{group}"
        self.app = make_app(settings, group, topics, self)
        for topic in topics:
            self.app.agent(self.app.chunk_topics[topic], name=f"{group}.{topic}")(self._read)

    async def assigned(self, tps: set[TP]) -> None:
        async with self.changed:
            self.owned = set(tps)
            self.changed.notify_all()

    async def revoked(self, tps: set[TP]) -> None:
        async with self.changed:
            self.owned -= tps
            self.changed.notify_all()

    def positions(self, tps: set[TP]) -> dict[TP, int]:
        return {tp: self.next.get(tp, 0) for tp in tps}

    async def _read(self, stream: Any) -> None:
        async for event in stream.noack().events():
            await self._take(event)

    async def _take(self, event: Any) -> None:
        chunk = event.value
        if self.on_chunk is not None:
            await self.on_chunk(chunk)
        async with self.changed:
            self.chunks[chunk.tp].append(chunk)
            self.events.append(event)
            at = self.next.get(chunk.tp, 0)
            if chunk.start > at:
                self.stale += 1
            else:
                self.values[chunk.tp] += [(r.offset, r.value) for r in chunk.records if r.offset >= at]
                self.next[chunk.tp] = max(at, chunk.records[-1].offset + 1)
                if self.acks:
                    event.ack()
            self.changed.notify_all()

    async def until(self, law: Callable[[], bool]) -> None:
        """Wait for ``law`` to hold; fails with what there is."""
        async with self.changed:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self.changed.wait_for(law)
            except TimeoutError:
                pytest.fail(f"waited in vain: next {self.next}, owned {self.owned}, stale {self.stale}")

    async def until_at(self, tp: TP, offset: int) -> None:
        await self.until(lambda: self.next.get(tp, 0) >= offset)


@asynccontextmanager
async def reading(*readers: Reader) -> AsyncIterator[None]:
    """The readers at work, then stopped."""
    starting = [asyncio.create_task(reader.app.start()) for reader in readers]
    try:
        await asyncio.gather(*starting)
        yield
    finally:
        for reader in readers:
            await asyncio.wait_for(reader.app.stop(), PATIENCE_S)


def fresh(broker: str, partitions: int = 1, **config: str) -> str:
    """A new topic of a real Kafka."""
    name = f"t{next(NUMBERS)}"
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
        future.result(30)
    return name


def send(broker: str, topic: str, count: int, *, partition: int = 0, **config: Any) -> None:
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 50, **config})
    for number in range(count):
        producer.produce(topic, b"%d" % number, b"k", partition=partition)
    assert producer.flush(30) == 0


def numbers(reader: Reader, tp: TP) -> list[int]:
    return [int(value) for _, value in reader.values[tp]]


def committed(broker: str, group: str, tp: TP) -> int:
    """What the group has committed; below 0: nothing."""
    admin = AdminClient({"bootstrap.servers": broker})
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(tp.topic, tp.partition)])
    found = admin.list_consumer_group_offsets([wanted])[group].result(30)
    offset: int = found.topic_partitions[0].offset
    return offset


# --- on the mock cluster ----------------------------------------------------------------------------------------------


async def test_a_chunk_says_where_it_starts_and_no_chunk_is_larger_than_asked(mock_broker: str) -> None:
    send(mock_broker, "t", 95)
    tp, reader = TP("t", 0), Reader(mock_broker, {"t": 4}, chunk_records=10)
    async with reading(reader):
        await reader.until_at(tp, 95)
    assert numbers(reader, tp) == list(range(95))
    at = 0
    for chunk in reader.chunks[tp]:
        assert (chunk.tp, chunk.start, 1 <= len(chunk.records) <= 10) == (tp, at, True)
        at = chunk.records[-1].offset + 1


async def test_reading_begins_where_the_store_says_whatever_kafka_has_committed(mock_broker: str) -> None:
    send(mock_broker, "t", 50)
    tp = TP("t", 0)
    first = Reader(mock_broker, {"t": 4}, group="same")
    async with reading(first):
        await first.until_at(tp, 50)
        assert await first.app.consumer.commit()
    assert committed(mock_broker, first.group_id, tp) == 50
    second = Reader(mock_broker, {"t": 4}, group="same", stored={tp: 20})
    async with reading(second):
        await second.until_at(tp, 50)
    assert numbers(second, tp) == list(range(20, 50))
    assert second.chunks[tp][0].start == 20


async def test_commits_wait_for_the_oldest_chunk_whatever_the_order_of_acks(mock_broker: str) -> None:
    send(mock_broker, "t", 30)
    tp, reader = TP("t", 0), Reader(mock_broker, {"t": 4}, chunk_records=10, acks=False)
    async with reading(reader):
        await reader.until_at(tp, 30)
        one, two, three = sorted(reader.events, key=lambda event: event.value.start)
        for event, after in ((three, -1), (two, -1), (one, 30)):
            event.ack()
            await reader.app.consumer.commit()
            assert max(committed(mock_broker, reader.group_id, tp), -1) == after


async def test_after_a_rewind_everything_from_there_on_comes_again(mock_broker: str) -> None:
    send(mock_broker, "t", 30)
    tp, reader = TP("t", 0), Reader(mock_broker, {"t": 4}, chunk_records=10)
    async with reading(reader):
        await reader.until_at(tp, 30)
        seen = len(reader.chunks[tp])
        reader.next[tp] = 5
        await reader.app.consumer.rewind({tp: 5, TP("t", 99): 1})
        await reader.until_at(tp, 30)
    assert reader.chunks[tp][seen].start == 5
    assert numbers(reader, tp) == [*range(30), *range(5, 30)]


async def test_rewinds_in_full_flight_lose_nothing_and_stale_chunks_are_told_by_their_start(mock_broker: str) -> None:
    send(mock_broker, "t", 2_000)
    tp, reader = TP("t", 0), Reader(mock_broker, {"t": 4}, chunk_records=7)
    back = iter([(300, 100), (450, 0), (900, 899), (1_500, 1_000), (1_600, 1_500)])
    due = [next(back)]

    async def crash(chunk: Chunk) -> None:
        at = reader.next.get(tp, 0)
        if due and at >= due[0][0]:
            to = due[0][1]
            due[:] = [step] if (step := next(back, None)) else []
            del reader.values[tp][to:]
            reader.next[tp] = to
            await reader.app.consumer.rewind({tp: to})
        elif chunk.start > at and not due:
            await reader.app.consumer.rewind({tp: at})

    reader.on_chunk = crash
    async with reading(reader):
        await reader.until_at(tp, 2_000)
    assert due == []
    assert reader.values[tp] == [(number, b"%d" % number) for number in range(2_000)]
    assert reader.stale > 0


async def test_three_groups_read_the_same_topic_in_one_process(mock_broker: str) -> None:
    send(mock_broker, "t", 20)
    tp, readers = TP("t", 0), [Reader(mock_broker, {"t": 4}) for _ in range(3)]
    async with reading(*readers):
        for reader in readers:
            await reader.until_at(tp, 20)
    assert [numbers(reader, tp) for reader in readers] == [list(range(20))] * 3


@pytest.mark.parametrize("number", range(len(OVERRIDDEN)))
def test_what_is_overridden_upstream_is_what_it_was(number: int) -> None:
    owner, name = OVERRIDDEN[number]
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(vars(owner).get(name) or getattr(owner, name))))
    found = hashlib.sha256(source.encode()).hexdigest()[:16]
    key = f"{owner.__name__}.{name}"
    assert found == SOURCES[key], (
        f"{owner.__module__}.{key} has changed upstream, and agents/transport.py builds on it: read what changed, "
        f"adapt the transport, run this file on a real Kafka, then write {found!r} here"
    )


def test_another_version_of_faust_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FAUST_VERSION", "0.0.1")
    with pytest.raises(transport.Stop, match=r"faust-streaming is 0\.15\.3, .* made for 0\.0\.1: install that one"):
        transport._check_faust()


# --- on a real Kafka --------------------------------------------------------------------------------------------------


@pytest.mark.kafka
async def test_every_codec_is_read(kafka_bootstrap: str) -> None:
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    topic = fresh(kafka_bootstrap, len(codecs))
    for partition, codec in enumerate(codecs):
        send(kafka_bootstrap, topic, 300, partition=partition, **{"compression.type": codec})
    reader = Reader(kafka_bootstrap, {topic: len(codecs)})
    async with reading(reader):
        for partition in range(len(codecs)):
            await reader.until_at(TP(topic, partition), 300)
    assert [numbers(reader, TP(topic, partition)) for partition in range(len(codecs))] == [list(range(300))] * 5


def transact(broker: str, topic: str, name: str, values: range, *, abort: bool) -> None:
    producer = Producer({"bootstrap.servers": broker, "transactional.id": name})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in values:
        producer.produce(topic, b"%d" % number, b"k", partition=0)
    producer.flush(30)
    (producer.abort_transaction if abort else producer.commit_transaction)(30)


@pytest.mark.kafka
async def test_aborted_transactions_are_not_seen_and_markers_are_no_gap(kafka_bootstrap: str) -> None:
    topic = fresh(kafka_bootstrap)
    transact(kafka_bootstrap, topic, "a", range(10), abort=False)  # offsets 0..9, marker 10
    transact(kafka_bootstrap, topic, "b", range(100, 120), abort=True)  # 11..30, marker 31
    send(kafka_bootstrap, topic, 5)  # 32..36
    transact(kafka_bootstrap, topic, "c", range(200, 203), abort=False)  # 37..39, marker 40
    transact(kafka_bootstrap, topic, "d", range(300, 310), abort=True)  # the log ends in records nobody may see
    tp, reader = TP(topic, 0), Reader(kafka_bootstrap, {topic: 1}, chunk_records=4)
    async with reading(reader):
        await reader.until_at(tp, 40)
        assert numbers(reader, tp) == [*range(10), *range(5), *range(200, 203)]
        assert reader.stale == 0
        send(kafka_bootstrap, topic, 1)
        await reader.until_at(tp, 53)
        await reader.app.consumer.commit()
    assert [offset for offset, _ in reader.values[tp]][-1] == 52
    assert reader.stale == 0
    assert committed(kafka_bootstrap, reader.group_id, tp) == 53


def compacted(broker: str, rounds: int, keys: int) -> tuple[str, list[int]]:
    """A topic whose cleaner has run, and the offsets it left."""
    cleaned = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "100"}
    topic = fresh(broker, **cleaned, **{"segment.ms": "50"})
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 0})
    for turn in range(rounds):
        for key in range(keys):
            # Key 0 is written in the first round only: its record lies alone before a long hole.
            name = b"%d" % key if key or not turn else b"%d" % keys
            producer.produce(topic, b"%d" % (turn * keys + key), name, partition=0, timestamp=1_000_000 * (turn + 1))
        assert producer.flush(30) == 0
    return topic, offsets_of(broker, topic, rounds * keys)


def offsets_of(broker: str, topic: str, end: int) -> list[int]:
    """Offsets in the log once the cleaner has taken at least half of them."""
    while True:
        consumer = Consumer({"bootstrap.servers": broker, "group.id": "look", "enable.auto.commit": False})
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[int] = []
        while not found or found[-1] < end - 1:
            found += [message.offset() for message in consumer.consume(10_000, 0.2)]
        consumer.close()
        if len(found) < end / 2:
            return found


@pytest.mark.kafka
async def test_holes_and_empty_ranges_of_a_compacted_log_are_no_gap(kafka_bootstrap: str) -> None:
    topic, left = await asyncio.to_thread(compacted, kafka_bootstrap, 30, 20)
    assert left[0] == 0
    assert max(after - before for before, after in itertools.pairwise(left)) > 20
    tp, hole = TP(topic, 0), left[0] + 2
    whole = Reader(kafka_bootstrap, {topic: 1}, chunk_records=3)
    within = Reader(kafka_bootstrap, {topic: 1}, stored={tp: hole})
    async with reading(whole, within):
        await whole.until_at(tp, 600)
        await within.until_at(tp, 600)
    assert (whole.stale, within.stale) == (0, 0)
    # The cleaner may have gone on since: what it took is gone for good, what is left comes in order.
    for reader, start in ((whole, 0), (within, hole)):
        offsets = [offset for offset, _ in reader.values[tp]]
        assert offsets == sorted(set(offsets))
        assert set(offsets) <= {offset for offset in left if offset >= start}
        assert all(int(value) == offset for offset, value in reader.values[tp])
        assert offsets[-20:] == list(range(580, 600))


@pytest.mark.kafka
async def test_a_log_that_begins_after_the_stored_offset_is_read_from_its_beginning(kafka_bootstrap: str) -> None:
    topic = fresh(kafka_bootstrap)
    send(kafka_bootstrap, topic, 100)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, 60)]).values():
        future.result(30)
    tp, reader = TP(topic, 0), Reader(kafka_bootstrap, {topic: 1}, stored={TP(topic, 0): 10})
    async with reading(reader):
        await reader.until_at(tp, 100)
    assert numbers(reader, tp) == list(range(60, 100))
    assert (reader.chunks[tp][0].start, reader.stale) == (10, 0)


@pytest.mark.kafka
@pytest.mark.parametrize("static", [False, True])
async def test_members_own_the_same_partitions_of_every_topic(kafka_bootstrap: str, static: bool) -> None:
    topics = {fresh(kafka_bootstrap, 5): 5 for _ in range(3)}
    group = f"g{next(NUMBERS)}"
    members = [Reader(kafka_bootstrap, topics, group=group, instance=f"m{n}" if static else "") for n in range(3)]
    async with reading(*members):
        shares: list[set[int]] = []

        def settled() -> bool:
            shares[:] = [{tp.partition for tp in member.owned} for member in members]
            return sorted(itertools.chain(*shares)) == list(range(5)) and all(shares)

        async with asyncio.timeout(PATIENCE_S):
            while not settled():
                waits = [asyncio.create_task(changed(member)) for member in members]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
        for member, share in zip(members, shares, strict=True):
            assert member.owned == {TP(topic, partition) for topic in topics for partition in share}


async def changed(reader: Reader) -> None:
    async with reader.changed:
        await reader.changed.wait()


@pytest.mark.kafka
async def test_a_broker_that_dies_and_comes_back_is_read_on_without_loss(fresh_kafka: RealKafka) -> None:
    topic = fresh(fresh_kafka.bootstrap)
    send(fresh_kafka.bootstrap, topic, 100)
    tp, reader = TP(topic, 0), Reader(fresh_kafka.bootstrap, {topic: 1}, session_timeout_s=20.0)
    async with reading(reader):
        await reader.until_at(tp, 100)
        await asyncio.to_thread(fresh_kafka.kill)
        await asyncio.to_thread(fresh_kafka.start)
        await asyncio.to_thread(send, fresh_kafka.bootstrap, topic, 100)
        await reader.until_at(tp, 200)
    assert [offset for offset, _ in reader.values[tp]] == list(range(200))
