"""``feedstream dlq``: what is sent again is what workers would take now, byte for byte, each record once."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from agents.dead_letters import TOPIC, dead_letter
from agents.embedded import Embedded
from agents.producer import RecordProducer
from agents.spans import Log

NOW_MS = int(time.time() * 1_000)


def like(user: str, **more: Any) -> bytes:
    event = {"v": 1, "event_id": "e", "user_id": user, "session_id": "s", "video_id": "x", "ts_ms": NOW_MS} | more
    return b"  " + orjson.dumps(event)  # no encoder of ours would write it so


class Ground:
    """Puts records and dead letters on the broker, and reads what is there."""

    def __init__(self, both: Embedded) -> None:
        self.both, self.bootstrap = both, both.broker.removeprefix("kafka://")
        self.log = Log(self.bootstrap)

    def put(self, topic: str, key: bytes | None, value: bytes | None, partition: int = -1, **more: Any) -> None:
        with RecordProducer(self.bootstrap, client_id="test") as producer:
            producer.send(topic, key, value, partition=partition, **more)

    def letter(self, topic: str, key: bytes | None, value: bytes | None, cause: str, offset: int = 0, at: int = 0):
        one = dead_letter(topic, at, offset, key, value, cause, "$")
        self.put(TOPIC, key, value, 0, headers=one.headers)

    def records(self, topic: str) -> list[tuple[bytes | None, bytes | None]]:
        found = self.log.read(self.log.spans(self.log.places([topic])))
        return [(message.key(), message.value()) for message in found]


@pytest.fixture
def put(ground: Embedded) -> Ground:
    return Ground(ground)


def test_letters_are_listed_by_cause_and_topic_and_counted(put: Ground, ask) -> None:
    put.letter("events.like", b"ann", b"{", "json", offset=41, at=3)
    put.letter("events.like", b"bob", like("ann"), "key")
    put.letter("users", b"ann", b"[]", "type")
    put.letter("engagement", None, b"\xff", "type")
    put.put(TOPIC, b"\xff", b"somebody else's", 0)
    listed = ask("dlq", "list", "--json").lines
    assert [(one["id"], one["cause"], one["now"]) for one in listed] == [
        ("dead-letters:0:0", "json", "refused"),
        ("dead-letters:0:1", "key", "refused"),
        ("dead-letters:0:2", "type", "refused"),
        ("dead-letters:0:3", "type", "internal"),
        ("dead-letters:0:4", "", "internal"),
    ]
    assert (listed[0]["topic"], listed[0]["partition"], listed[0]["offset"]) == ("events.like", 3, 41)
    assert listed[1]["why"].startswith("key at $.user_id: ")
    assert [one["id"] for one in ask("dlq", "list", "--json", "--cause", "type", "--topic", "users").lines] == [
        "dead-letters:0:2"
    ]
    assert ask("dlq", "list", "--counts", "--json").json == {
        "letters": 5, "causes": {"json": 1, "key": 1, "type": 2, "": 1},
        "topics": {"events.like": 2, "users": 1, "engagement": 1, "": 1},
    }  # fmt: skip
    lines = ask("dlq", "list", "-n", "2").out.splitlines()
    assert lines[0].startswith("dead-letters:0:0 json at $ of events.like:3:41 key ann, 1 bytes; refused: json at $")
    assert lines[-1] == "2 dead letters: json 1, key 1"


def test_a_letter_is_shown_byte_for_byte_with_what_is_wrong_now(put: Ground, ask) -> None:
    put.letter("events.like", b"ann", like("ann", op="undo"), "type")
    put.letter("events.like", b"\xff", b"\x00{", "json")
    shown = ask("dlq", "show", "dead-letters:0:0", "--json")
    assert shown.code == 0
    assert base64.b64decode(shown.json["raw"]) == like("ann", op="undo")
    assert (shown.json["key"], shown.json["value"]["op"], shown.json["now"]) == ("ann", "undo", "refused")
    assert shown.json["why"].startswith("type at $.op: Invalid enum value 'undo'")
    bad = ask("dlq", "show", "dead-letters:0:1", "--json").json
    assert ("value" in bad, base64.b64decode(bad["raw_key"]), base64.b64decode(bad["raw"])) == (
        False, b"\xff", b"\x00{")  # fmt: skip
    plain = ask("dlq", "show", "dead-letters:0:1").out
    assert "bytes        \x00{" in plain
    for name, words in {"dead-letters:0:9": "there is no dead letter dead-letters:0:9", "17": "'17' is no id"}.items():
        done = ask("dlq", "show", name)
        assert (done.code, words in done.err, done.err.count("\n")) == (1, True, 1)


def test_what_would_be_taken_now_is_sent_once_byte_for_byte_and_nothing_else(put: Ground, ask) -> None:
    put.letter("events.like", b"ann", like("ann"), "version", offset=7)
    put.letter("events.like", b"ann", like("ann"), "version", offset=7)  # a worker died before its checkpoint
    put.letter("events.like", b"bob", b"{", "json", offset=8)
    put.letter("engagement", None, b"\xff", "type")
    dry = ask("dlq", "replay", "--dry-run")
    assert dry.code == 0
    assert dry.out.splitlines() == [
        "dead-letters:0:0 of events.like:0:7: would be sent",
        "1 would be sent, 1 internal, 1 refused, 1 repeat",
    ]
    assert put.records("events.like") == []
    done = ask("dlq", "replay", "--json")
    assert (done.code, done.json["sent"], done.json["left"]) == (0, 1, {"repeat": 1, "refused": 1, "internal": 1})
    assert put.records("events.like") == [(b"ann", like("ann"))]
    again = ask("dlq", "replay", "--json").json
    assert (again["sent"], again["left"]) == (0, {"replayed": 2, "refused": 1, "internal": 1})
    assert len(put.records("events.like")) == 1


def test_a_letter_whose_time_has_come_is_sent(put: Ground, ask) -> None:
    """Event time may be a day past the record's time: what was refused for that is fine when the day has come."""
    put.letter("events.like", b"ann", like("ann", ts_ms=NOW_MS + 80_000_000), "time")
    put.letter("events.like", b"ann", like("ann", ts_ms=NOW_MS + 90_000_000), "time", offset=1)
    assert ask("dlq", "replay", "--json").json["sent"] == 1


def test_a_named_letter_that_cannot_be_sent_is_exit_1(put: Ground, ask) -> None:
    put.letter("events.like", b"ann", like("ann"), "version")
    put.letter("events.like", b"bob", b"{", "json", offset=1)
    done = ask("dlq", "replay", "dead-letters:0:1", "dead-letters:0:5")
    assert done.code == 1
    assert done.out.splitlines() == [
        "dead-letters:0:1 of events.like:0:1: not sent: json at $: Input data was truncated",
        "dead-letters:0:5: there is no such dead letter",
        "0 sent, 1 refused",
    ]
    assert ask("dlq", "replay", "dead-letters:0:0").code == 0
    assert ask("dlq", "replay", "dead-letters:0:0").code == 0, "sent before is as good"
    assert put.records("events.like") == [(b"ann", like("ann"))]


def test_a_repaired_letter_is_sent_as_the_file_has_it(put: Ground, ask, tmp_path: Path) -> None:
    put.letter("events.like", b"ann", like("ann", op="undo"), "type")
    put.letter("events.like", b"", like("bob"), "empty", offset=1)
    put.letter("events.like", b"eve", b"{", "json", offset=2)
    file = tmp_path / "repaired.jsonl"
    mended = like("ann", op="remove")
    file.write_bytes(
        b'{"id":"dead-letters:0:0","value":' + mended + b"}\n\n"
        b'{"id":"dead-letters:0:1","key":"bob","value":' + like("bob").strip() + b',"cause":"empty"}\n'
        b'{"id":"dead-letters:0:2","value":null}\n'
        b'{"id":"dead-letters:1:2","value":null}\n'
    )
    done = ask("dlq", "replay", "--repaired", file, "--json")
    assert (done.code, done.json["sent"], done.json["unknown"]) == (1, 2, ["dead-letters:1:2"])
    assert done.json["letters"][2]["why"] == "empty at $: the record has no value"
    assert sorted(put.records("events.like")) == [(b"ann", mended.strip()), (b"bob", like("bob").strip())]
    file.write_bytes(b'{"id":"dead-letters:0:2"}\n')
    done = ask("dlq", "replay", "--repaired", file)
    assert (done.code, "line 1 repairs nothing: Object missing required field `value`" in done.err) == (1, True)


def test_nothing_newer_is_overwritten_and_nobody_gone_is_answered(put: Ground, ask, monkeypatch) -> None:
    def user(name: str, lang: str) -> bytes:
        return orjson.dumps({"v": 1, "user_id": name, "lang": lang})

    for name in (b"ann", b"bob", b"cat"):  # offsets 0 to 2, refused then and taken now
        put.put("users", name, user(name.decode(), "old"), 1)
        put.letter("users", name, user(name.decode(), "old"), "version", at=1, offset=("ann", "bob", "cat").index(
            name.decode()))  # fmt: skip
    put.put("users", b"ann", user("ann", "new"), 1)
    put.put("users", b"bob", b"{", 1)  # newer, but nobody could read it
    request = orjson.dumps({"v": 1, "request_id": "r", "user_id": "ann", "ts_ms": NOW_MS})
    put.letter("feed.requests", b"ann", request, "version")
    monkeypatch.setenv("FEEDSTREAM_REQUEST_TTL_S", "0")
    done = ask("dlq", "replay", "--json")
    assert done.json["left"] == {"newer": 1, "expired": 1}
    assert sorted(one["id"] for one in done.json["letters"]) == ["dead-letters:0:1", "dead-letters:0:2"]
    listed = {one["id"]: one for one in ask("dlq", "list", "--json").lines}
    assert listed["dead-letters:0:0"]["why"] == "its key has a newer record, users:1:3"
    assert "FEEDSTREAM_REQUEST_TTL_S=0" in listed["dead-letters:0:3"]["why"]


def test_what_was_sent_is_remembered_without_naming_anybody(put: Ground, ask, ground: Embedded) -> None:
    put.letter("events.like", b"ann", like("ann"), "version", offset=7)
    ask("dlq", "replay")
    client = redis.Redis.from_url(ground.redis)
    assert list(client.hgetall("feedstream:replayed")) == [b"events.like:0:7"]
    client.close()
