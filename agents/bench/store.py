"""What a checkpoint costs on a Redis, beside the same rows set one command each.

Writes into shards of a namespace of its own, and takes everything away again.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

import redis

from agents.errors import Stop
from agents.store import ShardId, Store, StoreUnavailable, new_token

__all__ = ["measure"]

_ROWS: Final = 1_000
_ROW_BYTES: Final = 1_000
_SHARD: Final = ShardId("u", 0)


def measure(url: str, rounds: int = 5) -> dict[str, Any]:
    """Wall ms of a checkpoint of 1,000 rows of 1,000 bytes, µs a row of it, and how many times single SETs take.

    Raises ``Stop`` where Redis does not answer.
    """
    store = Store(url, f"feedstream-bench-{new_token()}")
    try:
        store.ping()
        return {"redis_version": f"{store.server().get('redis_version', '?')}"} | _timed(store, rounds)
    except (redis.RedisError, StoreUnavailable) as error:
        raise Stop(f"Redis stopped answering: {error}; check FEEDSTREAM_REDIS") from None
    finally:
        store.close()


def _timed(store: Store, rounds: int) -> dict[str, Any]:
    token = new_token()
    keys, value = [b"v:%d" % at for at in range(_ROWS)], b"x" * _ROW_BYTES
    names = [store.key(_SHARD, f"single:{at}") for at in range(_ROWS // 10)]
    written, single = [], []
    try:
        store.acquire(_SHARD, token)
        for nth in range(rounds):
            began_s = time.perf_counter()
            before = {"bench": nth} if nth else {}
            store.checkpoint(_SHARD, token, before, {"bench": nth + 1}, keys, [value] * _ROWS, [], [], 0)
            written.append(time.perf_counter() - began_s)
            began_s = time.perf_counter()
            store.ask(lambda client: [client.set(name, value) for name in names])
            single.append((time.perf_counter() - began_s) * 10)
    finally:
        rows = [store.key(_SHARD, "r:") + key for key in keys]
        store.unlink([*(store.key(_SHARD, name) for name in _KEPT), *rows, *names])
    checkpoint_s = median(written)
    return {
        "checkpoint_ms": checkpoint_s * 1_000.0,
        "checkpoint_row_us": checkpoint_s / _ROWS * 1e6,
        "checkpoint_ratio": median(single) / checkpoint_s,
    }


_KEPT: Final = ("owner", "holder", "offsets", "outbox", "marked")
"""Keys of a shard that a checkpoint writes beside its rows."""
