"""Wire lines: one record as one line of JSON, for files and pipes.

``{"topic", "key", "value", "ts_ms"}``: ``value`` is a JSON object, or null for a tombstone; ``key`` may be absent where
the value names it; ``ts_ms`` is the event time and only informs whoever sorts the file.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator

import msgspec

from schemas.codec import KEY_FIELD, located

__all__ = ["BadLine", "Line", "line_of", "parse_line", "read_lines", "write_line"]


class BadLine(ValueError):
    """A line that is no wire line: its ``number``, ``path`` where in the line, and ``why`` in words."""

    def __init__(self, number: int, path: str, why: str) -> None:
        place = "" if path == "$" else f" - at `{path}`"
        super().__init__(f"line {number} is no wire line: {why}{place}")
        self.number = number
        self.path = path
        self.why = why


class Line(msgspec.Struct, kw_only=True, frozen=True):
    """One record; ``value`` is raw JSON, ``null`` a tombstone. Where it was found, and when it was sent, ``feedstream
    tail`` says too: -1 and 0 where that is not known. What no JSON holds stands as base64 in ``raw`` and ``raw_key``.
    """

    topic: str
    value: msgspec.Raw
    key: str | None = None
    raw: str | None = None
    raw_key: str | None = None
    ts_ms: int = 0
    partition: int = -1
    offset: int = -1
    timestamp_ms: int = 0

    @property
    def value_bytes(self) -> bytes | None:
        """The record's value as sent: the JSON as it stands, None for a tombstone."""
        if self.raw is not None:
            return base64.b64decode(self.raw)
        raw = bytes(self.value)
        return None if raw == b"null" else raw

    @property
    def key_bytes(self) -> bytes | None:
        """The record's key; where the line has none, what the value's key field says, if anything.

        >>> parse_line(b'{"topic":"events.like","value":{"user_id":"ann"}}').key_bytes
        b'ann'
        """
        if self.raw_key is not None:
            return base64.b64decode(self.raw_key)
        if self.key is not None:
            return self.key.encode()
        try:
            named = msgspec.json.decode(self.value)
        except (ValueError, RecursionError):
            return None
        key = named.get(KEY_FIELD.get(self.topic, "")) if isinstance(named, dict) else None
        return key.encode() if isinstance(key, str) else None


_DECODER = msgspec.json.Decoder(Line)


def parse_line(text: bytes, number: int = 1) -> Line:
    """One line; raises ``BadLine`` that names ``number``.

    >>> parse_line(b'{"topic":"users","key":"ann","value":null,"ts_ms":0}').value_bytes is None
    True
    >>> parse_line(b'{"topic":"users"', 7)
    Traceback (most recent call last):
    ...
    schemas.lines.BadLine: line 7 is no wire line: Input data was truncated
    """
    try:
        text.decode()
        line = _DECODER.decode(text)
        for name in ("raw", "raw_key"):
            base64.b64decode(getattr(line, name) or "", validate=True)
        return line
    except (ValueError, RecursionError) as error:
        why, path = located(str(error))
        raise BadLine(number, path, why) from None


def read_lines(stream: Iterable[bytes]) -> Iterator[Line]:
    """Every line of ``stream`` but empty ones, in order; raises ``BadLine`` at the first bad one.

    >>> [line.topic for line in read_lines([b"\\n", b'{"topic":"users","value":null}'])]
    ['users']
    """
    for number, text in enumerate(stream, 1):
        if text.strip():
            yield parse_line(text, number)


def write_line(topic: str, key: str, value: msgspec.Struct | None, ts_ms: int) -> bytes:
    """One line, newline included.

    >>> write_line("users", "ann", None, 5)
    b'{"topic":"users","key":"ann","value":null,"ts_ms":5}\\n'
    """
    line = {"topic": topic, "key": key, "value": value, "ts_ms": ts_ms}
    return msgspec.json.encode(line) + b"\n"


def line_of(topic: str, record: msgspec.Struct) -> bytes:
    """The line of an event, a request or an announcement: key and time are the record's own.

    >>> from schemas.catalogue import User
    >>> line_of("users", User(v=1, user_id="ann"))
    b'{"topic":"users","key":"ann","value":{"v":1,"user_id":"ann"},"ts_ms":0}\\n'
    """
    ts_ms = getattr(record, "ts_ms", None)
    if ts_ms is None:
        ts_ms = getattr(record, "created_ms", None) or 0
    return write_line(topic, getattr(record, KEY_FIELD[topic]), record, ts_ms)
