"""Settings: read once from the environment into one frozen object.

The only file that reads ``os.environ`` (a lint test holds the others to it). Every setting has a default, a unit in its
name and a check; a bad value stops the process with one sentence that names the variable.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from agents.cluster import MECHANISMS, Cluster
from agents.errors import BadSettings
from agents.redis_url import read_url

__all__ = ["EMBEDDED", "ONE_THREAD", "Settings", "environment", "one_thread"]

EMBEDDED = "embedded://"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""What numpy reads when it is imported; see ``one_thread``."""
_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,100}")
_SECRET = 16
_PLAIN, _TLS = "kafka://", "kafka+ssl://"
_AT_LEAST_ONE = (
    "user_partitions",
    "video_partitions",
    "session_timeout_s",
    "checkpoint_ms",
    "checkpoint_events",
    "chunk_records",
    "active_videos",
    "batch_items",
    "learn_rows",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process may be told. Environment variable: ``FEEDSTREAM_`` + the field's name in capitals."""

    broker: str = EMBEDDED
    """``kafka://host:port[,host:port]``, ``kafka+ssl://…`` with TLS, or ``embedded://``."""
    kafka_ca: str = ""
    """PEM file of the authorities that may have signed the brokers' certificates; empty: those the system trusts."""
    kafka_user: str = ""
    """SASL user; empty: none is named."""
    kafka_password: str = field(default="", repr=False)
    """Its password; never logged or shown."""
    kafka_mechanism: str = MECHANISMS[0]
    """How the user proves who it is: ``SCRAM-SHA-512``, ``SCRAM-SHA-256`` or ``PLAIN``."""
    redis: str = field(default=EMBEDDED, repr=False)
    """``redis://[user:password@]host:port/db``, ``rediss://…`` with TLS, ``redis+cluster://[user:password@]host:port[,…]``
    for a Redis Cluster, which any of its nodes tell of, ``rediss+cluster://…``, or ``embedded://``."""
    instance: str = ""
    """Static member name; empty: a dynamic member. Two workers with one name fence each other."""
    namespace: str = "feedstream"
    """Prefix of consumer groups and Redis keys, so that two deployments can share servers."""
    topic_prefix: str = ""
    """Stands before the name of every topic in Kafka (``blue.``: ``blue.events.like``), so that two deployments can
    share one; producers and consumers of other makes have to say it too."""
    internal_prefix: str = ""
    """Stands between that prefix and the names of topics by which workers speak to each other (`state rebuild`)."""
    output_prefix: str = ""
    """The same for topics that workers write and others read, ``feeds`` first of all."""
    history_days: float = 0.0
    """Days that topics of events and changes keep in Kafka; 0: everything. Less needs snapshots, younger than that."""
    user_partitions: int = 4
    """Partitions of every topic keyed by user."""
    video_partitions: int = 4
    """Partitions of every topic keyed by video."""
    session_timeout_s: float = 30.0
    """Silence after which Kafka gives a worker's partitions to others."""
    checkpoint_ms: int = 500
    """A shard is checkpointed at least this often while it changes."""
    checkpoint_events: int = 20_000
    """… and at the latest after this many events."""
    feed_commit_ms: int = 20
    """Feed batches are committed in groups no older than this."""
    chunk_records: int = 2_000
    """Records handed to an agent at once."""
    hot_viewers: int = 200_000
    """Viewers kept in memory per user shard; colder ones wait in Redis."""
    hot_outcomes: int = 400_000
    """Outcomes kept in memory per user shard; colder ones wait in Redis."""
    hot_videos: int = 200_000
    """Engagement rows kept in memory per process; colder ones wait in Redis."""
    active_videos: int = 100_000
    """Candidates at most; beyond it the least engaged wait in Redis."""
    active_days: float = 30.0
    """A video that nobody engaged with for this long (event time) is no candidate until somebody does."""
    backlog_s: float = 30.0
    """A shard further behind than this emits no batch of its own accord."""
    request_ttl_s: float = 300.0
    """A feed request older than this is not answered."""
    refill_at: int = 5
    """Unseen items left at which the next batch goes out."""
    batch_items: int = 20
    """Items of a batch nobody asked for."""
    learn_window_s: float = 600.0
    """An example closes this long after it was first seen (event time)."""
    learn_rows: int = 256
    """Rows a head learns from at once."""
    snapshot_s: float = 5.0
    """Models are published this often while they learn."""
    gate_margin: float = 0.05
    """Log-loss a snapshot may be worse by, relative, before it is refused."""
    bad_share: float = 0.5
    """Share of bad records, of at least 1,000 within 30 s, that stops a worker; 0: never."""
    scorer: str = ""
    """``module:function`` of one's own that adds to scores; empty: none. See docs/ports.md."""
    source: str = ""
    """``module:function`` of one's own that names candidates; empty: none."""
    text_model: str = ""
    """Folder of a sentence-transformers model that reads captions and requests (``feedstream[sentences]``); empty:
    characters are hashed, which needs no model."""
    gateway_host: str = "127.0.0.1"
    """Address on which the gateway listens; without keys only an address of this machine is allowed."""
    gateway_port: int = 8080
    """Port on which the gateway listens; 0: any free one."""
    gateway_keys: str = ""
    """TOML file of API keys; empty: everybody may do everything. See docs/http.md."""
    gateway_open: int = 0
    """1: others may reach a gateway that has no keys; for a network on which nobody else is."""
    gateway_secret: str = field(default="", repr=False)
    """Signs impression tokens, 16 characters at least, the same in every gateway process; empty: none are made."""
    gateway_tokens: int = 0
    """1: an event about a video must bring its impression token."""
    gateway_origins: str = ""
    """Origins of pages that may call the gateway from a browser, with commas (``https://app.example``); empty: its own
    pages only."""
    gateway_timeout_s: float = 2.0
    """How long a caller waits for a worker's batch before popular videos are given instead."""
    workers: str = ""
    """Where a gateway finds what workers measure for its dashboard, ``host:port[,host:port]`` of their metrics ports; a
    name stands for all of its addresses. Empty: it shows what Kafka and Redis know."""
    metrics_port: int = 0
    """Port of metrics and health (``/metrics``, ``/live``, ``/ready``, ``/states``); 0: none."""
    tracing: int = 0
    """1: spans go where the standard variables OTEL_* say (``feedstream[otel]``). See docs/tracing.md."""
    metrics_host: str = "127.0.0.1"
    """Address that port listens on; nothing there asks who calls, so leave it to this machine or a closed network."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Settings from ``env`` (default: the process's), then ``overrides``.

        Raises ``BadSettings`` with the variable's name and value.
        """
        source = os.environ if env is None else env
        values: dict[str, Any] = {}
        for one in fields(cls):
            name = f"FEEDSTREAM_{one.name.upper()}"
            if (text := source.get(name)) is not None:
                values[one.name] = _parse(name, text, type(one.default))
        values.update(overrides)
        settings = cls(**values)
        settings._check()
        return settings

    def _check(self) -> None:
        if not self.broker.startswith((_PLAIN, _TLS, EMBEDDED)):
            raise BadSettings(f"FEEDSTREAM_BROKER is {self.broker!r}: use kafka://host:port or {EMBEDDED}")
        if not self.redis.startswith(EMBEDDED):
            read_url(self.redis)
        self._check_addresses()
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, (int, float)) and not 0 <= value < math.inf:
                raise BadSettings(f"FEEDSTREAM_{one.name.upper()} is {value}: it must be a number from 0")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise BadSettings(f"FEEDSTREAM_{name.upper()} is {getattr(self, name)}: it must be at least 1")
        for name, most in (
            ("bad_share", 1),
            ("metrics_port", 65_535),
            ("gateway_port", 65_535),
            ("gateway_tokens", 1),
            ("gateway_open", 1),
            ("tracing", 1),
        ):
            if getattr(self, name) > most:
                raise BadSettings(f"FEEDSTREAM_{name.upper()} is {getattr(self, name)}: it must be {most} at most")
        self._check_names()
        self._check_secret()
        self._check_user()
        if self.snapshot_s <= 0:
            raise BadSettings(f"FEEDSTREAM_SNAPSHOT_S is {self.snapshot_s}: it must be more than 0")

    def _check_names(self) -> None:
        for name, value, pattern, what in (
            ("NAMESPACE", self.namespace, _NAMESPACE, "it names groups and keys"),
            ("TOPIC_PREFIX", self.topic_prefix, _PREFIX, "it begins names of topics"),
            ("INTERNAL_PREFIX", self.internal_prefix, _PREFIX, "it begins names of topics"),
            ("OUTPUT_PREFIX", self.output_prefix, _PREFIX, "it begins names of topics"),
        ):
            if not pattern.fullmatch(value):
                raise BadSettings(
                    f"FEEDSTREAM_{name} is {value!r}: use letters, digits, '.', '_' and '-', since {what}"
                )

    def _check_addresses(self) -> None:
        if not self.broker.startswith(EMBEDDED) and not all(map(_is_address, self.bootstrap.split(","))):
            raise BadSettings(f"FEEDSTREAM_BROKER is {self.broker!r}: use kafka://host:port[,host:port]")
        if self.workers and not all(map(_is_address, self.workers.split(","))):
            raise BadSettings(f"FEEDSTREAM_WORKERS is {self.workers!r}: use host:port[,host:port]")

    def _check_user(self) -> None:
        if self.kafka_mechanism not in MECHANISMS:
            raise BadSettings(f"FEEDSTREAM_KAFKA_MECHANISM is {self.kafka_mechanism!r}: use {', '.join(MECHANISMS)}")
        if bool(self.kafka_user) != bool(self.kafka_password):
            raise BadSettings("FEEDSTREAM_KAFKA_USER and FEEDSTREAM_KAFKA_PASSWORD go together: set both, or none")
        if self.broker.startswith(_TLS):
            self.kafka.context()  # a file that cannot be read is named before anything connects
        elif self.kafka_ca:
            raise BadSettings("FEEDSTREAM_KAFKA_CA is set, but FEEDSTREAM_BROKER does not say kafka+ssl://")

    def _check_secret(self) -> None:
        if 0 < len(self.gateway_secret) < _SECRET:
            raise BadSettings(f"FEEDSTREAM_GATEWAY_SECRET is too short: use {_SECRET} characters or more")
        if self.gateway_tokens and not self.gateway_secret:
            raise BadSettings("FEEDSTREAM_GATEWAY_TOKENS is 1, but there is no FEEDSTREAM_GATEWAY_SECRET to sign with")

    @property
    def bootstrap(self) -> str:
        """``host:port[,host:port]`` for Kafka clients; raises ``BadSettings`` for ``embedded://``."""
        if self.broker.startswith(EMBEDDED):
            raise BadSettings(
                "FEEDSTREAM_BROKER is embedded://, which lives in one process only: start `feedstream up` "
                "and use the URLs it prints, or name a Kafka with kafka://host:port"
            )
        return self.broker.removeprefix(_PLAIN).removeprefix(_TLS)

    @property
    def kafka(self) -> Cluster:
        """Where Kafka is and how to get in; raises ``BadSettings`` for ``embedded://``."""
        return Cluster(
            self.bootstrap,
            tls=self.broker.startswith(_TLS),
            ca=self.kafka_ca,
            user=self.kafka_user,
            password=self.kafka_password,
            mechanism=self.kafka_mechanism,
            prefix=self.topic_prefix,
            internal=self.internal_prefix,
            output=self.output_prefix,
        )

    @property
    def store_url(self) -> str:
        """The Redis URL; raises ``BadSettings`` for ``embedded://``."""
        if self.redis.startswith(EMBEDDED):
            raise BadSettings(
                "FEEDSTREAM_REDIS is embedded://, which lives in one process only: start `feedstream up` "
                "and use the URLs it prints, or name a Redis with redis://host:port"
            )
        return self.redis


def _is_address(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and port.isdigit() and 0 < int(port) < 65_536


def _parse(name: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise BadSettings(f"{name} is {text!r}: it must be a {'number' if kind is float else 'whole number'}") from None


def one_thread() -> None:
    """Let numpy use one thread, unless the environment says otherwise; before numpy is imported.

    Workers are scaled by processes: threads that spin for small matrices take the time of the worker next door.
    """
    for name, count in ONE_THREAD.items():
        os.environ.setdefault(name, count)


def environment(**values: str) -> dict[str, str]:
    """This process's environment with settings by field name, for a child."""
    return {**os.environ, **{f"FEEDSTREAM_{name.upper()}": value for name, value in values.items()}}
