"""The quality figures: hand-made rankings give the figures that paper and pencil give."""

from __future__ import annotations

import math

import pytest

from agents.evaluate.judge import (
    MISS,
    Judged,
    concentration,
    figures,
    liked_videos,
    reciprocal,
    slices,
    targets_of,
)
from agents.evaluate.rivals import counter
from schemas.events import Like
from schemas.feeds import FeedRequest
from schemas.lines import line_of, parse_line


def judged(user: str, rank: int, *top: str) -> Judged:
    return Judged(user, rank, top, 0)


def test_figures_are_those_of_the_definitions() -> None:
    found = figures([judged("a", 0, "x"), judged("b", 2, "y"), judged("c", 40, "x"), judged("d", MISS)], 4, part=0.0)
    assert found.previews == 4
    assert found.hr10 == 0.5
    assert found.hr50 == 0.75
    assert found.ndcg10 == pytest.approx((1.0 + 1.0 / math.log2(4)) / 4)
    assert found.coverage10 == 0.5
    assert found.low <= found.hr10 <= found.high


def test_a_counter_ranks_what_was_liked_most_and_never_what_was_met() -> None:
    def like(user: str, video: str, ts_ms: int) -> bytes:
        event = Like(v=1, event_id=f"{user}{video}", user_id=user, session_id="s", video_id=video, ts_ms=ts_ms)
        return line_of("events.like", event)

    asked = FeedRequest(v=1, request_id="r", user_id="cay", ts_ms=9, purpose="preview")
    texts = [like("ann", "x", 1), like("bob", "x", 2), like("bob", "y", 3), line_of("feed.requests", asked)]
    lines = [parse_line(text) for text in [*texts, like("cay", "y", 9)]]
    (one,) = counter(lines, None)
    assert one.top == ("x", "y")
    assert one.rank == 1


def test_concentration_and_reciprocal_rank_are_those_of_the_definitions() -> None:
    assert concentration([judged("a", 0, "x", "y"), judged("b", 0, "x", "y")]) == 0.0
    assert concentration([judged("a", 0, "x", "y"), judged("b", 0, "x", "z")]) == pytest.approx(1 / 6)
    assert concentration([]) == 0.0
    assert reciprocal([judged("a", 0), judged("b", 3), judged("c", MISS)]) == pytest.approx((1 + 0.25) / 3)


def test_slices_hold_every_preview_once_a_side() -> None:
    several = [Judged("a", 0, (), 0, given, got) for given, got in ((0, 50), (2, 0), (5, 3), (11, 2))]
    found = slices(several)
    assert [len(part) for name, part in found.items() if name.startswith("likes given")] == [1, 1, 1, 1]
    assert sorted(found) == sorted(
        [f"likes given: {text}" for text in ("0", "1 to 2", "3 to 9", "10+")]
        + [f"likes got: {text}" for text in ("0", "1 to 2", "3 to 9", "10+")]
    )


def test_slices_tell_segments_and_activity_apart() -> None:
    several = [Judged("a", at, (), 0, groups=(("activity", "casual"), ("segment", name)))
               for at, name in enumerate("xyx")]  # fmt: skip
    found = {name: [one.rank for one in part] for name, part in slices(several).items() if "likes" not in name}
    assert found == {"activity: casual": [0, 1, 2], "segment: x": [0, 2], "segment: y": [1]}


def test_an_undo_is_no_like_and_no_target() -> None:
    def line(op: str, video: str, ts_ms: int) -> bytes:
        like = Like(v=1, event_id=f"{video}{ts_ms}", user_id="ann", session_id="s", video_id=video, ts_ms=ts_ms, op=op)
        return line_of("events.like", like)

    asked = FeedRequest(v=1, request_id="r", user_id="ann", ts_ms=3, purpose="preview")
    texts = [line("add", "x", 1), line_of("feed.requests", asked), line("remove", "x", 4), line("add", "y", 5)]
    lines = [parse_line(text) for text in texts]
    assert targets_of(lines) == ["y"]
    assert liked_videos(lines[:3]) == 1
    (one,) = counter([*lines[:2], lines[2], lines[3]], None)
    assert (one.given, one.got) == (1, 0)
