"""Dashboard, alerts and page are made of the registry, up to date, and name nothing that is not measured."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import promql_parser
import pytest
import yaml

from agents.cli.main import main
from agents.cli.metrics import written
from agents.measures.alerts import ALERTS, Alert, alert_rules
from agents.measures.dashboard import ROWS, dashboard
from agents.measures.page import metrics_page
from agents.measures.telemetry import PREFIX, SPECS
from streams.control.tuning import DEFAULT

ROOT = Path(__file__).parents[3]
SERIES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
SCRAPED = {f"{PREFIX}{name}{end}": {*spec.labels, *({"le"} if end == "_bucket" else ())}
           for name, spec in SPECS.items() for end in SERIES[spec.kind]}  # fmt: skip
"""Every series that a worker is scraped for, and its labels."""
ADDED = {"instance", "job"}
"""Labels that Prometheus adds."""


def expressions() -> list[tuple[str, str]]:
    """(where, PromQL) of everything in the dashboard and in the alerts."""
    curves = [
        (f"panel {panel.title}", expr.replace("$__rate_interval", "5m"))
        for _, row in ROWS
        for panel in row
        for expr, _ in panel.curves
    ]
    return curves + [(f"alert {one.name}", one.expr) for one in ALERTS]


def parts(expr: Any) -> list[Any]:
    """Every node of a parsed expression."""
    children = [
        getattr(expr, name) for name in ("lhs", "rhs", "expr", "param", "vector_selector") if hasattr(expr, name)
    ]
    children += list(getattr(expr, "args", ()))
    return [expr, *(node for child in children if child is not None for node in parts(child))]


@pytest.mark.parametrize("path", written())
def test_what_is_made_is_what_is_committed(path: str) -> None:
    assert (ROOT / path).read_bytes() == written()[path], "run make docs"


@pytest.mark.parametrize(("where", "text"), expressions())
def test_an_expression_parses_and_names_what_is_measured_by_labels_that_are_there(where: str, text: str) -> None:
    nodes = parts(promql_parser.parse(text))
    selectors = [node for node in nodes if isinstance(node, promql_parser.VectorSelector)]
    assert selectors
    labels: set[str] = set()
    for one in selectors:
        assert one.name in SCRAPED, f"{where}: nothing is called {one.name}"
        labels |= SCRAPED[one.name]
        asked = {matcher.name for matcher in one.matchers.matchers}
        assert asked <= SCRAPED[one.name], f"{where}: {one.name} has no label {asked - SCRAPED[one.name]}"
    for group in re.findall(r"\bby \(([^)]*)\)", text):
        assert set(group.replace(" ", "").split(",")) <= labels | ADDED, where
    assert len([node for node in nodes if isinstance(node, promql_parser.VectorSelector)]) == text.count(PREFIX)


def test_everything_that_is_measured_is_on_the_dashboard() -> None:
    text = " ".join(expr for _, row in ROWS for panel in row for expr, _ in panel.curves)
    named = {re.sub(r"_bucket$", "", name) for name in re.findall(rf"{PREFIX}(\w+)", text)}
    assert named == set(SPECS)


def test_legends_name_labels_that_are_left() -> None:
    for _, row in ROWS:
        for panel in row:
            for expr, said in panel.curves:
                by = re.search(r"\bby \(([^)]*)\)", expr)
                left = set(by[1].replace(" ", "").split(",")) if by else {*ADDED, *SPECS["lag_records"].labels}
                assert set(re.findall(r"{{(\w+)}}", said)) <= left, panel.title


def test_panels_fill_the_width_and_none_lies_over_another() -> None:
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or (panel["description"] and panel["targets"])


def test_an_alert_is_a_rule_with_all_that_it_says() -> None:
    (group,) = yaml.safe_load(alert_rules())["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [f"Feedstream{one.name}" for one in ALERTS]
    for rule, one in zip(group["rules"], ALERTS, strict=True):
        assert rule["expr"] == one.expr
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        assert rule["labels"] == {"severity": one.severity}
        assert rule["annotations"]["description"] == one.told
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda one: one.name)
def test_an_alert_has_a_page_that_says_what_it_means_how_to_look_and_what_to_do(alert: Alert) -> None:
    text = (ROOT / alert.runbook).read_text()
    assert text.startswith(f"# {alert.name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["What it means", "How to look", "What to do"]
    look = text.partition("## How to look")[2].partition("## What to do")[0]
    assert "```sh\n" in look


def test_there_is_no_page_without_an_alert_and_pages_name_panels_and_settings_that_exist() -> None:
    pages = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "docs" / "runbooks").iterdir()}
    assert set(pages) == {one.runbook for one in ALERTS}
    titles = {panel.title for _, row in ROWS for panel in row}
    for name, text in pages.items():
        for shown in re.findall(r"(?:On the dashboard|, )[:,]? \*([A-Z][^*]+)\*", text.replace("\n", " ")):
            assert shown in titles, f"{name} names the panel {shown}"
        for key in re.findall(r"`tuning\.([\w.]+)`", text):
            section, _, field = key.partition(".")
            assert hasattr(getattr(DEFAULT, section), field), f"{name} names tuning.{key}"


def test_the_page_lists_every_metric_and_every_alert() -> None:
    page = metrics_page()
    assert re.findall(r"^\| `feedstream_(\w+)` \|", page, re.MULTILINE) == list(SPECS)
    assert re.findall(r"^\| \[(\w+)\]", page, re.MULTILINE) == [one.name for one in ALERTS]


@pytest.mark.parametrize(
    "asked", [("check", "deploy/prometheus/alerts.yaml"), ("test", "tests/agents/measures/alerts_test.yaml")]
)
def test_prometheus_own_tool_takes_the_rules_and_they_fire_when_they_should(asked: tuple[str, str]) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([tool, asked[0], "rules", str(ROOT / asked[1])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_prints_each_form(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def said(*args: str) -> str:
        with pytest.raises(SystemExit) as left:
            main(["metrics", *args])
        assert not left.value.code
        return capsys.readouterr().out

    rows = orjson.loads(said("--json"))
    assert [row["name"] for row in rows] == [PREFIX + name for name in SPECS]
    assert {"kind", "unit", "labels", "meaning"} < set(rows[0])
    assert orjson.loads(said("--grafana")) == dashboard()
    assert said("--alerts") == alert_rules()
    assert len(said().splitlines()) == len(SPECS)
    assert said("--write", str(tmp_path)) == ""
    for path, text in written().items():
        assert (tmp_path / path).read_bytes() == text
