"""What a checkpoint costs on a Redis, beside the same rows set one command each.

Writes into shards of a namespace of its own, and takes everything away again.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

import redis

from agents.errors import Stop
from agents.store import ShardId, Store, new_token

__all__ = ["measure"]

_ROWS: Final = 1_000
_ROW_BYTES: Final = 1_000
_SHARD: Final = ShardId("u", 0)


def measure(url: str, rounds: int = 5) -> dict[str, Any]:
    """Wall ms of a checkpoint of 1,000 rows of 1,000 bytes, µs a row of it, and how many times single SETs take.

    Raises ``Stop`` where Redis does not answer.
    """
    namespace = f"feedstream-bench-{new_token()}"
    store, client = Store(url, namespace), redis.Redis.from_url(url, socket_timeout=10.0)
    try:
        store.ping()
        version = f"{client.info('server').get('redis_version', '?')}"
        return {"redis_version": version} | _timed(store, client, namespace, rounds)
    finally:
        store.close()
        client.close()


def _timed(store: Store, client: Any, namespace: str, rounds: int) -> dict[str, Any]:
    token = new_token()
    keys, value = [b"v:%d" % at for at in range(_ROWS)], b"x" * _ROW_BYTES
    names = [f"{namespace}:single:{at}" for at in range(_ROWS // 10)]
    written, single = [], []
    try:
        store.acquire(_SHARD, token)
        for nth in range(rounds):
            began_s = time.perf_counter()
            before = {"bench": nth} if nth else {}
            store.checkpoint(_SHARD, token, before, {"bench": nth + 1}, keys, [value] * _ROWS, [], [], 0)
            written.append(time.perf_counter() - began_s)
            began_s = time.perf_counter()
            for name in names:
                client.set(name, value)
            single.append((time.perf_counter() - began_s) * 10)
    except redis.RedisError as error:
        raise Stop(f"Redis stopped answering: {error}; check FEEDSTREAM_REDIS") from None
    finally:
        own = [f"{{{namespace}:{_SHARD}}}:{name}" for name in _KEPT]
        rows = [f"{{{namespace}:{_SHARD}}}:r:".encode() + key for key in keys]
        for key in [*own, *rows, *names]:
            client.unlink(key)
    checkpoint_s = median(written)
    return {
        "checkpoint_ms": checkpoint_s * 1_000.0,
        "checkpoint_row_us": checkpoint_s / _ROWS * 1e6,
        "checkpoint_ratio": median(single) / checkpoint_s,
    }


_KEPT: Final = ("owner", "holder", "offsets", "outbox", "marked")
"""Keys of a shard that a checkpoint writes beside its rows."""
