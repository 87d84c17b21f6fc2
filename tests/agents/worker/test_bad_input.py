"""Bad input through a worker process: each kind lies in ``dead-letters`` byte for byte, and the stream goes on."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from agents.judge.counts import compare_counts
from agents.judge.tally import Tally
from agents.testing.live import Live, Place
from agents.testing.load import BadSample, bad_samples

pytestmark = pytest.mark.timeout(180)
HEADERS = ["cause", "path", "topic", "partition", "offset"]


def like(user: str, video: str, **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "event_id": f"{user}.{video}", "user_id": user, "session_id": "s", "video_id": video,
        "ts_ms": int(time.time() * 1_000), **more,
    }  # fmt: skip


def more_samples() -> list[BadSample]:
    """Kinds on topics that the chaos run leaves out."""
    good = {"v": 1, "video_id": "b1", "creator_id": "c", "created_ms": 0, "duration_ms": 1}
    return [
        BadSample("videos", b"b2", orjson.dumps(good), "key"),
        BadSample("videos", b"b1", orjson.dumps(good | {"duration_ms": -1}), "type"),
        BadSample("users", b"", None, "empty"),
        BadSample("users", b"\xff", None, "key"),
        BadSample("users", b"ann", b"null", "type"),
        BadSample("events.action", b"ann", orjson.dumps(like("ann", "b1", kind="wink")), "type"),
        BadSample("feed.requests", b"ann", b'{"v":3,"user_id":"ann","request_id":"r","ts_ms":1}', "version"),
    ]


def letters(live: Live) -> dict[Place, Any]:
    """Dead letters by where they were found; repeats dropped."""
    found = {}
    for message in live.records("dead-letters"):
        headers = dict(message.headers())
        place = Place(headers["topic"].decode(), int(headers["partition"]), int(headers["offset"]))
        found[place] = message
    return found


def test_each_kind_of_bad_record_lands_whole_between_good_ones_that_all_count(live: Live) -> None:
    tally, wanted, good = Tally(), {}, []
    for at, sample in enumerate((*bad_samples(int(time.time() * 1_000)), *more_samples())):
        event = like(f"bad{at}", "b1")
        tally.add("events.like", event)
        good.append(live.send("events.like", f"bad{at}", event))
        wanted[live.send(sample.topic, sample.key, sample.value)] = sample
    live.until_applied(*good)
    live.until("every dead letter", lambda: wanted.keys() <= letters(live).keys())
    for place, message in letters(live).items():
        sample = wanted[place]
        assert [name for name, _ in message.headers()] == HEADERS
        assert dict(message.headers())["cause"].decode() == sample.cause, sample.value
        assert (message.key() or None, message.value()) == (sample.key or None, sample.value or message.value())
        assert message.key() == sample.key or not sample.key
    live.until("the judge's tally", lambda: not compare_counts(live.store, tally))


def test_paths_name_the_field_that_is_wrong(live: Live) -> None:
    place = live.send("events.watch", "ann", like("ann", "b1", watch_ms="long", duration_ms=1))
    live.until("its dead letter", lambda: place in letters(live))
    assert dict(letters(live)[place].headers())["path"] == b"$.watch_ms"
