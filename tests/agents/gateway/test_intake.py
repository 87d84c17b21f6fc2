"""Intake: each line becomes a record that workers can read, or says what is wrong with it."""

from __future__ import annotations

import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.gateway.answers import Rejected
from agents.gateway.intake import read_events
from agents.gateway.refusals import Refusal
from agents.gateway.tokens import Tokens
from schemas.codec import decode
from schemas.topics import TOPICS
from streams import limits

LIKE = {"type": "like", "event_id": "e", "user_id": "ann", "session_id": "s", "video_id": "cat", "ts_ms": 5}


def lines(*values: object) -> bytes:
    return b"\n".join(one if isinstance(one, bytes) else orjson.dumps(one) for one in values)


def wrong(value: object, **options: object) -> Rejected:
    taken, found = read_events(lines(value), lines=True, **options)
    assert not taken
    return found[0]


@pytest.mark.parametrize("topic", sorted(name for name in TOPICS if name.startswith("events.")))
def test_every_good_example_of_every_verb_is_taken_as_workers_read_it(topic):
    for example in TOPICS[topic].good:
        (taken,), found = read_events(lines({"type": topic.removeprefix("events."), **example}), lines=False)
        assert found == []
        assert taken.topic == topic
        assert decode(topic, taken.key, taken.value, int(time.time() * 1_000)) == taken.event


@pytest.mark.parametrize("topic", sorted(name for name in TOPICS if name.startswith("events.")))
def test_every_bad_example_is_refused_with_cause_and_path(topic):
    for example, cause, path in TOPICS[topic].bad:
        if isinstance(example, dict) and "user_id" in example and example.get("v") is not None:
            found = wrong({"type": topic.removeprefix("events."), **example})
            assert (found.code, found.path) == (cause, path)


def test_v_may_be_absent_and_what_is_only_for_us_is_not_published():
    (taken,), _ = read_events(lines(LIKE | {"token": "x"}), lines=False)
    assert orjson.loads(taken.value) == {"v": 1, **{name: value for name, value in LIKE.items() if name != "type"}}


def test_lines_are_counted_as_they_stand_and_the_good_ones_are_taken():
    body = lines(LIKE, b"", b"no json", LIKE | {"op": "maybe"}, b"[]", LIKE | {"type": "nod"}, LIKE)
    taken, found = read_events(body, lines=True)
    assert [one.number for one in taken] == [1, 7]
    assert [(one.line, one.code, one.path) for one in found] == [
        (3, "json", None), (4, "type", "$.op"), (5, "json", None), (6, "type", "$.type"),
    ]  # fmt: skip


def test_what_is_too_large_too_many_or_nothing_is_said():
    assert wrong(LIKE | {"video_id": "x" * limits.GATEWAY_LINE_BYTES}).code == "size"
    with pytest.raises(Refusal, match="may hold"):
        read_events(b"{}\n" * (limits.GATEWAY_LINES + 1), lines=True)
    with pytest.raises(Refusal, match="no event"):
        read_events(b" \n \n", lines=True)
    deep = b'{"type":"like","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    assert wrong(deep).code == "json"


def test_an_event_about_a_video_must_bring_its_token_where_tokens_are_asked_for():
    tokens = Tokens(b"a secret of sixteen bytes")
    now_s = int(time.time())
    token = tokens.sign("ann", "cat", "1-a", 0, now_s)
    assert wrong(LIKE, tokens=tokens).code == "token"
    assert wrong(LIKE | {"token": "forged"}, tokens=tokens).code == "token"
    assert (wrong(LIKE | {"token": 7}).code, wrong(LIKE | {"token": 7}).path) == ("type", "$.token")
    assert wrong(LIKE | {"token": token, "video_id": "dog"}, tokens=tokens).code == "token"
    old = tokens.sign("ann", "cat", "1-a", 0, now_s - 90_000)
    assert wrong(LIKE | {"token": old}, tokens=tokens).code == "token_old"
    taken, _ = read_events(lines(LIKE | {"token": token}), lines=True, tokens=tokens)
    assert len(taken) == 1
    search = {name: value for name, value in LIKE.items() if name != "video_id"} | {"type": "action", "kind": "search"}
    taken, _ = read_events(lines(search), lines=True, tokens=tokens)
    assert len(taken) == 1, "what is about no video needs none"


@given(st.binary(max_size=200))
def test_whatever_the_bytes_there_is_an_answer(body):
    if body.strip(b" \t\n\r\x0b\x0c"):
        taken, found = read_events(body, lines=True)
        assert len(taken) + len(found) > 0
