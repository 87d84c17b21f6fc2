"""The wire keeps its promise: what was published stays, and the documents say what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.export import breaking, fill, json_schemas
from schemas.topics import TOPICS

DOCS = Path(__file__).parents[2] / "docs"
SCHEMAS = json_schemas()


@pytest.mark.parametrize("topic", sorted(SCHEMAS))
def test_no_change_breaks_what_was_published(topic: str) -> None:
    published = orjson.loads((DOCS / "schemas" / f"{topic}.json").read_bytes())
    assert breaking(published, SCHEMAS[topic]) == []


def test_the_published_schemas_are_the_codes() -> None:
    published = {
        path.name.removesuffix(".json"): orjson.loads(path.read_bytes()) for path in (DOCS / "schemas").iterdir()
    }
    assert published == SCHEMAS, "run `feedstream topics export docs`"


def test_the_page_shows_the_registry() -> None:
    page = (DOCS / "wire.md").read_text()
    assert fill(page) == page, "run `feedstream topics export docs`"
    assert all(f"`{name}`" in page for name in TOPICS)


def test_the_page_names_every_cause() -> None:
    page = (DOCS / "wire.md").read_text()
    for cause in ("topic", "empty", "size", "json", "type", "missing", "version", "key", "time"):
        assert f"| `{cause}` |" in page


def object_of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


INT = {"type": "integer", "minimum": 0}
OR_NULL = {"anyOf": [INT, {"type": "null"}]}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (object_of(n=INT), object_of(), "$.n is gone"),
        (object_of(n=INT), object_of(n={"type": "string"}), "$.n was {'integer'}, is {'string'}"),
        (object_of(n=OR_NULL), object_of(n=INT), "$.n was"),
        (object_of(n=INT), object_of(n=INT | {"minimum": 1}), "$.n has a tighter minimum: 1"),
        (object_of(n=INT), object_of(n=INT | {"maximum": 9}), "$.n has a tighter maximum: 9"),
        (object_of(n=INT), object_of(n=INT) | {"required": ["n"]}, "$.n is required now"),
        (object_of(n={"enum": [1, 2]}), object_of(n={"enum": [2]}), "$.n no longer takes 1"),
        (
            object_of(n={"type": "array", "items": INT}),
            object_of(n={"type": "array", "items": INT | {"minimum": 2}}),
            "$.n[]",
        ),
        (object_of(n=object_of(m=INT)), object_of(n=object_of()), "$.n.m is gone"),
    ],
)
def test_a_breaking_change_is_named(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    assert any(one.startswith(said) for one in breaking(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (object_of(n=INT), object_of(n=INT, m=INT)),
        (object_of(n=INT) | {"required": ["n"]}, object_of(n=OR_NULL)),
        (object_of(n={"enum": [1]}), object_of(n={"enum": [1, 2]})),
        (object_of(n=INT), object_of(n={"type": "integer"})),
    ],
)
def test_an_added_option_breaks_nothing(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert breaking(before, after) == []
