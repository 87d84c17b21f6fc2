"""Strong signals of one viewer are answered once a second at most: those within it together, at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, NamedTuple

__all__ = ["Signal", "Throttle"]

_EVERY_S: Final = 1.0
_WAITING: Final = 10_000
"""Viewers who may wait; a signal of any more is reflected by whatever batch comes next."""


class Signal(NamedTuple):
    """What waits for its answer: the event's time, and when it was sent (ms, 0: unknown) by the first that waits."""

    ts_ms: int
    acted_ms: int


class Throttle:
    """Who was answered lately, and who waits. ``clock`` gives seconds that only grow.

    >>> now_s = 0.0
    >>> throttle = Throttle(lambda: now_s)
    >>> throttle.take("ann"), throttle.take("ann")
    (True, False)
    >>> now_s = 1.0
    >>> throttle.take("ann")
    True
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}
        self._waiting: dict[str, Signal] = {}
        self._news = asyncio.Event()

    def take(self, user: str, *, at_once: bool = False) -> bool:
        """Whether a signal of this viewer is answered now, whenever the last one was if ``at_once``."""
        now_s = self._clock()
        while self._told and (oldest := next(iter(self._told.items())))[1] <= now_s - _EVERY_S:
            del self._told[oldest[0]]
        if user in self._told and not at_once:
            return False
        self._told.pop(user, None)  # the order is that of time
        self._told[user] = now_s
        return True

    def wait(self, user: str, signal: Signal) -> None:
        """A signal that was not taken is answered when the viewer's second is over."""
        if user in self._waiting:
            self._waiting[user] = signal._replace(acted_ms=self._waiting[user].acted_ms)
        elif len(self._waiting) < _WAITING:
            self._waiting[user] = signal
            self._news.set()

    def answered(self, *users: str) -> None:
        """A batch went to these viewers, or nobody knows of them any more: nothing of theirs waits."""
        for user in users:
            self._waiting.pop(user, None)

    async def due(self) -> dict[str, Signal]:
        """The next signals whose second is over, by viewer, as soon as there are some."""
        while True:
            while not self._waiting:  # who made the news may be answered before we look
                self._news.clear()
                await self._news.wait()
            rest_s = min(self._due_s(user) for user in self._waiting) - self._clock()
            if rest_s > 0:
                await asyncio.sleep(rest_s)
            ready = [user for user in self._waiting if self._due_s(user) <= self._clock()]
            if found := {user: self._waiting.pop(user) for user in ready}:
                return found

    def _due_s(self, user: str) -> float:
        return self._told.get(user, 0.0) + _EVERY_S
