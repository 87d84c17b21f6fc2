"""Wire lines: one record as one line of JSON, for files and pipes.

``{"topic", "key", "value", "ts_ms"}``: ``value`` is a JSON object, or null for a tombstone; ``key`` may be absent where
the value names it; ``ts_ms`` is the event time and only informs whoever sorts the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

__all__ = ["BadLine", "Line", "parse_line", "read_lines", "write_line"]


class BadLine(ValueError):
    """A line that is no wire line; the message says which and why."""


class Line(msgspec.Struct, kw_only=True, frozen=True):
    """One record; ``value`` is raw JSON, ``null`` a tombstone."""

    topic: str
    value: msgspec.Raw
    key: str | None = None
    ts_ms: int = 0

    @property
    def value_bytes(self) -> bytes | None:
        """The record's value as sent: the JSON as it stands, None for a tombstone."""
        raw = bytes(self.value)
        return None if raw == b"null" else raw

    @property
    def key_bytes(self) -> bytes | None:
        """The record's key; where the line has none, the value's own ``user_id``, ``video_id``, ``campaign_id`` or ``key``."""
        if self.key is not None:
            return self.key.encode("utf-8", "surrogatepass")
        try:
            named = msgspec.json.decode(self.value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        for name in ("campaign_id", "key") if self.topic in {"promotions", "control"} else ("user_id", "video_id"):
            if isinstance(named, dict) and isinstance(named.get(name), str):
                return str(named[name]).encode("utf-8", "surrogatepass")
        return None


_DECODER = msgspec.json.Decoder(Line)


def parse_line(text: bytes, number: int = 1) -> Line:
    """One line; raises ``BadLine`` that names ``number``.

    >>> parse_line(b'{"topic":"users","key":"ann","value":null,"ts_ms":0}').value_bytes is None
    True
    """
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadLine(f"line {number} is no wire line: {error}") from None


def read_lines(stream: Iterable[bytes]) -> Iterator[Line]:
    """Every line of ``stream`` but empty ones, in order; raises ``BadLine`` at the first bad one."""
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
