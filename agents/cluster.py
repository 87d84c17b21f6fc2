"""The cluster: where Kafka is, and how to get in, for every client of it alike.

Whoever connects takes a ``Cluster``, or plain ``host:port[,host:port]`` where nothing guards it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any, Final

from agents.errors import BadSettings

__all__ = ["MECHANISMS", "Cluster", "cluster_options"]

MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
"""How a user may prove who it is."""


@dataclass(frozen=True)
class Cluster:
    """``bootstrap`` is ``host:port[,host:port]``; ``tls``: encrypted, the broker's certificate checked against the PEM
    file ``ca`` (empty: those the system trusts); ``user`` empty: none is named. The password is never shown.
    """

    bootstrap: str
    tls: bool = False
    ca: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    mechanism: str = MECHANISMS[0]

    def __str__(self) -> str:
        return self.bootstrap

    @property
    def protocol(self) -> str:
        """The name that Kafka's clients have for it.

        >>> Cluster("a:1").protocol, Cluster("a:1", tls=True, user="ann").protocol
        ('PLAINTEXT', 'SASL_SSL')
        """
        return ("SASL_" if self.user else "") + ("SSL" if self.tls else "PLAINTEXT")

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
