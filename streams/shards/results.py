"""What a user shard asks for and hands out: missing rows, what a batch touched, rows for a checkpoint."""

from __future__ import annotations

from typing import NamedTuple

from streams.arrays.hashing import U64
from streams.arrays.tables import I64
from streams.shards.keys import outcome_key, viewer_key

__all__ = ["Applied", "Missing", "Saved"]


class Missing(NamedTuple):
    """What a batch needs and memory does not hold: ids of viewers, and outcomes as (user_id, pair hash, video hash)."""

    users: list[str]
    outcomes: list[tuple[str, int, int]]

    def keys(self) -> list[bytes]:
        """Row keys for one MGET, viewers first."""
        return [viewer_key(user) for user in self.users] + [
            outcome_key(user, video) for user, _, video in self.outcomes
        ]


class Applied(NamedTuple):
    """What a batch touched: ``viewer`` rows and ``video`` hashes of every event, rows of viewers with a ``strong``
    signal or who became bored, and of those who ``hid`` something, took it back or started anew; ``touched`` are the
    rows of outcomes, each once.
    """

    viewer: I64
    video: U64
    strong: I64
    hid: list[int]
    touched: I64


class Saved(NamedTuple):
    """Rows for a checkpoint: keys, values, keys to delete, and the source offsets they reflect."""

    keys: list[bytes]
    values: list[bytes]
    deletes: list[bytes]
    offsets: dict[str, int]
