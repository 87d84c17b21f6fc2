"""Waits: from a viewer's action to the first feed batch that reflects it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from agents.deliveries import Place

__all__ = ["STRONG", "Waits"]

STRONG: Final = frozenset({"events.like", "events.share", "events.follow", "events.comment", "events.save"})
"""Topics of events that change what a viewer is shown next."""
_PENDING: Final = 64


class Waits:
    """Actions of one viewer that no batch has reflected yet, the latest 64."""

    def __init__(self) -> None:
        self._pending: deque[tuple[Place, float]] = deque(maxlen=_PENDING)

    def acted(self, topic: str, partition: int, offset: int, since_s: float) -> None:
        """An action lies at ``offset``; its wait began at ``since_s``."""
        self._pending.append((Place(topic, partition, offset), since_s))

    def reflected(self, as_of: Mapping[str, Mapping[str, int]], arrived_s: float) -> float | None:
        """A batch arrived: how long the youngest action waited that it is the first to reflect, None where it reflects
        none; ``as_of`` names the next offsets, as batches do.

        >>> waits = Waits(); waits.acted("events.like", 3, 7, 1.0)
        >>> waits.reflected({"events.like": {"3": 7}}, 2.0), waits.reflected({"events.like": {"3": 8}}, 2.5)
        (None, 1.5)
        """
        covered = [since_s for place, since_s in self._pending if place.covered(as_of)]
        if not covered:
            return None
        self._pending = deque((one for one in self._pending if not one[0].covered(as_of)), maxlen=_PENDING)
        return arrived_s - max(covered)
