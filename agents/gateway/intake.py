"""Intake: a body of events becomes records to publish, line by line, or says what is wrong with which line.

The codec that workers read with judges them, so that nothing is taken which would become a dead letter.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

import orjson

from agents.gateway.answers import Rejected
from agents.gateway.refusals import Refusal
from agents.gateway.tokens import Tokens
from schemas.codec import BadRecord, decode
from schemas.events import EVENTS, Event
from streams import limits

__all__ = ["Taken", "read_events"]

_VERBS: Final = {topic.removeprefix("events."): topic for topic in EVENTS}


class Taken(NamedTuple):
    """Line ``number`` (from 1) as a record."""

    number: int
    topic: str
    key: bytes
    value: bytes
    event: Event


def read_events(body: bytes, *, lines: bool, tokens: Tokens | None = None) -> tuple[list[Taken], list[Rejected]]:
    """Events of a body, one object or one a line, and what is wrong with the others.

    ``tokens``: an event about a video must bring a token that it signed. Raises ``Refusal`` for a body with too many
    lines or none.
    """
    texts = body.split(b"\n") if lines else [body]
    numbered = [(at, text) for at, text in enumerate(texts, 1) if text.strip()]
    if not numbered:
        raise Refusal(400, "empty", "the body holds no event")
    if len(numbered) > limits.GATEWAY_LINES:
        raise Refusal(413, "lines", f"a body may hold {limits.GATEWAY_LINES} events, this one has {len(numbered)}")
    taken: list[Taken] = []
    wrong: list[Rejected] = []
    now_ms = int(time.time() * 1_000)
    for number, text in numbered:
        try:
            taken.append(_event(number, text, now_ms, tokens))
        except Refusal as refused:
            wrong.append(Rejected(line=number, code=refused.code, message=refused.message, path=refused.path))
    return taken, wrong


def _event(number: int, text: bytes, now_ms: int, tokens: Tokens | None) -> Taken:
    if len(text) > limits.GATEWAY_LINE_BYTES:
        raise Refusal(413, "size", f"{len(text):,} bytes are more than {limits.GATEWAY_LINE_BYTES:,}")
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "json", f"this is no JSON: {error}") from None
    if not isinstance(told, dict):
        raise Refusal(400, "json", "this is no JSON object")
    verb = told.pop("type", None)
    topic = _VERBS.get(verb) if isinstance(verb, str) else None
    if topic is None:
        raise Refusal(400, "type", f"type must be one of {', '.join(_VERBS)}", path="$.type")
    token = told.pop("token", None)
    if token is not None and not isinstance(token, str):
        raise Refusal(400, "type", "token must be a text", path="$.token")
    told.setdefault("v", 1)
    user = told.get("user_id")
    if not isinstance(user, str):
        raise Refusal(400, "missing", "user_id must be a text", path="$.user_id")
    value = orjson.dumps(told)
    try:
        event = decode(topic, user.encode(), value, now_ms)
    except BadRecord as bad:
        raise Refusal(400, bad.cause, bad.why, path=bad.path) from None
    assert isinstance(event, Event)
    if tokens is not None and event.video_id:
        if token is None:
            raise Refusal(
                403, "token", "an event about a video must bring the token it was served with", path="$.token"
            )
        tokens.check(token, event.user_id, event.video_id, now_ms // 1_000)
    return Taken(number, topic, user.encode(), value, event)
