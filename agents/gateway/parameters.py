"""Parameters: what a call's path, query and body say, read into structs, so that what is out of bounds is named."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import orjson
from aiohttp import web

from agents.gateway.door import BODIES
from agents.gateway.refusals import Refusal
from schemas.codec import located
from schemas.events import Id

__all__ = ["Answer", "misread", "named", "object_of", "query"]

_T = TypeVar("_T")


class Answer(msgspec.Struct, frozen=True):
    """What a call gives back."""

    body: Any
    status: int = 200


def named(request: web.Request, name: str) -> str:
    """The id ``name`` of the path; raises ``Refusal`` 400."""
    try:
        found: str = msgspec.convert(request.match_info[name], Id)
    except msgspec.ValidationError:
        raise Refusal(400, "key", f"the {name} in the path must have 1 to 256 characters") from None
    return found


def query(request: web.Request, kind: type[_T]) -> _T:
    """The query as a struct; raises ``Refusal`` 400 for what it does not know."""
    known = {field.name for field in msgspec.structs.fields(kind)}  # type: ignore[arg-type]  # all of them are structs
    if unknown := sorted(set(request.query) - known):
        raise Refusal(400, "parameter", f"there is no parameter {unknown[0]!r}", path=f"$.{unknown[0]}")
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except msgspec.ValidationError as error:
        raise misread(error) from None


async def object_of(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; raises ``Refusal`` 400."""
    try:
        found = orjson.loads(await request[BODIES].read(request))
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "json", f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refusal(400, "json", "the body must be a JSON object")
    return found


def misread(error: msgspec.MsgspecError) -> Refusal:
    """The refusal of what does not fit a struct."""
    said, path = located(str(error))
    return Refusal(400, "type", said, path=path)
