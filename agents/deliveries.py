"""Deliveries: what became of each record that a client sent, one future a record.

Records are reported on by the producer's own thread; whoever waits may be any thread or event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from agents.producer import DeliveryFailed, Ticket

__all__ = ["Deliveries", "Delivery", "Place"]


class Place(NamedTuple):
    """Where a record stands; a batch whose ``as_of`` for that partition is past ``offset`` reflects it."""

    topic: str
    partition: int
    offset: int

    def covered(self, as_of: Mapping[str, Mapping[str, int]]) -> bool:
        """Whether a batch with ``as_of`` reflects the record.

        >>> Place("events.like", 0, 11).covered({"events.like": {"0": 12}})
        True
        """
        return as_of.get(self.topic, {}).get(str(self.partition), 0) > self.offset


class Delivery(Future[Place]):
    """A record on its way. ``result(timeout)`` waits for its place, ``await`` does so in an event loop; both raise
    ``DeliveryFailed`` if it did not arrive. It cannot be cancelled.
    """

    def __init__(self, record: Any) -> None:
        """``record``: the struct that was sent, with what was filled in; None for a tombstone."""
        super().__init__()
        self.record = record
        self.set_running_or_notify_cancel()

    def __await__(self) -> Generator[Any, None, Place]:
        return asyncio.wrap_future(self).__await__()


class Deliveries(Ticket):
    """All deliveries of a client: settles each, then counts it."""

    def settle(self, timeout_s: float | None) -> None:
        """As ``wait``, and starts anew: a failure is raised once."""
        try:
            self.wait(timeout_s)
        except DeliveryFailed as first:
            with self._lock:
                failed, self.failed, self.failures = self.failed, 0, []
            raise DeliveryFailed(f"{failed} not delivered: {first}") from None

    def _reported(self, error: DeliveryFailed | None, tag: object = None, topic: str = "", message: Any = None) -> None:
        if isinstance(tag, Delivery):
            if error is None:
                tag.set_result(Place(topic, message.partition(), message.offset()))
            else:
                tag.set_exception(error)
        super()._reported(error, tag, topic, message)
