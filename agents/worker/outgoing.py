"""Outgoing: what waits for the next feed commit, and how it lies in the store until it is published.

Batches and deltas are one kind of thing: a named record for a topic. What was stored says its topic itself, so whoever
takes a shard over publishes the same bytes to the same place.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from agents import tracing
from agents.measures.telemetry import METRICS
from agents.producer import RecordProducer, Ticket
from schemas.codec import encode
from schemas.feeds import FeedBatch, FeedDelta
from schemas.receipts import Receipt

if TYPE_CHECKING:
    from agents.tracing.otel import Answering

__all__ = ["Group", "Outgoing", "of_batch", "of_delta", "of_receipt", "of_stored"]


class Outgoing(NamedTuple):
    """A record on its way: ``name`` is what consumers drop repeats by, ``since_s`` when it was made (monotonic), and
    ``acted_ms`` when the action was sent that it follows from, 0: from none.
    """

    name: str
    topic: str
    user: str
    value: bytes
    since_s: float
    acted_ms: int = 0
    trace: Answering | None = None

    def stored(self) -> tuple[str, bytes]:
        """Name and value of the entry in the store."""
        return self.name, msgspec.msgpack.encode((self.topic, self.user, self.value))

    def send(self, producer: RecordProducer, partition: int, ticket: Ticket) -> None:
        """Publish it."""
        headers = None if self.trace is None else self.trace.headers
        producer.send(self.topic, self.user.encode(), self.value, partition=partition, headers=headers, ticket=ticket)

    def delivered(self) -> None:
        """It has arrived: measure how long that took."""
        if self.trace is not None:
            self.trace.end()
        METRICS["feed_seconds"].observe(time.monotonic() - self.since_s)
        if self.acted_ms:
            METRICS["action_to_feed_seconds"].observe(max(0.0, time.time() - self.acted_ms / 1_000))


@dataclass
class Group:
    """Records waiting for the next feed commit, and rows of the viewers whose ledgers go with them."""

    records: list[Outgoing] = field(default_factory=list)
    rows: dict[int, None] = field(default_factory=dict)

    def committing(self) -> AbstractContextManager[Any]:
        """The span of their commit."""
        came = (record.trace.headers for record in self.records if record.trace is not None)
        return tracing.following("commit", came, batches=len(self.records))

    async def publish(self, producer: RecordProducer, partition: int) -> list[str]:
        """Publish them and wait until they have arrived; their names."""
        ticket = Ticket()
        for record in self.records:
            record.send(producer, partition, ticket)
        await ticket.delivered()
        for record in self.records:
            record.delivered()
        return [record.name for record in self.records]


def of_batch(batch: FeedBatch, acted_ms: int = 0) -> Outgoing:
    """A batch for ``feeds`` that follows from an action sent at ``acted_ms``."""
    trace = tracing.answering(batch.request_id, batch.batch_id)
    return Outgoing(batch.batch_id, "feeds", batch.user_id, encode(batch), time.monotonic(), acted_ms, trace)


def of_delta(delta: FeedDelta) -> Outgoing:
    """A delta for ``feed.delta``."""
    return Outgoing(delta.delta_id, "feed.delta", delta.user_id, encode(delta), time.monotonic())


def of_receipt(receipt: Receipt) -> Outgoing:
    """A receipt for ``receipts``."""
    return Outgoing(receipt.receipt_id, "receipts", receipt.user_id, encode(receipt), time.monotonic())


def of_stored(name: str, stored: bytes) -> Outgoing:
    """What ``Outgoing.stored`` made."""
    topic, user, value = msgspec.msgpack.decode(stored, type=tuple[str, str, bytes])
    return Outgoing(name, topic, user, value, time.monotonic())
