"""Of a Redis Cluster every node is examined, and one that is not as it must be is named."""

from __future__ import annotations

import pytest

from agents.doctor.examine import checks
from agents.doctor.finding import Finding, failed, ok
from agents.doctor.redis import check_cluster, each
from agents.settings import Settings
from agents.testing.servers import RealRedisCluster

WHOLE = {"cluster_state": "ok", "cluster_slots_assigned": "16384", "role": "master", "connected_slaves": 1}


def examined(cluster: RealRedisCluster, broker: str) -> dict[str, Finding]:
    """What is found of Redis, by check."""
    of_redis = {"redis", "cluster", "durable", "layout", "room", "clock", "memory"}
    settings = Settings.from_env({}, broker=f"kafka://{broker}", redis=cluster.url, namespace="doctor")
    return {check.name: check.run() for check in checks(settings, timeout_s=5.0) if check.name in of_redis}


@pytest.mark.redis
def test_each_node_is_looked_at_and_the_worst_is_named(redis_cluster: RealRedisCluster, mock_broker: str) -> None:
    found = examined(redis_cluster, mock_broker)
    assert found["redis"].found.endswith(redis_cluster.url.removeprefix("redis+cluster://"))
    verdicts = {name: one.verdict for name, one in found.items() if name != "memory"}
    assert verdicts == dict.fromkeys(verdicts, "ok") | {"cluster": "warning"}
    assert found["cluster"].found.startswith("3 primaries hold 16,384 slots, 3 of them without a replica")
    node = redis_cluster.clients[1]
    name = f"127.0.0.1:{redis_cluster.nodes[1].port}"
    node.config_set("maxmemory-policy", "allkeys-lru")
    durable = examined(redis_cluster, mock_broker)["durable"]
    assert durable.verdict == "failed"
    assert durable.found.startswith(f"{name}: maxmemory-policy is allkeys-lru")
    node.config_set("maxmemory-policy", "noeviction")
    slot = redis_cluster.slot_of(b"any")
    for client in redis_cluster.clients:
        client.execute_command("CLUSTER DELSLOTS", slot)
    assert "All slots are not covered" in examined(redis_cluster, mock_broker)["redis"].found
    redis_cluster.clients[0].execute_command("CLUSTER ADDSLOTS", slot)


def test_a_cluster_is_whole_where_each_node_says_so() -> None:
    assert check_cluster({"a:1": WHOLE, "b:2": WHOLE, "c:3": WHOLE | {"role": "slave"}}) == ok(
        "2 primaries hold 16,384 slots, each with a replica"
    )
    holes, down = WHOLE | {"cluster_slots_assigned": "16383"}, WHOLE | {"cluster_state": "fail"}
    assert check_cluster({"a:1": WHOLE, "b:2": holes}) == failed(
        "b:2: 16,383 of 16,384 slots have a node", "run redis-cli --cluster check b:2"
    )
    assert check_cluster({"a:1": WHOLE, "b:2": down}).found == "b:2: the state of the cluster is fail"


def test_of_several_the_gravest_speaks_and_says_how_many_are_like_it() -> None:
    told = {"a": {"n": 0}, "b": {"n": 1}, "c": {"n": 1}}
    assert each(told, lambda info: failed("bad", "mend it") if info["n"] else ok("good")) == failed(
        "b: bad, and 1 more like it", "mend it"
    )
    assert each(told, lambda info: ok(f"{info['n']}")).found == "a: 0; b: 1; c: 1"
    assert each({"a": {"n": 0}}, lambda _: ok("good")) == ok("good")
