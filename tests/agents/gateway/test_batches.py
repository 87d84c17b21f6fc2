"""What a gateway leaves out of batches by itself: what the viewer hid, what a rule bars, and what is gone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agents.gateway.batches import Batches
from agents.gateway.hides import Hides
from agents.gateway.tokens import Tokens
from schemas.events import Feedback
from schemas.feeds import FeedItem


def test_each_reason_leaves_out_its_own_video_and_nothing_of_others():
    hides = Hides()
    hides.note(
        Feedback(v=1, event_id="e", user_id="ann", session_id="s", ts_ms=1, video_id="hid", kind="not_interested"),
        None,
    )
    hub: Any = SimpleNamespace(
        hides=hides,
        record=lambda _: None,
        barred=lambda country: {2} if country == "SE" else set(),
        gone=lambda name: name == "gone",
        replica=SimpleNamespace(catalogue=SimpleNamespace(row_of={"shown": 0, "hid": 1, "barred": 2, "gone": 3})),
    )
    batches = Batches(hub, Tokens(b"a secret of sixteen bytes"))
    items = [
        FeedItem(video_id=name, position=at, score=0.0, source="similar", reasons=[])
        for at, name in enumerate(("shown", "hid", "barred", "gone"))
    ]

    def visible(user: str, country: str | None) -> list[str]:
        return [item.video_id for item in batches.visible(user, items, country)]

    assert visible("ann", "SE") == ["shown"]
    assert visible("ann", None) == ["shown", "barred"]
    assert visible("bob", "SE") == ["shown", "hid"]
