"""Real servers for tests: Apache Kafka (jars through Maven, KRaft, one node) and Debian's Redis, started by hand.

Both can be killed and started again on the same data. They listen on 127.0.0.1 only and die with the test process.
"""

from __future__ import annotations

import base64
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from agents.children import die_with_parent
from agents.embedded import free_port
from agents.redis_client import SLOTS

__all__ = ["KAFKA_VERSION", "RealKafka", "RealRedis", "RealRedisCluster", "Unavailable", "found", "kafka_jars"]

KAFKA_VERSION: Final = "4.3.1"
_CLUSTER: Final = base64.urlsafe_b64encode(b"feedstream-tests").decode().rstrip("=")
"""Cluster id of every broker here; each is alone in its own."""
_LIGHT: Final = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""What lets a JVM that lives for seconds begin sooner."""
_MOVED: Final = 10
"""Keys of a slot that move at once."""
_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>feedstream</groupId><artifactId>kafka</artifactId><version>1</version><dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
</dependency></dependencies></project>
"""


class Unavailable(RuntimeError):
    """What the server needs is not on this machine; the message says what."""


class _Server:
    """A child process that can be killed, stopped, frozen and started again on the same data."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="feedstream-server-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)

    def prepare(self) -> None:
        """What is needed before the server is set up; nothing here."""

    def command(self) -> list[str]:
        """What starts the server."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it is ready."""
        raise NotImplementedError

    def start(self, timeout_s: float = 60.0) -> None:
        """Start and wait until it answers. Raises ``Unavailable`` with the server's own words."""
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                self.command(), stdout=log, stderr=log, preexec_fn=die_with_parent()
            )
        deadline_s = time.monotonic() + timeout_s
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                words = (self.folder / "log.txt").read_text(errors="replace")[-2_000:]
                raise Unavailable(f"{self.command()[0]} did not start: {words}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """Stop for good and remove the data."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10.0)
            except subprocess.TimeoutExpired:
                self.kill()
        self._folder.cleanup()


class RealRedis(_Server):
    """Debian's redis-server with an append-only file, synced every second; ``url`` is its URL."""

    def __init__(self) -> None:
        self._server = found("redis-server", "apt-get install redis-server")
        super().__init__()
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.prepare()
        self.start()

    def command(self) -> list[str]:
        return [
            self._server, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "everysec",
        ]  # fmt: skip

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


class _ClusterNode(RealRedis):
    """One node of a cluster, which holds nothing yet."""

    def prepare(self) -> None:
        self.bus = free_port()

    def command(self) -> list[str]:
        return [
            *super().command(), "--cluster-enabled", "yes", "--cluster-port", str(self.bus),
            "--cluster-node-timeout", "2000",
        ]  # fmt: skip


class RealRedisCluster:
    """A Redis Cluster of three nodes without replicas; ``url`` names all of them."""

    def __init__(self, kind: type[_ClusterNode] = _ClusterNode) -> None:
        self.nodes = [kind() for _ in range(3)]
        self.clients: list[Any] = [redis.Redis(port=node.port, socket_timeout=10.0) for node in self.nodes]
        low = 0
        for at, client in enumerate(self.clients, 1):
            high = SLOTS * at // len(self.nodes)
            client.execute_command("CLUSTER ADDSLOTSRANGE", low, high - 1)
            client.execute_command("CLUSTER SET-CONFIG-EPOCH", at)
            client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus)
            low = high
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.await_whole()

    def await_whole(self, timeout_s: float = 30.0) -> None:
        """Wait until every node knows of all and says that the cluster is whole."""
        deadline_s = time.monotonic() + timeout_s
        while not all(map(self._whole, self.clients)):
            if time.monotonic() > deadline_s:
                raise Unavailable(
                    f"the cluster did not become whole: {self.clients[0].execute_command('CLUSTER INFO')}"
                )
            time.sleep(0.02)

    def slot_of(self, key: bytes) -> int:
        """The slot of a key."""
        return int(self.clients[0].execute_command("CLUSTER KEYSLOT", key))

    def holder_of(self, slot: int) -> int:
        """Which node, by its place in ``nodes``, holds a slot."""
        for at, client in enumerate(self.clients):
            (mine,) = (one for one in client.execute_command("CLUSTER NODES").values() if "myself" in one["flags"])
            if any(int(ends[0]) <= slot <= int(ends[-1]) for ends in mine["slots"]):
                return at
        raise ValueError(f"nobody holds slot {slot}")

    def move(self, slot: int, first: Sequence[bytes] = (), moving: Callable[[], None] = lambda: None) -> None:
        """Move a slot to the next node, as operators do; ``moving`` is called when the keys ``first`` are there."""
        source = self.holder_of(slot)
        target = (source + 1) % len(self.nodes)
        theirs, ours = (self.clients[at].execute_command("CLUSTER MYID") for at in (source, target))
        giver, taker = self.clients[source], self.clients[target]
        taker.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", theirs)
        giver.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ours)
        keys, port = first, self.nodes[target].port
        while keys or keys is first:
            if keys:
                giver.execute_command("MIGRATE", "127.0.0.1", port, "", 0, 5_000, "KEYS", *keys)
            if keys is first:
                moving()
            keys = giver.execute_command("CLUSTER", "GETKEYSINSLOT", slot, _MOVED)  # as one word it would be decoded
        for client in (taker, giver, *self.clients):
            client.execute_command("CLUSTER SETSLOT", slot, "NODE", ours)

    def close(self) -> None:
        """Stop all nodes for good."""
        for client in self.clients:
            client.close()
        for node in self.nodes:
            node.close()

    @staticmethod
    def _whole(client: Any) -> bool:
        told = client.execute_command("CLUSTER INFO")
        return told["cluster_state"] == "ok" and int(told["cluster_known_nodes"]) == 3


class RealKafka(_Server):
    """Apache Kafka, one KRaft node; ``bootstrap`` is host:port, ``url`` the same for FEEDSTREAM_BROKER.

    Jars are fetched once through Maven into ``cache`` (44 MB).
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._java = found("java", "apt-get install default-jre-headless")
        self._libs = kafka_jars(cache)
        super().__init__()
        self.prepare()
        self.port, controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.url = f"kafka://{self.bootstrap}"
        self._properties = self.folder / "server.properties"
        self._properties.write_text(self.properties(_properties(self.port, controller, self.folder / "logs")))
        self._tool("format", "-t", _CLUSTER, "-c", str(self._properties), "--ignore-formatted", *self.formatted())
        self.start()

    def command(self) -> list[str]:
        heap = ["-Xms256m", "-Xmx512m"]
        return [self._java, *_LIGHT, *heap, "-cp", f"{self._libs}/*", "kafka.Kafka", str(self._properties)]

    def answers(self) -> bool:
        admin = AdminClient({**self.options(), "log_level": 0, "socket.timeout.ms": 1_000})
        try:
            return bool(admin.list_topics(timeout=1.0).brokers)
        except KafkaException:
            return False

    def properties(self, text: str) -> str:
        """Its settings, from those of one that nothing guards."""
        return text

    def formatted(self) -> list[str]:
        """What formatting its storage is told beside."""
        return []

    def options(self) -> dict[str, str]:
        """How confluent-kafka's clients get in."""
        return {"bootstrap.servers": self.bootstrap}

    def _tool(self, *arguments: str) -> str:
        command = [self._java, *_LIGHT, "-cp", f"{self._libs}/*", "kafka.tools.StorageTool", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout


def found(program: str, how: str) -> str:
    """The path of ``program``; raises ``Unavailable``, which says ``how`` to get it."""
    path = shutil.which(program)
    if path is None:
        raise Unavailable(f"{program} is not installed: {how}")
    return path


def kafka_jars(cache: Path | None = None) -> Path:
    """The folder of Kafka's jars, fetched into ``cache`` (default: under ``~/.cache``) if they are not there."""
    cache = cache or Path.home() / ".cache" / "feedstream" / f"kafka-{KAFKA_VERSION}"
    libs = cache / "libs"
    done = cache / "complete"
    if done.exists():
        return libs
    maven = found("mvn", "apt-get install maven")
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "pom.xml").write_text(_POM)
    goal = "dependency:copy-dependencies"
    command = [maven, "-q", "-B", goal, f"-DoutputDirectory={libs}", "-DincludeScope=runtime"]
    fetched = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)  # noqa: S603
    if fetched.returncode:
        raise Unavailable(f"Maven could not fetch Kafka: {(fetched.stdout + fetched.stderr)[-1_000:]}")
    done.touch()
    return libs


def _properties(port: int, controller: int, logs: Path) -> str:
    return f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.backoff.ms=500
metadata.max.idle.interval.ms=0
"""
