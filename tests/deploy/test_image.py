"""The image and the composition, judged by linters, and by doing by hand what a container engine would."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from agents.settings import Settings, environment

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("hadolint", "deploy/Dockerfile"),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"),
    ],
)
def test_linters_find_nothing(words: tuple[str, ...]) -> None:
    done = subprocess.run([BIN / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_linters_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && apt-get install curl\n")
    (tmp_path / "compose.yml").write_text("services: {a: {image: a, helthcheck: {}}}\n")
    for words in (["hadolint", "Dockerfile"],
                  ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yml"]):  # fmt: skip
        done = subprocess.run([BIN / words[0], *words[1:]], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 1, done.stdout


def test_whatever_the_image_copies_is_sent_to_the_builder_and_there() -> None:
    sent = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    copied = {name for line in lines for name in line.split()}
    assert copied == sent
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_holds_every_package_of_the_distribution_and_says_its_version() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    text = DOCKERFILE.read_text()
    packages = {name.removesuffix("*") for name in told["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages <= set(re.findall(r"^COPY (\S+) /src/", text, re.MULTILINE))
    version = told["project"]["version"]
    assert f'org.opencontainers.image.version="{version}"' in text
    assert f"image: feedstream:{version}" in (ROOT / "docker-compose.yml").read_text()


def test_what_builds_the_wheel_is_locked_and_stays_outside() -> None:
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    locked = re.findall(r"^([\w-]+)==", (ROOT / "deploy" / "build.lock").read_text(), re.MULTILINE)
    assert [re.match(r"[\w-]+", need)[0] for need in needs] == locked  # type: ignore[index]
    text = DOCKERFILE.read_text()
    assert "--no-build-isolation" in text, "a build of its own would fetch what no lock names"
    assert "venv --without-pip" in text
    final = text.rpartition("\nFROM ")[2]
    assert "pip" not in final
    assert not re.search("apt-get|gcc|curl", text)


def test_each_health_check_asks_a_page_that_is_there_on_the_port_that_is_set(compose: dict[str, Any]) -> None:
    asked = {}
    for name in ("gateway", "worker"):
        service = compose["services"][name]
        (asked[name],) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", service["healthcheck"]["test"][-1])
        settings = Settings.from_env(service["environment"])
        port = settings.gateway_port if name == "gateway" else settings.metrics_port
        assert asked[name] == (str(port), "/ready")
    assert '"/ready"' in (ROOT / "agents" / "gateway" / "app.py").read_text()
    assert '"/ready"' in (ROOT / "agents" / "worker" / "main.py").read_text()


def test_every_variable_of_our_services_is_a_setting_and_they_have_time_to_drain(compose: dict[str, Any]) -> None:
    known = {f"FEEDSTREAM_{name.upper()}" for name in Settings.__slots__}
    ours = {name: one for name, one in compose["services"].items() if one["image"].startswith("feedstream:")}
    assert set(ours) == {"topics", "gateway", "worker"}
    for name, service in ours.items():
        assert set(service["environment"]) <= known, name
    assert int(ours["worker"]["stop_grace_period"].removesuffix("s")) > 3 * 15 + 5
    assert int(ours["gateway"]["stop_grace_period"].removesuffix("s")) > 5 + 10


@pytest.mark.parametrize("command", ["worker", "gateway"])
def test_the_first_process_of_a_container_ends_at_once_when_told_to_while_it_starts(command: str) -> None:
    """The kernel delivers to process 1 only what it handles; servers that never answer hold it where it starts."""
    alone = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces of processes need rights that are not here")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60.0)
        port = silent.getsockname()[1]
        env = environment(broker=f"kafka://127.0.0.1:{port}", redis=f"redis://127.0.0.1:{port}/0")
        process = subprocess.Popen([*alone, BIN / "feedstream", command], env=env, stderr=subprocess.DEVNULL)
        with process, silent.accept()[0]:
            (first,) = psutil.Process(process.pid).children()
            os.kill(first.pid, signal.SIGTERM)
            assert process.wait(10.0) == 128 + signal.SIGTERM
