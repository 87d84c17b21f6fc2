"""The dashboard: every metric in one place, in the order in which an operator asks, as JSON that Grafana takes."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from agents.measures.telemetry import PREFIX, SPECS, MetricName

__all__ = ["ROWS", "Panel", "dashboard"]

_WIDE: Final = 24
_HIGH: Final = 8
_LOW: Final = 4
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


class Panel(NamedTuple):
    """One picture: curves as (expression, what each is called), and their unit as Grafana names it; a ``number`` has no
    time axis.
    """

    title: str
    unit: str
    curves: tuple[tuple[str, str], ...]
    number: bool = False


def _a_second(name: MetricName, by: str) -> tuple[tuple[str, str], ...]:
    return ((f"sum by ({by}) (rate({PREFIX}{name}[$__rate_interval]))", "{{" + by + "}}"),)


def _of_seen(name: MetricName, by: str) -> tuple[tuple[str, str], ...]:
    positive, seen = (
        f'sum by ({by}) (rate({PREFIX}{name}{{stage="{stage}"}}[$__rate_interval]))' for stage in ("positive", "seen")
    )
    return ((f"{positive} / {seen}", " ".join("{{" + label + "}}" for label in by.split(", "))),)


def _quantiles(name: MetricName) -> tuple[tuple[str, str], ...]:
    inner = f"sum by (le) (rate({PREFIX}{name}_bucket[$__rate_interval]))"
    return tuple((f"histogram_quantile({q}, {inner})", said) for q, said in ((0.5, "p50"), (0.99, "p99")))


ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "Now",
        (
            Panel("Workers ready", "none", ((f"sum({PREFIX}ready)", "ready"),), number=True),
            Panel("Servers answer", "none", ((f"min by (server) ({PREFIX}server_up)", "{{server}}"),), number=True),
            Panel("Records waiting", "short", ((f"sum({PREFIX}lag_records)", "records"),), number=True),
            Panel("Action to feed, p99", "s", _quantiles("action_to_feed_seconds")[1:], number=True),
        ),
    ),
    (
        "Flow",
        (
            Panel("Records folded a second, by topic", "ops", _a_second("events_total", "topic")),
            Panel("Lag, by topic", "short", ((f"sum by (topic) ({PREFIX}lag_records)", "{{topic}}"),)),
            Panel("Dead letters a second, by cause", "ops", _a_second("bad_records_total", "cause")),
            Panel("Batches a second, by trigger", "ops", _a_second("feed_batches_total", "trigger")),
        ),
    ),
    (
        "Feeds",
        (
            Panel("From an action to the feed", "s", _quantiles("action_to_feed_seconds")),
            Panel("From making a batch to its delivery", "s", _quantiles("feed_seconds")),
            Panel("A run of rankings", "s", _quantiles("rank_seconds")),
            Panel(
                "Requests too old, a second",
                "ops",
                ((f"sum(rate({PREFIX}expired_requests_total[$__rate_interval]))", "expired"),),
            ),
        ),
    ),
    (
        "What comes of feeds",
        (
            Panel("Items a second, by stage", "ops", _a_second("feed_items_total", "stage")),
            Panel("Positive of seen, by source", "percentunit", _of_seen("feed_items_total", "source")),
            Panel("Positive of seen, by tier", "percentunit", _of_seen("feed_items_total", "tier")),
            Panel("Positive of seen, by arm", "percentunit", _of_seen("arm_items_total", "experiment, arm")),
        ),
    ),
    (
        "Shards and the store",
        (
            Panel(
                "Shards, by role and state", "none", ((f"sum by (role, state) ({PREFIX}shards)", "{{role}} {{state}}"),)
            ),
            Panel("A checkpoint", "s", _quantiles("checkpoint_seconds")),
            Panel(
                "Rows written a second",
                "ops",
                ((f"sum(rate({PREFIX}checkpoint_rows_total[$__rate_interval]))", "rows"),),
            ),
            Panel(
                "Checkpoints refused, calls repeated",
                "ops",
                (
                    (f"sum(rate({PREFIX}shard_reloads_total[$__rate_interval]))", "shards loaded again"),
                    (f"sum(rate({PREFIX}store_retries_total[$__rate_interval]))", "calls repeated"),
                ),
            ),
            Panel("Memory, by worker", "bytes", ((f"{PREFIX}memory_bytes", "{{instance}}"),)),
            Panel("The loop kept everything waiting", "s", _quantiles("loop_turn_seconds")),
            Panel(
                "Beyond the bounds, a second",
                "ops",
                (
                    (f"sum(rate({PREFIX}frozen_outcomes_total[$__rate_interval]))", "outcomes frozen"),
                    (f"sum(rate({PREFIX}overflows_total[$__rate_interval]))", "references fallen out"),
                ),
            ),
            Panel("Lag, by partition", "short", ((f"{PREFIX}lag_records > 0", "{{topic}} {{partition}}"),)),
        ),
    ),
    (
        "Gateway",
        (
            Panel("Calls a second, by call and status", "ops", _a_second("gateway_calls_total", "call, status")),
            Panel("From a call to its answer", "s", _quantiles("gateway_seconds")),
            Panel("Events a second, by verdict", "ops", _a_second("gateway_events_total", "verdict")),
            Panel(
                "Feeds of popular videos a second",
                "ops",
                ((f"sum(rate({PREFIX}gateway_fallbacks_total[$__rate_interval]))", "feeds"),),
            ),
            Panel(
                "Streams",
                "none",
                (
                    (f"sum({PREFIX}gateway_open)", "open"),
                    (f"sum(increase({PREFIX}gateway_cut_off_total[1h]))", "cut off within the hour"),
                    (f"sum(increase({PREFIX}gateway_refused_total[1h]))", "refused at the door within the hour"),
                ),
            ),
        ),
    ),
    (
        "Learning and tiers",
        (
            Panel("Log-loss, by head", "none", ((f"max by (head) ({PREFIX}head_log_loss)", "{{head}}"),)),
            Panel("AUC, by head", "none", ((f"max by (head) ({PREFIX}head_auc)", "{{head}}"),)),
            Panel(
                "Snapshots an hour",
                "none",
                (
                    (
                        f"sum by (model, verdict) (increase({PREFIX}model_snapshots_total[1h]))",
                        "{{model}} {{verdict}}",
                    ),
                ),
            ),
            Panel("Decisions of tiers a second", "ops", _a_second("tier_decisions_total", "decision")),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it; the data source is chosen on it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS:
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
             "gridPos": {"h": 1, "w": _WIDE, "x": 0, "y": top}}
        )  # fmt: skip
        top += 1
        wide, high = _WIDE // 4, _LOW if row[0].number else _HIGH
        for at, panel in enumerate(row):
            place = {"h": high, "w": wide, "x": at % 4 * wide, "y": top + at // 4 * high}
            panels.append(_panel(panel, len(panels) + 1, place))
        top += -(-len(row) // 4) * high
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "hide": 0}
    return {
        "uid": "feedstream",
        "title": "feedstream",
        "description": "Made by `make docs` from agents/measures/dashboard.py: change it there.",
        "tags": ["feedstream"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [source]},
        "annotations": {"list": []},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + at), "datasource": _SOURCE, "expr": expr, "legendFormat": said}
        for at, (expr, said) in enumerate(panel.curves)
    ]
    options: dict[str, Any] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if panel.number:
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "value_and_name"}
    return {
        "id": number,
        "type": "stat" if panel.number else "timeseries",
        "title": panel.title,
        "description": _meaning(panel),
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": options,
        "targets": targets,
    }


def _meaning(panel: Panel) -> str:
    """What the metrics of a panel mean, as the registry says."""
    text = " ".join(expr for expr, _ in panel.curves)
    longest = sorted(SPECS, key=len, reverse=True)
    named = dict.fromkeys(re.findall(PREFIX + "(" + "|".join(longest) + ")", text))
    return "; ".join(SPECS[name].meaning for name in named)
