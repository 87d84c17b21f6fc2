"""The outbox of a user shard: what a checkpoint stored and Kafka has yet to get, sent until it has arrived.

Frames for ``engagement``, each with its partition, and receipts for those who asked to be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from agents.producer import RecordProducer, Ticket
from agents.worker.outgoing import Outgoing, of_receipt, of_stored
from schemas.receipts import Receipt
from streams.arrays.hashing import hash64

__all__ = ["Outbox", "receipts"]

_RECEIPT: Final = 0xFFFFFFFF
"""Stands where the partition of a frame does, before a receipt."""


class Outbox:
    """Entries by number, in order. ``stored`` is what the store holds of the owner before."""

    def __init__(self, stored: Iterable[tuple[int, bytes]]) -> None:
        self._held = dict(stored)
        self._next = max(self._held, default=-1) + 1
        self.done = 0
        """Entries below it are delivered; the next checkpoint drops them from the store."""
        self.spent = False
        """Whether a receipt is among those: what names the viewer leaves the store with a checkpoint of its own."""

    def numbers(self) -> list[int]:
        """Of everything that waits."""
        return sorted(self._held)

    def add(self, frames: Iterable[tuple[int, bytes]], receipts: Iterable[Outgoing]) -> list[tuple[int, bytes]]:
        """Number frames (partition, bytes) and receipts; what a checkpoint is to store."""
        marked = [*frames, *((_RECEIPT, one.stored()[1]) for one in receipts)]
        made = [(at, place.to_bytes(4, "little") + value) for at, (place, value) in enumerate(marked, self._next)]
        self._next += len(made)
        self._held.update(made)
        self.spent = False
        return made

    async def send(self, numbers: Sequence[int], producer: RecordProducer, shard: int) -> None:
        """Publish entries in order and wait until all are delivered."""
        ticket = Ticket()
        for number in numbers:
            place, value = int.from_bytes(self._held[number][:4], "little"), self._held[number][4:]
            if place == _RECEIPT:
                one = of_stored("", value)
                producer.send(one.topic, one.user.encode(), one.value, partition=shard, ticket=ticket)
                self.spent = True
            else:
                producer.send("engagement", None, value, partition=place, ticket=ticket)
        await ticket.delivered()
        for number in numbers:
            self._held.pop(number, None)
            self.done = max(self.done, number + 1)


def receipts(deleted: dict[str, dict[str, int]], records: Iterable[Any]) -> list[Outgoing]:
    """Receipts for viewers just forgotten, of whom so much was ``deleted`` by kind, at the null records among
    ``records`` of ``users``; the same record has the same receipt. Empties ``deleted``.
    """
    latest = {record.key.decode(): record for record in records if record.value is None}
    made = []
    for user, counts in deleted.items():
        name = hash64(f"{user}\0{latest[user].partition}\0{latest[user].offset}")
        stamp_ms = max(0, latest[user].timestamp)
        made.append(
            of_receipt(
                Receipt(v=1, receipt_id=f"receipt-{name:016x}", user_id=user, ts_ms=stamp_ms, deleted=dict(counts))
            )
        )
    deleted.clear()
    return made
