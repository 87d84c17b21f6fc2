"""What Redis must be: there, kept on disk, never evicting, with room, and with a clock like ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from agents.doctor.finding import Finding, failed, ok, warning, worst
from agents.redis_client import SLOTS
from agents.settings import Settings
from agents.store import Store
from agents.units import gib

__all__ = ["check_clock", "check_cluster", "check_durable", "check_layout", "check_room", "check_server", "each"]

_TESTED: Final = 7
_FULL, _FILLING = 0.95, 0.8
_SKEW_MS: Final = 1_000


def check_server(info: Mapping[str, Any]) -> Finding:
    """The server's name and version; ``info`` is what INFO says, here and below."""
    name = "valkey" if "valkey_version" in info else "redis"
    number = str(info.get("valkey_version") or info.get("redis_version", "0"))
    said = f"{name} {number}"
    if info.get("loading"):
        return failed(f"{said} is loading its data", "wait until it has: workers wait, too")
    if int(number.partition(".")[0]) < _TESTED:
        return warning(f"{said} is older than the {_TESTED} that is tested", "use a newer one")
    return ok(said)


def check_durable(info: Mapping[str, Any]) -> Finding:
    """The append-only file is on and is written; nothing was and nothing will be evicted."""
    policy, evicted = info.get("maxmemory_policy", "unknown"), int(info.get("evicted_keys", 0))
    if evicted:
        return failed(
            f"{evicted:,} keys were evicted: shards have lost rows",
            "set maxmemory-policy noeviction, then begin anew under another FEEDSTREAM_NAMESPACE, which reads the log "
            "from its start",
        )
    if policy != "noeviction":
        return failed(f"maxmemory-policy is {policy}: a full Redis would drop rows of shards", "set it to noeviction")
    if not info.get("aof_enabled"):
        return failed(
            "appendonly is no: a restart of Redis loses the shards",
            "run CONFIG SET appendonly yes, and write it into redis.conf",
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        return failed("the append-only file could not be written", "look at the disk of Redis")
    return ok("appendonly yes, maxmemory-policy noeviction, nothing was evicted")


def check_room(info: Mapping[str, Any]) -> Finding:
    """Memory that Redis uses, against what it may or can use."""
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    whole = limit or int(info.get("total_system_memory", 0))
    said = f"Redis uses {gib(used)} of {gib(whole)} {'(maxmemory)' if limit else '(the machine)'}"
    if not whole:
        return warning(f"Redis uses {gib(used)} and does not say how much it can", "look at its machine")
    do = "give it more memory, before it refuses what workers write"
    if used >= _FULL * whole:
        return failed(said, do)
    return warning(said, do) if used >= _FILLING * whole else ok(said)


def each(servers: Mapping[str, Mapping[str, Any]], check: Callable[[Mapping[str, Any]], Finding]) -> Finding:
    """What ``check`` finds of every server, by address: the gravest, with whom it is about where there are several."""
    found = {name: check(info) for name, info in servers.items()}
    verdict = worst(found.values())
    about = {name: one for name, one in found.items() if one.verdict == verdict}
    name, one = next(iter(about.items()))
    if len(servers) == 1:
        return one
    if verdict == "ok":
        return ok("; ".join(f"{name}: {one.found}" for name, one in about.items()))
    more = f", and {len(about) - 1} more like it" if len(about) > 1 else ""
    return Finding(verdict, f"{name}: {one.found}{more}", one.do)


def check_cluster(servers: Mapping[str, Mapping[str, Any]]) -> Finding:
    """Every node of a cluster says that it is whole, and each has a replica."""
    for name, info in servers.items():
        state, assigned = info.get("cluster_state"), int(info.get("cluster_slots_assigned", 0))
        do = f"run redis-cli --cluster check {name}"
        if assigned != SLOTS:
            return failed(f"{name}: {assigned:,} of {SLOTS:,} slots have a node", do)
        if state != "ok":
            return failed(f"{name}: the state of the cluster is {state}", do)
    primaries = [info for info in servers.values() if info.get("role") == "master"]
    said = f"{len(primaries)} primaries hold {SLOTS:,} slots"
    if alone := sum(not info.get("connected_slaves") for info in primaries):
        return warning(
            f"{said}, {alone} of them without a replica: while one is down, its shards stand still",
            "run redis-cli --cluster add-node --cluster-slave, or bring a node back soon where it fails",
        )
    return ok(f"{said}, each with a replica")


def check_layout(store: Store, settings: Settings) -> Finding:
    """The partition counts that the store was made with are those of the settings."""
    stored = store.stored_layout()
    for name, count in stored.items():
        wanted = getattr(settings, name)
        if count != wanted:
            return failed(
                f"the store was made with {name}={count}, the settings say {wanted}",
                f"set FEEDSTREAM_{name.upper()}={count}, or use another FEEDSTREAM_NAMESPACE",
            )
    if not stored:
        return ok(f"nothing is stored under {settings.namespace} yet")
    return ok(", ".join(f"{name}={count}" for name, count in sorted(stored.items())))


def check_clock(store: Store, settings: Settings) -> Finding:
    """This machine's clock against that of Redis, to within the round trip."""
    before_ms = time.time() * 1_000
    theirs_ms = store.clock_ms()
    after_ms = time.time() * 1_000
    off_ms = max(0.0, abs(theirs_ms - (before_ms + after_ms) / 2) - (after_ms - before_ms) / 2)
    said = f"this clock and that of Redis are {off_ms / 1_000:.3f} s apart"
    do = "keep both by NTP: how late a record is, and whether a request is too old, is told by this clock"
    if off_ms >= settings.backlog_s * 1_000:
        return failed(f"{said}, more than FEEDSTREAM_BACKLOG_S={settings.backlog_s:g}", do)
    return warning(said, do) if off_ms >= _SKEW_MS else ok(said)
