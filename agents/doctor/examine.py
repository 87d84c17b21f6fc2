"""The examination: every check in order; what cannot be looked at, since a server is down, is said and not guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import redis

from agents.doctor.finding import Finding, failed, ok, warning
from agents.doctor.here import check_partitioner, check_versions
from agents.doctor.kafka import check_lag, check_producers, check_topics
from agents.doctor.memory import check_memory
from agents.doctor.redis import check_clock, check_cluster, check_durable, check_layout, check_room, check_server, each
from agents.errors import Stop
from agents.redis_url import read_url
from agents.settings import EMBEDDED, Settings
from agents.spans import Log
from agents.store import Store, StoreUnavailable
from agents.topics import Admin

__all__ = ["Check", "checks"]


class Check(NamedTuple):
    """One check: ``run`` looks and never raises."""

    name: str
    run: Callable[[], Finding]


def checks(settings: Settings, timeout_s: float = 10.0) -> Iterator[Check]:
    """Every check, in order; to be run one after the other, since later ones need what earlier ones found."""
    have = _Connections(settings, timeout_s)
    yield from (
        Check("versions", check_versions),
        Check("partitioner", check_partitioner),
        Check("broker", have.broker),
        Check("topics", lambda: have.looked(lambda: check_topics(have.admin), "admin")),
        Check("producers", lambda: have.looked(lambda: check_producers(have.log), "log")),
        Check("redis", have.redis),
        *have.of_a_cluster(),
        Check("durable", lambda: have.looked(lambda: each(have.info, check_durable), "info")),
        Check("layout", lambda: have.looked(lambda: check_layout(have.store, settings), "info")),
        Check("room", lambda: have.looked(lambda: each(have.info, check_room), "info")),
        Check("clock", lambda: have.looked(lambda: check_clock(have.store, settings), "info")),
        Check("memory", lambda: have.looked(lambda: check_memory(have.store, settings), "info")),
        Check("lag", lambda: have.looked(lambda: check_lag(have.log, have.store, settings), "log", "info")),
    )
    have.close()


class _Connections:
    """What the checks look through; an attribute that is missing is a server that did not answer."""

    admin: Admin
    log: Log
    store: Store
    info: dict[str, dict[str, Any]]
    """What each server of Redis says of itself, by address."""

    def __init__(self, settings: Settings, timeout_s: float) -> None:
        self._settings, self._timeout_s = settings, timeout_s

    def broker(self) -> Finding:
        """Whether Kafka answers."""
        try:
            bootstrap = self._settings.kafka
            self.admin = Admin(bootstrap, self._settings, self._timeout_s)
            self.log = Log(bootstrap, "feedstream-doctor", self._timeout_s)
        except Stop as error:
            return failed(*_split(error))
        brokers = f"{self.admin.brokers} broker{'s' * (self.admin.brokers > 1)}"
        return ok(f"{brokers} at {bootstrap}{' (embedded)' * self.admin.is_mock}")

    def redis(self) -> Finding:
        """Whether Redis answers, and which it is."""
        try:
            self.store = Store(self._settings.store_url, self._settings.namespace)
            self.store.ping()
            self.info = self.store.servers()
        except (Stop, StoreUnavailable, redis.RedisError) as error:
            return failed(*_split(error))
        found = each(self.info, check_server)
        return Finding(found.verdict, f"{found.found} at {read_url(self._settings.redis).shown}", found.do)

    def of_a_cluster(self) -> list[Check]:
        """What is looked at where the settings name a Redis Cluster only."""
        url = self._settings.redis
        if url.startswith(EMBEDDED) or not read_url(url).cluster:
            return []
        return [Check("cluster", lambda: self.looked(lambda: check_cluster(self.info), "info"))]

    def looked(self, look: Callable[[], Finding], *needed: str) -> Finding:
        """What ``look`` finds, if what it looks through is there."""
        for name in needed:
            if not hasattr(self, name):
                who = "Redis" if name == "info" else "Kafka"
                return warning(f"not looked at, since {who} does not answer", f"put {who} right first")
        try:
            return look()
        except (Stop, StoreUnavailable, redis.RedisError) as error:
            return failed(*_split(error))

    def close(self) -> None:
        """Close what was opened."""
        if hasattr(self, "store"):
            self.store.close()


def _split(error: Exception) -> tuple[str, str]:
    """What failed and what to do, as our sentences have it: "what: what to do", "what; what to do"."""
    text = str(error)
    for mark in (": check ", "; check ", ": start ", ": use ", ": run "):
        if mark in text:
            found, _, do = text.rpartition(mark)
            return found, mark[2:] + do
    return text, "look at the server's log, then ask again"
