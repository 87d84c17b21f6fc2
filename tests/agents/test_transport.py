"""The transport on the mock cluster: every record once and in order, whatever rewind lies between."""

from __future__ import annotations

import hashlib
import inspect
import textwrap

import pytest
from faust.types.tuples import TP

from agents import transport
from agents.testing.reader import Reader, committed, numbers, reading, send
from agents.transport import OVERRIDDEN, Chunk

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
