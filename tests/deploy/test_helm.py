"""What Helm makes of the chart: taken by its linter and by Kubernetes' schemas, and true to the code that it starts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import jsonschema
import kubernetes_validate
import orjson
import pytest
import yaml

from agents.cli.main import feedstream
from agents.settings import Settings
from agents.testing.charts import KUBERNETES

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "feedstream"
MADE = (
    "--set", "secret.existing=,redis.url=,kafka.user=ann", "--set-string",
    r"secret.data.gateway-keys\.toml=[[key]],secret.data.redis-url=redis://:hush@r:1/0,secret.data.kafka-password=hush",
)  # fmt: skip
CASES = {
    "one": (),
    "cluster": ("-f", str(CHART / "values-redis-cluster.yaml")),
    "production": ("-f", str(CHART / "values-production.yaml")),
    "made": MADE,
}
"""Words by which the chart is rendered, by name."""
CUSTOM = ("keda.sh/", "monitoring.coreos.com/")


class Rendered(NamedTuple):
    """Manifests of one case."""

    name: str
    all: list[dict[str, Any]]

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [one for one in self.all if one["kind"] in kinds]

    def pods(self) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
        """(name, metadata, spec) of each pod that would be started."""
        for one in self.all:
            if one["kind"] == "Pod":
                yield one["metadata"]["name"], one["metadata"], one["spec"]
            elif "template" in one.get("spec", {}):
                template = one["spec"]["template"]
                yield one["metadata"]["name"], template["metadata"], template["spec"]

    def env(self, spec: Mapping[str, Any]) -> dict[str, str]:
        """What a pod's container is told; what comes from a Secret or from the pod is a stand-in."""
        (container,) = spec["containers"]
        (settings,) = [
            one["data"] for one in self.of("ConfigMap") if not one["metadata"]["name"].endswith("-dashboard")
        ]
        told = dict(settings) if container.get("envFrom") else {}
        stand_ins = {"FEEDSTREAM_REDIS": "redis://:hush@redis:6379/0"}
        for one in container.get("env", []):
            told[one["name"]] = one.get("value", stand_ins.get(one["name"], "sixteen characters"))
        return told


Render = Callable[..., subprocess.CompletedProcess[str]]
Manifests = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module", params=CASES)
def chart(request: pytest.FixtureRequest, manifests: Manifests) -> Rendered:
    return Rendered(request.param, manifests(*CASES[request.param]))


@pytest.fixture(scope="module")
def custom_schemas(custom_definitions: list[Path]) -> dict[str, Any]:
    """JSON Schema of each custom kind by apiVersion/Kind; what a definition does not name is refused."""
    schemas = {}
    for path in custom_definitions:
        spec = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]
        for version in spec["versions"]:
            name = f"{spec['group']}/{version['name']}/{spec['names']['kind']}"
            schemas[name] = strict(version["schema"]["openAPIV3Schema"])
            schemas[name]["properties"]["metadata"] = {"type": "object"}  # is for Kubernetes itself to judge
    return schemas


def strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(one) for name, one in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


@pytest.mark.parametrize("case", CASES)
def test_helms_own_linter_finds_nothing(helm: Path, case: str) -> None:
    words = [str(helm), "lint", "--strict", str(CHART), "--kube-version", KUBERNETES, *CASES[case]]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_package_holds_the_rules_and_the_dashboard(helm: Path, tmp_path: Path) -> None:
    subprocess.run([str(helm), "package", str(CHART), "-d", str(tmp_path)], capture_output=True, check=True)
    (package,) = tmp_path.glob("*.tgz")
    held = subprocess.run(["tar", "tzf", str(package)], capture_output=True, text=True, check=True).stdout.split()
    assert {"feedstream/files/alerts.yaml", "feedstream/files/feedstream.json", "feedstream/values.schema.json"} < set(
        held
    )


def test_kubernetes_takes_every_manifest(chart: Rendered, custom_schemas: dict[str, Any]) -> None:
    kinds = {one["kind"] for one in chart.all}
    assert {"StatefulSet", "Deployment", "Service", "ConfigMap", "ServiceAccount", "Job", "Pod"} <= kinds
    assert (
        chart.name != "production"
        or {"ScaledObject", "TriggerAuthentication", "ServiceMonitor", "PrometheusRule"} <= kinds
    )
    for one in chart.all:
        if one["apiVersion"].startswith(CUSTOM):
            jsonschema.Draft202012Validator(custom_schemas[f"{one['apiVersion']}/{one['kind']}"]).validate(one)
        else:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_what_kubernetes_does_not_know_would_be_noticed(custom_schemas: dict[str, Any]) -> None:
    scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "a"}, "spec": {
        "scaleTargetRef": {"name": "a"}, "triggers": [{"type": "kafka", "metadata": {}}], "minReplicas": 1,
    }}  # fmt: skip
    with pytest.raises(jsonschema.ValidationError, match="minReplicas"):
        jsonschema.Draft202012Validator(custom_schemas["keda.sh/v1alpha1/ScaledObject"]).validate(scaled)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"selctor": {}}}
    with pytest.raises(jsonschema.ValidationError, match="selctor"):
        kubernetes_validate.validate(service, KUBERNETES, strict=True)


def test_no_pod_has_more_rights_than_it_needs(chart: Rendered) -> None:
    for name, _, spec in chart.pods():
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, (
            f"{name}: a Service feedstream-gateway would set FEEDSTREAM_GATEWAY_PORT"
        )
        of_pod, (container,) = spec["securityContext"], spec["containers"]
        assert of_pod["runAsNonRoot"] is True
        assert f"USER {of_pod['runAsUser']}" in (ROOT / "deploy" / "Dockerfile").read_text()
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"requests", "limits"} <= set(container["resources"])
        volumes, mounts = {one["name"] for one in spec["volumes"]}, container["volumeMounts"]
        assert {one["name"] for one in mounts} == volumes
        assert [one["mountPath"] for one in mounts if not one.get("readOnly")] == ["/tmp"]


def test_every_pod_runs_a_command_with_settings_that_it_takes(chart: Rendered) -> None:
    for name, _, spec in chart.pods():
        env, (container,) = chart.env(spec), spec["containers"]
        mounted = {one["mountPath"] for one in container["volumeMounts"]}
        for setting in ("FEEDSTREAM_KAFKA_CA", "FEEDSTREAM_GATEWAY_KEYS"):
            assert setting not in env or str(Path(env[setting]).parent) in mounted, f"{name}: {setting}"
        assert set(env) - {f"FEEDSTREAM_{one.upper()}" for one in Settings.__slots__} == set()
        env.pop("FEEDSTREAM_KAFKA_CA", None)  # a file of the cluster
        if chart.name == "cluster":
            assert env["FEEDSTREAM_REDIS"].startswith("redis+cluster://")
        settings = Settings.from_env(env)
        assert settings.bootstrap
        assert_parses([*container["args"]])


def assert_parses(words: list[str]) -> None:
    """Click finds the command and takes its options."""
    command: click.Command | None = feedstream
    while isinstance(command, click.Group):
        command = command.get_command(click.Context(command), words.pop(0))
    assert command is not None
    command.make_context("", words)


def test_probes_ask_pages_that_are_there_on_ports_that_are_listened_on(chart: Rendered) -> None:
    gateway = (ROOT / "agents" / "gateway" / "app.py").read_text()
    worker = (ROOT / "agents" / "worker" / "main.py").read_text()
    probed = set()
    for name, metadata, spec in chart.pods():
        (container,) = spec["containers"]
        component, env = metadata["labels"]["app.kubernetes.io/component"], Settings.from_env(
            {key: value for key, value in chart.env(spec).items() if key.endswith(("_PORT", "_HOST"))})  # fmt: skip
        if component in {"topics", "doctor"}:
            continue
        probed.add(component)
        (port,) = container["ports"]
        pages, listening = {"worker": (worker, (env.metrics_host, env.metrics_port)),
                            "gateway": (gateway, (env.gateway_host, env.gateway_port))}[component]  # fmt: skip
        assert listening == ("0.0.0.0", port["containerPort"]), name
        for probe, path in (("startupProbe", "/live"), ("livenessProbe", "/live"), ("readinessProbe", "/ready")):
            asked = container[probe]["httpGet"]
            assert asked == {"path": path, "port": port["name"]}
            assert f'"{path}"' in pages
    assert probed == {"worker", "gateway"}


def test_selectors_find_pods_and_references_find_what_they_name(chart: Rendered) -> None:
    pods = [metadata["labels"] for _, metadata, _ in chart.pods()]
    services = [one["metadata"]["labels"] for one in chart.of("Service")]
    for one in chart.all:
        spec = one.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is None or one["kind"] == "Job":
            continue
        wanted = selector.get("matchLabels", selector).items()
        among = services if one["kind"] == "ServiceMonitor" else pods
        found = [labels for labels in among if wanted <= labels.items()]
        assert found, f"{one['kind']} {one['metadata']['name']} selects nothing"
        if one["kind"] in {"StatefulSet", "Deployment", "PodDisruptionBudget"}:
            assert len(found) == 1, "two workloads would take each other's pods for their own"
    named = {(one["kind"], one["metadata"]["name"]) for one in chart.all}
    for one in chart.of("ScaledObject", "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in named
        (scaled,) = [it for it in chart.of(target["kind"]) if it["metadata"]["name"] == target["name"]]
        assert "replicas" not in scaled["spec"], "each upgrade would undo what was scaled"
    for one in chart.of("StatefulSet"):
        assert ("Service", one["spec"]["serviceName"]) in named


def test_workers_of_a_stateful_set_are_static_members_and_have_time_to_drain(chart: Rendered) -> None:
    for one in chart.of("StatefulSet", "Deployment"):
        spec = one["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        named = [it for it in container["env"] if it["name"] == "FEEDSTREAM_INSTANCE"]
        if one["kind"] == "StatefulSet":
            assert [it["valueFrom"]["fieldRef"]["fieldPath"] for it in named] == ["metadata.name"]
        else:
            assert not named, "two pods of a Deployment overlap while it is updated"
        if container["name"] == "worker":
            assert spec["terminationGracePeriodSeconds"] > 3 * 15 + 5, "of each group, and of what is on its way"


def test_passwords_are_in_secrets_only(chart: Rendered) -> None:
    told = [one for one in chart.all if one["kind"] != "Secret"]
    assert "hush" not in yaml.safe_dump(told)
    secrets = {one["metadata"]["name"]: one for one in chart.of("Secret")}
    assert set(secrets) == ({"feedstream", "feedstream-topics"} if chart.name == "made" else set())
    for _, _, spec in chart.pods():
        for one in spec["containers"][0].get("env", []):
            if (reference := one.get("valueFrom", {}).get("secretKeyRef")) and secrets:
                assert reference["key"] in secrets[reference["name"]]["data"], one["name"]


def test_what_runs_before_an_install_needs_nothing_that_the_install_brings(chart: Rendered) -> None:
    hooks = [
        one for one in chart.all if "pre-install" in one["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    ]
    (job,) = [one for one in hooks if one["kind"] == "Job"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert "envFrom" not in container
    assert "serviceAccountName" not in job["spec"]["template"]["spec"]
    made_before = {one["metadata"]["name"] for one in hooks if one["kind"] == "Secret"}
    wanted = {one["valueFrom"]["secretKeyRef"]["name"] for one in container["env"] if "valueFrom" in one}
    assert wanted <= (made_before or {"feedstream"})
    (settings,) = [one["data"] for one in chart.of("ConfigMap") if one["metadata"]["name"] == "feedstream"]
    assert {one["name"]: one["value"] for one in container["env"] if "value" in one} == settings


def test_gateways_find_workers_under_the_name_of_their_service(chart: Rendered) -> None:
    (service,) = [one for one in chart.of("Service") if one["spec"].get("clusterIP") == "None"]
    assert service["spec"]["publishNotReadyAddresses"] is True, "one that is not ready is asked why"
    (gateway,) = [spec for name, _, spec in chart.pods() if name.endswith("-gateway")]
    (port,) = service["spec"]["ports"]
    assert chart.env(gateway)["FEEDSTREAM_WORKERS"] == f"{service['metadata']['name']}.feeds.svc:{port['port']}"


def test_rules_and_dashboard_are_those_of_the_checkout(manifests: Manifests) -> None:
    objects = manifests(*CASES["production"])
    (rules,) = [one["spec"] for one in objects if one["kind"] == "PrometheusRule"]
    assert rules == yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text())
    (shown,) = [one for one in objects if one["metadata"]["name"].endswith("-dashboard")]
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert orjson.loads(shown["data"]["feedstream.json"]) == orjson.loads(
        (ROOT / "deploy" / "grafana" / "feedstream.json").read_bytes()
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--set", "settings.hot_viewrs=1"), "additional properties 'hot_viewrs' not allowed"),
        (("--set", "kafka.brokers={kafka}"), "'kafka' does not match pattern"),
        (("--set", "redis.url=redis://:hush@redis:6379"), "redis.url names a user, which all could read"),
        (("--set", "secret.existing="), "secret.data lacks gateway-keys.toml, which these values need"),
        (("--set", "secret.data.redis-url=a"), "secret.data would be put nowhere, since secret.existing is feedstream"),
        (("--set", "workers.all.enabled=false"), "nobody would do all of the work: enable workers.all, or"),
        (("--set", "workers.learner.enabled=true"), "workers.all is enabled beside another role"),
        (("--set", "workers.all.autoscaling.enabled=true,workers.all.autoscaling.maxReplicas=9"),
         "workers.all.autoscaling.maxReplicas is 9, but there are 8 partitions"),
        (("--set", "workers.all.autoscaling.enabled=true,workers.all.autoscaling.minReplicas=9"),
         "workers.all.autoscaling.minReplicas is 9, which is more than the 8 there may be"),
        (("--set", "gateway.ingress.enabled=true"), "gateway.ingress.host is empty: name the host"),
    ],
)  # fmt: skip
def test_values_that_make_no_sense_are_refused_in_a_sentence(
    render: Render, words: tuple[str, ...], sentence: str
) -> None:
    done = render(*words)
    assert done.returncode != 0
    assert sentence in done.stderr


def test_numbers_reach_settings_as_they_were_written(render: Render, tmp_path: Path) -> None:
    """Helm reads numbers of a file as floats, which it would write as 2e+06, and fractions of --set as text."""
    (tmp_path / "own.yaml").write_text("settings: {hot_viewers: 2000000, backlog_s: 12.5}\n")
    done = render("-f", str(tmp_path / "own.yaml"), "--set", "settings.gate_margin=0.07,settings.hot_videos=3000000")
    (told,) = [one["data"] for one in yaml.safe_load_all(done.stdout) if one and one["kind"] == "ConfigMap"]
    names = ("HOT_VIEWERS", "BACKLOG_S", "GATE_MARGIN", "HOT_VIDEOS", "HOT_OUTCOMES")
    assert [told[f"FEEDSTREAM_{name}"] for name in names] == ["2000000", "12.5", "0.07", "3000000", "100000"]
    changed = [re.search("checksum/settings: (.+)", one.stdout) for one in (done, render())]
    sums = {one[1] for one in changed if one}
    assert len(sums) == 2, "pods start again with what was changed"
