"""Laws of the codec: whatever the bytes, a struct or a ``BadRecord`` that says what and where."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import (
    AHEAD_MS,
    KEY_FIELD,
    MAX_VALUE_BYTES,
    RECORDS,
    Bad,
    BadRecord,
    decode,
    decode_many,
    encode,
)
from schemas.events import Ctx, Watch
from schemas.topics import TOPICS

NOW = 1_700_000_000_000
LIKE: dict[str, Any] = {"v": 1, "event_id": "e", "user_id": "ann", "session_id": "s", "video_id": "x", "ts_ms": NOW}
GOOD = [(name, value) for name, topic in TOPICS.items() for value in topic.good]
BAD = [(name, *example) for name, topic in TOPICS.items() for example in topic.bad]
CAUSES = {"topic", "empty", "size", "json", "type", "missing", "version", "key", "time"}

ids = st.text(min_size=1, max_size=256).filter(lambda text: text.isprintable())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def key_of(topic: str, value: dict[str, Any]) -> bytes:
    """The key that a producer would give ``value``; a stand-in where the value names none."""
    return str(value.get(KEY_FIELD[topic], "ann")).encode() or b"ann"


def why(topic: str, key: bytes | None, value: bytes | None, timestamp_ms: int = NOW) -> tuple[str, str]:
    """Cause and path of the ``BadRecord`` that decoding raises."""
    with pytest.raises(BadRecord) as caught:
        decode(topic, key, value, timestamp_ms)
    many = decode_many(topic, [key], [value], [timestamp_ms])
    assert many.bad == [Bad(0, caught.value.cause, caught.value.path)]
    return caught.value.cause, caught.value.path


@pytest.mark.parametrize(("topic", "value"), GOOD)
def test_every_good_example_decodes_and_comes_back_whole(topic: str, value: dict[str, Any]) -> None:
    record = decode(topic, key_of(topic, value), orjson.dumps(value), NOW)
    assert isinstance(record, RECORDS[topic])
    again = decode(topic, key_of(topic, value), encode(record), NOW)
    assert again == record


@pytest.mark.parametrize(("topic", "value", "cause", "path"), BAD)
def test_every_bad_example_says_cause_and_path(topic: str, value: dict[str, Any], cause: str, path: str) -> None:
    assert why(topic, key_of(topic, value), orjson.dumps(value)) == (cause, path)


def test_every_json_topic_has_good_and_bad_examples() -> None:
    assert {name for name, topic in TOPICS.items() if topic.encoding == "json"} == set(RECORDS)
    assert all(TOPICS[name].good and TOPICS[name].bad for name in RECORDS)


@pytest.mark.parametrize(
    ("raw", "cause", "path"),
    [
        (b"", "empty", "$"),
        (None, "empty", "$"),
        (b"like", "json", "$"),
        (b'{"v":1', "json", "$"),
        (b'{"v":NaN}', "json", "$"),
        (b'{"v":1e999}', "version", "$.v"),
        (b'{"v":' + b"1" * 6_000 + b"}", "version", "$.v"),
        (b"null", "type", "$"),
        (b"[]", "type", "$"),
        (b"[" * 60_000, "type", "$"),
        (b'{"x":' + b"[" * 60_000, "json", "$"),
        (b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "json", "$"),
        (b'{"x":"\xff"}', "json", "$"),
        (b'{"user_id":"\\ud800"}', "json", "$"),
        (b"\xef\xbb\xbf{}", "json", "$"),
        (b" " * (MAX_VALUE_BYTES + 1), "size", "$"),
        (b"x" * 1_048_576, "size", "$"),
        (b"{}", "missing", "$.v"),
        (b'{"v":2}', "version", "$.v"),
    ],
)
def test_hostile_bytes_are_data(raw: bytes | None, cause: str, path: str) -> None:
    assert why("events.like", b"ann", raw) == (cause, path)


@pytest.mark.parametrize(
    ("change", "cause", "path"),
    [
        ({"user_id": ""}, "type", "$.user_id"),
        ({"user_id": "bob"}, "key", "$.user_id"),
        ({"video_id": None}, "type", "$.video_id"),
        ({"video_id": "x" * 257}, "type", "$.video_id"),
        ({"ts_ms": -1}, "type", "$.ts_ms"),
        ({"ts_ms": 1.5}, "type", "$.ts_ms"),
        ({"ts_ms": "now"}, "type", "$.ts_ms"),
        ({"ts_ms": 2**53}, "type", "$.ts_ms"),
        ({"ts_ms": NOW + AHEAD_MS + 1}, "time", "$.ts_ms"),
        ({"ts_ms": NOW + 365 * AHEAD_MS}, "time", "$.ts_ms"),
        ({"ctx": {"tz_min": "+60"}}, "type", "$.ctx.tz_min"),
        ({"ctx": []}, "type", "$.ctx"),
        ({"position": -1}, "type", "$.position"),
        ({"op": "undo - at `$.v`"}, "type", "$.op"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], cause: str, path: str) -> None:
    assert why("events.like", b"ann", orjson.dumps(LIKE | change)) == (cause, path)


@pytest.mark.parametrize(
    ("topic", "change", "said"),
    [
        ("events.like", {"op": "undo"}, "Invalid enum value 'undo', use one of add, remove"),
        ("events.like", {"v": 2}, "must be 1: Invalid enum value 2"),
        ("events.like", {"ctx": {"tz_min": "+60"}}, "Expected `int | null`, got `str`"),
        ("feed.requests", {"source": "all"}, "Invalid enum value 'all', use one of following, for_you, trending"),
        ("events.like", {"ts_ms": NOW + 25 * 3_600_000}, "25.0 hours after the time of sending, more than 24"),
        ("events.like", {"user_id": "bob"}, "'bob' is not the record's key, 'ann'"),
    ],
)
def test_a_refusal_says_in_words_what_would_be_right(topic: str, change: dict[str, Any], said: str) -> None:
    with pytest.raises(BadRecord) as caught:
        decode(topic, b"ann", orjson.dumps(LIKE | {"request_id": "r"} | change), NOW)
    assert caught.value.why == said
    assert str(caught.value) == f"{caught.value.cause} at {caught.value.path}: {said}"


def test_a_day_ahead_is_still_good_and_any_past_is() -> None:
    for ts_ms in (0, NOW, NOW + AHEAD_MS):
        assert decode("events.like", b"ann", orjson.dumps(LIKE | {"ts_ms": ts_ms}), NOW) is not None


def test_invalid_utf8_in_a_field_nobody_reads_is_bad() -> None:
    raw = orjson.dumps(LIKE | {"later": "?"}).replace(b"?", b"\xff")
    assert why("events.like", b"ann", raw) == ("json", "$")


@pytest.mark.parametrize(("key", "path"), [(None, "key"), (b"", "key")])
def test_an_empty_key_is_bad(key: bytes | None, path: str) -> None:
    assert why("events.like", key, orjson.dumps(LIKE)) == ("empty", path)


@pytest.mark.parametrize("key", [b"\xff", b"ANN", b"ann "])
def test_a_key_that_disagrees_is_bad(key: bytes) -> None:
    assert why("events.like", key, orjson.dumps(LIKE))[0] == "key"


@pytest.mark.parametrize("topic", sorted(RECORDS))
def test_null_is_a_tombstone_on_compacted_topics_only(topic: str) -> None:
    if TOPICS[topic].cleanup == "compact":
        assert decode(topic, b"k", None, NOW) is None
        assert decode_many(topic, [b"k"], [None], [NOW]).events == [None]
        assert why(topic, b"k" * 257, None) == ("key", "key")
    else:
        assert why(topic, b"k", None) == ("empty", "$")


def test_an_unknown_topic_is_bad() -> None:
    assert why("events.wink", b"ann", orjson.dumps(LIKE)) == ("topic", "$")


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 500])
def test_a_bad_record_never_keeps_the_others_back(count: int) -> None:
    good = orjson.dumps(LIKE)
    raws = [b"{" if at % 50 == 7 else good for at in range(count)]
    decoded = decode_many("events.like", [b"ann"] * count, raws, [NOW] * count)
    assert decoded.index == [at for at in range(count) if at % 50 != 7]
    assert [bad.index for bad in decoded.bad] == [at for at in range(count) if at % 50 == 7]
    assert len(decoded.events) == len(decoded.index)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 128])
def test_a_batch_of_records_that_are_no_events_is_read_whatever_its_size(count: int) -> None:
    raws = [orjson.dumps({"v": 1, "user_id": f"u{at}"}) for at in range(count)]
    decoded = decode_many("users", [b"u%d" % at for at in range(count)], raws, [NOW] * count)
    assert (len(decoded.events), decoded.bad) == (count, [])


def test_a_batch_sent_over_days_is_judged_record_by_record() -> None:
    times = [NOW, NOW - 3 * AHEAD_MS]
    decoded = decode_many("events.like", [b"ann"] * 2, [orjson.dumps(LIKE)] * 2, times)
    assert (decoded.index, decoded.bad) == ([0], [Bad(1, "time", "$.ts_ms")])


def test_columns_of_different_lengths_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="1 keys, 0 values"):
        decode_many("events.like", [b"ann"], [], [])


@settings(max_examples=300, deadline=None)
@given(topic=st.sampled_from(sorted(RECORDS)), key=st.binary(max_size=8), raw=st.binary(max_size=64))
def test_any_bytes_are_a_struct_or_a_bad_record(topic: str, key: bytes, raw: bytes) -> None:
    decoded = decode_many(topic, [key], [raw], [NOW])
    assert len(decoded.events) + len(decoded.bad) == 1
    assert all(bad.cause in CAUSES for bad in decoded.bad)


@settings(max_examples=300, deadline=None)
@given(example=st.sampled_from(GOOD), name=st.text(max_size=6), value=values, data=st.data())
def test_any_one_field_changed_is_a_struct_or_a_bad_record(
    example: tuple[str, dict[str, Any]], name: str, value: Any, data: st.DataObject
) -> None:
    topic, record = example
    field = data.draw(st.sampled_from([name, *record]))
    raw = msgspec.json.encode(record | {field: value})
    decoded = decode_many(topic, [key_of(topic, record)], [raw], [NOW])
    assert len(decoded.events) + len(decoded.bad) == 1
    if field not in record and field not in {one.name for one in msgspec.structs.fields(RECORDS[topic])}:
        assert not decoded.bad


@settings(max_examples=200, deadline=None)
@given(
    user=ids,
    video=ids,
    ts_ms=st.integers(0, NOW),
    watch_ms=st.integers(0, 2**40 - 1),
    loops=st.none() | st.floats(0, 1e6),
    tz_min=st.none() | st.integers(-1_440, 1_440),
)
def test_what_is_encoded_decodes_to_itself(
    user: str, video: str, ts_ms: int, watch_ms: int, loops: float | None, tz_min: int | None
) -> None:
    event = Watch(
        v=1,
        event_id="e",
        user_id=user,
        session_id="s",
        video_id=video,
        ts_ms=ts_ms,
        watch_ms=watch_ms,
        duration_ms=0,
        loops=loops,
        ctx=Ctx(tz_min=tz_min),
    )
    assert decode("events.watch", user.encode(), encode(event), NOW) == event
