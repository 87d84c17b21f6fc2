"""The codec: bytes off the wire become structs, or a ``BadRecord`` that says what is wrong and where.

Bad bytes are data, not exceptions of the loop: whatever the bytes, ``decode`` returns a struct or raises ``BadRecord``
and nothing else. ``decode_many`` is the hot path: one pass in C per record, the reasons only where something is bad.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import msgspec
import msgspec.inspect

from schemas.catalogue import User, Video
from schemas.control import Control, Promotion
from schemas.events import EVENTS
from schemas.feeds import FeedBatch, FeedDelta, FeedRequest
from schemas.receipts import Receipt
from schemas.tiers import TierDecision
from schemas.trends import Trend

__all__ = [
    "AHEAD_MS",
    "KEY_FIELD",
    "MAX_VALUE_BYTES",
    "RECORDS",
    "Bad",
    "BadRecord",
    "Cause",
    "Decoded",
    "decode",
    "decode_many",
    "encode",
    "located",
]

MAX_VALUE_BYTES: Final = 64 * 1024
"""A larger value is bad."""
AHEAD_MS: Final = 86_400_000
"""Event time may be this far past the record's own timestamp; beyond it the clock is wrong."""

Cause = Literal["topic", "empty", "size", "json", "type", "missing", "version", "key", "time"]
"""Why a record is bad: the closed set that stands in the header of a dead letter."""
_ID_CHARACTERS: Final = 256
_BLOCK: Final = 64
"""Records that lose the fast path together when one of them is bad."""

KEY_FIELD: Final[dict[str, str]] = {
    **dict.fromkeys(EVENTS, "user_id"),
    "feed.requests": "user_id",
    "users": "user_id",
    "feeds": "user_id",
    "feed.delta": "user_id",
    "receipts": "user_id",
    "videos": "video_id",
    "tiers": "video_id",
    "control": "key",
    "promotions": "campaign_id",
    "trends": "id",
}
"""Topic to the field that a record's key must equal, for every topic whose values are JSON."""
_KEY_OPTIONAL: Final = frozenset({"promotions"})
_TOMBSTONES: Final = frozenset({"users", "videos", "control", "promotions"})
RECORDS: Final[dict[str, type[msgspec.Struct]]] = {
    **EVENTS,
    "feed.requests": FeedRequest,
    "users": User,
    "videos": Video,
    "control": Control,
    "promotions": Promotion,
    "feeds": FeedBatch,
    "feed.delta": FeedDelta,
    "trends": Trend,
    "receipts": Receipt,
    "tiers": TierDecision,
}
"""Topic to struct, for every topic whose values are JSON."""
_DECODERS: Final = {topic: msgspec.json.Decoder(kind) for topic, kind in RECORDS.items()}


class BadRecord(ValueError):
    """A record that cannot be read.

    ``cause`` of the closed set; ``path`` where in the value (JSONPath, ``$`` the whole), or ``key``; ``why`` in words.
    """

    def __init__(self, cause: Cause, path: str, why: str) -> None:
        super().__init__(f"{cause} at {path}: {why}")
        self.cause: Cause = cause
        self.path = path
        self.why = why


class Bad(NamedTuple):
    """The bad record at ``index`` of a batch."""

    index: int  # type: ignore[assignment]  # hides the tuple's method of that name, which nobody needs here
    cause: Cause
    path: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded batch: ``events[i]`` came from record ``index[i]``; None is a tombstone."""

    events: list[msgspec.Struct | None]
    index: list[int]
    bad: list[Bad]


def decode(topic: str, key: bytes | None, value: bytes | None, timestamp_ms: int) -> msgspec.Struct | None:
    """The struct in ``value``, or None for a tombstone of a compacted topic.

    ``timestamp_ms`` is the record's own timestamp (time of sending). Raises ``BadRecord``, and nothing else.

    >>> decode("events.like", b"u", b'{"v":2}', 0)
    Traceback (most recent call last):
    ...
    schemas.codec.BadRecord: version at $.v: must be 1: Invalid enum value 2
    """
    decoder = _DECODERS.get(topic)
    if decoder is None:
        raise BadRecord("topic", "$", f"nobody reads {topic!r}")
    if not key:
        raise BadRecord("empty", "key", "the record has no key")
    if value is None and topic in _TOMBSTONES:
        if len(_text(key)) > _ID_CHARACTERS:
            raise BadRecord("key", "key", f"more than {_ID_CHARACTERS} characters are no id")
        return None
    if not value:
        raise BadRecord("empty", "$", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise BadRecord("size", "$", f"{len(value):,} bytes are more than {MAX_VALUE_BYTES:,}")
    try:
        record = _parse(decoder, value)
    except BadRecord as error:
        words = _words(topic, error.path) if error.cause == "type" else ""
        raise BadRecord(error.cause, error.path, error.why + words) from None
    field = KEY_FIELD[topic]
    named = getattr(record, field)
    if named != (text := _text(key)) and not (named is None and topic in _KEY_OPTIONAL):
        raise BadRecord("key", f"$.{field}", f"{named!r} is not the record's key, {text[:_ID_CHARACTERS]!r}")
    if (ahead_ms := (getattr(record, "ts_ms", None) or 0) - timestamp_ms) > AHEAD_MS:
        hours = f"{ahead_ms / 3_600_000:,.1f} hours after the time of sending, more than {AHEAD_MS // 3_600_000}"
        raise BadRecord("time", "$.ts_ms", hours)
    return record


def decode_many(
    topic: str, keys: Sequence[bytes | None], values: Sequence[bytes | None], timestamps_ms: Sequence[int]
) -> Decoded:
    """Decode a batch of one topic; a bad record never keeps the others back.

    >>> decode_many("events.like", [b"u"], [b"{}"], [0]).bad
    [Bad(index=0, cause='missing', path='$.v')]
    """
    if not len(keys) == len(values) == len(timestamps_ms):
        raise ValueError(f"{len(keys)} keys, {len(values)} values and {len(timestamps_ms)} timestamps are no batch")
    fast = _decode_events(topic, keys, values, timestamps_ms) if topic in EVENTS else None
    if fast is not None:
        return Decoded(fast, list(range(len(fast))), [])
    decoded = Decoded([], [], [])
    fast_path = topic in EVENTS and len(values) > _BLOCK
    step = _BLOCK if fast_path else max(1, len(values))
    for start in range(0, len(values), step):
        block = slice(start, start + step)
        fast = _decode_events(topic, keys[block], values[block], timestamps_ms[block]) if fast_path else None
        if fast is not None:
            decoded.events.extend(fast)
            decoded.index.extend(range(start, start + len(fast)))
        else:
            batch = zip(range(start, len(values)), keys[block], values[block], timestamps_ms[block], strict=False)
            _decode_each(topic, batch, decoded)
    return decoded


def encode(record: msgspec.Struct) -> bytes:
    """Compact JSON of a struct; absent fields are left out.

    >>> encode(FeedRequest(v=1, request_id="r", user_id="u", ts_ms=1))
    b'{"v":1,"request_id":"r","user_id":"u","ts_ms":1}'
    """
    return msgspec.json.encode(record)


def located(message: str) -> tuple[str, str]:
    """What msgspec says is wrong, and the path where.

    >>> located("Expected `int`, got `str` - at `$.ctx.tz_min`")
    ('Expected `int`, got `str`', '$.ctx.tz_min')
    """
    # From the right: the text before may quote what was sent, whatever it looks like.
    what, found, where = message.rpartition(" - at `")
    return (what, where.removesuffix("`")) if found else (message, "$")


def _decode_each(topic: str, batch: Iterable[tuple[int, bytes | None, bytes | None, int]], decoded: Decoded) -> None:
    """Add (place, key, value, timestamp) records to ``decoded`` one by one: the path that finds the reasons."""
    for at, key, value, timestamp_ms in batch:
        try:
            decoded.events.append(decode(topic, key, value, timestamp_ms))
            decoded.index.append(at)
        except BadRecord as error:
            decoded.bad.append(Bad(at, error.cause, error.path))


def _decode_events(
    topic: str, keys: Sequence[bytes | None], values: Sequence[bytes | None], timestamps_ms: Sequence[int]
) -> list[msgspec.Struct | None] | None:
    """All of a flawless batch, or None: then the slow path finds out what is wrong."""
    decode_one = _DECODERS[topic].decode
    try:
        events = [decode_one(value) for value in values]  # type: ignore[arg-type]  # None raises TypeError
        # Fields nobody reads are skipped unread. Every value here is one JSON object, so UTF-8 joined is UTF-8 apart.
        b"".join(values).decode()  # type: ignore[arg-type]
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None
    if not events:
        return []
    if [event.user_id.encode() for event in events] != list(keys):  # type: ignore[attr-defined]  # all are events
        return None
    if any(len(value) > MAX_VALUE_BYTES for value in values):  # type: ignore[arg-type]
        return None
    if max(event.ts_ms for event in events) > min(timestamps_ms) + AHEAD_MS:  # type: ignore[attr-defined]
        return None
    return events  # type: ignore[return-value]  # a list is invariant


def _parse(decoder: msgspec.json.Decoder[msgspec.Struct], value: bytes) -> msgspec.Struct:
    try:
        value.decode()
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None
    except UnicodeDecodeError as error:
        raise BadRecord("json", "$", f"not UTF-8 at byte {error.start}") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRecord("json", "$", str(error)) from None
    except RecursionError:
        raise BadRecord("json", "$", "nested too deep") from None


def _explain(message: str) -> BadRecord:
    what, path = located(message)
    if what.startswith("Object missing required field"):
        return BadRecord("missing", f"{path}.{what.split('`')[1]}", "required and absent")
    if path == "$.v":
        return BadRecord("version", path, f"must be 1: {what}")
    return BadRecord("type", path, what)


@lru_cache(maxsize=256)
def _words(topic: str, path: str) -> str:
    """The words that the field at ``path`` is limited to, as the end of a sentence; empty if it is not."""
    here: list[Any] = [msgspec.inspect.type_info(RECORDS[topic])]
    for step in path.split(".")[1:]:
        fields = (field for kind in here for field in getattr(kind, "fields", ()) if field.encode_name == step)
        here = [one for field in fields for one in getattr(field.type, "types", (field.type,))]
    words = [word for kind in here for word in getattr(kind, "values", ())]
    return f", use one of {', '.join(map(str, words))}" if words else ""


def _text(key: bytes) -> str:
    try:
        return key.decode()
    except UnicodeDecodeError:
        raise BadRecord("key", "key", "the key is not UTF-8") from None
