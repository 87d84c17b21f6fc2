"""Copies: a viewer as the store has it, to be told of or ranked for, without owning, committing or writing anything."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import msgspec
import numpy as np

from agents.store import Store
from agents.stored import rows_of
from agents.worker.shared import Replica
from streams.ranking.desk import Desk, FeedRow, feed_key
from streams.shards.keys import viewer_key
from streams.shards.user_shard import UserShard
from streams.viewer.portrait import portrait, refs
from streams.viewer.viewers import ViewerTable
from streams.words.asks import decode_asks, put_asks, readable

__all__ = ["NOBODY", "Copied", "copied", "known_of", "stored_viewer"]


class Copied(NamedTuple):
    """What the store tells of a viewer: the row and the ledger of what was served, None where there is none."""

    row: bytes | None = None
    ledger: bytes | None = None


NOBODY = Copied()
"""Of whom nothing is stored."""


def stored_viewer(store: Store, user_id: str) -> Copied:
    """Read a viewer; raises ``StoreUnavailable``."""
    return Copied(*rows_of(store, "u", user_id, [viewer_key(user_id), feed_key(user_id)]))


def copied(replica: Replica, user_id: str, stored: Copied) -> tuple[UserShard, Desk, int]:
    """A shard with this viewer alone, its desk, and the viewer's row, on the catalogue and settings of ``replica``."""
    shard = UserShard(0, replica.catalogue, learn=False)
    desk = Desk(shard, "copy", steering=replica.steering)
    if stored.row is not None:
        shard.viewers.decode([user_id], [stored.row])
    row = shard.viewers.rows([user_id])[0]
    if stored.ledger is not None:
        desk.decode(row, stored.ledger)
    return shard, desk, row


def known_of(store: Store, user_id: str) -> dict[str, Any] | None:
    """What is known of a viewer, ready for JSON; None where nothing is. Raises ``StoreUnavailable``."""
    stored = stored_viewer(store, user_id)
    if stored.row is None:
        return None
    table = ViewerTable()
    table.decode([user_id], [stored.row])
    row = table.row_of[user_id]
    now_ms = int(max(table.last_ms[row], time.time() * 1_000))
    known = portrait(table, row, store.names(refs(table, row)), now_ms)
    ledger = None if stored.ledger is None else msgspec.msgpack.decode(stored.ledger, type=FeedRow)
    return {
        "user_id": user_id,
        **known,
        "asks": readable(put_asks(table.asks[row], decode_asks(ledger.asks if ledger else b""))),
        "met": len(table.met[row]),
        "positives": int(table.positives[row]),
        "batches": ledger.seq if ledger else 0,
        "served": len(np.frombuffer(ledger.served, dtype=np.uint64)) if ledger else 0,
        "last_ms": int(table.last_ms[row]),
    }
