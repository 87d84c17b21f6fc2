"""The page of HTTP calls: the OpenAPI document for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from agents.gateway.openapi import openapi
from agents.pages.text import fields, joined, prose, sentence, table, told_in
from schemas.asyncapi import asyncapi
from schemas.pages import in_words

__all__ = ["calls_page"]

_INTRO = """\
Every call of `feedstream gateway`, made by `make docs` from what the gateway answers with. The same for tools is
[openapi.json](../openapi.json), and `GET /v1/openapi.json` of a gateway; [HTTP](../http.md) says what to do with them.
A role is what a key must have, where there are keys."""
_VALUES: Final = frozenset(asyncapi()["components"]["schemas"])
_SHARED = "Each call may answer with these, and an `ErrorAnswer` that says more:"


def calls_page() -> str:
    """Every call, and what is sent and answered but for what is a value of a topic: the topics' page tells of that."""
    document = openapi()
    calls = [(path, way, one) for path, ways in document["paths"].items() for way, one in ways.items()]
    parts = ["# HTTP calls", _INTRO, "## Calls"]
    for path, way, one in calls:
        parts += _call(f"{way.upper()} {path}", one)
    errors = {code: told for _, _, one in calls for code, told in one["responses"].items() if code >= "400"}
    rows = [[f"`{code}`", told["description"]] for code, told in sorted(errors.items())]
    parts += ["## Errors", _SHARED, table(["status", "what"], rows), "## Objects"]
    for name, schema in document["components"]["schemas"].items():
        if name not in _VALUES:
            parts += [f"### {name}", prose(schema.get("description", "")), _body(schema)]
    return joined(parts)


def _named(name: str) -> str:
    return told_in("topics.md" if name in _VALUES else "", name)


def _call(title: str, one: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {title}"
    yield f"{sentence(one['summary'])} {one['description']}"
    if one["parameters"]:
        rows = [
            [f"`{told['name']}`", told["in"], in_words(told["schema"], _named), _absent(told)]
            for told in one["parameters"]
        ]
        yield table(["parameter", "in", "type", ""], rows)
    for kind, body in one.get("requestBody", {"content": {}})["content"].items():
        yield f"Body, `{kind}`: {body['schema'].get('description') or in_words(body['schema'], _named)}."
    for code, answer in one["responses"].items():
        if code < "400":
            for kind, body in answer["content"].items():
                yield f"`{code}`, `{kind}`: {in_words(body['schema'], _named)}."


def _absent(told: Mapping[str, Any]) -> str:
    if told["required"]:
        return "required"
    default = told["schema"].get("default")
    return "optional" if default is None else f"absent: `{default}`"


def _body(schema: Mapping[str, Any]) -> str:
    if "oneOf" in schema:
        kinds = ", ".join(in_words(one, _named) for one in schema["oneOf"])
        return textwrap.fill(f"One of {kinds}, with its verb as `type`.", 118)
    return fields(schema, _named)
