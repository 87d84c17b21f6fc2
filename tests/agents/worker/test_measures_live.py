"""What a worker measures while it works: a batch that follows from an action is timed from when that was sent."""

from __future__ import annotations

import re
import time
from typing import Any

from agents.testing.live import Live
from agents.worker.intake import Part, sent_ms
from streams.shards.columns import columns
from tests.agents.test_health import asked


def value(live: Live, name: str) -> float:
    """A series without labels."""
    page = asked(int(live.settings["metrics_port"]), "/metrics")[1].decode()
    found = re.search(rf"^feedstream_{name} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def asked_for(live: Live, name: str, **more: Any) -> dict[str, Any]:
    """The batch that a request is answered with."""
    request = {"v": 1, "request_id": name, "user_id": "measured", "ts_ms": int(time.time() * 1_000), "limit": 100}
    live.send("feed.requests", "measured", request | more)
    return live.batch("measured", request_id=name)


def test_an_action_is_timed_until_the_batch_that_follows_from_it_is_delivered(live: Live) -> None:
    now_ms = int(time.time() * 1_000)
    for at in range(30):
        video: dict[str, Any] = {"v": 1, "video_id": f"m{at}", "creator_id": f"mc{at}", "created_ms": now_ms,
                                 "duration_ms": 1_000}  # fmt: skip
        live.send("videos", f"m{at}", video)
    live.until("videos", lambda: len(asked_for(live, f"m{time.monotonic_ns()}", purpose="preview")["items"]) >= 30)
    batch = asked_for(live, "m-1", limit=10)
    assert value(live, "rank_seconds_count") > 0
    before, seconds = value(live, "action_to_feed_seconds_count"), value(live, "action_to_feed_seconds_sum")
    event = {"v": 1, "event_id": "m", "user_id": "measured", "session_id": "s", "ts_ms": now_ms,
             "video_id": batch["items"][0]["video_id"]}  # fmt: skip
    began_s = time.monotonic()
    live.send("events.like", "measured", event)
    live.batch("measured", trigger="signal")
    took_s = time.monotonic() - began_s
    live.until("a measurement", lambda: value(live, "action_to_feed_seconds_count") > before)
    assert 0 < value(live, "action_to_feed_seconds_sum") - seconds < took_s + 1.0
    assert value(live, "checkpoint_seconds_count") > 0
    assert value(live, "loop_turn_seconds_count") > 0


class Record:
    """A record as the consumer hands it over."""

    def __init__(self, key: str, timestamp: int) -> None:
        self.key, self.timestamp = key.encode(), timestamp


def test_the_first_record_of_a_viewer_counts_and_of_others_none() -> None:
    empty = columns("events.like", [], [])
    parts = [Part(empty, 0, False, [Record("ann", 7), Record("bob", 1), Record("ann", 9)]),
             Part(empty, 0, False, [Record("ann", 5), Record("cat", 2)])]  # fmt: skip
    assert sent_ms(parts, ["ann", "cat", "dora"]) == {"ann": 5, "cat": 2}
