"""Wire lines: what is written is read back, and a bad line is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import User, Video
from schemas.events import Like
from schemas.lines import BadLine, line_of, parse_line, read_lines, write_line

LIKE = Like(v=1, event_id="e", user_id="ann", session_id="s", video_id="x", ts_ms=5)


def test_a_written_line_is_read_back() -> None:
    line = parse_line(line_of("events.like", LIKE))
    assert (line.topic, line.key_bytes, line.ts_ms) == ("events.like", b"ann", 5)
    assert line.value_bytes == b'{"v":1,"event_id":"e","user_id":"ann","session_id":"s","video_id":"x","ts_ms":5}'


def test_time_of_an_announcement_is_its_creation() -> None:
    video = Video(v=1, video_id="x", creator_id="c", created_ms=9, duration_ms=0)
    assert parse_line(line_of("videos", video)).ts_ms == 9
    assert parse_line(line_of("users", User(v=1, user_id="ann"))).ts_ms == 0


def test_null_is_a_tombstone() -> None:
    assert parse_line(write_line("videos", "x", None, 0)).value_bytes is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b'{"topic":"events.like","value":{"user_id":"ann","video_id":"x"}}', b"ann"),
        (b'{"topic":"videos","value":{"creator_id":"c","video_id":"x"}}', b"x"),
        (b'{"topic":"promotions","value":{"campaign_id":"c"}}', b"c"),
        (b'{"topic":"control","value":{"key":"k"}}', b"k"),
        (b'{"topic":"events.like","key":"","value":{"user_id":"ann"}}', b""),
        (b'{"topic":"events.like","value":{"user_id":7}}', None),
        (b'{"topic":"videos","value":null}', None),
        (b'{"topic":"nothing","value":{"user_id":"ann"}}', None),
    ],
)
def test_a_missing_key_is_what_the_value_names(text: bytes, key: bytes | None) -> None:
    assert parse_line(text).key_bytes == key


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"x",
        b"[]",
        b'{"value":{}}',
        b'{"topic":"users"}',
        b'{"topic":"users","value":NaN}',
        b'{"topic":"\xff","value":1}',
        b'{"topic":"users","value":null,"raw":"no base64"}',
    ],
)
def test_a_bad_line_is_named_by_its_number(text: bytes) -> None:
    with pytest.raises(BadLine, match="line 3 is no wire line"):
        parse_line(text, 3)


def test_bytes_that_are_no_json_are_carried_and_never_taken_for_a_tombstone() -> None:
    line = parse_line(b'{"topic":"users","key":null,"raw_key":"/w==","value":null,"raw":"bm8ganNvbg=="}')
    assert (line.key_bytes, line.value_bytes) == (b"\xff", b"no json")


def test_empty_lines_are_passed_over_and_counted() -> None:
    lines = read_lines([b"\n", b'{"topic":"users","value":null}\n', b"\n", b"oops\n"])
    assert next(lines).topic == "users"
    with pytest.raises(BadLine, match="line 4"):
        next(lines)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_line_or_a_bad_line(text: bytes) -> None:
    try:
        line = parse_line(text)
    except BadLine:
        return
    assert isinstance(line.topic, str)
