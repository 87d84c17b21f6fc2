"""The transport on a real Kafka: every record once and in order, whatever codec, gap or loss lies between."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from faust.types.tuples import TP

from agents import transport
from agents.testing.reader import PATIENCE_S, Reader, committed, numbers, reading, send
from agents.testing.servers import RealKafka

pytestmark = pytest.mark.kafka
NUMBERS = itertools.count()


def fresh(broker: str, partitions: int = 1, **config: str) -> str:
    """A new topic of a real Kafka."""
    name = f"transport{next(NUMBERS)}"
    admin = AdminClient({"bootstrap.servers": broker})
    for future in admin.create_topics([NewTopic(name, partitions, 1, config=config)]).values():
        future.result(30)
    return name


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


async def test_a_store_ahead_of_the_log_stops_the_reader_with_what_to_do(kafka_bootstrap: str) -> None:
    topic = fresh(kafka_bootstrap)
    send(kafka_bootstrap, topic, 50)
    reader = Reader(kafka_bootstrap, {topic: 1}, stored={TP(topic, 0): 1_000})
    async with reading(reader), asyncio.timeout(PATIENCE_S):
        await reader.app.wait_until_stopped()
    assert isinstance(reader.app.crash_reason, transport.Stop)
    assert str(reader.app.crash_reason).startswith(
        f"the store has applied {topic} partition 0 up to offset 1000, Kafka goes on at 0: it is another Kafka"
    )
    assert not reader.values


@pytest.mark.parametrize("static", [False, True])
async def test_members_own_the_same_partitions_of_every_topic(kafka_bootstrap: str, static: bool) -> None:
    topics = {fresh(kafka_bootstrap, 5): 5 for _ in range(3)}
    group = f"members{next(NUMBERS)}"
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


async def test_marks_of_transactions_at_the_end_are_behind_whoever_folded_what_is_before_them(
    kafka_bootstrap: str,
) -> None:
    topic = fresh(kafka_bootstrap)
    tp = TP(topic, 0)
    transact(kafka_bootstrap, topic, topic, range(3), abort=False)
    transact(kafka_bootstrap, topic, topic, range(3, 5), abort=True)
    reader = Reader(kafka_bootstrap, {topic: 1})
    async with reading(reader):
        await reader.until_at(tp, 3)
        while reader.app.consumer.reached(tp, 3) < 7:
            await asyncio.sleep(0.05)
        assert reader.app.consumer.reached(tp, 3) == 7
        assert reader.app.consumer.reached(tp, 2) == 2, "a record that is not folded is no gap"
        assert reader.app.consumer.reached(TP(topic, 5), 4) == 4
