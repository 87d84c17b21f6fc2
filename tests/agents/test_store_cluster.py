"""The store on a Redis Cluster whose slots move and whose nodes die: whole or not at all, never missing in silence."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.bench.store import measure
from agents.errors import Stop
from agents.store import Refused, ShardId, Store, StoreUnavailable
from agents.testing.servers import RealRedis, RealRedisCluster

pytestmark = pytest.mark.redis
SHARDS = [ShardId("u", number) for number in range(32)]
SHARD = SHARDS[17]
NAMES = (f"cluster{number}" for number in itertools.count())
Call = Callable[[Store], Any]
CALLS: dict[str, Call] = {
    "acquire": lambda store: store.acquire(SHARD, "b"),
    "checkpoint": lambda store: store.checkpoint(SHARD, "a", {"t": 1}, {"t": 2}, [b"v:1", b"v:new"], [b"2", b"2"],
                                                 [b"v:2"], [(2, b"frame")], 0, [b"e:2"]),
    "feeds": lambda store: store.commit_feeds(SHARD, "a", 1, [b"f:1", b"f:new"], [b"2", b"2"], {"r": 2},
                                              [("b2", b"2")], []),
    "mget": lambda store: store.mget(SHARD, [b"v:1", b"v:2", b"v:none"]),
    "scan": lambda store: list(store.scan(SHARD, b"v:")),
    "scan_all": lambda store: list(store.scan_all("u", b"v:")),
}  # fmt: skip
"""What needs more of a shard than one key."""


@pytest.fixture
def store(redis_cluster: RealRedisCluster) -> Iterator[Store]:
    """A store with one shard: some rows, and each of its other keys."""
    made = Store(redis_cluster.url, next(NAMES))
    made.acquire(SHARD, "a", "me")
    rows = [b"v:%d" % number for number in range(19)] + [b"o:\xff\x00"]
    made.checkpoint(SHARD, "a", {}, {"t": 1}, rows, [b"1"] * 20, [], [(1, b"frame")], 0, [b"e:1"])
    made.commit_feeds(SHARD, "a", 0, [b"f:1"], [b"1"], {"r": 1}, [("b1", b"1")], [])
    yield made
    made.close()


def slot_of(cluster: RealRedisCluster, store: Store) -> int:
    return cluster.slot_of(store.key(SHARD, "owner"))


def contents(cluster: RealRedisCluster, slot: int) -> dict[bytes, bytes]:
    """Everything that any node keeps in a slot, as Redis would dump it."""
    found = {}
    for client in cluster.clients:
        for key in client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1_000):
            with client.pipeline(transaction=False) as pipe:  # a node that is given the slot answers whoever insists
                pipe.execute_command("ASKING")
                pipe.dump(key)
                found[key] = pipe.execute()[1]
    return found


@pytest.mark.parametrize("name", CALLS)
def test_what_meets_a_slot_on_its_way_changes_nothing_and_is_done_when_it_has_arrived(
    redis_cluster: RealRedisCluster, store: Store, name: str
) -> None:
    slot, call, met = slot_of(redis_cluster, store), CALLS[name], []

    def meet() -> None:
        before = contents(redis_cluster, slot)
        with pytest.raises(StoreUnavailable) as refused:
            call(store)
        assert contents(redis_cluster, slot) == before
        met.append(refused)

    rows = [store.key(SHARD, f"r:{row}") for row in ("v:1", "v:2", "f:1")]
    source = redis_cluster.holder_of(slot)
    redis_cluster.move(slot, first=rows, moving=meet)  # what a script asks first is still here, its rows are not
    assert redis_cluster.holder_of(slot) != source
    assert len(met) == 1
    call(store)  # no error, though the store knew the slot elsewhere


def test_one_key_of_a_slot_on_its_way_is_read_where_it_is(redis_cluster: RealRedisCluster, store: Store) -> None:
    def read() -> None:
        assert store.offsets(SHARD) == {"t": 1}
        assert store.standing([SHARD])[0].holder == "me"
        assert store.mget(SHARD, [b"v:1"]) == [b"1"]

    keys = [store.key(SHARD, name) for name in ("offsets", "r:v:1")]
    redis_cluster.move(slot_of(redis_cluster, store), first=keys, moving=read)
    read()
    assert store.marked(SHARD) == [b"e:1"]


@pytest.mark.parametrize("name", ["scan", "scan_all"])
def test_a_slot_that_moves_between_two_pages_is_told_after_the_last(
    redis_cluster: RealRedisCluster, store: Store, name: str
) -> None:
    rows = [b"v:%d" % number for number in range(20_000)]
    store.checkpoint(SHARD, "a", {"t": 1}, {"t": 2}, rows, [b"1"] * len(rows), [], [], 0)
    asked: Iterator[Any] = iter(store.scan(SHARD, b"v:") if name == "scan" else store.scan_all("u", b"v:"))
    next(asked)
    redis_cluster.move(redis_cluster.slot_of(b"{another}"))
    with pytest.raises(StoreUnavailable, match="slots of the Redis Cluster moved meanwhile"):
        list(asked)
    found = [row for page in store.scan_all("u", b"v:") for row in page]
    assert sorted(found) == sorted((row, b"1") for row in rows)


def test_while_a_node_is_down_its_shards_wait_and_keep_all(store: Store, redis_cluster: RealRedisCluster) -> None:
    at = redis_cluster.holder_of(slot_of(redis_cluster, store))
    redis_cluster.clients[at].config_set("appendfsync", "always")
    store.checkpoint(SHARD, "a", {"t": 1}, {"t": 2}, [b"v:1"], [b"2"], [], [], 0)
    redis_cluster.nodes[at].kill()
    with pytest.raises(StoreUnavailable):
        store.checkpoint(SHARD, "a", {"t": 2}, {"t": 3}, [b"v:1"], [b"3"], [], [], 0)
    with pytest.raises(Stop, match=r"Redis is unreachable: .*check FEEDSTREAM_REDIS"):
        store.ping()
    redis_cluster.nodes[at].start()
    redis_cluster.await_whole()
    store.ping()
    store.checkpoint(SHARD, "a", {"t": 2}, {"t": 3}, [b"v:1"], [b"3"], [], [], 0)
    with pytest.raises(Refused):
        store.checkpoint(SHARD, "zombie", {"t": 3}, {"t": 4}, [], [], [], [], 0)
    assert store.mget(SHARD, [b"v:1", b"v:2"]) == [b"3", b"1"]


def test_a_url_of_the_other_kind_is_told_apart(redis_cluster: RealRedisCluster, redis_server: RealRedis) -> None:
    single = Store(redis_cluster.url.replace("+cluster", "").partition(",")[0], "kind")
    cluster = Store(redis_server.url.replace("redis:", "redis+cluster:"), "kind")
    with pytest.raises(Stop, match=r"a node of a Redis Cluster answers there: use redis\+cluster://"):
        single.marked(next(shard for shard in SHARDS if elsewhere(redis_cluster, single, shard)))
    with pytest.raises(Stop, match=r"no Redis Cluster answers there, .*: use redis://host:port"):
        cluster.ping()
    single.close()


def elsewhere(cluster: RealRedisCluster, store: Store, shard: ShardId) -> bool:
    """Whether the first node of the cluster does not hold the shard."""
    return cluster.holder_of(cluster.slot_of(store.key(shard, "marked"))) != 0


def test_any_node_tells_of_all_the_others(redis_cluster: RealRedisCluster, store: Store) -> None:
    last = f"redis+cluster://127.0.0.1:1,127.0.0.1:{redis_cluster.nodes[-1].port}"  # the first answers nobody
    other = Store(last, store._namespace)
    assert other.acquire(SHARD, "b").offsets == {"t": 1}
    assert {name.rpartition(":")[2] for name in other.servers()} == {str(node.port) for node in redis_cluster.nodes}
    other.close()


def test_the_user_of_the_docs_may_all_that_is_needed_and_another_is_refused(redis_cluster: RealRedisCluster) -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    found = re.search(r"^user (feedstream on .*)$", page, re.MULTILINE)
    assert found is not None
    for client in redis_cluster.clients:
        client.execute_command("ACL", "SETUSER", *found[1].split())
    address = redis_cluster.url.removeprefix("redis+cluster://")
    store = Store(f"redis+cluster://feedstream:a-long-password@{address}")
    store.ping()
    store.layout({"user_partitions": 1})
    store.acquire(SHARD, "a", "me")
    for call in CALLS.values():
        with contextlib.suppress(Refused):
            call(store)
    assert store.estimate()["viewers"] == 0
    assert {info["cluster_state"] for info in store.servers().values()} == {"ok"}
    assert store.standing([SHARD])[0].holder == ""
    store.close()
    stranger = Store(f"redis+cluster://feedstream:a-guess@{address}")
    with pytest.raises(Stop, match="Redis refuses us: invalid username-password pair"):
        stranger.ping()


def test_a_checkpoint_is_measured_on_a_cluster_and_nothing_is_left(redis_cluster: RealRedisCluster) -> None:
    figures = measure(redis_cluster.url, rounds=1)
    assert figures["checkpoint_ms"] > 0
    store = Store(redis_cluster.url)
    assert store.ask(lambda client: [*client.scan_iter("*feedstream-bench*")]) == []
    store.close()
