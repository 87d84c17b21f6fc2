"""The documents say what the code does."""

from __future__ import annotations

from pathlib import Path

import orjson

from schemas.export import fill, json_schemas
from schemas.topics import TOPICS

DOCS = Path(__file__).parents[2] / "docs"
SCHEMAS = json_schemas()


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
