"""Guarded servers for tests: a Kafka with TLS and SCRAM, a Redis with TLS and ACL users, as operators run them.

Both trust one authority that is made for the test and forgotten after it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from agents.testing.servers import RealKafka, RealRedis, found

__all__ = ["PASSWORD", "USER", "Authority", "GuardedKafka", "GuardedRedis"]

USER: Final = "feedstream"
PASSWORD: Final = "a password of the tests"  # noqa: S105  # of servers that live for one test
_DAYS: Final = "2"


class Authority:
    """A certificate authority in ``folder``: ``ca`` is its certificate, ``key`` and ``certificate`` a server's own."""

    def __init__(self, folder: Path) -> None:
        """Make it, and a certificate for 127.0.0.1. Raises ``Unavailable`` where there is no openssl."""
        self._openssl, self._folder = found("openssl", "apt-get install openssl"), folder
        self.ca, self.key, self.certificate = folder / "ca.pem", folder / "server.key", folder / "server.pem"
        self._run("req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", "ca.key", "-out", "ca.pem",
                  "-subj", "/CN=feedstream tests", "-days", _DAYS)  # fmt: skip
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._run("req", "-nodes", "-newkey", "rsa:2048", "-keyout", "server.key", "-out", "server.csr",
                  "-subj", "/CN=localhost")  # fmt: skip
        self._run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                  "-out", "server.pem", "-days", _DAYS, "-extfile", "names")  # fmt: skip

    def _run(self, *words: str) -> None:
        subprocess.run([self._openssl, *words], cwd=self._folder, check=True, capture_output=True)  # noqa: S603  # openssl, by its path


class GuardedKafka(RealKafka):
    """Kafka that clients reach by TLS as ``USER`` only; ``authority`` signed its certificate."""

    def prepare(self) -> None:
        self.authority = Authority(self.folder)
        pem = self.folder / "server-both.pem"
        pem.write_text(self.authority.key.read_text() + self.authority.certificate.read_text())
        self._pem = pem

    def properties(self, text: str) -> str:
        guarded = text.replace(f"PLAINTEXT://127.0.0.1:{self.port}", f"CLIENTS://127.0.0.1:{self.port}")
        guarded = guarded.replace("CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT,CLIENTS:SASL_SSL")
        guarded = guarded.replace("inter.broker.listener.name=PLAINTEXT", "inter.broker.listener.name=CLIENTS")
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
        who = f'username="{USER}" password="{PASSWORD}"'
        plain = f'org.apache.kafka.common.security.plain.PlainLoginModule required {who} user_{USER}="{PASSWORD}";'
        return (
            guarded
            + f"""
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config={login} {who};
listener.name.clients.scram-sha-256.sasl.jaas.config={login} {who};
listener.name.clients.plain.sasl.jaas.config={plain}
ssl.keystore.type=PEM
ssl.keystore.location={self._pem}
ssl.truststore.type=PEM
ssl.truststore.location={self.authority.ca}
ssl.client.auth=none
"""
        )

    def formatted(self) -> list[str]:
        kinds = ("SCRAM-SHA-512", "SCRAM-SHA-256")
        return [word for kind in kinds for word in ("--add-scram", f"{kind}=[name={USER},password={PASSWORD}]")]

    def options(self) -> dict[str, str]:
        return {
            **super().options(),
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.authority.ca),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": USER,
            "sasl.password": PASSWORD,
        }


class GuardedRedis(RealRedis):
    """Redis that is reached by TLS as ``USER`` only, who may touch the keys of the namespace ``feedstream`` alone."""

    def prepare(self) -> None:
        self.authority = Authority(self.folder)
        words, may = PASSWORD.replace(" ", "-"), "~feedstream* ~{feedstream:*}* +@all -@dangerous +info +config|get"
        (self.folder / "users.acl").write_text(f"user default off\nuser {USER} on >{words} {may}\n")
        self.url = f"rediss://{USER}:{words}@127.0.0.1:{self.port}/0?ssl_ca_certs={self.authority.ca}"

    def command(self) -> list[str]:
        return [
            *super().command(), "--tls-port", str(self.port), "--port", "0", "--tls-cert-file",
            str(self.authority.certificate), "--tls-key-file", str(self.authority.key), "--tls-ca-cert-file",
            str(self.authority.ca), "--tls-auth-clients", "no", "--aclfile", str(self.folder / "users.acl"),
        ]  # fmt: skip
