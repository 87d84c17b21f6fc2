"""Measured costs: what an event, a feed and a row take, each from a benchmark and none typed by hand.

``costs.json`` beside this file is written by ``python -m benchmarks.readme``, from the reports that fill README's
tables. ``feedstream bench --json`` writes the same names, for a machine of one's own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from agents.errors import Stop

__all__ = ["COSTS", "Costs", "Measured", "read_costs", "shipped_costs"]

COSTS: Final = Path(__file__).with_name("costs.json")


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """µs are CPU time of one core; bytes of memory are a worker's unless a name says otherwise."""

    replay_us: float
    """An event in the pure pipeline, in one process without servers: how fast a machine is."""
    pipeline_us: float
    """An event in workers of all roles together."""
    flow_users_us: float
    """… of which in user shards, measured apart, and in the next two roles."""
    flow_videos_us: float
    flow_learner_us: float
    pipeline_redis_us: float
    """An event in Redis."""
    pipeline_kafka_us: float
    """An event in a Kafka broker that holds one copy."""
    feed_us: float
    """A batch of 20 out of 10,000 active videos, all of it, in user shards."""
    batches_per_s: float
    """Batches ranked out of 100,000 active videos, a second and core."""
    feed_redis_us: float
    """The same in Redis."""
    input_event_log_bytes: float
    """An event on Kafka's disk, one copy, as producers compress."""
    derived_event_log_bytes: float
    """What follows from an event in ``engagement`` and ``training``."""
    state_event_log_bytes: float
    """The same in ``video.state``, which is compacted."""
    feed_log_bytes: float
    """A batch and its request."""
    feed_redis_bytes: float
    """The ledger of a viewer who was served once."""
    worker_base_bytes: float
    """A worker that holds nothing yet."""
    viewer_memory_bytes: float
    outcome_memory_bytes: float
    video_memory_bytes: float
    video_replica_memory_bytes: float
    """An active video in each process that ranks."""
    viewer_redis_bytes: float
    outcome_redis_bytes: float
    video_redis_bytes: float
    gateway_event_us: float
    """An event that a gateway process takes, in bodies of 100."""
    gateway_feed_us: float
    gateway_stream_bytes: float
    """An open stream."""
    gateway_base_bytes: float
    """A gateway process that holds nothing yet."""


class Measured(msgspec.Struct, frozen=True):
    """Costs with ``where``: what was measured, when and on what, a sentence each."""

    where: list[str]
    costs: Costs


def shipped_costs() -> Measured:
    """The costs of this release."""
    return read_costs(COSTS)


def read_costs(path: Path) -> Measured:
    """Costs of a file: a whole one, or some figures that replace those of this release (``feedstream bench --json``).

    Raises ``Stop`` where it holds none.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
        where = msgspec.json.decode(found["where"], type=list[str])
        given = msgspec.json.decode(found["costs"], type=dict[str, float])
        known = {} if path == COSTS else msgspec.to_builtins(shipped_costs().costs)
        if wrong := [name for name, value in given.items() if name in Costs.__struct_fields__ and not value > 0]:
            raise ValueError(f"{wrong[0]} is not more than 0")
        if not given.keys() & set(Costs.__struct_fields__):
            raise ValueError("it names no cost")
        return Measured(where, msgspec.convert(known | given, type=Costs))
    except (OSError, KeyError, ValueError) as error:  # msgspec's errors are ValueErrors
        raise Stop(f"{path} holds no measured costs ({error}): use what `feedstream bench --json` prints") from None
