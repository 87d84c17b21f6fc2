"""Tiers in a worker: a video that nearly everybody skips is stopped, which is said, shown and obeyed."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from agents.testing.live import Live
from tests.agents.worker.test_feeds_live import answer, event, ids, known_videos, shown, video

pytestmark = pytest.mark.timeout(180)


def decided(live: Live, video_id: str) -> dict[str, dict[str, Any]]:
    """What was decided of a video, forecasts left out."""
    values = [orjson.loads(record.value()) for record in live.records("tiers") if record.key() == video_id.encode()]
    return {value["decision_id"]: value for value in values if value["decision"] != "forecast"}


def test_what_nearly_everybody_skips_is_stopped_and_not_shown_for_you_any_more(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {f"tier{at}" for at in range(5)}
    for name in sorted(names):
        live.send("videos", name, video(name, f"by-{name}", "tiers"))
    live.until("candidates", lambda: names <= known_videos(live))
    for at in range(60):
        user = f"tier-viewer{at}"
        live.send("events.impression", user, event(user, "tier0", "i", impression_id=f"{user}.i"))
        live.send("events.skip", user, event(user, "tier0", "s", impression_id=f"{user}.i", watch_ms=500))
    live.until("the stop", lambda: decided(live, "tier0"))
    (said,) = decided(live, "tier0").values()
    assert (said["decision"], said["from"], said["to"]) == ("stop", 0, 0)
    assert said["evidence"]["skip"]["own"] > said["evidence"]["skip"]["peers"]
    live.until("a checkpoint", lambda: shown(live, "video", "tier0", capsys)[1].get("standing") == "stopped")
    _, found = shown(live, "video", "tier0", capsys)
    assert found["tier"] == 0
    assert found["spent"] == found["counts"]["impressions"] >= 40

    def offered() -> list[str]:
        return ids(answer(live, f"tier-new{time.monotonic_ns()}", "a", limit=200))

    live.until("a feed without it", lambda: "tier0" not in (held := offered()) and "tier1" in held)
    assert "tier0" in known_videos(live, "tier-looker"), "a preview shows it"
    for name in sorted(names):  # others count on knowing every candidate
        live.send("videos", name, None)
    live.until("no candidates", lambda: not names & known_videos(live, "tier-looker"))
