"""Metrics: every name in one place, each with its kind, unit and meaning.

Seconds and bytes, ``_total`` for counters, no ids in labels. Docs and dashboards are generated from ``SPECS``.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, start_http_server

__all__ = ["METRICS", "SPECS", "MetricName", "serve"]

MetricName = Literal[
    "bad_records_total",
    "checkpoint_rows_total",
    "checkpoint_seconds",
    "events_total",
    "expired_requests_total",
    "feed_batches_total",
    "feed_seconds",
    "frozen_outcomes_total",
    "head_auc",
    "head_log_loss",
    "model_snapshots_total",
    "overflows_total",
    "shard_reloads_total",
    "store_retries_total",
    "tier_decisions_total",
]


class Spec(NamedTuple):
    """One metric: its kind, its labels and what it means."""

    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


SPECS: Final[dict[MetricName, Spec]] = {
    "bad_records_total": Spec("counter", ("topic", "cause"), "records sent to dead-letters"),
    "checkpoint_rows_total": Spec("counter", (), "rows written by checkpoints"),
    "checkpoint_seconds": Spec("histogram", (), "time a checkpoint took to be written"),
    "events_total": Spec("counter", ("topic",), "records folded"),
    "expired_requests_total": Spec("counter", (), "feed requests too old to be answered"),
    "feed_batches_total": Spec("counter", ("trigger",), "feed batches published"),
    "feed_seconds": Spec("histogram", (), "from reading what caused a batch to its delivery"),
    "frozen_outcomes_total": Spec("counter", (), "outcomes frozen because a viewer had more than the bound"),
    "head_auc": Spec("gauge", ("head",), "area under the ROC curve, predicted before learnt"),
    "head_log_loss": Spec("gauge", ("head",), "log-loss, predicted before learnt"),
    "model_snapshots_total": Spec("counter", ("model", "verdict"), "snapshots published or refused by the gate"),
    "overflows_total": Spec("counter", (), "references that fell out of a full ring"),
    "shard_reloads_total": Spec("counter", (), "shards dropped and loaded again after a refused checkpoint"),
    "store_retries_total": Spec("counter", (), "store calls repeated because it was unavailable"),
    "tier_decisions_total": Spec("counter", ("decision",), "videos promoted, held, stopped or alerted of"),
}
_KINDS: Final[dict[str, Any]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}

METRICS: Final[dict[MetricName, Any]] = {
    name: _KINDS[spec.kind](f"feedstream_{name}", spec.meaning, spec.labels, registry=REGISTRY)
    for name, spec in SPECS.items()
}
"""Prometheus metrics by name."""


def serve(port: int) -> None:
    """Serve the metrics on 127.0.0.1:``port`` from a thread; 0: not at all."""
    if port:
        start_http_server(port, addr="127.0.0.1")
