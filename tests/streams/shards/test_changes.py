"""Changes: on their way to the video shards, frames cut or repeated differently change nothing."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.formats import NewerFormat
from schemas.internal import EngagementFrame
from schemas.partitioner import partition
from streams.shards.changes import FORMAT, PAIR, ROW, Batch, Changes, decode_frame, frames
from streams.shards.columns import columns
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import VideoShard
from tests.streams.states_of_viewers import USERS, known

SEEDS = st.integers(0, 2**32 - 1)


def drained(seed: int, cuts: int) -> tuple[list[list[Batch]], UserShard]:
    """Changes of a log, drained ``cuts`` times on the way."""
    shard = UserShard(0, known(), learn=False)
    events, made = USERS.events(random.Random(seed)), []
    for low in range(0, len(events), max(1, len(events) // cuts)):
        part = events[low : low + max(1, len(events) // cuts)]
        for topic in dict.fromkeys(name for name, _ in part):
            mine = [event for name, event in part if name == topic]
            start = shard.offsets.get(topic, 0)
            shard.apply(columns(topic, mine, range(start, start + len(mine))), start + len(mine))
        made.append(shard.changes.drain(0))
    return made, shard


def counts(shards: list[VideoShard]) -> dict[str, list[int]]:
    held = {name: one.table.counts[row].tolist() for one in shards for name, row in one.row_of.items()}
    return {name: row for name, row in sorted(held.items()) if any(row)}


def cut(rng: random.Random, batch: Batch) -> list[Batch]:
    """The same changes in several frames, each event whole."""
    offsets = sorted({*batch.rows["offset"].tolist(), *batch.pairs["offset"].tolist()})
    edges = sorted(rng.sample(offsets, min(3, len(offsets)))) if offsets else []
    parts = []
    for low, high in zip([-1, *edges], [*edges, 2**62], strict=True):
        rows = batch.rows[(batch.rows["offset"] > low) & (batch.rows["offset"] <= high)]
        pairs = batch.pairs[(batch.pairs["offset"] > low) & (batch.pairs["offset"] <= high)]
        parts.append(batch._replace(rows=rows, pairs=pairs))
    return parts


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_frame_sent_twice_or_cut_differently_changes_nothing(seed):
    rng, (made, _) = random.Random(seed), drained(seed, 3)
    plain, fought = ([VideoShard(at, 10**13, 100) for at in range(3)] for _ in range(2))
    for batches in made:
        for target, frame in frames(batches, 3):
            plain[target].apply(decode_frame(frame))
        again = [part for batch in batches for part in cut(rng, batch)]
        sent = frames(again, 3)
        for at, (target, frame) in enumerate(sent):
            fought[target].apply(decode_frame(frame))
            if rng.random() < 0.5:  # anything sent before may come again
                back, old = sent[rng.randint(0, at)]
                fought[back].apply(decode_frame(old))
    assert counts(plain) == counts(fought)
    for one, other in zip(plain, fought, strict=True):
        for name, row in one.row_of.items():
            twin = other.row_of[name]
            np.testing.assert_allclose(one.table.sums[row], other.table.sums[twin], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(one.table.near_mass[row], other.table.near_mass[twin], rtol=1e-5, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_when_the_changes_were_drained_does_not_show_in_counts(seed):
    totals = []
    for cuts in (1, 7):
        shards = [VideoShard(at, 10**13, 100) for at in range(2)]
        for batches in drained(seed, cuts)[0]:
            for target, frame in frames(batches, 2):
                shards[target].apply(decode_frame(frame))
        totals.append(counts(shards))
    assert totals[0] == totals[1]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_every_change_goes_to_the_partition_of_its_video_once_and_in_order(seed):
    for batches in drained(seed, 2)[0]:
        sent = [(target, decode_frame(frame)) for target, frame in frames(batches, 3)]
        for target, batch in sent:
            for column in (batch.rows, batch.pairs):
                homes = {partition(batch.video_ids[at].encode(), 3) for at in column["video"].tolist()}
                assert homes <= {target}
                assert (np.diff(column["offset"]) >= 0).all()
        assert sum(len(batch.rows) for _, batch in sent) == sum(len(batch.rows) for batch in batches)
        assert sum(len(batch.pairs) for _, batch in sent) == sum(len(batch.pairs) for batch in batches)


def test_a_frame_carries_only_the_ids_it_names():
    rows, pairs = np.zeros(1, ROW), np.zeros(1, PAIR)
    rows["video"], pairs["video"], pairs["other"] = 3, 3, 1
    batch = Batch("events.like", 0, [f"v{at}" for at in range(6)], rows, pairs)
    ((_, frame),) = frames([batch], 1)
    back = decode_frame(frame)
    assert back.video_ids == ["v1", "v3"]
    assert (back.rows["video"].tolist(), back.pairs["other"].tolist()) == ([1], [0])


def test_drained_changes_are_empty():
    changes = Changes()
    assert not changes
    rows = np.zeros(1, ROW)
    rows["video"] = changes.index(["v"])[0]
    changes.add("events.like", rows)
    assert changes
    assert [batch.video_ids for batch in changes.drain(3)] == [["v"]]
    assert not changes
    assert changes.drain(3) == []


@pytest.mark.parametrize(("video", "other"), [(5, -1), (-1, -1), (0, 5), (0, -2)])
def test_a_frame_that_names_a_video_it_does_not_carry_is_refused(video, other):
    pairs = np.zeros(1, PAIR)
    pairs["video"], pairs["other"] = video, other
    value = msgspec.msgpack.encode(
        EngagementFrame(topic="events.like", partition=0, video_ids=["v"], rows=b"", pairs=pairs.tobytes())
    )
    with pytest.raises(ValueError, match="a video it does not carry"):
        decode_frame(value)


def test_a_frame_of_a_newer_version_is_told_from_a_bad_one():
    frame = EngagementFrame(
        topic="events.like", partition=0, video_ids=["v"], rows=b"another layout", format=FORMAT + 1
    )
    with pytest.raises(NewerFormat, match="a frame of changes has format 2, this version reads 1 and before"):
        decode_frame(msgspec.msgpack.encode(frame))
    today = msgspec.msgpack.encode({"topic": "t", "partition": 0, "video_ids": ["v"], "rows": b""})
    assert decode_frame(today).video_ids == ["v"]  # as versions without a format sent it


@pytest.mark.parametrize("value", [b"", b"\xc1", msgspec.msgpack.encode({"topic": 1}), b"{}"])
def test_bytes_that_are_no_frame_are_refused(value):
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        decode_frame(value)
