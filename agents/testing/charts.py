"""Helm for tests, and the definitions by which a cluster with KEDA and Prometheus' operator would judge the chart.

All of it is built from sources that Go's module proxy has, each in a stated version, once, and kept under
``~/.cache/feedstream``. ``python -m agents.testing.charts`` does that beforehand, since it takes minutes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agents.testing.foreign import CACHE, go_env, kept, ran
from agents.testing.servers import Unavailable, found

__all__ = ["KUBERNETES", "custom_definitions", "helm", "keda_kafka"]

KUBERNETES: Final = "1.34"
"""Whose API the chart is judged by."""
HELM: Final = "helm.sh/helm/v3@v3.21.4"
KEDA: Final = "github.com/kedacore/keda/v2@v2.20.2"
PROMETHEUS: Final = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring@v0.92.1"
CONTROLLER_GEN: Final = "sigs.k8s.io/controller-tools/cmd/controller-gen@v0.20.1"
KEDA_KAFKA: Final = Path("pkg/scalers/kafka_scaler.go")
BUILD_S: Final = 900.0
KINDS: Final = {"scaledobjects", "triggerauthentications", "servicemonitors", "prometheusrules"}


def helm(*, build: bool = False) -> Path:
    """The program helm: the one on the path, else our own, which is built only if ``build``. Raises ``Unavailable``."""
    if there := shutil.which("helm"):
        return Path(there)
    return _tool(HELM, _build_helm, build=build) / "helm"


def custom_definitions(*, build: bool = False) -> list[Path]:
    """Definitions of the custom kinds that the chart has, YAML files; made as helm is. Raises ``Unavailable``."""
    folders = (_tool(KEDA, _fetch_keda, build=build), _tool(PROMETHEUS, _make_prometheus, build=build))
    return [path for folder in folders for path in folder.glob("*.yaml") if path.stem.rpartition("_")[2] in KINDS]


def keda_kafka(*, build: bool = False) -> str:
    """The source, in Go, that reads a trigger of kind kafka; its tags say what a trigger may have. As above."""
    return (_tool(KEDA, _fetch_keda, build=build) / KEDA_KAFKA.name).read_text()


def _tool(what: str, make: Callable[[Path], None], *, build: bool) -> Path:
    name = f"{Path(what.partition('@')[0].removesuffix('/v3').removesuffix('/v2')).name}-{what.rpartition('@')[2]}"
    there = CACHE.expanduser() / name
    if there.exists():
        return there
    if not build:
        raise Unavailable(f"{what} is not here: `make helm` builds it, in minutes")
    return kept(name, make)


def _go(words: list[str], folder: Path, **more: str) -> str:
    go = found("go", "apt-get install golang-go")
    return ran([go, *words], folder, go_env(**more), BUILD_S)


def _build_helm(folder: Path) -> None:
    """As Helm's own Makefile does: it is told which Kubernetes to expect where none is asked."""
    module, version = HELM.split("@")
    major, minor = KUBERNETES.split(".")
    told = [f"-X {module}/pkg/{where}.k8sVersion{part}={number}" for where in ("chartutil", "lint/rules")
            for part, number in (("Major", major), ("Minor", minor))]  # fmt: skip
    _go(["install", "-ldflags", " ".join(["-s -w", *told]), f"{module}/cmd/helm@{version}"], folder, GOBIN=str(folder))


def _fetch_keda(folder: Path) -> None:
    module = Path(json.loads(_go(["mod", "download", "-json", KEDA], folder))["Dir"])
    for path in (module / KEDA_KAFKA, *(module / "config" / "crd" / "bases").glob("keda.sh_*.yaml")):
        (folder / path.name).write_bytes(path.read_bytes())


def _make_prometheus(folder: Path) -> None:
    """As the operator's own Makefile does: its definitions are made from its types in Go."""
    package = PROMETHEUS.split("@")[0] + "/v1"
    _go(["install", CONTROLLER_GEN], folder, GOBIN=str(folder))
    _go(["mod", "init", "definitions"], folder)
    (folder / "main.go").write_text(f'package definitions\n\nimport _ "{package}"\n')
    _go(["get", PROMETHEUS], folder)
    words = [str(folder / "controller-gen"), "crd", f"paths={package}", f"output:crd:dir={folder}"]
    ran(words, folder, go_env(), BUILD_S)
    (folder / "controller-gen").unlink()


if __name__ == "__main__":
    helm(build=True)
    custom_definitions(build=True)
