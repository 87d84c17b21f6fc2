"""A copy is of one moment for each shard, however much is written while it is read."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from agents import scanning
from agents.errors import Stop
from agents.snapshots.copying import Copy
from agents.snapshots.restoring import SEIZED
from agents.store import ShardId, Store

U, V = ShardId("u", 0), ShardId("v", 3)
TOPIC = {U: "events.like", V: "engagement"}
NAMES = (f"copied{number}" for number in itertools.count())


@pytest.fixture
def store(any_redis: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(scanning, "_SCANNED", 40)
    made = Store(any_redis, next(NAMES))
    made.layout({"user_partitions": 4, "video_partitions": 4})
    yield made
    made.close()


class Writer:
    """Owns both shards and changes them; knows what each held at each offset."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store, self.random = store, random.Random(seed)
        self.rows: dict[ShardId, dict[bytes, bytes]] = {U: {}, V: {}}
        self.at = dict.fromkeys((U, V), 0)
        self.past: dict[tuple[ShardId, int], dict[bytes, bytes]] = {}
        self.feeds = 0
        for shard in (U, V):
            store.acquire(shard, "writer")
        for _ in range(20):
            self.write(50)

    def write(self, most: int = 5) -> None:
        """One checkpoint on each shard, and a feed commit."""
        for shard in (U, V):
            keys = {b"o:%d" % self.random.randrange(500) for _ in range(self.random.randrange(most))}
            gone = {key for key in keys if self.random.random() < 0.3}
            kept = {key: self.random.randbytes(8) for key in keys - gone}
            before, self.at[shard] = self.at[shard], self.at[shard] + 1
            expect = {TOPIC[shard]: before} if before else {}
            self.store.checkpoint(
                shard, "writer", expect, {TOPIC[shard]: self.at[shard]}, list(kept), list(kept.values()), list(gone),
                [(self.at[shard], b"frame")], self.at[shard] - 2, [b"m%d" % self.at[shard]], [],
            )  # fmt: skip
            self.rows[shard] = {key: one for key, one in self.rows[shard].items() if key not in gone} | kept
            self.past[shard, self.at[shard]] = dict(self.rows[shard])
        ledger = {b"f:%d" % self.random.randrange(9): self.random.randbytes(4)}
        self.feeds = self.store.commit_feeds(
            U, "writer", self.feeds, list(ledger), list(ledger.values()), {"r": self.feeds}, [], []
        )
        self.rows[U] |= ledger
        self.past[U, self.at[U]] = dict(self.rows[U])


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_is_what_each_shard_was_when_its_head_was_read(store: Store, seed: int) -> None:
    writer = Writer(store, seed)
    found: dict[ShardId, dict[bytes, bytes | None]] = {U: {}, V: {}}
    with Copy(store, [U, V]) as copy:
        heads = {}
        for head in copy.heads():
            heads[head.shard] = head
            writer.write()
        for page in copy.rows():
            writer.write()
            for row in page:
                found[row.shard][row.key] = row.value
        assert writer.at[U] > heads[U].position[TOPIC[U]] + 10
    assert [heads[shard].position[TOPIC[shard]] for shard in (U, V)] == [20, 21]
    for shard, rows in found.items():
        assert {key: value for key, value in rows.items() if value is not None} == writer.past[
            shard, heads[shard].position[TOPIC[shard]]
        ]
    assert heads[U].feed_count == 20
    assert len(heads[V].marked) == 21
    assert heads[V].outbox[::2] == [b"19", b"20", b"21"]


def test_after_a_copy_nothing_of_it_is_left_and_writes_are_put_aside_no_more(store: Store) -> None:
    writer, copy = Writer(store, 1), Copy(store, [U, V])
    with copy:
        for _ in copy.heads():
            writer.write()
        assert store.ask(lambda client: client.hlen(store.key(U, "before"))) > 1
    writer.write()
    for shard in (U, V):
        keys = [store.key(shard, name) for name in ("copying", "before", "offsets")]
        assert [store.ask(lambda client, key=key: client.exists(key)) for key in keys] == [0, 0, 1]


def test_two_copies_at_once_are_refused_and_the_first_goes_on(store: Store) -> None:
    Writer(store, 1)
    with Copy(store, [U, V]) as copy:
        assert len(list(copy.heads())) == 2
        with (
            pytest.raises(Stop, match=r"shard u:0 is being copied or restored by somebody else"),
            Copy(store, [U]) as other,
        ):
            list(other.heads())
        assert sum(len(page) for page in copy.rows()) > 300


def test_a_copy_that_nobody_renewed_is_over_and_says_so(store: Store) -> None:
    writer = Writer(store, 1)
    with Copy(store, [U, V], ttl_s=30.0) as copy:
        assert len(list(copy.heads())) == 2
        writer.write()
        store.ask(lambda client: client.delete(store.key(V, "copying")))  # as if it had expired
        with pytest.raises(Stop, match=r"the copy was over before it was whole: nothing was read .* take it again"):
            list(copy.rows())
    for shard in (U, V):
        key = store.key(shard, "before")
        assert store.ask(lambda client, key=key: client.pttl(key)) <= 60_000  # what is left of it goes by itself


def test_a_copy_across_a_restart_of_the_server_is_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    Writer(store, 1)
    with Copy(store, [U, V]) as copy:
        assert len(list(copy.heads())) == 2
        monkeypatch.setattr(store, "servers", lambda: {"a:1": {"run_id": "another", "role": "master"}})
        with pytest.raises(Stop, match="Redis was started again meanwhile"):
            list(copy.rows())


def test_a_replica_that_comes_or_goes_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    Writer(store, 1)
    with Copy(store, [U]) as copy:
        assert len(list(copy.heads())) == 1
        told = store.servers()
        monkeypatch.setattr(store, "servers", lambda: told | {"a:1": {"run_id": "a replica", "role": "slave"}})
        assert sum(len(page) for page in copy.rows()) > 100


def test_what_is_being_restored_is_not_copied_and_a_copy_of_it_is_over(store: Store) -> None:
    Writer(store, 1)
    with Copy(store, [U, V]) as copy:
        assert len(list(copy.heads())) == 2
        store.run("seizing", V, SEIZED, ["token", "an import"])
        with pytest.raises(Stop, match="the copy was over before it was whole"):
            list(copy.rows())
    with Copy(store, [V]) as copy, pytest.raises(Stop, match=r"shard v:3 is being copied or restored by somebody else"):
        list(copy.heads())
