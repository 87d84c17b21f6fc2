"""A steady load: wire lines published evenly by a thread of its own, while a test does things to the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final

from agents.cluster import Cluster
from agents.producer import RecordProducer, Ticket
from schemas.lines import parse_line

__all__ = ["Steady"]

_TICK_S: Final = 0.05


class Steady:
    """Publishes ``lines`` to ``kafka``, ``per_s`` a second, from entering the block until its end or ``rest``."""

    def __init__(self, kafka: Cluster, lines: Sequence[bytes], per_s: float) -> None:
        self._lines, self._per_s = lines, per_s
        self._producer = RecordProducer(kafka, client_id="steady")
        self._ticket = Ticket()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._flow, name="steady", daemon=True)
        self.sent = 0

    def __enter__(self) -> Steady:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._producer.close()

    @property
    def flowing(self) -> bool:
        """Whether there are lines that were not sent yet."""
        return self.sent < len(self._lines)

    def rest(self, timeout_s: float = 120.0) -> None:
        """Publish at once what is left, and wait until every line is delivered."""
        self._end()
        self._send(len(self._lines))
        self._ticket.wait(timeout_s)

    def _end(self) -> None:
        self._ending.set()
        self._thread.join()

    def _flow(self) -> None:
        started_s = time.monotonic()
        while self.flowing and not self._ending.wait(_TICK_S):
            self._send(min(len(self._lines), int(self._per_s * (time.monotonic() - started_s))))

    def _send(self, until: int) -> None:
        for text in self._lines[self.sent : until]:
            line = parse_line(text)
            self._producer.send(line.topic, line.key_bytes, line.value_bytes, ticket=self._ticket)
        self.sent = max(self.sent, until)
