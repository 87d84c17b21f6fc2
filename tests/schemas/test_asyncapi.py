"""The AsyncAPI document is one, and says of every topic, key, value and example what the code does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from schemas.asyncapi import asyncapi
from schemas.codec import KEY_FIELD, RECORDS
from schemas.events import EVENTS
from schemas.meanings import MEANINGS
from schemas.topics import INPUTS, TOPICS

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT: dict[str, Any] = orjson.loads((DOCS / "asyncapi.json").read_bytes())
MESSAGES = DOCUMENT["components"]["messages"]
GOOD = [(name, value) for name, topic in TOPICS.items() for value in topic.good]
BAD = [(name, value) for name, topic in TOPICS.items() for value, cause, _ in topic.bad if cause != "key"]


def payload_of(name: str) -> Draft202012Validator:
    return Draft202012Validator(DOCUMENT | {"$ref": MESSAGES[name]["payload"]["$ref"]})


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for one in document.values():
            yield from references(one)
    elif isinstance(document, list):
        for one in document:
            yield from references(one)


def test_the_published_document_is_the_codes() -> None:
    assert orjson.loads(orjson.dumps(asyncapi())) == DOCUMENT, "run `feedstream topics export docs`"


def test_it_is_what_asyncapi_calls_a_document(asyncapi_schema: Path) -> None:
    schema = orjson.loads(asyncapi_schema.read_bytes())
    validator = Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    wrong = DOCUMENT | {"operations": {"wink": {"action": "wink", "channel": {"$ref": "#/channels/feeds"}}}}
    assert not validator.is_valid(wrong)


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 100
    for reference in found:
        place = DOCUMENT
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            assert step in place, reference
            place = place[step]


def test_every_topic_is_a_channel_with_its_settings() -> None:
    assert set(DOCUMENT["channels"]) == set(TOPICS)
    for name, channel in DOCUMENT["channels"].items():
        assert channel["address"] == channel["bindings"]["kafka"]["topic"] == name
        settings = channel["bindings"]["kafka"]["topicConfiguration"]
        assert settings["cleanup.policy"] == [TOPICS[name].cleanup]
        assert settings["retention.ms"] == TOPICS[name].retention_ms
        assert settings["max.message.bytes"] == TOPICS[name].max_message_bytes
        assert next(iter(channel["messages"])) == name


def test_feedstream_receives_what_apps_send_and_sends_what_services_receive() -> None:
    operations = DOCUMENT["operations"]
    for name, topic in TOPICS.items():
        does = {action for action in ("send", "receive") if f"{action}.{name}" in operations}
        if name in INPUTS:
            assert does == {"receive"}
        elif topic.encoding == "msgpack":
            assert does == {"send", "receive"}, "what only workers speak goes round"
        else:
            assert "send" in does
    for name, one in operations.items():
        action, _, topic_name = name.partition(".")
        assert (one["action"], one["channel"]["$ref"]) == (action, f"#/channels/{topic_name}")
    assert operations["receive.feed.requests"]["reply"] == {"channel": {"$ref": "#/channels/feeds"}}


def test_every_key_is_told() -> None:
    for name, field in KEY_FIELD.items():
        key = MESSAGES[name]["bindings"]["kafka"]["key"]
        assert f"`{field}`" in key["description"]
        assert (key["minLength"], key["maxLength"]) == (1, 256)


def test_what_null_removes_has_a_message_of_its_own() -> None:
    removals = {name.removesuffix(".removal") for name in MESSAGES if name.endswith(".removal")}
    assert removals == {"users", "videos", "control", "promotions"}
    for name in removals:
        assert MESSAGES[f"{name}.removal"]["payload"] == {"type": "null"}
        assert f"{name}.removal" in DOCUMENT["channels"][name]["messages"]


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_every_example_is_in_the_document(name: str) -> None:
    assert tuple(example["payload"] for example in MESSAGES[name]["examples"]) == TOPICS[name].good


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_what_the_codec_takes_the_payload_takes(name: str, value: dict[str, Any]) -> None:
    assert [error.message for error in payload_of(name).iter_errors(value)] == []


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_the_codec_refuses_the_payload_refuses(name: str, value: dict[str, Any]) -> None:
    assert not payload_of(name).is_valid(value)


def test_every_field_of_an_event_says_what_it_means_and_no_meaning_is_left_over() -> None:
    used = set()
    owners = {struct.__name__: name.removeprefix("events.") for name, struct in EVENTS.items()} | {"Ctx": "ctx"}
    for struct, owner in owners.items():
        for name, schema in DOCUMENT["components"]["schemas"][struct]["properties"].items():
            told = f"{owner}.{name}" if f"{owner}.{name}" in MEANINGS else name
            assert "$ref" in schema or schema["description"] == MEANINGS[told]
            used.add(told)
    assert used == set(MEANINGS)


def test_the_document_is_made_anew() -> None:
    first = asyncapi()
    first["channels"].clear()
    assert asyncapi()["channels"]
