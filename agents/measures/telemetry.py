"""Metrics: every name in one place, each with its kind, unit and meaning.

Seconds and bytes, ``_total`` for counters, no ids in labels. Docs, dashboard and alerts are generated from ``SPECS``.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

__all__ = ["METRICS", "PREFIX", "SPECS", "MetricName", "Spec"]

PREFIX: Final = "feedstream_"
"""What every name begins with where it is scraped."""
MetricName = Literal[
    "action_to_feed_seconds",
    "arm_items_total",
    "bad_records_total",
    "checkpoint_rows_total",
    "checkpoint_seconds",
    "events_total",
    "expired_requests_total",
    "feed_batches_total",
    "feed_items_total",
    "feed_seconds",
    "frozen_outcomes_total",
    "gateway_calls_total",
    "gateway_cut_off_total",
    "gateway_events_total",
    "gateway_fallbacks_total",
    "gateway_open",
    "gateway_refused_total",
    "gateway_seconds",
    "head_auc",
    "head_log_loss",
    "lag_records",
    "loop_turn_seconds",
    "memory_bytes",
    "model_snapshots_total",
    "overflows_total",
    "rank_seconds",
    "ready",
    "server_up",
    "shard_reloads_total",
    "shards",
    "store_retries_total",
    "tier_decisions_total",
]
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PATIENT: Final = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Spec(NamedTuple):
    """One metric: its kind, its unit, its labels and what it means; ``buckets`` of a histogram end with infinity."""

    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()


SPECS: Final[dict[MetricName, Spec]] = {
    "action_to_feed_seconds": Spec(
        "histogram",
        "seconds",
        (),
        "from sending an action to the delivery of the batch that follows from it",
        _PATIENT,
    ),
    "arm_items_total": Spec(
        "counter", "items", ("stage", "experiment", "arm"), "items served under an arm, and what came of each, once"
    ),
    "bad_records_total": Spec("counter", "records", ("topic", "cause"), "records sent to dead-letters"),
    "checkpoint_rows_total": Spec("counter", "rows", (), "rows written by checkpoints"),
    "checkpoint_seconds": Spec("histogram", "seconds", (), "time a checkpoint took to be written", _QUICK),
    "events_total": Spec("counter", "records", ("topic",), "records folded"),
    "expired_requests_total": Spec("counter", "requests", (), "feed requests too old to be answered"),
    "feed_batches_total": Spec("counter", "batches", ("trigger",), "feed batches published"),
    "feed_items_total": Spec(
        "counter", "items", ("stage", "source", "tier"), "items served, and what came of each, once a stage"
    ),
    "feed_seconds": Spec("histogram", "seconds", (), "from making a batch to its delivery", _QUICK),
    "frozen_outcomes_total": Spec(
        "counter", "outcomes", (), "outcomes frozen because a viewer had more than the bound"
    ),
    "gateway_calls_total": Spec("counter", "calls", ("call", "status"), "calls answered, by the name of the call"),
    "gateway_cut_off_total": Spec("counter", "streams", (), "streams cut off since the client did not read"),
    "gateway_events_total": Spec("counter", "events", ("verdict",), "events accepted by Kafka, or rejected"),
    "gateway_fallbacks_total": Spec("counter", "feeds", (), "feeds of popular videos, as no worker answered in time"),
    "gateway_open": Spec("gauge", "open streams", (), "streams that are open"),
    "gateway_refused_total": Spec(
        "counter", "connections", ("why",), "connections ended: slow to ask, too many, or their answers left unread"
    ),
    "gateway_seconds": Spec(
        "histogram", "seconds", ("call",), "from a call's head to its answer, streams left out", _QUICK
    ),
    "head_auc": Spec("gauge", "area", ("head",), "area under the ROC curve, predicted before learnt"),
    "head_log_loss": Spec("gauge", "nats", ("head",), "log-loss, predicted before learnt"),
    "lag_records": Spec("gauge", "records", ("topic", "partition"), "records there and not folded yet"),
    "loop_turn_seconds": Spec("histogram", "seconds", (), "how long the event loop kept everything waiting", _QUICK),
    "memory_bytes": Spec("gauge", "bytes", (), "memory of the process that is resident"),
    "model_snapshots_total": Spec(
        "counter", "snapshots", ("model", "verdict"), "snapshots published or refused by the gate"
    ),
    "overflows_total": Spec("counter", "references", (), "references that fell out of a full ring"),
    "rank_seconds": Spec("histogram", "seconds", (), "time that one run of rankings took, up to 64 requests", _QUICK),
    "ready": Spec("gauge", "0 or 1", (), "whether the worker is ready, as /ready says"),
    "server_up": Spec("gauge", "0 or 1", ("server",), "whether kafka, or redis, answers this worker"),
    "shard_reloads_total": Spec("counter", "shards", (), "shards dropped and loaded again after a refused checkpoint"),
    "shards": Spec("gauge", "shards", ("role", "state"), "shards of the process that are loading, open or reloading"),
    "store_retries_total": Spec("counter", "calls", (), "store calls repeated because it was unavailable"),
    "tier_decisions_total": Spec("counter", "decisions", ("decision",), "videos promoted, held, stopped or alerted of"),
}


def _made(name: MetricName, spec: Spec) -> Any:
    if spec.kind == "histogram":
        return Histogram(PREFIX + name, spec.meaning, spec.labels, buckets=spec.buckets, registry=REGISTRY)
    return (Counter if spec.kind == "counter" else Gauge)(PREFIX + name, spec.meaning, spec.labels, registry=REGISTRY)


METRICS: Final[dict[MetricName, Any]] = {name: _made(name, spec) for name, spec in SPECS.items()}
"""Prometheus metrics by name."""
