"""The cluster: where Kafka is, and how to get in, for every client of it alike.

Whoever connects takes a ``Cluster``, or plain ``host:port[,host:port]`` where nothing guards it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from agents.errors import BadSettings

__all__ = ["MECHANISMS", "Cluster", "cluster_options", "in_kafka", "of_ours", "renamed"]

MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
"""How a user may prove who it is."""


@dataclass(frozen=True)
class Cluster:
    """``bootstrap`` is ``host:port[,host:port]``; ``tls``: encrypted, the broker's certificate checked against the PEM
    file ``ca`` (empty: those the system trusts); ``user`` empty: none is named. The password is never shown. ``prefix``
    stands before the name of every topic in Kafka, followed by ``internal`` or ``output`` for those that only workers
    speak, or that they alone write; nowhere else are prefixes seen.
    """

    bootstrap: str
    tls: bool = False
    ca: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    mechanism: str = MECHANISMS[0]
    prefix: str = ""
    internal: str = ""
    output: str = ""

    def __str__(self) -> str:
        return self.bootstrap

    @property
    def protocol(self) -> str:
        """The name that Kafka's clients have for it.

        >>> Cluster("a:1").protocol, Cluster("a:1", tls=True, user="ann").protocol
        ('PLAINTEXT', 'SASL_SSL')
        """
        return ("SASL_" if self.user else "") + ("SSL" if self.tls else "PLAINTEXT")

    @cached_property
    def names(self) -> dict[str, str]:
        """What each of our topics is called in Kafka.

        >>> some = Cluster("a:1", prefix="blue.", internal="new.").names
        >>> some["events.like"], some["engagement"], some["feeds"]
        ('blue.events.like', 'blue.new.engagement', 'blue.feeds')
        """
        from schemas.topics import INPUTS, INTERNAL, TOPICS  # noqa: PLC0415  # not every command speaks to Kafka

        kinds = {
            topic: "" if topic in INPUTS else self.internal if topic in INTERNAL else self.output for topic in TOPICS
        }
        return {topic: self.prefix + kind + topic for topic, kind in kinds.items()}

    @property
    def outputs(self) -> list[str]:
        """Topics that workers write and others read."""
        from schemas.topics import INPUTS, INTERNAL  # noqa: PLC0415  # not every command speaks to Kafka

        return [topic for topic in self.names if topic not in INPUTS | INTERNAL]

    @cached_property
    def ours(self) -> dict[str, str]:
        """Which of our topics a name in Kafka stands for."""
        return {name: topic for topic, name in self.names.items()}

    def options(self) -> dict[str, Any]:
        """Options of confluent-kafka."""
        found: dict[str, Any] = {"bootstrap.servers": self.bootstrap}
        if self.protocol == "PLAINTEXT":
            return found
        found["security.protocol"] = self.protocol
        if self.tls and self.ca:
            found["ssl.ca.location"] = self.ca
        if self.user:
            found |= {"sasl.mechanism": self.mechanism, "sasl.username": self.user, "sasl.password": self.password}
        return found

    def context(self) -> ssl.SSLContext | None:
        """What checks a broker's certificate, None without TLS; raises ``BadSettings`` for a ``ca`` that is no PEM."""
        if not self.tls:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca or None)
        except (OSError, ssl.SSLError) as error:
            raise BadSettings(f"FEEDSTREAM_KAFKA_CA: {self.ca} cannot be read as PEM ({error})") from None


def cluster_options(cluster: str | Cluster) -> dict[str, Any]:
    """Options of confluent-kafka for a cluster.

    >>> cluster_options("a:1")
    {'bootstrap.servers': 'a:1'}
    """
    return {"bootstrap.servers": cluster} if isinstance(cluster, str) else cluster.options()


def in_kafka(cluster: str | Cluster, topic: str) -> str:
    """What a topic is called in Kafka; one that is none of ours is called what it is called.

    >>> in_kafka(Cluster("a:1", prefix="blue."), "feeds"), in_kafka("a:1", "feeds")
    ('blue.feeds', 'feeds')
    """
    return topic if isinstance(cluster, str) else cluster.names.get(topic, topic)


def of_ours(cluster: str | Cluster, name: str) -> str:
    """Which topic it is that Kafka calls ``name``; what is none of ours is called what it is called.

    >>> of_ours(Cluster("a:1", prefix="blue."), "blue.feeds")
    'feeds'
    """
    return name if isinstance(cluster, str) else cluster.ours.get(name, name)


def renamed(cluster: str | Cluster, message: Any) -> Any:
    """A message of confluent-kafka whose ``topic()`` is ours; as it is where there is no prefix."""
    plain = isinstance(cluster, str) or not (cluster.prefix or cluster.internal or cluster.output)
    return message if plain else _Renamed(cluster, message)


class _Renamed:
    """A message under our name for its topic."""

    __slots__ = ("_message", "_topic")

    def __init__(self, cluster: str | Cluster, message: Any) -> None:
        name = message.topic()
        self._message, self._topic = message, None if name is None else of_ours(cluster, name)

    def topic(self) -> str | None:
        return self._topic

    def __getattr__(self, name: str) -> Any:
        return getattr(self._message, name)
