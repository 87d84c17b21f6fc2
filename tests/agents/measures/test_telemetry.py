"""Metrics: every name is registered as its table says, with its unit in its name and no ids in its labels."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import REGISTRY

from agents.measures.telemetry import METRICS, SPECS, MetricName

AGENTS = Path(__file__).parents[3] / "agents"
UNITS_IN_NAMES = {"seconds", "bytes", "records"}
"""Units that a gauge's or histogram's name ends with; what has another unit, or none, is named after what it is."""
OF_A_PLACE = {"lag_records": {"partition"}}
"""Labels that number places of the deployment, of which there are few."""


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
    spec = SPECS[name]
    assert spec.unit
    if spec.kind == "counter":
        assert name.endswith("_total")
    else:
        assert not name.endswith("_total")
        assert name.endswith(f"_{spec.unit}") == (spec.unit in UNITS_IN_NAMES)
    assert not re.search(r"_(ms|millis|kb|mb)(_|$)", name)


@pytest.mark.parametrize("name", SPECS)
def test_a_histogram_has_buckets_that_rise(name: MetricName) -> None:
    spec = SPECS[name]
    assert bool(spec.buckets) == (spec.kind == "histogram")
    assert list(spec.buckets) == sorted(set(spec.buckets))


@pytest.mark.parametrize("name", SPECS)
def test_no_label_is_an_id(name: MetricName) -> None:
    ids = {label for label in SPECS[name].labels if re.search(r"id|user|video|shard|partition|offset", label)}
    assert ids == OF_A_PLACE.get(name, set())


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
