"""Steering from the command line: what ``control`` records on the broker add up to, judged as workers judge them."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

import msgspec

from agents.cli.progress import waiting
from agents.cli.publishing import publish
from agents.deliveries import Place
from agents.settings import Settings
from agents.spans import Log
from schemas.codec import BadRecord, decode
from schemas.control import Control
from streams.control.steering import Steering

__all__ = ["Held", "held", "put", "refusal"]

_MODELS: Final[dict[str, tuple[type | tuple[type, ...], str]]] = {
    "models.freeze": (bool, "true or false"),
    "models.rollback": ((int, str), "a version, as in 12 or ranker-12"),
}
"""Keys that the learner reads, and what each may be."""


class Held(NamedTuple):
    """The latest record of a key; ``refused`` says why workers do not take it, None: they do."""

    value: Any
    ts_ms: int | None
    refused: str | None


def held(settings: Settings) -> tuple[Steering, dict[str, Held]]:
    """What is set on the broker, as workers have it, and each key's latest record."""
    steering = Steering()
    found: dict[str, Held] = {}
    with waiting("reading control"):
        log = Log(settings.kafka, "feedstream-control")
        for message in log.read(log.spans(log.places(["control"]))):
            key = (message.key() or b"").decode("utf-8", "replace")
            try:
                record = decode("control", message.key(), message.value(), message.timestamp()[1])
            except BadRecord as error:
                found[key] = Held(None, None, str(error))
                continue
            value = record.value if isinstance(record, Control) else None
            refused = refusal(steering, key, value)
            if value is None:
                found.pop(key, None)
            else:
                found[key] = Held(value, getattr(record, "ts_ms", None), refused)
    return steering, dict(sorted(found.items()))


def refusal(steering: Steering, key: str, value: Any) -> str | None:
    """Why ``value`` cannot be set under ``key`` beside what is set (``steering``, which takes it over if it can)."""
    if key in _MODELS:
        kind, words = _MODELS[key]
        fits = value is None or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool)))
        return None if fits else f"{key}: it must be {words}"
    if not key.startswith(("tuning.", "rule.", "experiment.")):
        known = ("tuning.<section>.<name>", "rule.<name>", "experiment.<name>", *_MODELS)
        return f"{key}: there is no such key; there are {', '.join(known)}"
    try:
        steering.take(key, value)
    except ValueError as error:
        return str(error)
    return None


def put(key: str, value: Any) -> Place:
    """Publish a ``control`` record, None: unset the key."""
    now_ms = int(time.time() * 1_000)
    record = None if value is None else msgspec.json.encode(Control(v=1, key=key, value=value, ts_ms=now_ms))
    return publish(Settings.from_env(), "control", key, record, now_ms)
