"""Trends of running workers: on the topic, in feeds, and the same after a kill."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.embedded import Embedded
from agents.judge.counts import stored_counts
from agents.testing.live import Live

pytestmark = pytest.mark.timeout(240)
MINUTE_MS = 60_000


def line(topic: str, key: str, value: dict[str, Any]) -> bytes:
    return orjson.dumps({"topic": topic, "key": key, "value": value, "ts_ms": value.get("ts_ms", 0)})


def likes(*given: tuple[str, str, int]) -> list[bytes]:
    """Lines of likes: (user, video, time)."""
    made = []
    for user, name, ts_ms in given:
        value = {"v": 1, "event_id": f"{user}.{name}", "user_id": user, "session_id": "s", "video_id": name}
        made.append(line("events.like", user, value | {"ts_ms": ts_ms}))
    return made


def test_a_burst_is_published_shown_known_after_a_kill_and_released(tmp_path: Path) -> None:
    begin_ms = int(time.time() * 1_000) - 90 * MINUTE_MS
    with Embedded() as both, Live(both.broker, both.redis, tmp_path) as live:
        worker = live.start()
        for at in range(30):
            value = {"v": 1, "video_id": f"v{at}", "creator_id": f"c{at}", "created_ms": begin_ms, "duration_ms": 9_000,
                     "tags": [f"t{at}"]}  # fmt: skip
            live.send("videos", f"v{at}", value)
        calm = [(f"u{at % 40}", f"v{at * 7 % 29 + 1}", begin_ms + at * 15_000) for at in range(200)]
        live.send_lines(likes(*calm))
        live.until_settled()  # folded with the burst, these viewers would have no history yet, and be doubted
        burst_ms = begin_ms + 55 * MINUTE_MS
        live.send_lines(likes(*((f"u{at}", "v0", burst_ms + at * 1_000) for at in range(40))))

        def told(state: str) -> list[Any]:
            records = [(one.key(), orjson.loads(one.value())) for one in live.records("trends")]
            assert all(key.decode() == value["id"] for key, value in records)
            return [value for _, value in records if value["state"] == state]

        live.until("the burst", lambda: stored_counts(live.store, ["v0"])["v0"]["likes"] == 40)
        # Looks follow the time of events: what came after the latest of these is seen when the next one comes.
        live.send_lines(likes(("u40", "v1", burst_ms + 50_000), ("u41", "v0", burst_ms + 51_000)))
        live.until("a rise", lambda: told("rising"))
        (rise,) = told("rising")
        assert (rise["kind"], rise["id"]) == ("video", "v0")

        def trending() -> list[str]:
            name = f"ask{time.monotonic_ns()}"
            asked = {
                "v": 1,
                "request_id": name,
                "user_id": "late",
                "ts_ms": burst_ms + MINUTE_MS,
                "source": "trending",
            }
            live.send("feed.requests", "late", asked | {"purpose": "preview"})
            return [item["video_id"] for item in live.batch("late", request_id=name)["items"]]

        live.until("what rises among what is trending", lambda: "v0" in trending())
        live.stop(worker, signal.SIGKILL)
        live.start()
        live.send_lines(likes(*((f"w{at}", f"v{at % 29 + 1}", burst_ms + 31 * MINUTE_MS) for at in range(40))))
        live.until("its end", lambda: told("cooling"))
        assert {one["trend_id"] for one in told("rising") if one["id"] == "v0"} == {rise["trend_id"]}
        assert [one["id"] for one in told("cooling")] == ["v0"]
