"""The page of metrics: each name with its kind, unit, labels and meaning, and each alert with its runbook."""

from __future__ import annotations

from typing import Final

from agents.measures.alerts import ALERTS
from agents.measures.telemetry import PREFIX, SPECS

__all__ = ["metrics_page"]

_HEAD: Final = """# Metrics and alerts

Made by `make docs` from `agents/measures/telemetry.py` and `agents/measures/alerts.py`: change it there.

A worker with `FEEDSTREAM_METRICS_PORT` set serves what it measures at `/metrics`, a gateway at `/metrics` of its own
port. Labels never hold ids of viewers or videos. A histogram is scraped as `_bucket`, `_sum` and `_count`.
`deploy/grafana/feedstream.json` is a dashboard of all of them.
"""
_ALERTS: Final = """
## Alerts

`deploy/prometheus/alerts.yaml` holds the rules. A `page` wakes somebody: viewers notice, or something will be lost. A
`ticket` can wait for the morning.
"""


def metrics_page() -> str:
    """``docs/metrics.md``."""
    rows = ["| metric | kind | unit | labels | meaning |", "|---|---|---|---|---|"]
    for name, spec in SPECS.items():
        labels = ", ".join(f"`{label}`" for label in spec.labels)
        rows.append(f"| `{PREFIX}{name}` | {spec.kind} | {spec.unit} | {labels} | {spec.meaning} |")
    alerts = ["| alert | severity | fires after | what |", "|---|---|---|---|"]
    for one in ALERTS:
        link = f"[{one.name}]({one.runbook.removeprefix('docs/')})"
        alerts.append(f"| {link} | {one.severity} | {one.lasting} | {one.summary} |")
    return _HEAD + "\n" + "\n".join(rows) + "\n" + _ALERTS + "\n" + "\n".join(alerts) + "\n"
