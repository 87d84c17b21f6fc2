"""A Redis URL: which servers it names, whether they are a cluster, and what of it may be shown.

redis-py knows no URL of a cluster with several nodes, so ours is split here. What fails names the setting and never the
value, which may hold a password.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from agents.errors import BadSettings

__all__ = ["RedisUrl", "read_url"]

_SINGLE: Final = ("redis", "rediss", "unix")
_CLUSTER: Final = ("redis+cluster", "rediss+cluster")
_PORT: Final = 6379
_HOW: Final = "use redis://host:port, rediss://…, redis+cluster://host:port[,host:port], rediss+cluster://…"


class RedisUrl(NamedTuple):
    """``nodes`` are host and port of the servers named, none of ``unix://``; ``first`` is the URL as redis-py reads it,
    of the first of them.
    """

    first: str
    nodes: tuple[tuple[str, int], ...]
    cluster: bool

    @property
    def shown(self) -> str:
        """Where it is, without user and password.

        >>> read_url("redis+cluster://ann:secret@a:1,b:2").shown, read_url("unix:///run/redis.sock").shown
        ('a:1,b:2', '/run/redis.sock')
        """
        return ",".join(f"{host}:{port}" for host, port in self.nodes) or urlsplit(self.first).path


def read_url(url: str) -> RedisUrl:
    """What FEEDSTREAM_REDIS says; raises ``BadSettings``.

    >>> read_url("rediss+cluster://ann:secret@a:1,b:2/0?ssl_ca_certs=/ca.pem").first
    'rediss://ann:secret@a:1/0?ssl_ca_certs=/ca.pem'
    >>> read_url("redis://a/3").nodes
    (('a', 6379),)
    """
    parts = urlsplit(url)
    if parts.scheme not in _SINGLE + _CLUSTER or "://" not in url:
        raise BadSettings(f"FEEDSTREAM_REDIS is no Redis URL: {_HOW} or embedded://")
    if parts.scheme == "unix":
        return RedisUrl(url, (), cluster=False)
    who, at, hosts = parts.netloc.rpartition("@")
    cluster = parts.scheme in _CLUSTER
    named = hosts.split(",")
    if len(named) > 1 and not cluster:
        raise BadSettings("FEEDSTREAM_REDIS names several servers, which only a cluster has: use redis+cluster://")
    nodes = tuple(map(_node, named))
    if cluster and (parts.path not in {"", "/", "/0"} or parse_qs(parts.query).get("db", ["0"]) != ["0"]):
        raise BadSettings("FEEDSTREAM_REDIS names a database, but a Redis Cluster has only 0: leave it out")
    tail = url[url.index(parts.netloc) + len(parts.netloc) :]
    return RedisUrl(f"{parts.scheme.removesuffix('+cluster')}://{who}{at}{named[0]}{tail}", nodes, cluster)


def _node(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:  # what it says would show the password
        raise BadSettings("FEEDSTREAM_REDIS has a port that is no number: use host:port") from None
    if not host:
        raise BadSettings(f"FEEDSTREAM_REDIS names no host: {_HOW}")
    return host, _PORT if port is None else port
