"""The Helm chart as files: its version, settings, values and their schema. Helm itself is asked in test_helm.py."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
import yaml

from agents.cluster import MECHANISMS
from agents.doctor.memory import needed_bytes
from agents.settings import Settings
from agents.settings_schema import chart_schema, settings_schema

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "feedstream"
VALUES = sorted(path.name for path in CHART.glob("values*.yaml"))


def merged(name: str) -> dict[str, Any]:
    """The values of a file on top of the chart's own."""

    def over(below: Any, above: Any) -> Any:
        if not (isinstance(below, dict) and isinstance(above, dict)):
            return above
        return below | {key: over(below.get(key), value) for key, value in above.items()}

    found: dict[str, Any] = over(yaml.safe_load((CHART / "values.yaml").read_text()),
                                 yaml.safe_load((CHART / name).read_text()))  # fmt: skip
    return found


def schema() -> Any:
    return orjson.loads((CHART / "values.schema.json").read_bytes())


def test_the_chart_deploys_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert chart["appVersion"] == version


def test_every_variable_that_templates_set_is_a_setting() -> None:
    text = "\n".join(path.read_text() for path in (CHART / "templates").rglob("*.*"))
    named = set(re.findall(r"FEEDSTREAM_[A-Z_]*[A-Z]", text))
    assert len(named) > 10
    assert named - {f"FEEDSTREAM_{name.upper()}" for name in Settings.__slots__} == set()


def test_the_schema_of_values_is_made_from_the_settings() -> None:
    assert (CHART / "values.schema.json").read_bytes() == chart_schema(CHART), "run `make docs`"
    block = schema()["properties"]["settings"]["properties"]
    assert {"hot_viewers", "backlog_s", "namespace"} < set(block)
    assert not {"broker", "instance", "kafka_password", "gateway_secret", "metrics_port"} & set(block)
    assert all(one["description"] for one in settings_schema()["properties"].values())


def test_the_schema_takes_each_values_file_and_refuses_what_it_does_not_know() -> None:
    judge = jsonschema.Draft7Validator(schema())
    for name in VALUES:
        judge.validate(merged(name))
    for wrong in ({"setings": {}}, {"settings": {"hot_viewrs": 1}}, {"gateway": {"acess": "open"}},
                  {"settings": {"hot_viewers": "many"}}, {"gateway": {"access": "closed"}},
                  {"kafka": {"brokers": []}}, {"partitions": {"users": 0}}):  # fmt: skip
        assert not judge.is_valid(wrong), wrong


def test_no_part_of_the_schema_is_open_by_oversight() -> None:
    """An object names its fields, or says of what kind all of them are; free is what Kubernetes judges."""
    free = []

    def look(part: Any, at: str) -> None:
        if isinstance(part, dict):
            if part.get("type") == "object" and "additionalProperties" not in part:
                free.append(at.rpartition("/")[2])
            for key, value in part.items():
                look(value, f"{at}/{key}" if key not in {"properties", "items"} else at)

    look(schema(), "")
    assert set(free) == {"global", "affinity", "tolerations", "volumes", "volumeMounts", "gatewayFrom", "metricsFrom"}


@pytest.mark.parametrize("name", VALUES)
def test_the_last_workers_but_one_can_hold_every_shard_full(name: str) -> None:
    """Of each role one may be gone; the others hold its shards, as full as the settings let them become."""
    values = merged(name)
    roles = {role: of for role, of in values["workers"].items() if of["enabled"]}
    assert roles
    for role, of in roles.items():
        scaled = of.get("autoscaling", {"enabled": False})
        count = scaled["minReplicas"] if scaled["enabled"] else of.get("replicas", 1)
        shards = -(-values["partitions"]["users"] // max(1, count - 1)) if role in {"all", "users"} else 0
        told = Settings(**values["settings"], user_partitions=max(1, shards))
        stored = {
            "viewers": told.hot_viewers * shards,
            "outcomes": told.hot_outcomes * shards,
            "videos": told.hot_videos * (role in {"all", "videos"}),
            "active videos": told.active_videos,
        }
        assert needed_bytes(stored, told) < bytes_of(of["resources"]["limits"]["memory"]), role
        assert "cpu" not in of["resources"]["limits"], "a loop that is held back answers nobody"


def bytes_of(quantity: str) -> int:
    """A quantity of Kubernetes as bytes."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 2**20, "Gi": 2**30}[unit]


def test_keda_is_told_every_mechanism_in_its_own_words() -> None:
    told = re.search(r"\$mechanisms := dict (.+) }}", (CHART / "templates" / "keda.yaml").read_text())
    assert told is not None
    words = re.findall(r'"([^"]+)"', told[1])
    assert dict(zip(words[::2], words[1::2], strict=True)) == {
        "SCRAM-SHA-512": "scram_sha512", "SCRAM-SHA-256": "scram_sha256", "PLAIN": "plaintext",
    }  # fmt: skip
    assert set(words[::2]) == set(MECHANISMS)
    assert schema()["properties"]["kafka"]["properties"]["mechanism"]["enum"] == list(MECHANISMS)


def test_the_values_that_the_documents_show_are_values_of_the_chart() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    shown = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    assert shown
    for one in shown:
        jsonschema.Draft7Validator(schema()).validate(one)


def test_the_memory_that_the_documents_promise_is_what_is_reckoned_with() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    told = re.findall(r"^\| (?:a|an) ([a-z' ]+?) \(.+\) \| ([\d,]+) \|", page, re.MULTILINE)
    names = {
        "active video": "active videos",
        "viewer": "viewers",
        "outcome": "outcomes",
        "video's engagement": "videos",
    }
    assert len(told) == len(names)
    for name, size in told:
        thousand = needed_bytes({names[name]: 1_000}, Settings()) - needed_bytes({}, Settings())
        assert int(size.replace(",", "")) == pytest.approx(thousand / 1_000, rel=0.1), name
