"""Fixtures of what is deployed: the chart, rendered by Helm."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.testing.charts import KUBERNETES

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "feedstream"


@pytest.fixture(scope="session")
def render(helm: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Renders the chart with further words of the command: values files, settings."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        where = ["feedstream", str(CHART), "--namespace", "feeds", "--kube-version", KUBERNETES]
        return subprocess.run([str(helm), "template", *where, *words], capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def manifests(render: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., list[dict[str, Any]]]:
    """The chart's objects, rendered so."""

    def run(*words: str) -> list[dict[str, Any]]:
        done = render(*words)
        assert done.returncode == 0, done.stderr
        return [one for one in yaml.safe_load_all(done.stdout) if one]

    return run
