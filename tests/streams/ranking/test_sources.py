"""The other shapes of a request: by whom one follows, what is on the rise, what is like one video, these candidates."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.codec import encode
from schemas.lines import Line
from streams.replay import Replay
from tests.streams.states_of_viewers import made_event
from tests.streams.test_replay import line, replayed, request
from tests.streams.viewer.test_hidden import library

HOUR_MS = 3_600_000


def asked(lines: list[Line], user: str = "u0", **more: Any) -> list[Any]:
    batches, _ = replayed([*lines, request(user, 1, **({"limit": 200} | more))])
    return list(msgspec.json.decode(batches[-1])["items"])


def names(items: list[Any]) -> set[int]:
    return {int(item["video_id"][1:]) for item in items}


def follow(video_id: str, ts_ms: int = 1_000, **more: Any) -> Line:
    return line(*made_event("follow", "u0", video_id, ts_ms, **more))


@pytest.mark.parametrize("purpose", ["feed", "preview"])
def test_following_is_by_whom_one_follows_now(purpose):
    lines = [*library(), follow("v1"), follow("v2", creator_id="c2")]
    items = asked(lines, source="following", purpose=purpose)
    assert names(items) == {at for at in range(30) if at % 3 in {1, 2}} - {1, 2}
    assert {item["source"] for item in items} == {"following"}
    left = [*lines, follow("v1", 2_000, op="remove")]
    assert names(asked(left, source="following", purpose=purpose)) == {at for at in range(30) if at % 3 == 2} - {2}
    assert asked(lines, "u1", source="following", purpose=purpose) == []


def test_a_follow_of_a_video_not_known_yet_holds_once_it_is():
    assert names(asked([follow("v1"), *library()], source="following")) == {at for at in range(30) if at % 3 == 1} - {1}


def test_whom_one_follows_is_a_reason_to_be_shown():
    def place(event: Line) -> tuple[float, list[Any]]:
        items = asked([*library(), event], purpose="preview")
        theirs = [item for item in items if int(item["video_id"][1:]) % 3 == 1]
        return sum(item["position"] for item in theirs) / len(theirs), theirs

    saved, _ = place(line(*made_event("save", "u0", "v1", 1_000)))
    following, theirs = place(follow("v1"))
    assert following < saved - 2
    assert any("creator:c1" in item["reasons"] for item in theirs)


def likes(video_id: str, count: int, ts_ms: int, name: str) -> list[Line]:
    return [line(*made_event("like", f"{name}{at}", video_id, ts_ms + at)) for at in range(count)]


def test_trending_is_what_is_liked_faster_now_than_over_the_day():
    days = [one for hour in range(72) for one in likes("v3", 3, hour * HOUR_MS, f"h{hour}.")]
    now = likes("v5", 12, 72 * HOUR_MS, "new") + likes("v3", 2, 72 * HOUR_MS, "old")
    single = likes("v7", 1, 70 * HOUR_MS, "one")
    lines = [*library(), *days, *single, *now, request("u0", 1, 72 * HOUR_MS + 60_000, source="trending")]
    engine = Replay(100 * HOUR_MS)
    batches = [encode(batch) for batch in engine.run(lines)]
    items = msgspec.json.decode(batches[-1])["items"]
    assert names(items) == {5}, "v3 is liked as always, one like does not make a trend"
    assert items[0]["source"] == "trending"


def test_alike_is_what_the_same_viewers_liked_and_what_says_the_same(monkeypatch):
    monkeypatch.setattr("streams.limits.NEAREST", 4)
    together = [
        one
        for at in range(6)
        for one in (
            line(*made_event("like", f"w{at}", "v1", 1_000 + at)),
            line(*made_event("like", f"w{at}", "v20", 2_000 + at)),
        )
    ]
    items = asked([*library(), *together], seed_video_id="v1")
    assert 20 in names(items)
    assert 1 not in names(items)
    assert len(items) <= 8
    same = {at for at in range(30) if at % 4 == 1 and at % 2 == 1} - {1}
    assert len(names(items) & same) >= 3, "what carries the same tags"
    assert {item["source"] for item in items} == {"similar"}
    assert asked(library(), seed_video_id="nobody") == []


def test_candidates_are_ranked_and_no_others_come():
    wanted = [f"v{at}" for at in (3, 8, 11)]
    assert names(asked(library(), candidates=[*wanted, "nobody"], exclude=["v8"])) == {3, 11}
