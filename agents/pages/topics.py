"""The page of topics: the AsyncAPI document for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agents.pages.text import fields, joined, prose, sentence, told_in
from schemas.asyncapi import asyncapi
from schemas.events import EVENTS
from schemas.pages import in_words

__all__ = ["topics_page"]

_INTRO = """\
Every topic that feedstream reads or writes: who does, under which key, how long records are kept, and what a value
holds. Made by `make docs` from the registry; the same for tools is [asyncapi.json](../asyncapi.json).
[The wire](../wire.md) says what all of it means."""
_DAY_MS: Final = 86_400_000
_EVENTS: Final = {kind.__name__: topic.removeprefix("events.") for topic, kind in EVENTS.items()}


def topics_page() -> str:
    """Every topic, and every value."""
    document = asyncapi()
    messages, schemas = document["components"]["messages"], document["components"]["schemas"]
    parts = ["# Topics", _INTRO, "## By name"]
    for name, channel in document["channels"].items():
        parts += [f"### {name}", *_topic(name, channel, messages)]
    parts.append("## Values")
    for name, schema in schemas.items():
        parts += [f"### {name}", prose(schema.get("description", "")), _fields(name, schema)]
    return joined(parts)


def _topic(name: str, channel: Mapping[str, Any], messages: Mapping[str, Any]) -> Iterator[str]:
    yield sentence(channel["description"])
    kept = channel["bindings"]["kafka"]["topicConfiguration"]
    message = messages[name]
    key = message.get("bindings", {}).get("kafka", {}).get("key", {}).get("description", "")
    lines = [
        f"from {channel['x-producers']} to {channel['x-consumers']}",
        f"partitions: {channel['x-partitions']}",
        f"kept: {_kept(kept)}; a record has {kept['max.message.bytes']:,} bytes at most",
        f"key: {key}" if key else "",
        f"value: {_value(message)}",
    ]
    yield "\n".join(f"* {line}" for line in lines if line)


def _fields(name: str, schema: Mapping[str, Any]) -> str:
    """The table of a value; an event has a page with it."""
    if name in _EVENTS:
        return f"Fields, and examples good and bad: [events.{_EVENTS[name]}](../events/{_EVENTS[name]}.md)."
    return fields(schema, _named)


def _named(name: str) -> str:
    return told_in("", name)


def _kept(settings: Mapping[str, Any]) -> str:
    if settings["cleanup.policy"] == ["compact"]:
        return "the latest of each key"
    days = settings["retention.ms"] / _DAY_MS
    return "for ever" if days < 0 else f"{days:g} days"


def _value(message: Mapping[str, Any]) -> str:
    kind = f"`{message['contentType']}`"
    return f"{in_words(message['payload'], _named)} as {kind}" if "$ref" in message.get("payload", {}) else kind
