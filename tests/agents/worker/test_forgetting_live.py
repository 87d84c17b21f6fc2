"""Who asks to be forgotten gets a receipt, and then no byte of the store or of a compacted topic tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import redis

from agents.embedded import Embedded
from agents.testing.live import Live
from agents.world.world import World
from schemas.lines import line_of
from streams.arrays.hashing import hash64
from streams.shards.changes import decode_frame
from streams.shards.forgetting import KINDS

LATEST = ("video.state", "models", "control")
"""Compacted topics: the latest record of each key is what is kept."""


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Live]:
    """A broker, a store and a worker of its own: every byte of them is looked at."""
    with Embedded() as both, Live(both.broker, both.redis, tmp_path, snapshot_s="0.5") as one:
        one.start()
        yield one


def marks(user: str) -> dict[str, bytes]:
    whole = hash64(user).to_bytes(8, "little")
    return {"id": user.encode(), "hash": whole, "half": whole[:4]}


def stored(live: Live) -> list[bytes]:
    """Every key and value in Redis, whatever its type."""
    client, found = redis.Redis.from_url(live.redis), []
    for key in client.scan_iter():
        found.append(key)
        kind = client.type(key)
        if kind == b"string":
            found.append(client.get(key) or b"")
        elif kind == b"hash":
            found += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"set":
            found += list(client.smembers(key))
        elif kind != b"none":  # an outbox that was emptied since the scan is gone
            raise AssertionError(f"{key!r} is a {kind!r}, which nobody looks into")
    client.close()
    return found


def latest(live: Live, topic: str) -> list[bytes]:
    """What compaction leaves of a topic."""
    found = {message.key(): message.value() for message in live.records(topic)}
    return [part for pair in found.items() for part in pair if part]


def traces(live: Live, user: str) -> set[str]:
    places = {"redis": stored(live)} | {topic: latest(live, topic) for topic in LATEST}
    return {f"{mark} in {where}" for mark, wanted in marks(user).items()
            for where, parts in places.items() if any(wanted in part for part in parts)}  # fmt: skip


def sources(live: Live) -> set[str]:
    """Topics whose events changed videos."""
    return {decode_frame(message.value()).topic for message in live.records("engagement")}


def test_a_receipt_comes_and_no_stored_byte_tells_of_the_viewer(alone: Live) -> None:
    world = World(7, viewers=8, videos=60, start_ms=1_700_000_000_000)
    alone.send_lines(world.announcements())
    shown = [record.video_id for record in world.videos.records]
    now_ms = world.start_ms
    for viewer in range(8):
        events, now_ms = world.watch(viewer, shown[viewer : viewer + 40], now_ms)
        alone.send_lines(line_of(topic, event) for topic, event in events)
    alone.until_settled()
    user, other = world.tastes.user_ids[3], world.tastes.user_ids[4]
    alone.until("who liked what in every replica", lambda: "half in video.state" in traces(alone, user))
    alone.send("users", user, None)
    alone.until("a receipt", lambda: alone.records("receipts"))
    (message,) = alone.records("receipts")
    receipt = orjson.loads(message.value())
    assert (message.key().decode(), receipt["user_id"]) == (user, user)
    assert set(receipt["deleted"]) == set(KINDS)
    assert receipt["deleted"]["met"] == receipt["deleted"]["outcomes"] == 40
    alone.until("its traces to go", lambda: not traces(alone, user))
    assert {"id in redis", "half in redis", "half in video.state"} <= traces(alone, other), "nobody else is forgotten"
    alone.until("the frame that told the videos", lambda: "users" in sources(alone))
