"""Pages: one of Markdown for each event, with its fields and with examples that are taken and refused.

Made from the structs, the registry and the codec, so that a page cannot say what the code does not.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from schemas.codec import KEY_FIELD, BadRecord, decode
from schemas.events import EVENTS, Event
from schemas.meanings import meaning
from schemas.topics import TOPICS, Topic

__all__ = ["SENT_MS", "event_page", "event_pages", "in_words", "key_of"]

SENT_MS: Final = 1_700_000_000_000
"""When the examples are taken to be sent."""
_WIDE: Final = 118
_LIMITS: Final = (
    ("minimum", "from {:,}"),
    ("maximum", "to {:,}"),
    ("minLength", "{}"),
    ("maxLength", "to {} characters"),
)


def event_pages() -> dict[str, str]:
    """A page for each event, by verb.

    >>> list(event_pages())[:2]
    ['watch', 'like']
    """
    return {name.removeprefix("events."): event_page(name) for name in EVENTS}


def event_page(name: str) -> str:
    """The page of the event topic ``name``.

    >>> event_page("events.skip").splitlines()[0]
    '# `events.skip`'
    """
    topic, verb = TOPICS[name], name.removeprefix("events.")
    said = inspect.getdoc(EVENTS[name]) or ""
    shared = (
        f"The record's key is the `{topic.key}`. From Python: `producer.{verb}(…)` of `feedstream.Producer`. The rules "
        "that all events share are in [wire.md](../wire.md)."
    )
    parts = [
        f"# `{name}`",
        said.replace("``", "`"),
        textwrap.fill(shared, _WIDE),
        "## Fields",
        "\n".join(_fields(name)),
        "## Taken",
        *_good(topic),
        "## Refused",
        "Each of these becomes a dead letter; `feedstream validate` says so before it is sent.",
        *_bad(topic),
    ]
    return "\n\n".join(parts) + "\n"


def in_words(schema: Mapping[str, Any], named: Callable[[str], str] = lambda name: "object") -> str:
    """A JSON schema in words; ``named`` says how one that is told of elsewhere is called. Null is left out: it is told
    by the field being optional.

    >>> in_words({"anyOf": [{"type": "array", "items": {"type": "integer", "minimum": 0}}, {"type": "null"}]})
    'list of integers, from 0'
    """
    if several := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(dict.fromkeys(in_words(one, named) for one in several if one.get("type") != "null"))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema:
        return named(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        kind, comma, rest = in_words(schema.get("items", {}), named).partition(", ")
        return f"list of {kind}{'' if kind.endswith(')') else 's'}{comma}{rest}"
    if isinstance(inner := schema.get("additionalProperties"), Mapping):
        return f"object of {in_words(inner, named)}"
    limits = [words.format(schema[name]) for name, words in _LIMITS if name in schema]
    if "exclusiveMaximum" in schema:
        limits.append(f"to below 2^{schema['exclusiveMaximum'].bit_length() - 1}")
    kind = str(schema.get("type", "anything"))
    return f"{kind}, {' '.join(limits)}" if limits else kind


def key_of(topic: str, value: Mapping[str, Any]) -> bytes:
    """The key that a producer would give ``value``, an example; a stand-in where the value names none.

    >>> key_of("videos", {"video_id": "cat-7"})
    b'cat-7'
    """
    return (str(value.get(KEY_FIELD[topic]) or "ann")).encode()


def _fields(name: str) -> Iterator[str]:
    verb, struct = name.removeprefix("events."), EVENTS[name]
    schemas, components = msgspec.json.schema_components([struct], ref_template="{name}")
    schema = components[schemas[0]["$ref"]]
    own = [field for field in struct.__struct_fields__ if field not in Event.__struct_fields__]
    yield "| field | type | | what |"
    yield "|---|---|---|---|"
    for field in (*Event.__struct_fields__, *own):
        yield _row(field, schema, meaning(verb, field))
        if field == "ctx":
            for inner in components["Ctx"]["properties"]:
                yield _row(inner, components["Ctx"], meaning("ctx", inner), "ctx.")


def _row(field: str, schema: Mapping[str, Any], says: str, before: str = "") -> str:
    inner = schema["properties"][field]
    needed = "required" if field in schema.get("required", ()) else "optional"
    if inner.get("default") is not None:
        needed = f"absent: `{inner['default']}`"
    return f"| `{before}{field}` | {in_words(inner)} | {needed} | {says} |"


def _good(topic: Topic) -> Iterator[str]:
    for value in topic.good:
        yield _block("good", value)


def _bad(topic: Topic) -> Iterator[str]:
    for value, _, _ in topic.bad:
        try:
            decode(topic.name, key_of(topic.name, value), msgspec.json.encode(value), SENT_MS)
        except BadRecord as error:
            yield textwrap.fill(f"`{error.cause}` at `{error.path}`: {error.why}", _WIDE)
            yield _block("bad", value)


def _block(mark: str, value: Mapping[str, Any]) -> str:
    return f"```json {mark}\n{_wrapped(value)}\n```"


def _wrapped(value: Mapping[str, Any]) -> str:
    """JSON in lines that fit a page, broken between fields."""
    lines = [""]
    for name, inner in value.items():
        pair = f"{msgspec.json.encode(name).decode()}:{msgspec.json.encode(inner).decode()},"
        if lines[-1] and len(lines[-1]) + len(pair) > _WIDE:
            lines.append("")
        lines[-1] += pair
    return "{" + "\n ".join(lines).removesuffix(",") + "}"
