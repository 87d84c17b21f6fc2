"""The store: every shard's checkpoint in Redis, each one atomic script.

A checkpoint writes dirty rows, the applied offset of every topic and the outbox together, or nothing: it is a
compare-and-set on the owner and on the offsets of the checkpoint before, so a zombie's is refused, and so is that of a
worker whose Redis came back older. Rows travel packed, since the client pays per argument. Nothing executable is ever
read back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import redis

from agents.errors import Stop
from agents.redis_client import Node, RedisClient, StoreUnavailable
from agents.scanning import ROWS, drawn, keys, pages, whole

__all__ = [
    "Loaded", "Refused", "ShardId", "Standing", "Store", "StoreUnavailable", "listed", "new_token", "packed", "paired",
]  # fmt: skip

_T = TypeVar("_T")
_ASIDE: Final = ("copying", "before")
"""That somebody copies the shard, and its rows as they were when that began; see ``agents.snapshots.copying``."""
_DRAWN: Final = 1_000
"""Keys drawn to estimate how many there are of each kind."""
_KINDS: Final = {(b"u:", b"v:"): "viewers", (b"u:", b"o:"): "outcomes", (b"v:", b"e:"): "videos"}
"""Kind of shard and beginning of a row's key to what the row is."""


class Refused(RuntimeError):
    """A compare-and-set failed, nothing was written. ``why``: "owner", "offsets" or "feeds"."""

    def __init__(self, shard: ShardId, why: str) -> None:
        super().__init__(f"shard {shard} was refused: its {why} in Redis are not ours")
        self.why = why


class ShardId(NamedTuple):
    """``kind`` u (viewers), v (videos) or l (learner), and the partition's number."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"


class Loaded(NamedTuple):
    """What a shard's keys say when it is taken over."""

    offsets: dict[str, int]
    outbox: list[tuple[int, bytes]]
    feeds: list[tuple[str, bytes]]
    feed_offsets: dict[str, int]
    feed_count: int


class Standing(NamedTuple):
    """How far a shard is: the next offset of each topic, feed requests too, and who was the latest to open it."""

    offsets: dict[str, int]
    holder: str


class Store:
    """Shards in Redis at ``url``; keys are ``{namespace:kind:number}:…``, one hash slot a shard.

    Safe to use from several threads. Every method raises ``StoreUnavailable`` while Redis does not answer.
    """

    def __init__(self, url: str, namespace: str = "feedstream") -> None:
        self._redis = RedisClient(url)
        self._namespace = namespace

    def ping(self) -> None:
        """Raise ``Stop`` with one sentence if Redis does not answer."""
        try:
            self._redis.ping()
        except StoreUnavailable as error:
            raise Stop(f"Redis is unreachable: {error}; check FEEDSTREAM_REDIS and that the server is up") from None
        except redis.RedisError as error:
            raise Stop(f"Redis refuses us: {error}; check FEEDSTREAM_REDIS") from None

    def layout(self, wanted: Mapping[str, int]) -> None:
        """Note the partition counts at first use; raises ``Stop`` where they are others than the stored ones."""
        key = f"{self._namespace}:layout"
        for name, count in wanted.items():
            have = self._redis.ask(partial(_noted, key, name, count))
            if have != count:
                raise Stop(
                    f"this store was made with {name}={have}, the settings say {count}: rows would land in other "
                    f"shards; set FEEDSTREAM_{name.upper()}={have} or use another FEEDSTREAM_NAMESPACE"
                )

    def stored_layout(self) -> dict[str, int]:
        """The partition counts noted at first use; empty in a store never used."""
        found = self._redis.ask(lambda client: client.hgetall(f"{self._namespace}:layout"))
        return {name.decode(): int(count) for name, count in found.items()}

    def acquire(self, shard: ShardId, token: str, holder: str = "") -> Loaded:
        """Become the owner of a shard, from now on everybody else is refused; returns what is stored.

        ``holder`` says to operators who that is; nothing depends on it. Raises ``Stop`` while it is being restored.
        """
        names = ("owner", "holder", "offsets", "outbox", "feeds", "feed_offsets", "feed_count", "restoring")
        found = self.run("acquire", shard, names, [token, holder])
        if found is None:
            raise Stop(
                f"shard {shard} is being restored from a snapshot: wait for `feedstream state import`, or run it again "
                "if it was cut"
            )
        offsets, outbox, feeds, feed_offsets = (paired(one) for one in found[:4])
        return Loaded(
            _numbers(offsets),
            sorted((int(number), frame) for number, frame in outbox.items()),
            sorted((name.decode(), batch) for name, batch in feeds.items()),
            _numbers(feed_offsets),
            int(found[4]),
        )

    def checkpoint(
        self,
        shard: ShardId,
        token: str,
        expect: Mapping[str, int],
        offsets: Mapping[str, int],
        keys: Sequence[bytes],
        values: Sequence[bytes],
        deletes: Sequence[bytes],
        outbox: Sequence[tuple[int, bytes]],
        outbox_done: int,
        marks: Sequence[bytes] = (),
        unmarks: Sequence[bytes] = (),
    ) -> None:
        """Write a checkpoint; ``expect`` are the offsets as we know them stored. One whose reply was lost may be
        repeated.

        Deletes come before rows. Outbox frames numbered below ``outbox_done`` are dropped. ``marks`` and ``unmarks``
        are keys that ``marked`` is to name from now on, or no more. Raises ``Refused``.
        """
        arguments: list[Any] = [
            token,
            self.key(shard, "r:"),
            _packed_numbers(expect),
            _packed_numbers({**expect, **offsets}),
            listed(deletes),
            packed(zip(keys, values, strict=True)),
            packed((str(number).encode(), frame) for number, frame in outbox),
            outbox_done,
            listed(marks),
            listed(unmarks),
        ]
        names = ("owner", "offsets", "outbox", "marked", *_ASIDE)
        self._answered(shard, self.run("checkpoint", shard, names, arguments))

    def commit_feeds(
        self,
        shard: ShardId,
        token: str,
        feed_count: int,
        keys: Sequence[bytes],
        values: Sequence[bytes],
        feed_offsets: Mapping[str, int],
        batches: Sequence[tuple[str, bytes]],
        done: Sequence[str],
    ) -> int:
        """Write served ledgers, request offsets and batches together; returns the new count. Raises ``Refused``.

        ``done`` are ids of published batches to drop. One whose reply was lost may be repeated.
        """
        arguments: list[Any] = [
            token,
            self.key(shard, "r:"),
            feed_count,
            _packed_numbers(feed_offsets),
            packed(zip(keys, values, strict=True)),
            packed((name.encode(), batch) for name, batch in batches),
            listed([name.encode() for name in done]),
            f"{token}:{feed_count}",
        ]
        names = ("owner", "feed_count", "feed_offsets", "feeds", *_ASIDE)
        self._answered(shard, self.run("feeds", shard, names, arguments))
        return feed_count + 1

    def mget(self, shard: ShardId, keys: Sequence[bytes]) -> list[bytes | None]:
        """The rows of ``keys`` in one MGET, None where there is none."""
        if not keys:
            return []
        prefix = self.key(shard, "r:")
        found: list[bytes | None] = self._redis.ask(lambda client: client.mget([prefix + key for key in keys]))
        return found

    def notes(self, name: str) -> dict[bytes, bytes]:
        """All that was noted under ``name``: "names" of hashes, dead letters "replayed"."""
        return self._redis.ask(lambda client: client.hgetall(f"{self._namespace}:{name}"))

    def note(self, name: str, notes: Mapping[Any, Any]) -> None:
        """Note more under ``name``, as ``notes`` gives it back."""
        if notes:
            self._redis.ask(lambda client: client.hset(f"{self._namespace}:{name}", mapping=dict(notes)))

    def note_names(self, names: Mapping[int, str]) -> None:
        """Remember what hashes of tags stand for, so that a persona can be read."""
        self.note("names", {f"{name:016x}": text for name, text in names.items()})

    def names(self, hashes: Sequence[int]) -> dict[int, str]:
        """What hashes of tags stand for; unknown ones are left out."""
        if not hashes:
            return {}
        fields = [f"{name:016x}" for name in hashes]
        found = self._redis.ask(lambda client: client.hmget(f"{self._namespace}:names", fields))
        return {name: text.decode() for name, text in zip(hashes, found, strict=True) if text is not None}

    def marked(self, shard: ShardId) -> list[bytes]:
        """The keys of a shard that are marked, in order. Cost: O(marked keys)."""
        return sorted(self._redis.ask(lambda client: client.smembers(self.key(shard, "marked"))))

    def scan(self, shard: ShardId, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every row whose key starts with ``prefix``. Cost: O(all keys of the server), by SCAN; for operators only.

        Raises ``StoreUnavailable`` after the last row where slots of a cluster moved meanwhile: rows may be missing.
        """
        tag = f"{{{self._namespace}:{shard}".encode()
        for page in pages(self._redis, tag, prefix, home=self.key(shard, "offsets")):
            yield from page

    def scan_all(self, kind: str, prefix: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        """Pages of every row of all shards of a ``kind`` whose key starts with ``prefix``, at the cost of one ``scan``.
        A row may come twice, and what changes meanwhile comes as it was or as it is. Raises like ``scan``.
        """
        return pages(self._redis, f"{{{self._namespace}:{kind}:".encode(), prefix)

    def pages(self) -> Iterator[list[tuple[ShardId, bytes, bytes]]]:
        """Pages of every row of every shard: shard, row key, value. As ``scan_all`` has it, a row may come twice."""
        begin = f"{{{self._namespace}:".encode()
        for page in whole(self._redis, begin):
            yield [(*_row_of(key.removeprefix(begin)), value) for key, value in page]

    def row_keys(self) -> Iterator[list[tuple[ShardId, bytes]]]:
        """Pages of the keys of ``pages``."""
        begin = f"{{{self._namespace}:".encode()
        for page in keys(self._redis, begin):
            yield [_row_of(key.removeprefix(begin)) for key in page]

    def shards(self) -> list[ShardId]:
        """Every shard that was ever owned, by the stored layout."""
        counts = self.stored_layout()
        return [
            ShardId(kind, number)
            for kind, name in (("u", "user_partitions"), ("v", "video_partitions"))
            for number in range(counts.get(name, 0))
        ]

    def offsets(self, shard: ShardId) -> dict[str, int]:
        """The stored offsets of a shard, without taking it over."""
        return _numbers(self._redis.ask(lambda client: client.hgetall(self.key(shard, "offsets"))))

    def standing(self, shards: Sequence[ShardId]) -> list[Standing]:
        """How far each of ``shards`` is, without taking it over; one round trip."""

        def ask(client: Any) -> Any:
            with client.pipeline(transaction=False) as pipe:
                for shard in shards:
                    pipe.hgetall(self.key(shard, "offsets"))
                    pipe.hgetall(self.key(shard, "feed_offsets"))
                    pipe.get(self.key(shard, "holder"))
                return pipe.execute()

        found = self._redis.ask(ask)
        return [
            Standing(_numbers(offsets) | _numbers(asked), (holder or b"").decode())
            for offsets, asked, holder in zip(found[::3], found[1::3], found[2::3], strict=True)
        ]

    def replayed(self, names: Sequence[str]) -> set[str]:
        """Those among ``names`` of records (topic:partition:offset) that operators have sent again already."""
        if not names:
            return set()
        found = self._redis.ask(lambda client: client.hmget(f"{self._namespace}:replayed", list(names)))
        return {name for name, at_ms in zip(names, found, strict=True) if at_ms is not None}

    def note_replayed(self, names: Iterable[str], now_ms: int) -> None:
        """Remember that records were sent again at ``now_ms``."""
        self.note("replayed", dict.fromkeys(names, now_ms))

    def server(self) -> dict[str, Any]:
        """What the server says of itself, as INFO names it; of a cluster, what any of its nodes does."""
        return next(iter(self.servers().values()))

    def servers(self) -> dict[str, dict[str, Any]]:
        """What every server says of itself, as INFO names it (and CLUSTER INFO, of a cluster), by its address."""
        return {node.name: self._redis.ask(partial(_told, node)) for node in self._redis.nodes()}

    def clock_ms(self) -> float:
        """The clock of the server, of a cluster that of any."""
        seconds, micros = self._redis.ask(lambda client: client.time())
        return float(seconds * 1_000 + micros / 1_000)

    def estimate(self) -> dict[str, int]:
        """About how many rows of each kind there are, by keys drawn at random; active videos are counted exactly."""

        shares = dict.fromkeys(_KINDS.values(), 0.0)
        for weight, key in drawn(self._redis, _DRAWN):
            head, _, row = key.partition(ROWS)
            shard = head.removeprefix(f"{{{self._namespace}:".encode())
            if (kind := _KINDS.get((shard[:2], row[:2]))) and shard != head:
                shares[kind] += weight
        active = [shard for shard in self.shards() if shard.kind == "v"]
        names = [self.key(shard, "marked") for shard in active]
        marked = self._redis.ask(lambda client: sum(client.scard(name) for name in names))
        return {kind: round(count) for kind, count in shares.items()} | {"active videos": marked}

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def run(self, script: str, shard: ShardId, names: Sequence[str], args: Sequence[Any]) -> Any:
        """What a script answers on what is called ``names`` of a shard, and on a key that is never written, of which
        ``lua/checkpoint.lua`` says why.
        """
        return self._redis.run(script, [self.key(shard, name) for name in (*names, "never")], args)

    def unlink(self, names: Sequence[bytes]) -> None:
        """Delete what is called ``names`` in Redis, all of it of one shard."""
        if names:
            self._redis.ask(lambda client: client.unlink(*names))

    def ask(self, call: Callable[[Any], _T]) -> _T:
        """What ``call`` gets from the client, all of it of one shard; raises ``StoreUnavailable``."""
        return self._redis.ask(call)

    def key(self, shard: ShardId, name: str) -> bytes:
        """What ``name`` of a shard is called in Redis."""
        return f"{{{self._namespace}:{shard}}}:{name}".encode()

    def _answered(self, shard: ShardId, answer: bytes) -> None:
        if answer not in {b"ok", b"again"}:
            raise Refused(shard, answer.decode())


def new_token() -> str:
    """A token that no other owner has."""
    return secrets.token_hex(8)


def _noted(key: str, name: str, count: int, client: Any) -> int:
    """The count that is stored, ours if there was none."""
    client.hsetnx(key, name, count)
    return int(client.hget(key, name))


def _told(node: Node, _: Any) -> dict[str, Any]:
    told = dict(node.redis.info())
    return told | node.redis.execute_command("CLUSTER INFO") if told.get("cluster_enabled") else told


def _row_of(key: bytes) -> tuple[ShardId, bytes]:
    """The shard and the own key of a row, from what follows the namespace."""
    name, _, row = key.partition(ROWS)
    kind, _, number = name.decode().partition(":")
    return ShardId(kind, int(number)), row


def paired(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """A hash as Lua answers it, names and values in turn.

    >>> paired([b"a", b"1", b"b", b"2"])
    {b'a': b'1', b'b': b'2'}
    """
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _numbers(found: Mapping[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(number) for name, number in found.items()}


def _packed_numbers(numbers: Mapping[str, int]) -> bytes:
    return packed((name.encode(), str(numbers[name]).encode()) for name in sorted(numbers))


def packed(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    """``listed`` names and values in turn."""
    return listed([part for pair in pairs for part in pair])


def listed(parts: Sequence[bytes]) -> bytes:
    """A MessagePack array of str32: Redis 7.0's cmsgpack knows no bin type."""
    head = b"\xdd" + len(parts).to_bytes(4, "big")
    return head + b"".join([b"\xdb" + len(part).to_bytes(4, "big") + part for part in parts])
