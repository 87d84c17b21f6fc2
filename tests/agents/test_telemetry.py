"""Metrics: every name is registered as its table says, with its unit in its name and no ids in its labels."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import REGISTRY, generate_latest

from agents import telemetry
from agents.telemetry import METRICS, SPECS, MetricName

AGENTS = Path(__file__).parents[2] / "agents"
UNITLESS = {"head_auc", "head_log_loss"}
"""Gauges of a figure that has no unit."""


def test_the_table_the_type_and_the_registry_name_the_same_metrics() -> None:
    assert set(SPECS) == set(get_args(MetricName)) == set(METRICS)
    assert list(SPECS) == sorted(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_a_metric_is_registered_with_its_kind_labels_and_meaning(name: MetricName) -> None:
    spec = SPECS[name]
    full = f"feedstream_{name}"
    (found,) = (family for family in REGISTRY.collect() if family.name == full.removesuffix("_total"))
    assert (found.type, found.documentation) == (spec.kind, spec.meaning)
    assert METRICS[name]._labelnames == spec.labels
    assert len(spec.meaning) > 10


@pytest.mark.parametrize("name", SPECS)
def test_a_name_ends_in_its_unit(name: MetricName) -> None:
    endings = {"counter": ("_total",), "histogram": ("_seconds", "_bytes"), "gauge": ("_seconds", "_bytes")}
    assert name.endswith(endings[SPECS[name].kind]) or name in UNITLESS
    assert not re.search(r"_(ms|millis|kb|mb)(_|$)", name)


@pytest.mark.parametrize("name", SPECS)
def test_no_label_is_an_id(name: MetricName) -> None:
    assert [label for label in SPECS[name].labels if re.search(r"id|user|video|shard|partition|offset", label)] == []


def test_every_metric_is_measured_somewhere() -> None:
    used = {
        node.slice.value
        for path in AGENTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and getattr(node.value, "id", getattr(node.value, "attr", "")) == "METRICS"
    }
    assert used == set(SPECS)


def test_metrics_are_served_on_this_machine_only_and_not_at_all_on_port_0(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []
    monkeypatch.setattr(telemetry, "start_http_server", lambda port, addr: asked.append((port, addr)))
    telemetry.serve(0)
    telemetry.serve(9_464)
    assert asked == [(9_464, "127.0.0.1")]
    assert b"feedstream_events_total" in generate_latest(REGISTRY)
