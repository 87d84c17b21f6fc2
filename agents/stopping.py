"""Stopping: Ctrl-C and SIGTERM as something that a loop looks at, and not an exception wherever it stands.

Kafka's client runs Python from C. An exception that a signal raises there comes out as a ``SystemError``, or not at all
(both seen with ``list_offsets`` of confluent-kafka 2.16).
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Final

__all__ = ["Stopping", "stopping"]

_GLANCE_S: Final = 0.1


class Stopping:
    """Whether somebody ``asked`` to stop."""

    def __init__(self) -> None:
        self.asked = False

    def rest(self, rest_s: float) -> None:
        """Sleep for so long; less if somebody asks meanwhile."""
        until_s = time.monotonic() + rest_s
        while not self.asked and (left_s := until_s - time.monotonic()) > 0.0:
            time.sleep(min(left_s, _GLANCE_S))


@contextlib.contextmanager
def stopping() -> Iterator[Stopping]:
    """While the block runs, SIGINT and SIGTERM ask to stop and do nothing else. Signals come to the main thread: in any
    other one nobody asks.
    """
    told = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        told.asked = True

    before = {one: signal.signal(one, ask) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
