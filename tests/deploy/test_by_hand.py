"""The chart's pods without a cluster: their commands with their variables, as processes, on a real Kafka and Redis."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.children import die_with_parent
from agents.embedded import free_port
from agents.testing.servers import RealKafka, RealRedis

BIN = Path(sys.executable).parent
Start = Callable[..., contextlib.AbstractContextManager[subprocess.Popen[bytes]]]


@pytest.fixture
def start(manifests: Any, fresh_kafka: RealKafka, redis_server: RealRedis) -> Start:
    """Starts the command of the pod whose name ends so, with the variables of its manifest and nothing else."""
    servers = f"kafka.brokers={{{fresh_kafka.bootstrap}}},redis.url={redis_server.url},gateway.access=open"
    objects = manifests("--set", servers)
    (settings,) = [one["data"] for one in objects if one["kind"] == "ConfigMap"]

    @contextlib.contextmanager
    def run(ending: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        (pod,) = [one for one in objects if one["kind"] in {"Job", "Pod", "StatefulSet", "Deployment"}
                  and one["metadata"]["name"].endswith(ending)]  # fmt: skip
        (container,) = pod["spec"].get("template", pod)["spec"]["containers"]
        env = dict(settings) if "envFrom" in container else {}
        env |= {one["name"]: one.get("value", "feedstream-all-0") for one in container["env"]} | more
        with subprocess.Popen(
            [BIN / "feedstream", *container["args"]], env=env, preexec_fn=die_with_parent()
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return run


def ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the process is ready within two minutes; False once it ended."""
    deadline_s = time.monotonic() + 120.0
    while process.poll() is None and time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5.0):
            return True  # what is not 200 is an error
        time.sleep(0.1)
    return False


@pytest.mark.kafka
@pytest.mark.redis
def test_pods_make_topics_get_ready_find_nothing_wrong_and_end_when_they_are_told(start: Start) -> None:
    with start("-topics") as topics:
        assert topics.wait(120.0) == 0
    ports = free_port(), free_port()
    with (
        start("-all", FEEDSTREAM_METRICS_PORT=str(ports[0])) as worker,
        start("-gateway", FEEDSTREAM_GATEWAY_PORT=str(ports[1])) as gateway,
    ):
        assert ready(worker, ports[0])
        assert ready(gateway, ports[1])
        with start("-doctor") as doctor:
            assert doctor.wait(120.0) == 0
        for process in (worker, gateway):
            process.terminate()
        assert (worker.wait(60.0), gateway.wait(30.0)) == (0, 0), "within what Kubernetes grants them"
