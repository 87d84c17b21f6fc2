"""Intake: records of a chunk become structs, and what cannot be read becomes a dead letter.

The same for every kind of shard. Letters are handed over with a ticket: a checkpoint that moves past a bad record waits
until its letter is delivered.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from agents import tracing
from agents.dead_letters import TOPIC as DEAD_LETTERS
from agents.dead_letters import dead_letter
from agents.measures.telemetry import METRICS
from agents.producer import Ticket
from agents.worker.shared import Shared
from schemas.codec import decode_many
from streams.shards.columns import Columns

__all__ = ["Intake", "Part", "Read", "sent_ms"]


class Read(NamedTuple):
    """Structs (None: a tombstone), the record each came from, and whether the chunk comes too late to be answered."""

    events: list[Any]
    records: list[Any]
    late: bool


class Part(NamedTuple):
    """Events of one chunk, the offset that follows them, whether they come too late for batches of our own, and the
    records they came from.
    """

    columns: Columns
    following: int
    late: bool
    records: Sequence[Any] = ()


def sent_ms(parts: Iterable[Part], users: Iterable[str]) -> dict[str, int]:
    """When the first record of each of ``users`` among ``parts`` was sent."""
    sent = {user.encode(): 0 for user in users}
    for part in parts:
        for record in part.records:
            if (before := sent.get(record.key)) is not None:
                sent[record.key] = min(before or record.timestamp, record.timestamp)
    return {key.decode(): stamp_ms for key, stamp_ms in sent.items() if stamp_ms > 0}


class Intake:
    """Decodes for one shard."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._letters = Ticket()

    def read(self, topic: str, records: Sequence[Any]) -> Read:
        """Decode records of one topic, at least one; the bad ones among them go to ``dead-letters``."""
        decoded = decode_many(
            topic,
            [record.key for record in records],
            [record.value for record in records],
            [record.timestamp for record in records],
        )
        for at, cause, path in decoded.bad:
            self.refuse(topic, records[at], cause, path)
        self._shared.bad.add(len(records), len(decoded.bad), time.monotonic())
        events, kept = list(decoded.events), [records[at] for at in decoded.index]
        if topic == "feed.requests":
            tracing.asked(events, kept)
        late = time.time() - records[-1].timestamp / 1_000 > self._shared.settings.backlog_s
        return Read(events, kept, late)

    def refuse(self, topic: str, record: Any, cause: str, path: str) -> None:
        """One record of ``topic`` to ``dead-letters``, byte for byte."""
        letter = dead_letter(topic, record.partition, record.offset, record.key, record.value, cause, path)
        self._shared.producer.send(DEAD_LETTERS, letter.key, letter.value, headers=letter.headers, ticket=self._letters)
        METRICS["bad_records_total"].labels(topic, cause).inc()

    def letters(self) -> Ticket:
        """The ticket of the letters sent since the last call."""
        letters, self._letters = self._letters, Ticket()
        return letters
