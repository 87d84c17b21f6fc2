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
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import redis

from agents.errors import Retry, Stop

__all__ = [
    "Loaded",
    "Refused",
    "ShardId",
    "Standing",
    "Store",
    "StoreUnavailable",
    "listed",
    "new_token",
    "packed",
    "paired",
]

_T = TypeVar("_T")
_LUA: Final = Path(__file__).parent / "lua"
_TIMEOUT_S: Final = 10.0
_SCANNED: Final = 5_000
_PAGE: Final = 1_000
_ROWS: Final = b"}:r:"  # no namespace has it, so what follows the first of them is the row's own key
_ASIDE: Final = ("copying", "before")
"""That somebody copies the shard, and its rows as they were when that began; see ``agents.snapshots.copying``."""
_DRAWN: Final = 1_000
"""Keys drawn to estimate how many there are of each kind."""
_KINDS: Final = {(b"u:", b"v:"): "viewers", (b"u:", b"o:"): "outcomes", (b"v:", b"e:"): "videos"}
"""Kind of shard and beginning of a row's key to what the row is."""


class StoreUnavailable(Retry):
    """Redis does not answer, or is loading: the same call may succeed later."""


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
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            socket_keepalive=True,
            decode_responses=False,
        )
        self._namespace = namespace
        self._acquire = self._redis.register_script((_LUA / "acquire.lua").read_text())
        self._checkpoint = self._redis.register_script((_LUA / "checkpoint.lua").read_text())
        self._feeds = self._redis.register_script((_LUA / "feeds.lua").read_text())

    def ping(self) -> None:
        """Raise ``Stop`` with one sentence if Redis does not answer."""
        try:
            self._try(self._redis.ping)
        except StoreUnavailable as error:
            raise Stop(f"Redis is unreachable: {error}; check FEEDSTREAM_REDIS and that the server is up") from None
        except redis.RedisError as error:
            raise Stop(f"Redis refuses us: {error}; check FEEDSTREAM_REDIS") from None

    def layout(self, wanted: Mapping[str, int]) -> None:
        """Note the partition counts at first use; raises ``Stop`` where they are others than the stored ones."""
        key = f"{self._namespace}:layout"
        for name, count in wanted.items():
            self._try(partial(self._redis.hsetnx, key, name, count))
            have = int(self._try(partial(self._redis.hget, key, name)) or 0)
            if have != count:
                raise Stop(
                    f"this store was made with {name}={have}, the settings say {count}: rows would land in other "
                    f"shards; set FEEDSTREAM_{name.upper()}={have} or use another FEEDSTREAM_NAMESPACE"
                )

    def stored_layout(self) -> dict[str, int]:
        """The partition counts noted at first use; empty in a store never used."""
        found = self._try(lambda: self._redis.hgetall(f"{self._namespace}:layout"))
        return {name.decode(): int(count) for name, count in found.items()}

    def acquire(self, shard: ShardId, token: str, holder: str = "") -> Loaded:
        """Become the owner of a shard, from now on everybody else is refused; returns what is stored.

        ``holder`` says to operators who that is; nothing depends on it. Raises ``Stop`` while it is being restored.
        """

        names = ("owner", "holder", "offsets", "outbox", "feeds", "feed_offsets", "feed_count", "restoring")
        keys = [self._key(shard, name) for name in names]
        found = self._try(lambda: self._acquire(keys=keys, args=[token, holder]))
        if found is None:
            raise Stop(
                f"shard {shard} is being restored from a snapshot: wait for `feedstream state import`, or run it again "
                "if it was cut"
            )
        offsets, outbox, feeds, feed_offsets, count = found
        return Loaded(
            _numbers(paired(offsets)),
            sorted((int(number), frame) for number, frame in paired(outbox).items()),
            sorted((name.decode(), batch) for name, batch in paired(feeds).items()),
            _numbers(paired(feed_offsets)),
            int(count),
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
        keyed = [self._key(shard, name) for name in ("owner", "offsets", "outbox", "marked", *_ASIDE)]
        arguments: list[Any] = [
            token,
            self._key(shard, "r:"),
            _packed_numbers(expect),
            _packed_numbers({**expect, **offsets}),
            listed(deletes),
            packed(zip(keys, values, strict=True)),
            packed((str(number).encode(), frame) for number, frame in outbox),
            outbox_done,
            listed(marks),
            listed(unmarks),
        ]
        self._answered(shard, lambda: self._checkpoint(keys=keyed, args=arguments))

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
        keyed = [self._key(shard, name) for name in ("owner", "feed_count", "feed_offsets", "feeds", *_ASIDE)]
        arguments: list[Any] = [
            token,
            self._key(shard, "r:"),
            feed_count,
            _packed_numbers(feed_offsets),
            packed(zip(keys, values, strict=True)),
            packed((name.encode(), batch) for name, batch in batches),
            listed([name.encode() for name in done]),
            f"{token}:{feed_count}",
        ]
        self._answered(shard, lambda: self._feeds(keys=keyed, args=arguments))
        return feed_count + 1

    def mget(self, shard: ShardId, keys: Sequence[bytes]) -> list[bytes | None]:
        """The rows of ``keys`` in one MGET, None where there is none."""
        if not keys:
            return []
        prefix = self._key(shard, "r:")
        found: list[bytes | None] = self._try(lambda: self._redis.mget([prefix + key for key in keys]))
        return found

    def notes(self, name: str) -> dict[bytes, bytes]:
        """All that was noted under ``name``: "names" of hashes, dead letters "replayed"."""
        found: dict[bytes, bytes] = self._try(lambda: self._redis.hgetall(f"{self._namespace}:{name}"))
        return found

    def note(self, name: str, notes: Mapping[bytes, bytes]) -> None:
        """Note what ``notes`` gave."""
        if notes:
            self._try(lambda: self._redis.hset(f"{self._namespace}:{name}", mapping=dict(notes)))

    def note_names(self, names: Mapping[int, str]) -> None:
        """Remember what hashes of tags stand for, so that a persona can be read."""
        if names:
            mapping = {f"{name:016x}": text for name, text in names.items()}
            self._try(lambda: self._redis.hset(f"{self._namespace}:names", mapping=mapping))

    def names(self, hashes: Sequence[int]) -> dict[int, str]:
        """What hashes of tags stand for; unknown ones are left out."""
        if not hashes:
            return {}
        fields = [f"{name:016x}" for name in hashes]
        found = self._try(lambda: self._redis.hmget(f"{self._namespace}:names", fields))
        return {name: text.decode() for name, text in zip(hashes, found, strict=True) if text is not None}

    def marked(self, shard: ShardId) -> list[bytes]:
        """The keys of a shard that are marked, in order. Cost: O(marked keys)."""
        return sorted(self._try(lambda: list(self._redis.sscan_iter(self._key(shard, "marked"), count=5_000))))

    def scan(self, shard: ShardId, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every row whose key starts with ``prefix``. Cost: O(all keys of the server), by SCAN; for operators only."""
        for page in self._pages(_escaped(self._key(shard, "r:") + prefix) + b"*", prefix):
            yield from page

    def scan_all(self, kind: str, prefix: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        """Pages of every row of all shards of a ``kind`` whose key starts with ``prefix``, at the cost of one ``scan``.
        A row may come twice, and what changes meanwhile comes as it was or as it is.
        """
        begin = _escaped(f"{{{self._namespace}:{kind}:".encode())
        return self._pages(begin + b"*" + _escaped(_ROWS + prefix) + b"*", prefix)

    def pages(self) -> Iterator[list[tuple[ShardId, bytes, bytes]]]:
        """Pages of every row of every shard: shard, row key, value. As ``scan_all`` has it, a row may come twice."""
        begin = f"{{{self._namespace}:".encode()
        for keys in self._keys(_escaped(begin) + b"*" + _escaped(_ROWS) + b"*"):
            held: dict[ShardId, list[bytes]] = {}
            for key in keys:
                name, _, row = key.removeprefix(begin).partition(_ROWS)
                kind, _, number = name.decode().partition(":")
                held.setdefault(ShardId(kind, int(number)), []).append(row)
            values = [self.mget(shard, rows) for shard, rows in held.items()]
            yield [
                (shard, row, value)
                for (shard, rows), found in zip(held.items(), values, strict=True)
                for row, value in zip(rows, found, strict=True)
                if value is not None
            ]

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
        return _numbers(self._try(lambda: self._redis.hgetall(self._key(shard, "offsets"))))

    def standing(self, shards: Sequence[ShardId]) -> list[Standing]:
        """How far each of ``shards`` is, without taking it over; one round trip."""

        def ask() -> Any:
            with self._redis.pipeline(transaction=False) as pipe:
                for shard in shards:
                    pipe.hgetall(self._key(shard, "offsets"))
                    pipe.hgetall(self._key(shard, "feed_offsets"))
                    pipe.get(self._key(shard, "holder"))
                return pipe.execute()

        found = self._try(ask)
        return [
            Standing(_numbers(offsets) | _numbers(asked), (holder or b"").decode())
            for offsets, asked, holder in zip(found[::3], found[1::3], found[2::3], strict=True)
        ]

    def replayed(self, names: Sequence[str]) -> set[str]:
        """Those among ``names`` of records (topic:partition:offset) that operators have sent again already."""
        if not names:
            return set()
        found = self._try(lambda: self._redis.hmget(f"{self._namespace}:replayed", list(names)))
        return {name for name, at_ms in zip(names, found, strict=True) if at_ms is not None}

    def note_replayed(self, names: Iterable[str], now_ms: int) -> None:
        """Remember that records were sent again at ``now_ms``."""
        if mapping := dict.fromkeys(names, now_ms):
            self._try(lambda: self._redis.hset(f"{self._namespace}:replayed", mapping=mapping))

    def server(self) -> dict[str, Any]:
        """What the server says of itself, as INFO names it."""
        found: dict[str, Any] = self._try(self._redis.info)
        return found

    def clock_ms(self) -> float:
        """The server's clock."""
        seconds, micros = self._try(self._redis.time)
        return float(seconds * 1_000 + micros / 1_000)

    def estimate(self) -> dict[str, int]:
        """About how many rows of each kind there are, by keys drawn at random; active videos are counted exactly."""

        def draw() -> Any:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.dbsize()
                for _ in range(_DRAWN):
                    pipe.randomkey()
                return pipe.execute()

        total, *drawn = self._try(draw)
        shares = dict.fromkeys(_KINDS.values(), 0)
        for key in drawn:
            head, _, row = (key or b"").partition(_ROWS)
            shard = head.removeprefix(f"{{{self._namespace}:".encode())
            if (kind := _KINDS.get((shard[:2], row[:2]))) and shard != head:
                shares[kind] += 1
        active = [shard for shard in self.shards() if shard.kind == "v"]
        marked = sum(self._try(partial(self._redis.scard, self._key(shard, "marked"))) for shard in active)
        return {kind: round(total * count / _DRAWN) for kind, count in shares.items()} | {"active videos": marked}

    @property
    def redis(self) -> Any:
        """The client, for what is done with shards as a whole."""
        return self._redis

    def key(self, shard: ShardId, name: str) -> bytes:
        """What ``name`` of a shard is called in Redis."""
        return self._key(shard, name)

    def tried(self, call: Callable[[], _T]) -> _T:
        """What ``call`` returns; raises ``StoreUnavailable`` where Redis does not answer it."""
        return self._try(call)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _pages(self, pattern: bytes, prefix: bytes) -> Iterator[list[tuple[bytes, bytes]]]:
        """Rows of keys like ``pattern`` by the page; an id within a key may look like the pattern, and is no prefix."""
        for keys in self._keys(pattern):
            rows = [key for key in keys if key.partition(_ROWS)[2].startswith(prefix)]
            for low in range(0, len(rows), _PAGE):
                page = rows[low : low + _PAGE]
                found = zip(page, self._try(partial(self._redis.mget, page)), strict=True)
                yield [(key.partition(_ROWS)[2], value) for key, value in found if value is not None]

    def _keys(self, pattern: bytes) -> Iterator[list[bytes]]:
        """Pages of keys like ``pattern``."""
        cursor, more = 0, True
        while more:
            cursor, keys = self._try(partial(self._redis.scan, cursor, match=pattern, count=_SCANNED))
            more = cursor != 0
            yield keys

    def _key(self, shard: ShardId, name: str) -> bytes:
        """What ``name`` of a shard is called in Redis."""
        return f"{{{self._namespace}:{shard}}}:{name}".encode()

    def _answered(self, shard: ShardId, call: Callable[[], Any]) -> None:
        answer = self._try(call)
        if answer not in {b"ok", b"again"}:
            raise Refused(shard, answer.decode())

    def _try(self, call: Callable[[], _T]) -> _T:
        """What ``call`` returns; raises ``StoreUnavailable`` where Redis does not answer it."""
        try:
            return call()
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, redis.ReadOnlyError) as error:
            if isinstance(error, redis.AuthenticationError):
                raise
            raise StoreUnavailable(str(error)) from error


def paired(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    """A hash as Lua answers it, names and values in turn.

    >>> paired([b"a", b"1", b"b", b"2"])
    {b'a': b'1', b'b': b'2'}
    """
    return dict(zip(flat[::2], flat[1::2], strict=True))


def new_token() -> str:
    """A token that no other owner has."""
    return secrets.token_hex(8)


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


def _escaped(text: bytes) -> bytes:
    for special in b"\\*?[]":
        text = text.replace(bytes([special]), b"\\" + bytes([special]))
    return text
