"""A copy of every shard while workers go on: each as it stood at one moment, with the offsets of that moment.

Redis has no snapshot that a client could read, and rows are many keys, read over minutes. So a copy begins by a sign on
the shard: from then on checkpoints and feed commits put a row aside before they change it for the first time. What is
read meanwhile may be older or newer; what was put aside is how it was, and whoever reads it last is right. The sign and
what was put aside expire when nobody renews them, so a copy that was killed costs nothing for long.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from agents.errors import Stop
from agents.store import ShardId, Store, paired
from agents.topics import FOLDED

__all__ = ["Copy", "Head", "Row"]

_TTL_S: Final = 60.0
_RENEWED: Final = 6
"""Times within the time to live that a copy is renewed."""
_PAGE: Final = 1_000
_HAD: Final = ord("+")
_SIGN: Final = ("copying", "before")
_HEAD: Final = ("offsets", "outbox", "feeds", "feed_offsets", "feed_count", "marked")


class Row(NamedTuple):
    """One row of a shard; ``value`` None: there was none."""

    shard: ShardId
    key: bytes
    value: bytes | None


class Head(msgspec.Struct, frozen=True):
    """What a shard held besides its rows: names and values in turn, as Redis has them; ``marked`` are keys alone."""

    shard: ShardId
    offsets: list[bytes]
    outbox: list[bytes]
    feeds: list[bytes]
    feed_offsets: list[bytes]
    feed_count: int
    marked: list[bytes]

    @property
    def position(self) -> dict[str, int]:
        """The next offset to fold of each topic; what is stored beside them, of sources, is no topic."""
        found = {name.decode(): int(offset) for name, offset in paired(self.offsets).items()}
        return {topic: found[topic] for topic in FOLDED[self.shard.kind] if topic in found}


class Copy:
    """A copy in the making. Use as a context: leaving it takes the signs away, whatever happened."""

    def __init__(self, store: Store, shards: Sequence[ShardId], ttl_s: float = _TTL_S) -> None:
        self._store, self._shards, self._ttl_ms = store, list(shards), round(ttl_s * 1_000)
        self._token = secrets.token_hex(8)
        self._renewed_s = time.monotonic()
        self._begun: list[ShardId] = []
        self._begun_on = self._runs()

    def __enter__(self) -> Copy:
        return self

    def __exit__(self, *_: object) -> None:
        for shard in self._begun:
            if self._on("renewing", shard, _SIGN):
                self._store.unlink([self._store.key(shard, name) for name in _SIGN])

    def heads(self) -> Iterator[Head]:
        """Begin: every shard's head, each of the moment from which its rows are kept. Raises ``Stop`` where another
        copy of it is in the making.
        """
        for shard in self._shards:
            found = self._on("copying", shard, (*_SIGN, *_HEAD, "restoring"))
            if found is None:
                raise Stop(
                    f"shard {shard} is being copied or restored by somebody else: wait until that is done; a copy that "
                    f"was killed is over after {self._ttl_ms / 1_000:g} s"
                )
            self._begun.append(shard)
            offsets, outbox, feeds, feed_offsets, count, marked = found
            yield Head(shard, offsets, outbox, feeds, feed_offsets, int(count), sorted(marked))

    def rows(self) -> Iterator[list[Row]]:
        """Pages of every row, in an order in which the latest word on a row is the right one. Raises ``Stop`` where
        the copy was over before it was whole.
        """
        wanted = set(self._shards)
        for page in self._store.pages():
            self._keep_alive()
            yield [Row(*one) for one in page if one[0] in wanted]
        for shard in self._shards:
            for found in self._put_aside(shard):
                self._keep_alive()
                yield [Row(shard, name, _was(value)) for name, value in found if name]
        self._keep_alive(now=True)

    def _put_aside(self, shard: ShardId) -> Iterator[list[tuple[bytes, bytes]]]:
        """Pages of what was put aside, and of the field without a name that let its key have a time to live."""
        cursor, more, key = 0, True, self._store.key(shard, _SIGN[1])
        while more:
            cursor, found = self._store.ask(partial(_scanned, key, cursor))
            more = cursor != 0
            yield list(found.items())

    def _keep_alive(self, *, now: bool = False) -> None:
        age_ms = (time.monotonic() - self._renewed_s) * 1_000
        if not now and age_ms < self._ttl_ms / _RENEWED:
            return
        lost = [shard for shard in self._shards if not self._on("renewing", shard, _SIGN)]
        if lost or self._runs() != self._begun_on:
            why = "Redis was started again meanwhile, or another node took over"
            if lost:
                why = f"nothing was read for {age_ms / 1_000:.0f} s, or an import began"
            raise Stop(f"the copy was over before it was whole: {why}; take it again")
        self._renewed_s = time.monotonic()

    def _on(self, script: str, shard: ShardId, names: Sequence[str]) -> Any:
        return self._store.run(script, shard, names, [self._token, self._ttl_ms])

    def _runs(self) -> Any:
        """Which runs of the servers these are: one that came back may have lost what a copy has read."""
        return {name: told["run_id"] for name, told in self._store.servers().items() if told["role"] == "master"}


def _scanned(key: bytes, cursor: int, client: Any) -> tuple[int, dict[bytes, bytes]]:
    found: tuple[int, dict[bytes, bytes]] = client.hscan(key, cursor, count=_PAGE)
    return found


def _was(value: bytes) -> bytes | None:
    return value[1:] if value[0] == _HAD else None
