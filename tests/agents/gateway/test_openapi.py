"""OpenAPI: the document holds every call, what it names is there, and the file in docs is of this code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from agents.gateway.calls import Calls
from agents.gateway.openapi import openapi
from agents.gateway.routes import ROUTES

ROOT = Path(__file__).parents[3]


def refs(value: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from refs(one)


def test_every_call_is_in_it_with_its_path_parameters_and_refusals():
    paths = openapi()["paths"]
    assert sum(map(len, paths.values())) == len(ROUTES)
    for route in ROUTES:
        told = paths[route.path][route.method.lower()]
        named = {one["name"] for one in told["parameters"] if one["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", route.path))
        assert {"400", "401", "403", "429", "503"} <= set(told["responses"])
        assert callable(getattr(Calls, route.call))


def test_a_record_that_is_put_need_not_repeat_the_id_of_its_path():
    for path, needed in (("/v1/users/{user}", []), ("/v1/videos/{video}", ["creator_id", "created_ms", "duration_ms"])):
        body = openapi()["paths"][path]["put"]["requestBody"]["content"]["application/json"]["schema"]
        assert body["required"] == needed


def test_what_it_refers_to_is_in_it():
    document = openapi()
    for ref in refs(document):
        place: Any = document
        for part in ref.removeprefix("#/").split("/"):
            place = place[part]


def test_the_file_in_docs_is_up_to_date():
    assert orjson.loads((ROOT / "docs" / "openapi.json").read_bytes()) == openapi(), "run `make docs`"


def test_docs_name_every_path():
    page = (ROOT / "docs" / "http.md").read_text()
    for route in ROUTES:
        assert f"`{route.method} {route.path}" in page or route.method in {"PUT", "DELETE"}, route.path
