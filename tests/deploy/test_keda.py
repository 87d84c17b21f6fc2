"""What KEDA is told: the groups that workers are in, in KEDA's own words, with what lets it into Kafka."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.settings import Settings
from agents.worker.main import _groups

ROOT = Path(__file__).parents[2]
PRODUCTION = ("-f", str(ROOT / "deploy" / "helm" / "feedstream" / "values-production.yaml"))
Manifests = Callable[..., list[dict[str, Any]]]


async def test_keda_looks_at_the_groups_that_workers_are_in(manifests: Manifests) -> None:
    words = ("--set", "workers.all.autoscaling.enabled=true,partitions.users=6,settings.namespace=other")
    objects = manifests(*PRODUCTION) + manifests(*words)
    checked = {}
    for one in (it for it in objects if it["kind"] == "ScaledObject"):
        role = one["metadata"]["name"].rpartition("-")[2]
        namespace = "other" if role == "all" else "feedstream"
        groups = _groups(role, Settings(broker="kafka://a:1", namespace=namespace), None)  # type: ignore[arg-type]
        ids = {group.app.conf.id for group in groups}
        asked = {it["metadata"]["consumerGroup"] for it in one["spec"]["triggers"]}
        assert asked <= ids
        assert {it.rpartition(".")[2] for it in ids - asked} <= {"learner"}, "of which one is enough"
        checked[role] = one["spec"]["maxReplicaCount"]
    assert checked == {"users": 24, "videos": 12, "all": 8}, "the partitions; of both kinds, the more"


def test_keda_gets_into_a_guarded_kafka_with_what_pods_use(manifests: Manifests) -> None:
    objects = manifests(*PRODUCTION)
    (auth,) = [one for one in objects if one["kind"] == "TriggerAuthentication"]
    maps = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
    (user,) = auth["spec"]["configMapTargetRef"]
    assert (user["parameter"], maps[user["name"]][user["key"]]) == ("username", "feedstream")
    told = {one["parameter"]: (one["name"], one["key"]) for one in auth["spec"]["secretTargetRef"]}
    assert told == {"password": ("feedstream", "kafka-password"), "ca": ("kafka-cluster-ca-cert", "ca.crt")}
    for one in (it for it in objects if it["kind"] == "ScaledObject"):
        for trigger in one["spec"]["triggers"]:
            assert trigger["authenticationRef"] == {"name": auth["metadata"]["name"]}
            told = trigger["metadata"]
            assert (told["tls"], told["sasl"]) == ("enable", "scram_sha512")
            assert told["bootstrapServers"] == maps[user["name"]]["FEEDSTREAM_BROKER"].partition("://")[2]


def test_keda_knows_every_word_of_the_triggers(manifests: Manifests, keda_kafka: str) -> None:
    tags = [
        dict(part.partition("=")[::2] for part in tag.split(",")) for tag in re.findall(r'`keda:"(.+)"`', keda_kafka)
    ]
    told = {tag["name"]: tag for tag in tags}
    objects = manifests(*PRODUCTION)
    triggers = [one for it in objects if it["kind"] == "ScaledObject" for one in it["spec"]["triggers"]]
    assert {one["type"] for one in triggers} == {"kafka"}
    for key, value in (pair for one in triggers for pair in one["metadata"].items()):
        assert "triggerMetadata" in told[key]["order"], key
        assert value in told[key].get("enum", value).split(";"), key
    (auth,) = [one["spec"] for one in objects if one["kind"] == "TriggerAuthentication"]
    for one in (*auth["secretTargetRef"], *auth["configMapTargetRef"]):
        assert "authParams" in told[one["parameter"]]["order"], one
