"""The consumer: slates by the rules of docs/wire.md, however often and in whatever order the two topics are read."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Producer as KafkaProducer
from hypothesis import given
from hypothesis import strategies as st

from agents.consumer import FeedConsumer, Slates
from agents.settings import Settings, environment
from agents.topics import Admin
from schemas.codec import encode
from schemas.feeds import FeedBatch, FeedDelta, FeedItem
from streams import limits


def batch(seq: int, *names: str, trigger: str = "request", user: str = "ann", name: str = "") -> FeedBatch:
    items = [
        FeedItem(video_id=one, position=at, score=1.0, source="popular", reasons=["popular"])
        for at, one in enumerate(names)
    ]
    return FeedBatch(
        v=1, batch_id=name or f"{seq}-x", user_id=user, seq=seq, ts_ms=seq, trigger=trigger, as_of={}, model="m",
        items=items,
    )  # fmt: skip


def delta(seq: int, *names: str, user: str = "ann", name: str = "") -> FeedDelta:
    return FeedDelta(
        v=1, delta_id=name or f"d{seq}-{'-'.join(names)}", user_id=user, seq=seq, ts_ms=seq, reason="hidden", as_of={},
        removed=list(names),
    )  # fmt: skip


def left(slates: Slates, user: str = "ann") -> list[str]:
    held = slates.slate(user)
    return [] if held is None else [item.video_id for item in held.items]


def test_a_batch_replaces_what_is_left_and_one_near_the_end_follows_it():
    slates = Slates()
    slates.take(batch(1, "a", "b", "c"))
    slates.shown("ann", "b")
    assert left(slates) == ["c"]
    slates.take(batch(2, "d", "e", trigger="near_end"))
    assert left(slates) == ["c", "d", "e"]
    slates.take(batch(3, "f", trigger="signal"))
    assert left(slates) == ["f"]


def test_repeats_and_what_is_older_say_nothing_new():
    slates = Slates()
    assert slates.take(batch(1, "a"))
    assert slates.take(batch(2, "b"))
    assert not slates.take(batch(2, "b"))
    assert not slates.take(batch(1, "a"))
    assert not slates.take(batch(1, "a", name="another of a crashed worker"))
    assert left(slates) == ["b"]


def test_a_preview_is_nobodys_slate():
    slates = Slates()
    assert not slates.take(batch(5, "a", trigger="preview"))
    assert slates.slate("ann") is None


def test_a_delta_takes_out_what_is_not_shown_also_of_what_was_left_and_once():
    slates = Slates()
    slates.take(batch(1, "a", "b"))
    slates.take(batch(2, "c", "d", trigger="near_end"))
    assert slates.take(delta(2, "b", "d"))
    assert not slates.take(delta(2, "b", "d"))
    assert left(slates) == ["a", "c"]


def test_a_delta_that_is_read_before_its_batch_counts_too_but_not_for_later_batches():
    slates = Slates()
    slates.take(delta(1, "b"))
    slates.take(batch(1, "a", "b"))
    assert left(slates) == ["a"]
    slates.take(batch(2, "b", "c"))
    assert left(slates) == ["b", "c"]


def test_a_viewer_who_was_forgotten_begins_anew():
    slates = Slates()
    slates.take(batch(7, "a"))
    slates.take(delta(7, "b"))
    assert slates.take(batch(1, "b", trigger="first", name="1-anew"))
    assert left(slates) == ["b"]


def test_of_more_viewers_than_there_is_room_for_the_one_served_longest_ago_is_dropped():
    slates = Slates(viewers=2)
    for user in ("ann", "bob", "ann", "cat"):
        slates.take(batch(len(slates) + 10, "a", user=user, name=f"{user}{len(slates)}"))
    assert (len(slates), slates.slate("bob")) == (2, None)


@given(st.lists(st.integers(0, 5), max_size=30), st.randoms())
def test_whatever_comes_again_and_in_whatever_order_of_topics_the_end_is_the_same(again, rng):
    feeds = [batch(1, "a", "b"), batch(2, "c", "d", trigger="near_end"), batch(3, "e", "f", "g", trigger="signal")]
    deltas = [delta(1, "b"), delta(3, "f"), delta(3, "g")]
    plain = Slates()
    for one in (feeds[0], deltas[0], feeds[1], feeds[2], deltas[1], deltas[2]):
        plain.take(one)
    slates, places = Slates(), [0, 0]
    while places != [3, 3]:
        which = rng.choice([at for at in (0, 1) if places[at] < 3])
        slates.take((feeds, deltas)[which][places[which]])
        places[which] += 1
        for one in itertools.islice(again, places[which]):
            if one < places[which]:
                slates.take((feeds, deltas)[which][one])
    assert left(slates) == left(plain) == ["e"]


@pytest.mark.parametrize("group", [None, "app"])
def test_records_of_both_topics_are_read_into_slates_and_bad_ones_are_skipped(mock_broker, group):
    producer = KafkaProducer({"bootstrap.servers": mock_broker, "partitioner": "murmur2_random"})
    producer.list_topics("feeds", timeout=10)
    producer.list_topics("feed.delta", timeout=10)
    with FeedConsumer(mock_broker, group=group, from_start=True) as consumer:
        producer.produce("feeds", encode(batch(1, "a", "b")), b"ann")
        producer.produce("feeds", b"no JSON", b"ann")
        producer.produce("feeds", encode(batch(1, "a", "b")), b"ann")
        producer.produce("feed.delta", encode(delta(1, "a")), b"ann")
        producer.flush(10)
        told, until_s = [], time.monotonic() + 30
        while not (len(told) >= 1 and left(consumer.slates) == ["b"] and consumer.bad) and time.monotonic() < until_s:
            told += list(consumer.poll(0.2))
        assert left(consumer.slates) == ["b"]
        assert consumer.bad == 1
        assert sum(isinstance(one, FeedBatch) for one in told) == 1


PAGE = (Path(__file__).parents[2] / "docs" / "consuming.md").read_text()
LOOP, COVERED = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_consumer_that_the_page_shows_prints_each_slate_as_it_changes(mock_broker):
    producer = KafkaProducer({"bootstrap.servers": mock_broker, "partitioner": "murmur2_random"})
    for seq, name in enumerate(("a", "b"), 1):
        producer.produce("feeds", encode(batch(seq, name, trigger="near_end")), b"ann")
        producer.produce("feeds", encode(batch(seq, name, trigger="near_end")), b"ann")
    producer.list_topics("feed.delta", timeout=10)
    producer.flush(10)
    env = environment(broker=f"kafka://{mock_broker}")
    reader = subprocess.Popen([sys.executable, "-W", "error", "-c", LOOP], env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert [reader.stdout.readline() for _ in "12"] == ["ann 1-x a\n", "ann 2-x a b\n"]
    finally:
        reader.kill()
        reader.communicate()


def test_what_the_page_says_of_a_like_and_a_batch_is_so():
    done = subprocess.run([sys.executable, "-c", COVERED], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"
    assert f"prints `{done.stdout.strip()}`" in PAGE


@pytest.mark.kafka
def test_a_member_goes_on_where_the_one_before_it_stood(kafka_bootstrap):
    Admin(kafka_bootstrap, Settings.from_env({})).apply()
    producer = KafkaProducer({"bootstrap.servers": kafka_bootstrap, "partitioner": "murmur2_random"})
    group, mine, seen = f"app-{uuid.uuid4().hex}", f"ann-{uuid.uuid4().hex}", []
    for turn in range(2):
        producer.produce("feeds", encode(batch(turn + 1, "v", user=mine, name=f"b{turn}")), mine.encode())
        producer.flush(10)
        with FeedConsumer(kafka_bootstrap, group=group) as consumer:
            found, until_s = [], time.monotonic() + 60
            while not found and time.monotonic() < until_s:
                found += [one.batch_id for one in consumer.poll(0.2) if one.user_id == mine]
        seen.append(found)
    assert seen == [["b0"], ["b1"]]


def test_of_what_is_never_shown_the_oldest_falls_out():
    slates = Slates()
    for seq in range(limits.SLATE_ITEMS // 10 + 2):
        slates.take(batch(seq, *(f"v{seq}.{at}" for at in range(10)), trigger="near_end"))
    held = left(slates)
    assert len(held) == limits.SLATE_ITEMS
    assert held[-1] == f"v{limits.SLATE_ITEMS // 10 + 1}.9"
