"""What a row of a log means on the wire is the same for every format, and the same every time."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from agents.importers.rows import Log, Row, identifier, whole, wire
from schemas.catalogue import User, Video
from schemas.codec import decode
from schemas.lines import parse_line


def lines(*rows: Row, previews: bool = False, **known: Any) -> list[dict[str, Any]]:
    """Wire lines of rows, parsed; each of them must decode."""
    found = []
    for text in wire(Log(list(rows), [], **known), "test", previews):
        line = parse_line(text)
        decode(line.topic, line.key_bytes, line.value_bytes, line.ts_ms)
        found.append(orjson.loads(text))
    return found


def topics(*rows: Row, **more: Any) -> list[str]:
    return [line["topic"].removeprefix("events.") for line in lines(*rows, **more)]


def row(**more: Any) -> Row:
    given: dict[str, Any] = {"ts_ms": 5, "user_id": "u", "video_id": "x", "play_ms": 5_000, "duration_ms": 9_000}
    return Row(**given | more)


def test_every_row_is_an_announcement_an_impression_and_a_watch() -> None:
    assert topics(row()) == ["videos", "impression", "watch"]
    watch = lines(row())[2]
    assert (watch["key"], watch["ts_ms"]) == ("u", 5)
    assert (watch["value"]["watch_ms"], watch["value"]["duration_ms"]) == (5_000, 9_000)


def test_every_flag_is_an_event_of_its_own() -> None:
    told = row(like=True, follow=True, comment=True, share=True, hate=True)
    assert topics(told)[3:] == ["like", "follow", "comment", "share", "feedback"]
    assert lines(told)[-1]["value"]["kind"] == "not_interested"


@pytest.mark.parametrize(
    ("more", "skipped"),
    [
        ({"play_ms": 2_999}, True),
        ({"play_ms": 3_000}, False),
        ({"play_ms": 1_999, "duration_ms": 2_000}, True),
        ({"play_ms": 2_000, "duration_ms": 2_000}, False),
        ({"play_ms": 2_999, "duration_ms": 0}, True),
        ({"play_ms": 3_000, "duration_ms": 0}, False),
        ({"play_ms": 0, "duration_ms": 0}, True),
        ({"play_ms": 100, "like": True}, False),
        ({"play_ms": 100, "share": True}, False),
        ({"play_ms": 100, "hate": True}, True),
        ({"play_ms": None}, False),
    ],
)
def test_a_skip_is_a_short_play_and_nothing_positive(more: dict[str, Any], skipped: bool) -> None:
    assert ("skip" in topics(row(**more))) is skipped


@pytest.mark.parametrize(
    ("more", "watch_ms"),
    [({}, 0), ({"long_view": True}, 9_000), ({"long_view": True, "duration_ms": 0}, 18_000)],
)
def test_a_play_of_unknown_length_is_as_long_as_its_label_asks(more: dict[str, Any], watch_ms: int) -> None:
    assert lines(row(play_ms=None, **more))[2]["value"]["watch_ms"] == watch_ms


def test_a_video_and_a_viewer_are_announced_once_before_their_first_event() -> None:
    told = topics(row(), row(ts_ms=6), row(ts_ms=7, video_id="y"), users={"u": User(v=1, user_id="u")})
    assert told == ["users", "videos", "impression", "watch", "impression", "watch", "videos", "impression", "watch"]


def test_what_is_known_of_a_video_is_announced_as_of_its_first_row() -> None:
    known = Video(v=1, video_id="x", creator_id="c", created_ms=0, duration_ms=7, tags=["cats"])
    announced = lines(row(), videos={"x": known})[0]["value"]
    assert (announced["creator_id"], announced["tags"], announced["created_ms"]) == ("c", ["cats"], 5)


def test_unknown_videos_have_creators_of_their_own() -> None:
    told = [line["value"] for line in lines(row(), row(video_id="y")) if line["topic"] == "videos"]
    assert told[0]["creator_id"] != told[1]["creator_id"]


def test_a_preview_comes_before_all_that_its_like_tells() -> None:
    told = lines(row(), row(ts_ms=6, video_id="y", like=True), previews=True)
    assert [line["topic"] for line in told][3:] == [
        "feed.requests",
        "videos",
        "events.impression",
        "events.watch",
        "events.like",
    ]
    request = told[3]["value"]
    assert (request["purpose"], request["limit"], request["ts_ms"], request["user_id"]) == ("preview", 200, 6, "u")


def test_only_likes_are_previewed() -> None:
    assert "feed.requests" not in topics(row(share=True, hate=True, long_view=True), previews=True)


def test_ids_are_made_from_the_row_and_differ_between_rows() -> None:
    rows = (row(), row(ts_ms=6), row(user_id="v"), row(video_id="y", like=True))
    first, second = lines(*rows), lines(*rows)
    assert first == second
    ids = [line["value"]["event_id"] for line in first if "event_id" in line["value"]]
    assert len(set(ids)) == len(ids)
    impressions = {line["value"]["impression_id"] for line in first if line["topic"] == "events.watch"}
    assert len(impressions) == len(rows)


def test_a_session_is_a_viewers_day() -> None:
    day = 86_400_000
    told = lines(row(), row(ts_ms=day - 1), row(ts_ms=day), row(user_id="v"))
    sessions = [line["value"]["session_id"] for line in told if line["topic"] == "events.watch"]
    assert sessions[0] == sessions[1]
    assert len(set(sessions)) == 3


@pytest.mark.parametrize("text", ["", " ", "x", "-1", "1.5", "nan", "inf", "9007199254740992", "1e400"])
def test_what_is_no_whole_number_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"^time_ms is "):
        whole(text, "time_ms")


@pytest.mark.parametrize("text", ["", None, "x" * 257, "\udcff"])
def test_what_is_no_id_is_named(text: str | None) -> None:
    with pytest.raises(ValueError, match=r"^user_id is "):
        identifier(text, "user_id")
