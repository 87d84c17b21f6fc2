"""OpenAPI: the document of all calls, made from the routes and the structs that they read and give back."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any, Final

import msgspec

from agents.gateway.answers import Accepted, Announced, DeltaAnswer, ErrorAnswer, described
from agents.gateway.routes import ROUTES, Route
from schemas.events import EVENTS

__all__ = ["openapi"]

_SCHEMAS: Final = "#/components/schemas/"
_PLACE: Final = re.compile(r"\{(\w+)\}")
_ERRORS: Final = {
    "400": "what was sent makes no sense; `path` says where",
    "401": "there is no key, or it is not known",
    "403": "the key may not do this",
    "404": "there is no such thing",
    "408": "the body did not come in time",
    "413": "the body is too large",
    "415": "the body is of another type",
    "429": "too much at once; `Retry-After` says when to try again",
    "503": "what is needed does not answer; `Retry-After` says when to try again",
}


def openapi() -> dict[str, Any]:
    """The document, OpenAPI 3.1.

    >>> sorted(openapi()["paths"]["/v1/feeds/{user}"])
    ['get']
    """
    structs = {one for route in ROUTES for one in (route.body, route.answer) if one is not None}
    structs |= {ErrorAnswer, DeltaAnswer, *EVENTS.values()}
    kinds = sorted(structs, key=lambda one: one.__name__)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "feedstream",
            "version": version("feedstream"),
            "description": "Events in, ranked feeds out. See docs/http.md.",
        },
        "paths": paths,
        "components": {
            "schemas": described(kinds) | {"TypedEvent": _typed()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.call,
        "summary": route.says,
        "description": f"Role: `{route.role}`.",
        "tags": [route.role],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.call == "events":
        text = {"schema": {"type": "string", "description": "an event a line"}}
        one = {"schema": {"$ref": _SCHEMAS + "TypedEvent"}}
        made["requestBody"] = {"required": True, "content": {"application/json": one, "application/x-ndjson": text}}
    elif route.body is not None:
        schema = {"$ref": _SCHEMAS + route.body.__name__} if route.method != "PUT" else _named(route.body)
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return made


def _named(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A record whose id stands in the path: neither that nor ``v`` need stand in the body."""
    schema: dict[str, Any] = described([kind])[kind.__name__]
    return schema | {"required": [name for name in schema["required"] if name not in {"v", "user_id", "video_id"}]}


def _parameters(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1, "maxLength": 256}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in _PLACE.findall(route.path)
    ]
    if route.query is not None:
        schema = msgspec.json.schema(route.query)["$defs"][route.query.__name__]
        for name, kind in schema["properties"].items():
            found.append({"name": name, "in": "query", "required": False, "schema": kind})
    return found


def _responses(route: Route) -> dict[str, Any]:
    refused = {"application/json": {"schema": {"$ref": _SCHEMAS + "ErrorAnswer"}}}
    found: dict[str, Any] = {code: {"description": said, "content": refused} for code, said in _ERRORS.items()}
    content = {}
    if route.call == "stream":
        content = {"text/event-stream": {"schema": {"type": "string"}}}
    elif route.answer is not None:
        content = {"application/json": {"schema": {"$ref": _SCHEMAS + route.answer.__name__}}}
    else:
        content = {"application/json": {"schema": {"type": "object"}}}
    status = "202" if route.answer in {Accepted, Announced} else "200"
    return {status: {"description": route.says, "content": content}} | found


def _typed() -> dict[str, Any]:
    """An event with its verb as ``type``."""
    return {
        "oneOf": [
            {
                "allOf": [{"$ref": _SCHEMAS + kind.__name__}],
                "properties": {"type": {"const": topic.removeprefix("events.")}, "token": {"type": "string"}},
                "required": ["type"],
            }
            for topic, kind in EVENTS.items()
        ]
    }
