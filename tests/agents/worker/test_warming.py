"""Warming: what is read back while a forgotten viewer's rows are being deleted is not theirs any more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from agents.worker.users import UserHost
from streams.arrays.hashing import hash_all
from streams.shards.results import Missing
from streams.shards.user_shard import UserShard
from streams.video.catalogue import Catalogue


async def test_rows_deleted_while_they_are_read_stay_deleted() -> None:
    """The checkpoint that deletes them ends between the reading and the answer."""
    before = UserShard(0, Catalogue())
    before.viewers.rows(["ida"])
    before.viewers.remember(0, hash_all(["a", "b", "c"]))
    stored = before.viewers.encode(np.array([0]))[0]
    host: Any = object.__new__(UserHost)
    host.shard, host.desk = UserShard(0, Catalogue()), SimpleNamespace()
    host.id, host._forgotten, host._leaving = None, {}, {"ida": None}

    def mget(_: object, keys: list[bytes]) -> list[bytes | None]:
        host._leaving = {}
        return [stored, *([None] * (len(keys) - 1))]

    host.store = SimpleNamespace(mget=mget)
    await host._warm(Missing(["ida"], []))
    assert "ida" not in host.shard.viewers.row_of
