"""Scanning: rows of the store by going through all keys, for those who must see every one; at the cost of all of them.

Of a cluster each node is asked in turn. What lies in a slot that moves meanwhile could be missed, so whoever scans is
told that slots have moved: an answer that looks whole is whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from agents.redis_client import SLOTS, Node, RedisClient, StoreUnavailable

__all__ = ["ROWS", "drawn", "keys", "pages", "whole"]

ROWS: Final = b"}:r:"
"""What stands before a row's own key; no namespace has it, so the first of them is the one."""
_SCANNED: Final = 5_000
_PAGE: Final = 1_000
_Row = tuple[bytes, bytes]


def pages(redis: RedisClient, begin: bytes, prefix: bytes, home: bytes | None = None) -> Iterator[list[_Row]]:
    """Pages of rows whose own key starts with ``prefix``, of shards whose keys start with ``begin``; all of them lie
    with the key ``home`` if that is given. Raises ``StoreUnavailable`` at the latest after the last page, where what
    came before may not be all.
    """
    for page in whole(redis, begin, prefix, home):
        yield [(key.partition(ROWS)[2], value) for key, value in page]


def whole(redis: RedisClient, begin: bytes, prefix: bytes = b"", home: bytes | None = None) -> Iterator[list[_Row]]:
    """``pages`` of rows by all of their keys, shard included."""
    for page in keys(redis, begin, prefix, home):
        yield _read(redis, page)


def keys(redis: RedisClient, begin: bytes, prefix: bytes = b"", home: bytes | None = None) -> Iterator[list[bytes]]:
    """Pages of the keys of ``whole``, of rows that nobody reads."""
    pattern = _escaped(begin) + (b"*" if home is None else b"") + _escaped(ROWS + prefix) + b"*"
    before = _held(redis)
    for node in _primaries(redis) if home is None else [redis.home(home)]:
        cursor, more = 0, True
        while more:
            cursor, found = redis.ask(partial(_scanned, node, cursor, pattern))
            more = cursor != 0
            # An id within a key may look like the pattern, and is no prefix.
            rows = [key for key in found if key.partition(ROWS)[2].startswith(prefix)]
            for low in range(0, len(rows), _PAGE):
                yield rows[low : low + _PAGE]
    if _held(redis) != before:
        raise StoreUnavailable("slots of the Redis Cluster moved meanwhile, so rows may be missing: ask again")


def drawn(redis: RedisClient, count: int) -> list[tuple[float, bytes]]:
    """``count`` keys drawn at random, each with the number of keys that it stands for."""
    found = []
    nodes = _primaries(redis)
    sizes = redis.ask(lambda _: [int(node.redis.dbsize()) for node in nodes])
    for node, size in zip(nodes, sizes, strict=True):
        share = -(-count * size // max(1, sum(sizes)))
        found += [(size / share, key) for key in redis.ask(partial(_draw, node, share)) if key]
    return found


def _scanned(node: Node, cursor: int, pattern: bytes, _: Any) -> tuple[int, list[bytes]]:
    found: tuple[int, list[bytes]] = node.redis.scan(cursor, match=pattern, count=_SCANNED)
    return found


def _draw(node: Node, count: int, _: Any) -> list[bytes | None]:
    with node.redis.pipeline(transaction=False) as pipe:
        for _ in range(count):
            pipe.randomkey()
        keys: list[bytes | None] = pipe.execute()
    return keys


def _read(redis: RedisClient, keys: Sequence[bytes]) -> list[_Row]:
    """Keys and values of rows, those that are still there; one MGET a shard in a cluster, otherwise one."""
    shards: dict[bytes, list[bytes]] = defaultdict(list)
    for key in keys:
        shards[key.partition(b"}")[0] if redis.is_cluster else b""].append(key)
    return [
        (key, value)
        for some in shards.values()
        for key, value in zip(some, redis.ask(partial(_got, some)), strict=True)
        if value is not None
    ]


def _got(keys: Sequence[bytes], client: Any) -> list[bytes | None]:
    found: list[bytes | None] = client.mget(keys)
    return found


def _primaries(redis: RedisClient) -> list[Node]:
    return [node for node in redis.nodes() if node.primary]


def _held(redis: RedisClient) -> dict[str, list[list[str]]]:
    """The slots that each node of a cluster says it holds, none elsewhere; raises ``StoreUnavailable`` unless each slot
    has one place and stays there.
    """
    if not redis.is_cluster:
        return {}
    told = {node.name: redis.ask(partial(_itself, node)) for node in _primaries(redis)}
    held = {name: one["slots"] for name, one in told.items()}
    count = sum(int(ends[-1]) - int(ends[0]) + 1 for slots in held.values() for ends in slots)
    if count != SLOTS or any(one["migrations"] for one in told.values()):
        raise StoreUnavailable("slots of the Redis Cluster are being moved: ask again when they have arrived")
    return held


def _itself(node: Node, _: Any) -> dict[str, Any]:
    """A node's own line of CLUSTER NODES."""
    nodes = node.redis.execute_command("CLUSTER NODES")
    (mine,) = (one for one in nodes.values() if "myself" in one["flags"])
    return dict(mine)


def _escaped(text: bytes) -> bytes:
    for special in b"\\*?[]":
        text = text.replace(bytes([special]), b"\\" + bytes([special]))
    return text
