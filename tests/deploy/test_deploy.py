"""What is deployed: pinned images, health checks, settings that exist, and the versions the tests ran on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.settings import Settings
from agents.testing.servers import KAFKA_VERSION

ROOT = Path(__file__).parents[2]
ONE_SHOT = {"topics"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+(?:\[[\w,-]+\])?)==([^\s;\\]+)", path.read_text(), re.MULTILINE))


def test_every_image_is_pinned_to_an_exact_version(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) == len(compose["services"]) + 2
    assert [image for image in images if not re.search(r":v?\d+\.\d+\.\d+", image)] == []


def test_the_deployed_kafka_is_the_tested_one(compose: dict[str, Any]) -> None:
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_every_lasting_service_says_whether_it_is_well_and_starts_again(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) == (name not in ONE_SHOT), name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name


def test_nothing_listens_beyond_this_machine(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_the_log_and_the_shards_outlive_their_containers(compose: dict[str, Any]) -> None:
    services = compose["services"]
    named = [volume.split(":")[:2] for service in services.values() for volume in service.get("volumes", [])]
    kept = {name: place for name, place in named if not name.startswith("./")}
    assert set(kept) == set(compose["volumes"])
    assert kept["redis-data"] == "/data"
    assert services["kafka"]["environment"]["KAFKA_LOG_DIRS"] == kept["kafka-data"]
    assert f"--storage.tsdb.path={kept['prometheus-data']}" in services["prometheus"]["command"]
    command = services["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_workers_wait_for_topics_and_store_and_their_settings_exist(compose: dict[str, Any]) -> None:
    worker = compose["services"]["worker"]
    assert worker["depends_on"]["topics"] == {"condition": "service_completed_successfully"}
    assert worker["depends_on"]["redis"] == {"condition": "service_healthy"}
    assert worker["deploy"]["replicas"] == 2
    known = {f"FEEDSTREAM_{field.upper()}" for field in Settings.__slots__}
    assert set(worker["environment"]) <= known
    settings = Settings.from_env(worker["environment"])
    assert settings.bootstrap == "kafka:9092"
    assert Settings.from_env(compose["services"]["topics"]["environment"]).user_partitions == settings.user_partitions
    assert f":{settings.metrics_port}/" in worker["healthcheck"]["test"][-1]
    assert not settings.instance, "two replicas with one static name fence each other"


def test_whatever_is_mounted_is_there_and_cannot_be_changed_from_within(compose: dict[str, Any]) -> None:
    mounts = [volume for service in compose["services"].values() for volume in service.get("volumes", [])
              if volume.startswith("./")]  # fmt: skip
    assert mounts
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).exists(), mount
        assert mode == "ro"


def test_prometheus_finds_every_worker_and_takes_the_alerts(compose: dict[str, Any]) -> None:
    told = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    settings = Settings.from_env(compose["services"]["worker"]["environment"])
    assert settings.metrics_host == "0.0.0.0", "others of the composition must reach it"
    assert "ports" not in compose["services"]["worker"], "and nobody else"
    job, gateway = told["scrape_configs"]
    assert gateway["dns_sd_configs"][0]["names"] == ["gateway"]
    (found,) = job["dns_sd_configs"]
    assert (found["names"], found["type"], found["port"]) == (["worker"], "A", settings.metrics_port)
    mounted = dict(volume.split(":")[:2] for volume in compose["services"]["prometheus"]["volumes"])
    for path in (*told["rule_files"], compose["services"]["prometheus"]["command"][0].partition("=")[2]):
        assert (ROOT / "deploy" / "prometheus" / Path(path).name).exists()
        assert str(Path(path).parent) == mounted["./deploy/prometheus"]
    tool = shutil.which("promtool")
    if tool is not None:
        check = [tool, "check", "config", "--syntax-only", str(ROOT / "deploy" / "prometheus" / "prometheus.yml")]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_is_given_the_dashboard_and_the_prometheus_beside_it(compose: dict[str, Any]) -> None:
    grafana, folder = compose["services"]["grafana"], ROOT / "deploy" / "grafana"
    mounted = dict(volume.split(":")[:2] for volume in grafana["volumes"])
    assert mounted["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    shown = mounted["./deploy/grafana/feedstream.json"]
    (provider,) = yaml.safe_load((folder / "provisioning/dashboards/feedstream.yaml").read_text())["providers"]
    assert provider["options"]["path"] == str(Path(shown).parent)
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == shown
    (source,) = yaml.safe_load((folder / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"


def test_the_image_runs_what_the_tests_ran_and_not_as_root() -> None:
    image, tested = pins(ROOT / "deploy" / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert len(image) > 20
    assert {name: version for name, version in image.items() if tested.get(name) != version} == {}
    assert "USER 10001" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_locks_name_no_host_and_a_hash_for_every_version() -> None:
    for path in (ROOT / "requirements.lock", ROOT / "deploy" / "requirements.lock"):
        text = path.read_text()
        assert not re.search(r"https?://|--index-url|--find-links|--extra-index", text)
        entries = re.split(r"^(?=[\w.-]+(?:\[[\w,-]+\])?==)", text, flags=re.MULTILINE)[1:]
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_docker_itself_accepts_the_composition() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    done = subprocess.run([docker, "compose", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
