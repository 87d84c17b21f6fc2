"""Measured: what a user shard and the feeds of the process have counted since the last look, as metrics."""

from __future__ import annotations

from agents.measures.telemetry import METRICS
from streams.control.proceeds import Proceeds
from streams.shards.user_shard import UserShard

__all__ = ["measured"]


def measured(shard: UserShard, proceeds: Proceeds) -> None:
    """Hand over what was counted; the counts begin anew."""
    METRICS["overflows_total"].inc(shard.outcomes.overflows)
    METRICS["frozen_outcomes_total"].inc(shard.frozen)
    shard.outcomes.overflows = shard.frozen = 0
    counted = proceeds.drain()
    for labels, count in counted.items.items():
        METRICS["feed_items_total"].labels(*labels).inc(count)
    for labels, count in counted.arms.items():
        METRICS["arm_items_total"].labels(*labels).inc(count)
