"""The wire keeps its promise: what version 1 takes and promises stays, and the checker that holds it to that sees.

``wire_v1`` holds the schemas of the latest release. It changes with a release only, and only by what was added.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.main import main
from schemas.codec import KEY_FIELD, decode
from schemas.compatibility import breaking, breaks
from schemas.export import json_schemas
from schemas.topics import INPUTS, TOPICS

WIRE = Path(__file__).parent / "wire_v1"
RELEASED: dict[str, Any] = {path.name.removesuffix(".json"): orjson.loads(path.read_bytes()) for path in WIRE.iterdir()}
ADVICE = (
    "this breaks programs that speak the released wire. Keep the old field and meaning and add an optional one beside "
    "it; what is really another wire is another `v` or another topic"
)
BY_USER = {
    "feed.requests",
    "users",
    "feeds",
    "feed.delta",
    "receipts",
    *(name for name in RELEASED if "events." in name),
}
KEYED = dict.fromkeys(BY_USER, "user_id") | {
    "videos": "video_id",
    "tiers": "video_id",
    "control": "key",
    "promotions": "campaign_id",
    "trends": "id",
}
"""What the keys of the released wire are: another key is another order and another partition."""

Schema = dict[str, Any]
Change = Callable[[Schema], Iterator[tuple[Schema, str]]]


def test_the_released_wire_is_kept() -> None:
    broken = breaks(RELEASED, json_schemas())
    assert not broken, "\n".join([ADVICE, *broken])


def test_keys_and_tombstones_of_the_released_wire_are_kept() -> None:
    assert {name: TOPICS[name].key for name in RELEASED} == KEYED, ADVICE
    assert {name: KEY_FIELD[name] for name in RELEASED} == KEYED, ADVICE
    assert all(decode(name, b"k", None, 0) is None for name in ("users", "videos", "control", "promotions"))


def test_the_released_wire_has_every_topic_of_then() -> None:
    assert len(RELEASED) == 20
    assert set(RELEASED) > INPUTS


def thing(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties}


INT = {"type": "integer", "minimum": 0}
NUMBER = {"type": "number"}
TEXT = {"type": "string"}
OR_NULL = {"anyOf": [INT, {"type": "null"}]}
WORDS = {"enum": ["add", "remove"]}
NAMED = {"$ref": "#/$defs/T", "$defs": {"T": thing(n=INT)}}

BREAKING: list[tuple[str, Schema, Schema, str]] = [
    ("in", thing(n=INT), thing(), "$.n is gone, and what producers send in it is lost"),
    ("in", thing(n=INT), thing(m=INT), "$.n is gone, and what producers send in it is lost (new beside it: m)"),
    ("in", thing(n=INT), thing(n=TEXT), "$.n takes no integer any more, only string"),
    ("in", thing(n=NUMBER), thing(n=INT), "$.n takes no number any more, only integer"),
    ("in", thing(n=OR_NULL), thing(n=INT), "$.n takes no null any more, only integer"),
    ("in", thing(n={}), thing(n=TEXT), "$.n takes no array or boolean or integer or null or number or object any more"),
    ("in", thing(n=INT), thing(n=INT | {"minimum": 1}), "$.n has a tighter minimum: 1, was 0"),
    ("in", thing(n=INT), thing(n=INT | {"maximum": 9}), "$.n has a tighter maximum: 9, was without"),
    ("in", thing(n=INT | {"exclusiveMaximum": 9}), thing(n=INT | {"maximum": 7}), "$.n has a tighter maximum: 7"),
    ("in", thing(n=NUMBER | {"minimum": 0}), thing(n=NUMBER | {"exclusiveMinimum": 0}), "$.n has a tighter exclusive"),
    ("in", thing(n=TEXT), thing(n=TEXT | {"maxLength": 9}), "$.n has a tighter maxLength: 9"),
    ("in", thing(n=TEXT), thing(n=TEXT | {"pattern": "^a"}), "$.n has the pattern '^a', and had 'none'"),
    ("in", thing(n=INT), thing(n=INT) | {"required": ["n"]}, "$.n is required, and was optional"),
    ("in", thing(), thing(n=INT) | {"required": ["n"]}, "$.n is required, and was not there"),
    ("in", thing(n=WORDS), thing(n={"enum": ["add"]}), "$.n takes no 'remove' any more"),
    ("in", thing(n=TEXT), thing(n=WORDS), "$.n was any string, and takes only add or remove"),
    ("in", thing(n=WORDS | {"default": "add"}), thing(n=WORDS | {"default": "remove"}), "$.n absent meant 'add', and"),
    ("in", thing(n=INT), thing(n=INT) | {"additionalProperties": False}, "$ takes no fields that it does not know"),
    ("in", thing(), thing() | {"additionalProperties": INT}, "${} was anything, and takes only integer"),
    (
        "in",
        thing(n={"type": "array", "items": INT}),
        thing(n={"type": "array", "items": TEXT}),
        "$.n[] takes no integer",
    ),
    ("in", thing(n={"type": "array"}), thing(n={"type": "array", "items": INT}), "$.n[] was anything, and takes only"),
    ("in", thing(n=thing(m=INT)), thing(n=thing()), "$.n.m is gone"),
    ("in", NAMED, {"$ref": "#/$defs/U", "$defs": {"U": thing(n=TEXT)}}, "$.n takes no integer any more"),
    ("in", thing(n={"anyOf": [thing(a=INT), TEXT]}), thing(n={"anyOf": [TEXT, thing(b=INT)]}), "$.n.a is gone"),
    ("out", thing(n=INT), thing(m=INT), "$.n is gone, and consumers still read it (new beside it: m)"),
    ("out", thing(n=INT) | {"required": ["n"]}, thing(n=INT), "$.n may be absent, and was always there"),
    ("out", thing(n=INT), thing(n=OR_NULL), "$.n may be null, and was integer"),
    ("out", thing(n=INT), thing(n=NUMBER), "$.n may be number, and was integer"),
    ("out", thing(n={"type": "array", "items": INT}), thing(n={"type": "array", "items": TEXT}), "$.n[] may be string"),
    ("out", thing(n=WORDS | {"default": "add"}), thing(n=WORDS | {"default": "remove"}), "$.n absent meant 'add', and"),
]
KEPT: list[tuple[str, Schema, Schema]] = [
    ("in", thing(n=INT), thing(n=INT, m=INT)),
    ("in", thing(n=INT) | {"required": ["n"]}, thing(n=OR_NULL)),
    ("in", thing(n={"enum": [1]}), thing(n={"enum": [1, 2]})),
    ("in", thing(n=WORDS), thing(n=TEXT)),
    ("in", thing(n=INT), thing(n={"type": "integer"})),
    ("in", thing(n=INT), thing(n=NUMBER)),
    ("in", thing(n=INT), thing(n={})),
    ("in", thing(n=INT | {"exclusiveMaximum": 9}), thing(n=INT | {"maximum": 8})),
    ("in", thing(n=OR_NULL), thing(n={"anyOf": [{"type": "null"}, TEXT, INT]})),
    ("in", thing() | {"additionalProperties": False}, thing() | {"additionalProperties": INT}),
    ("in", NAMED, {"$ref": "#/$defs/U", "$defs": {"U": thing(n=INT, m=TEXT)}}),
    ("in", thing(n=INT), thing(n=INT | {"description": "words"}) | {"title": "T"}),
    ("out", thing(n=INT), thing(n=INT, m=TEXT) | {"required": ["n", "m"]}),
    ("out", thing(n=OR_NULL), thing(n=INT | {"minimum": 5})),
    ("out", thing(n=NUMBER), thing(n=INT)),
    ("out", thing(n=WORDS), thing(n={"enum": ["add", "remove", "keep"]})),
    ("out", thing(n=WORDS | {"default": "add"}), thing(n=WORDS) | {"required": ["n"]}),
]


@pytest.mark.parametrize(("way", "before", "after", "said"), BREAKING)
def test_a_breaking_change_is_named(way: Any, before: Schema, after: Schema, said: str) -> None:
    found = breaking(before, after, way)
    assert found
    assert found[0].startswith(said)


@pytest.mark.parametrize(("way", "before", "after"), KEPT)
def test_what_was_added_or_loosened_breaks_nothing(way: Any, before: Schema, after: Schema) -> None:
    assert breaking(before, after, way) == []


@pytest.mark.parametrize("topic", sorted(RELEASED))
@pytest.mark.parametrize("way", ["in", "out"])
def test_a_schema_breaks_nothing_of_itself(way: Any, topic: str) -> None:
    assert breaking(RELEASED[topic], RELEASED[topic], way) == []


def inside(schema: Any) -> Iterator[Schema]:
    """Every schema inside ``schema``, itself too, to be changed in place."""
    if isinstance(schema, dict):
        yield schema
        for one in schema.values():
            yield from inside(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from inside(one)


def changed(schema: Schema, change: Change) -> Iterator[tuple[Schema, str]]:
    """``schema`` with ``change`` at each place where it applies, and what must be said of it."""
    for at, _ in enumerate(inside(schema)):
        for number in range(99):
            after = copy.deepcopy(schema)
            place = list(inside(after))[at]
            done = list(change(place))
            if number >= len(done):
                break
            made, said = done[number]
            place.clear()
            place.update(made)
            yield after, said


def without_a_field(place: Schema) -> Iterator[tuple[Schema, str]]:
    for name in place.get("properties", ()):
        left = {one: inner for one, inner in place["properties"].items() if one != name}
        must = [one for one in place.get("required", ()) if one != name]
        yield place | {"properties": left, "required": must}, f".{name} is gone"


def with_a_renamed_field(place: Schema) -> Iterator[tuple[Schema, str]]:
    for name in place.get("properties", ()):
        fields = {("other" if one == name else one): inner for one, inner in place["properties"].items()}
        must = [one for one in place.get("required", ()) if one != name]
        yield place | {"properties": fields, "required": must}, f".{name} is gone"


def with_a_field_more(place: Schema) -> Iterator[tuple[Schema, str]]:
    if "properties" in place:
        yield place | {"properties": place["properties"] | {"other": TEXT}}, ""


def with_a_field_required(place: Schema) -> Iterator[tuple[Schema, str]]:
    for name in set(place.get("properties", ())) - set(place.get("required", ())):
        yield place | {"required": [*place.get("required", ()), name]}, f".{name} is required"


def with_a_field_optional(place: Schema) -> Iterator[tuple[Schema, str]]:
    for name in place.get("required", ()):
        yield place | {"required": [one for one in place["required"] if one != name]}, f".{name} may be absent"


def with_a_word_less(place: Schema) -> Iterator[tuple[Schema, str]]:
    for word in place.get("enum", ()):
        if len(place["enum"]) > 1:
            yield place | {"enum": [one for one in place["enum"] if one != word]}, f"takes no {word!r} any more"


def with_a_word_more(place: Schema) -> Iterator[tuple[Schema, str]]:
    if "enum" in place and isinstance(place["enum"][0], str):
        yield place | {"enum": [*place["enum"], "other"]}, ""


def with_a_tighter_bound(place: Schema) -> Iterator[tuple[Schema, str]]:
    for name, value in place.items():
        if name.startswith(("min", "exclusiveMin")) and isinstance(value, int):
            yield place | {name: value + 1}, f"tighter {name}"
        elif name.startswith(("max", "exclusiveMax")) and isinstance(value, (int, float)):
            yield place | {name: value - 1}, f"tighter {name}"


def without_a_bound(place: Schema) -> Iterator[tuple[Schema, str]]:
    for name, value in place.items():
        if name.startswith(("min", "max", "exclusive")) and isinstance(value, (int, float)):
            yield {one: inner for one, inner in place.items() if one != name}, ""


def with_another_type(place: Schema) -> Iterator[tuple[Schema, str]]:
    if place.get("type") in {"string", "integer", "number", "boolean", "array"}:
        yield {"type": "object"}, "object"


@pytest.mark.parametrize(
    ("change", "ways"),
    [
        (without_a_field, {"in", "out"}),
        (with_a_renamed_field, {"in", "out"}),
        (with_a_field_more, set()),
        (with_a_field_required, {"in"}),
        (with_a_field_optional, {"out"}),
        (with_a_word_less, {"in"}),
        (with_a_word_more, set()),
        (with_a_tighter_bound, {"in"}),
        (without_a_bound, set()),
        (with_another_type, {"in", "out"}),
    ],
)
def test_a_change_anywhere_on_the_wire_is_named_where_it_breaks_somebody(change: Change, ways: set[str]) -> None:
    """Every field, word, bound and type of every released topic, each changed by itself."""
    tried = 0
    for topic, schema in RELEASED.items():
        way = "in" if topic in INPUTS else "out"
        for after, said in changed(schema, change):
            tried += 1
            found = breaks({topic: schema}, {topic: after})
            if way in ways:
                assert any(one.startswith(f"{topic}: $") and said in one for one in found), (topic, said, found)
            else:
                assert found == [], (topic, found)
    assert tried > 5


def test_compare_names_what_another_export_would_miss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, schema in RELEASED.items():
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps(schema))

    def compared() -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["topics", "compare", str(tmp_path)])
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    assert compared() == (0, "20 topics can be written and read as before\n", "")
    like = copy.deepcopy(RELEASED["events.like"])
    like["$defs"]["Like"]["properties"]["weight"] = {"type": "integer"}
    (tmp_path / "events.like.json").write_bytes(orjson.dumps(like))
    (tmp_path / "events.wink.json").write_bytes(orjson.dumps(like))
    code, out, _ = compared()
    assert code == 1
    assert sorted(out.splitlines()) == [
        "events.like: $.weight is gone, and what producers send in it is lost",
        "events.wink: the topic is gone",
    ]
    (tmp_path / "feeds.json").write_bytes(b"{")
    assert compared()[::2] == (1, f"feedstream: {tmp_path} holds a schema that cannot be read: unexpected end of data: "
                                  "line 1 column 2 (char 1)\n")  # fmt: skip
    for path in tmp_path.iterdir():
        path.unlink()
    assert "holds no schemas: give it the folder `schemas`" in compared()[2]
