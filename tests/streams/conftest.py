"""Fixtures of the pure core: a tiny catalogue and events made short."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas.catalogue import Video
from schemas.events import EVENTS, Event
from streams.shards.video_shard import VideoShard
from streams.video.catalogue import Catalogue

Make = Callable[..., tuple[str, Event]]


@pytest.fixture
def event() -> Make:
    """``event("like", user, video, ts_ms, **fields)`` gives (topic, struct); ids are made up where absent."""
    count = 0

    def make(verb: str, user: str, video: str, ts_ms: int, **fields: Any) -> tuple[str, Event]:
        nonlocal count
        count += 1
        base = {"v": 1, "event_id": f"e{count}", "user_id": user, "session_id": "s", "video_id": video, "ts_ms": ts_ms}
        topic = f"events.{verb}"
        return topic, EVENTS[topic](**(base | fields))

    return make


@pytest.fixture
def catalogue() -> Catalogue:
    """Twenty videos a0..a9 (tag cats, by ann) and b0..b9 (tag dogs, by bob), 20 s each."""
    shard = VideoShard(0, 10**12, 1_000)
    videos = [
        Video(
            v=1,
            video_id=f"{kind}{number}",
            creator_id={"a": "ann", "b": "bob"}[kind],
            created_ms=1_000,
            duration_ms=20_000,
            tags=[{"a": "cats", "b": "dogs"}[kind]],
        )
        for kind in "ab"
        for number in range(10)
    ]
    shard.apply_videos([(video.video_id, video) for video in videos])
    made = Catalogue()
    made.take_states(shard.states())
    return made
