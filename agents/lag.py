"""Lag: how much of each topic-partition a shard has yet to apply.

What is applied is what the checkpoint in Redis says, for nothing else decides where a worker goes on. What Kafka's own
consumer groups have committed follows it, for tools that know no Redis, and may be behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from agents.spans import Log, Place, Span
from agents.store import ShardId, Store
from agents.topics import FOLDED

__all__ = ["Lag", "lags", "lags_within", "totals"]

_KINDS: Final = {topic: kind for kind, topics in FOLDED.items() for topic in topics}


class Lag(NamedTuple):
    """One topic-partition. ``end`` is the offset after its last record, ``applied`` the next one to apply.

    ``lag`` counts offsets between them that Kafka still holds; what compaction or transactions left out counts too.
    ``owner`` is who was the latest to open the shard, "" if nobody was.
    """

    topic: str
    partition: int
    shard: str
    end: int
    applied: int
    lag: int
    owner: str


def lags(log: Log, store: Store) -> list[Lag]:
    """Every topic-partition that a shard folds, in order. Cost: two requests to each broker, one to Redis."""
    return lags_within(log.spans(log.places(_KINDS)), store)


def lags_within(spans: Mapping[Place, Span], store: Store) -> list[Lag]:
    """The same of what of ``spans`` a shard folds; one request to Redis."""
    kinds = _KINDS
    folded = {
        (topic, number): span
        for (topic, number), span in spans.items()
        if topic in kinds and (kinds[topic] != "l" or number == 0)
    }  # the learner is one, whatever a broker makes of its topic
    shards = list(dict.fromkeys(ShardId(kinds[topic], number) for topic, number in folded))
    standing = dict(zip(shards, store.standing(shards), strict=True))
    found = []
    for (topic, number), span in folded.items():
        shard = ShardId(kinds[topic], number)
        applied = standing[shard].offsets.get(topic, 0)
        left = max(0, span.high - max(applied, span.low))
        found.append(Lag(topic, number, str(shard), span.high, applied, left, standing[shard].holder))
    return found


def totals(found: Iterable[Lag]) -> dict[str, int]:
    """Lag by topic."""
    sums: dict[str, int] = {}
    for one in found:
        sums[one.topic] = sums.get(one.topic, 0) + one.lag
    return sums
