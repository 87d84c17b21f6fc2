"""Redis behind the store: one server or a cluster, called alike, and its errors as ours.

Connects with the first call. Reads go to primaries only, since a replica may be older than what was written. redis-py's
clients must be called within ``ask`` alone, so that whatever they raise becomes ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import AskError, ClusterError, MovedError, RedisClusterException, TryAgainError
from redis.retry import Retry as Again

from agents.errors import Retry, Stop
from agents.redis_url import read_url

__all__ = ["SLOTS", "Node", "RedisClient", "StoreUnavailable"]

_T = TypeVar("_T")
_LUA: Final = Path(__file__).parent / "lua"
_TIMEOUT_S: Final = 10.0
_AGAIN: Final = 2
"""Times that redis-py repeats a call to a cluster by itself, after it looked anew which node has the slot."""
SLOTS: Final = 16_384
_GONE: Final = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, redis.ReadOnlyError)
_REDIRECTED: Final = (MovedError, AskError, TryAgainError)
_UNSETTLED: Final = (*_REDIRECTED, ClusterError, RedisClusterException)
"""A node is down, slots are without one or on their way from one to another."""


class StoreUnavailable(Retry):
    """Redis does not answer, is loading, or its cluster is not whole: the same call may succeed later."""


class Node(NamedTuple):
    """One server: ``name`` is host:port, ``redis`` a client of it alone, to be called within ``ask``."""

    name: str
    redis: Any
    primary: bool


class RedisClient:
    """Redis at ``url``. Safe to use from several threads."""

    def __init__(self, url: str) -> None:
        self._url = read_url(url)
        self._lock = threading.Lock()
        self._client: Any = None
        self._scripts: dict[str, Any] = {}

    @property
    def is_cluster(self) -> bool:
        """Whether the URL says so."""
        return self._url.cluster

    def ask(self, call: Callable[[Any], _T]) -> _T:
        """What ``call`` gets from the client. Raises ``StoreUnavailable``, or ``Stop`` where the URL is of another
        kind than what answers there; other errors are redis-py's.
        """
        try:
            return call(self._connected())
        except redis.AuthenticationError:
            raise
        except _GONE as error:
            raise StoreUnavailable(str(error)) from error
        except _UNSETTLED as error:
            if isinstance(error.__cause__, redis.AuthenticationError):
                raise error.__cause__ from None
            if isinstance(error, _REDIRECTED) and not self.is_cluster:
                raise Stop(
                    "FEEDSTREAM_REDIS says redis://, but a node of a Redis Cluster answers there: "
                    "use redis+cluster://host:port"
                ) from None
            if "Cluster mode is not enabled" in str(error):
                raise Stop(
                    "FEEDSTREAM_REDIS says redis+cluster://, but no Redis Cluster answers there, or none that lets its "
                    "user ask for CLUSTER SLOTS: use redis://host:port"
                ) from None
            raise StoreUnavailable(str(error)) from error

    def run(self, script: str, keys: Sequence[bytes], args: Sequence[Any]) -> Any:
        """What the script of that name answers; all ``keys`` lie in one slot."""
        return self.ask(lambda _: self._scripts[script](keys=keys, args=args))

    def ping(self) -> None:
        """Every server that holds keys answers."""
        self.ask(lambda client: client.ping(target_nodes=RedisCluster.PRIMARIES) if self.is_cluster else client.ping())

    def nodes(self) -> list[Node]:
        """Every server, replicas too, as they stand now."""

        def find(client: Any) -> list[Node]:
            if not self.is_cluster:
                return [Node(self._url.shown, client, primary=True)]
            client.nodes_manager.initialize()
            primaries = {node.name for node in client.get_primaries()}
            return [
                Node(node.name, node.redis_connection, node.name in primaries)
                for node in sorted(client.get_nodes(), key=lambda node: str(node.name))
            ]

        return self.ask(find)

    def home(self, key: bytes) -> Node:
        """The server that holds ``key``."""

        def find(client: Any) -> Node:
            if not self.is_cluster:
                return Node(self._url.shown, client, primary=True)
            node = client.get_node_from_key(key)
            return Node(node.name, node.redis_connection, primary=True)

        return self.ask(find)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None:
                client = self._connect()
                self._scripts = {path.stem: client.register_script(path.read_text()) for path in _LUA.glob("*.lua")}
                self._client = client
            return self._client

    def _connect(self) -> Any:
        options: dict[str, Any] = {
            "socket_timeout": _TIMEOUT_S,
            "socket_connect_timeout": _TIMEOUT_S,
            "socket_keepalive": True,
            "decode_responses": False,
        }
        if not self.is_cluster:
            return redis.Redis.from_url(self._url.first, **options)
        node: Any = ClusterNode  # has no types
        nodes = [node(host, port) for host, port in self._url.nodes[1:]]
        try:
            return RedisCluster.from_url(
                self._url.first,
                startup_nodes=nodes,  # it adds the first
                require_full_coverage=True,
                load_balancing_strategy=None,  # which would be one of reading from replicas
                reinitialize_steps=1,
                retry=Again(NoBackoff(), _AGAIN),
                **options,
            )
        except (redis.RedisError, RedisClusterException):
            for one in nodes:
                if one.redis_connection is not None:
                    one.redis_connection.close()
            raise
