"""Fixtures of what is deployed: the chart, rendered by Helm."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.testing.charts import KUBERNETES

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "feedstream"


@pytest.fixture(scope="session")
def render(helm: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Renders the chart with further words of the command: values files, settings."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        where = ["feedstream", str(CHART), "--namespace", "feeds", "--kube-version", KUBERNETES]
        return subprocess.run([str(helm), "template", *where, *words], capture_output=True, text=True, check=False)

    return run
