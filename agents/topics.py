"""Topics on a broker: compare them with the registry, create what is missing, correct what differs.

Partition counts are never changed on an existing topic: they decide which worker owns a viewer. librdkafka's mock
cluster has no CreateTopics: there a topic comes into being when somebody asks for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from agents.cluster import Cluster, cluster_options, in_kafka, of_ours
from agents.errors import Stop
from agents.producer import connect_or_stop
from agents.settings import Settings
from schemas.events import EVENTS
from schemas.topics import FOREVER, TOPICS, Topic
from streams import limits

__all__ = ["FOLDED", "Admin", "Difference", "check", "partitions_of"]

FOLDED: Final[dict[str, tuple[str, ...]]] = {
    "u": (*EVENTS, "users", "feed.requests"),
    "v": ("engagement", "videos"),
    "l": ("training",),
}
"""Kind of shard to the topics it folds: partition p of each belongs to shard p. Of the learner there is one."""

REPLICAS: Final = 3
"""Copies of each partition, where there are as many brokers."""

_LOG = logging.getLogger("feedstream.kafka")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a broker has otherwise than the registry; ``wanted`` and ``found`` are as Kafka writes them."""

    topic: str
    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.found}, should be {self.wanted}"


def partitions_of(topic: Topic, settings: Settings) -> int:
    """How many partitions ``topic`` is to have."""
    return {"users": settings.user_partitions, "videos": settings.video_partitions, "one": 1}[topic.partitions]


def check(bootstrap: str | Cluster, settings: Settings, topics: Iterable[str], timeout_s: float = 10.0) -> None:
    """Raise ``Stop`` in one sentence unless each of ``topics`` exists with the partitions that ``settings`` say.

    Topics of one partition may have more: nothing hangs on their number.
    """
    admin = Admin(bootstrap, settings, timeout_s)
    found = admin.partitions(topics)
    for name in topics:
        topic, wanted = TOPICS[name], partitions_of(TOPICS[name], settings)
        if name not in found:
            raise Stop(f"topic {name} does not exist on {bootstrap}: run `feedstream topics apply`")
        if found[name] != wanted and topic.partitions != "one":
            setting = "FEEDSTREAM_USER_PARTITIONS" if topic.partitions == "users" else "FEEDSTREAM_VIDEO_PARTITIONS"
            raise Stop(
                f"topic {name} has {found[name]} partitions but {setting} is {wanted}: "
                "set it to what the topics have, or make the topics anew"
            )


class Admin:
    """Talks to one cluster about the registry's topics. Raises ``Stop`` where the cluster does not answer."""

    def __init__(self, bootstrap: str | Cluster, settings: Settings, timeout_s: float = 10.0) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._bootstrap = bootstrap
        options = {**cluster_options(bootstrap), "client.id": "feedstream-topics", "socket.keepalive.enable": True}
        self._kafka = AdminClient(options, logger=_LOG)
        metadata = connect_or_stop(self._kafka, bootstrap, timeout_s)
        self.brokers = len(metadata.brokers)
        """How many brokers the cluster has."""
        self.is_mock = str(metadata.cluster_id).startswith("mockCluster")
        """Whether this is librdkafka's mock cluster."""

    def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """Partition counts of those of ``topics`` that exist. A mock cluster creates what is asked for."""
        if self.is_mock:
            return {topic: len(self._metadata(topic)[topic].partitions) for topic in topics}
        there = self._metadata()
        return {name: len(there[name].partitions) for name in topics if name in there}

    def diff(self) -> list[Difference]:
        """Everything that a broker has otherwise than the registry, missing topics first."""
        found = self.partitions(TOPICS)
        missing = [Difference(name, "topic", "there", "missing") for name in TOPICS if name not in found]
        differing = []
        for name, count in found.items():
            wanted = partitions_of(TOPICS[name], self._settings)
            if count != wanted and not (self.is_mock and TOPICS[name].partitions == "one"):
                differing.append(Difference(name, "partitions", str(wanted), str(count)))
        for name, configs in self._configs(found).items():
            for what, wanted_value in self._wanted(name).items():
                if configs.get(what) != wanted_value:
                    differing.append(Difference(name, what, wanted_value, str(configs.get(what))))
        return missing + differing

    def _wanted(self, name: str) -> dict[str, str]:
        """The broker's settings of a topic; what keeps everything keeps as much as the settings say."""
        topic, days = TOPICS[name], self._settings.history_days
        if not days or topic.cleanup == "compact" or topic.retention_ms != FOREVER:
            return topic.configs()
        return topic.configs() | {"retention.ms": f"{round(days * limits.DAY_MS)}"}

    def apply(self) -> list[Difference]:
        """Create missing topics, correct settings; returns what was done. Safe to repeat, and for two at a time.

        Raises ``Stop`` if a topic has another number of partitions than the settings say.
        """
        done = self.diff()
        if wrong := [one for one in done if one.what == "partitions"]:
            more = f" (and {len(wrong) - 1} topics more)" if len(wrong) > 1 else ""
            raise Stop(
                f"{wrong[0]}{more}: partitions of a topic are never changed, since they decide which worker owns a "
                "viewer; set FEEDSTREAM_USER_PARTITIONS and FEEDSTREAM_VIDEO_PARTITIONS to what is there, or make the "
                "topics anew"
            )
        self._create([one.topic for one in done if one.what == "topic"])
        self._alter([one for one in done if one.what != "topic"])
        self._settle()
        return done

    def drop(self, names: Iterable[str]) -> None:
        """Delete topics, with all that is in them."""
        gone = [in_kafka(self._bootstrap, name) for name in names]
        for name, future in self._kafka.delete_topics(gone, operation_timeout=self._timeout_s).items() if gone else ():
            _settle_one(f"topic {name} could not be deleted", future, {KafkaError.UNKNOWN_TOPIC_OR_PART})

    def _create(self, names: list[str]) -> None:
        if not names:
            return
        copies = min(REPLICAS, self.brokers)
        wanted = [
            NewTopic(
                in_kafka(self._bootstrap, name),
                partitions_of(TOPICS[name], self._settings),
                copies,
                config=self._wanted(name),
            )
            for name in names
        ]
        for name, future in self._kafka.create_topics(wanted, request_timeout=self._timeout_s).items():
            _settle_one(f"topic {name} could not be created", future, {KafkaError.TOPIC_ALREADY_EXISTS})

    def _alter(self, differences: list[Difference]) -> None:
        by_topic: dict[str, list[ConfigEntry]] = {}
        for one in differences:
            entry = ConfigEntry(one.what, one.wanted, incremental_operation=AlterConfigOpType.SET)
            by_topic.setdefault(one.topic, []).append(entry)
        if not by_topic:
            return
        resources = [
            ConfigResource(ResourceType.TOPIC, in_kafka(self._bootstrap, name), incremental_configs=entries)
            for name, entries in by_topic.items()
        ]
        altered = self._kafka.incremental_alter_configs(resources, request_timeout=self._timeout_s)
        for resource, future in altered.items():
            _settle_one(f"settings of topic {resource.name} could not be changed", future, set())

    def _settle(self) -> None:
        """Wait until nothing differs any more: brokers learn of a new topic one after the other."""
        deadline = time.monotonic() + self._timeout_s
        while left := self._unsettled():
            if time.monotonic() > deadline:
                raise Stop(
                    f"the topics were applied but {left[0]} after {self._timeout_s:g} s: look at the broker's log"
                )
            time.sleep(0.05)

    def _unsettled(self) -> list[str]:
        there = self._metadata()
        for name in TOPICS:
            if name not in there or any(one.leader < 0 for one in there[name].partitions.values()):
                return [f"topic {name} has no leader"]
        try:
            return [str(one) for one in self.diff()]
        except Stop as error:
            return [str(error)]

    def _metadata(self, topic: str | None = None) -> dict[str, Any]:
        """What the cluster knows of all topics, or of one, by our names for them."""
        try:
            asked = {"topic": in_kafka(self._bootstrap, topic)} if topic else {}
            there = self._kafka.list_topics(**asked, timeout=self._timeout_s).topics
            # Whatever else is there may be called what we call ours, and be another deployment's.
            names = {topic: in_kafka(self._bootstrap, topic) for topic in TOPICS}
            return {topic: there[name] for topic, name in names.items() if name in there}
        except KafkaException as error:
            raise Stop(f"Kafka at {self._bootstrap} stopped answering: {error.args[0].str()}") from None

    def _configs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        if self.is_mock:
            return {}
        resources = [ConfigResource(ResourceType.TOPIC, in_kafka(self._bootstrap, name)) for name in names]
        if not resources:
            return {}
        described = self._kafka.describe_configs(resources, request_timeout=self._timeout_s)
        found = {}
        for resource, future in described.items():
            entries = _settle_one(f"settings of topic {resource.name} cannot be read", future, set())
            found[of_ours(self._bootstrap, resource.name)] = {name: entry.value for name, entry in entries.items()}
        return found


def _settle_one(what: str, future: Any, harmless: set[int]) -> Any:
    try:
        return future.result()
    except KafkaException as error:
        if error.args[0].code() in harmless:
            return None
        raise Stop(f"{what}: {error.args[0].str()}") from None
