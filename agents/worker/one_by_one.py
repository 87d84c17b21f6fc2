"""Writes to the store, one in flight: what a shard's checkpoints and feed commits have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["OneByOne"]


class OneByOne:
    """Writes to the store, one in flight, each to its end.

    Whoever waits may be cancelled (a shard is given away); the write may not: a thread carries it out all the same, and
    the next one would go on as if it had been written, or not, by guess.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def idle(self) -> None:
        """Wait until nothing is in flight; raises what the write raised."""
        while (task := self._task) is not None:
            await asyncio.shield(task)
            if self._task is task:
                self._task = None

    @property
    def busy(self) -> bool:
        """Whether a write is in flight."""
        return self._task is not None and not self._task.done()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a write, right after ``idle``."""
        self._task = asyncio.create_task(work)

    async def abandon(self) -> None:
        """Give up what is in flight; nothing may be written after it."""
        task, self._task = self._task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
