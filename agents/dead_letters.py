"""Dead letters: bad records kept byte for byte, and the watch over how many there are.

Nothing here reads what is in a record; it is carried, key and value as found, with headers that say why and whence.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from agents.errors import Stop

__all__ = ["TOPIC", "BadShare", "DeadLetter", "dead_letter"]

TOPIC: Final = "dead-letters"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record for ``dead-letters``: hand its fields to ``RecordProducer.send``."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def dead_letter(
    topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None, cause: str, path: str
) -> DeadLetter:
    """The dead letter of a record found at (``topic``, ``partition``, ``offset``); headers are UTF-8, numbers decimal.

    >>> dead_letter("events.like", 3, 41, b"ann", b"{", "json", "$").headers[-1]
    ('offset', b'41')
    """
    named = {"cause": cause, "path": path, "topic": topic, "partition": str(partition), "offset": str(offset)}
    return DeadLetter(key, value, tuple((name, text.encode()) for name, text in named.items()))


class BadShare:
    """Stops a worker whose input is mostly bad: a wrong topic or a broken producer, not an accident.

    ``share`` of at least ``least`` records within ``window_s`` seconds; 0: never. The clock is the caller's.
    """

    def __init__(self, share: float, least: int = 1_000, window_s: float = 30.0) -> None:
        self._share = share
        self._least = least
        self._window_s = window_s
        self._recent: deque[tuple[float, int, int]] = deque()
        self._records = 0
        self._bad = 0

    def add(self, records: int, bad: int, now_s: float) -> None:
        """Count a batch of ``records``, ``bad`` of them bad, read at ``now_s`` (monotonic); raises ``Stop``."""
        self._recent.append((now_s, records, bad))
        self._records += records
        self._bad += bad
        while self._recent[0][0] < now_s - self._window_s:
            _, old, old_bad = self._recent.popleft()
            self._records -= old
            self._bad -= old_bad
        if self._share and self._records >= self._least and self._bad > self._share * self._records:
            raise Stop(
                f"{self._bad} of the latest {self._records} records are bad, more than FEEDSTREAM_BAD_SHARE="
                f"{self._share:g} allows: look at `feedstream tail dead-letters`, mend the producer, then start again; "
                "FEEDSTREAM_BAD_SHARE=0 passes over those that are there already"
            )
