"""Alerts: what somebody has to be told of, as rules for Prometheus; each has a page of its own in ``docs/runbooks``.

``page`` wakes somebody: viewers notice, or something will be lost. A ``ticket`` can wait for the morning.
"""

from __future__ import annotations

import re
import textwrap
from typing import Final, Literal, NamedTuple

import orjson

__all__ = ["ALERTS", "Alert", "alert_rules"]

_WIDTH: Final = 100


class Alert(NamedTuple):
    """One rule: it fires when ``expr`` has had a result for ``lasting``. ``told`` is what is said of each result."""

    name: str
    expr: str
    lasting: str
    severity: Literal["page", "ticket"]
    summary: str
    told: str

    @property
    def runbook(self) -> str:
        """The page that says what to do.

        >>> ALERTS[1].name, ALERTS[1].runbook
        ('WorkerNotReady', 'docs/runbooks/worker-not-ready.md')
        """
        return f"docs/runbooks/{re.sub(r'(?<!^)(?=[A-Z])', '-', self.name).lower()}.md"


ALERTS: Final = (
    Alert(
        "NoWorkers",
        "absent(feedstream_ready)",
        "1m",
        "page",
        "No worker is scraped",
        "Prometheus hears of no worker: none runs, or it looks for them in the wrong place.",
    ),
    Alert(
        "WorkerNotReady",
        "feedstream_ready == 0",
        "3m",
        "page",
        "A worker is not ready",
        "{{ $labels.instance }} is not ready; its page /ready says why.",
    ),
    Alert(
        "KafkaDown",
        'min(feedstream_server_up{server="kafka"}) == 0',
        "1m",
        "page",
        "Kafka does not answer",
        "At least one worker gets no answer from Kafka: no event is read and no feed goes out.",
    ),
    Alert(
        "RedisDown",
        'min(feedstream_server_up{server="redis"}) == 0',
        "1m",
        "page",
        "Redis does not answer",
        "At least one worker gets no answer from Redis: no checkpoint is written and no feed goes out.",
    ),
    Alert(
        "LagGrowing",
        "sum by (topic) (feedstream_lag_records) > 10000\nand\nsum by (topic) (deriv(feedstream_lag_records[10m])) > 0",
        "10m",
        "page",
        "Workers fall behind",
        "{{ $value | humanize }} records of {{ $labels.topic }} wait, and they become more.",
    ),
    Alert(
        "NoFeeds",
        'sum(rate(feedstream_events_total{topic="feed.requests"}[10m])) > 0\n'
        "unless\n"
        "sum(rate(feedstream_feed_batches_total[10m])) > 0",
        "5m",
        "page",
        "Feeds are asked for and none goes out",
        "{{ $value | humanize }} requests a second are read, and no batch is published.",
    ),
    Alert(
        "FeedsSlow",
        "histogram_quantile(0.99, sum by (le) (rate(feedstream_action_to_feed_seconds_bucket[10m]))) > 5",
        "10m",
        "ticket",
        "An action reaches the feed late",
        "One action in a hundred takes more than {{ $value | humanizeDuration }} until the feed reflects it.",
    ),
    Alert(
        "RequestsExpired",
        "sum(rate(feedstream_expired_requests_total[10m])) > 0",
        "10m",
        "ticket",
        "Requests are too old when they are read",
        "{{ $value | humanize }} requests a second waited longer than FEEDSTREAM_REQUEST_TTL_S and get no answer.",
    ),
    Alert(
        "CheckpointsRefused",
        "sum(increase(feedstream_shard_reloads_total[15m])) > 3",
        "5m",
        "page",
        "Checkpoints are refused again and again",
        "{{ $value | humanize }} times within 15 minutes a checkpoint was refused and its shard loaded again.",
    ),
    Alert(
        "CheckpointsFailing",
        "sum by (instance) (rate(feedstream_store_retries_total[5m])) > 0",
        "5m",
        "page",
        "Redis does not take what is written",
        "{{ $labels.instance }} repeats {{ $value | humanize }} calls a second, since Redis was unavailable.",
    ),
    Alert(
        "CheckpointsSlow",
        "histogram_quantile(0.99, sum by (le) (rate(feedstream_checkpoint_seconds_bucket[10m]))) > 2",
        "10m",
        "ticket",
        "Checkpoints take long",
        "One checkpoint in a hundred takes more than {{ $value | humanizeDuration }}.",
    ),
    Alert(
        "LoopSlow",
        "histogram_quantile(0.99, sum by (le, instance) (rate(feedstream_loop_turn_seconds_bucket[10m]))) > 1",
        "10m",
        "ticket",
        "A worker's loop turns slowly",
        "In {{ $labels.instance }} everything waits for {{ $value | humanizeDuration }} at a time.",
    ),
    Alert(
        "DeadLetters",
        "sum by (topic) (rate(feedstream_bad_records_total[10m]))\n"
        "/\n"
        "sum by (topic) (rate(feedstream_events_total[10m])) > 0.01",
        "10m",
        "ticket",
        "Records cannot be read",
        "{{ $value | humanizePercentage }} of the records of {{ $labels.topic }} go to dead-letters.",
    ),
    Alert(
        "OutcomesFrozen",
        "sum(rate(feedstream_frozen_outcomes_total[1h]))\n"
        "/\n"
        'sum(rate(feedstream_events_total{topic=~"events[.].+"}[1h])) > 0.01',
        "1h",
        "ticket",
        "Old outcomes are frozen",
        "{{ $value | humanizePercentage }} as many outcomes are frozen as events are read: a late event on one of them "
        "counts as new.",
    ),
    Alert(
        "GateRefusing",
        'sum by (model) (increase(feedstream_model_snapshots_total{verdict="refused"}[30m])) > 0\n'
        "unless\n"
        'sum by (model) (increase(feedstream_model_snapshots_total{verdict="published"}[30m])) > 0',
        "30m",
        "ticket",
        "The gate refuses every snapshot of a model",
        "{{ $value | humanize }} snapshots of {{ $labels.model }} were refused in half an hour, none was published.",
    ),
    Alert(
        "ModelsStandStill",
        'sum(rate(feedstream_events_total{topic="training"}[30m])) > 0\n'
        "unless\n"
        "sum(increase(feedstream_model_snapshots_total[30m])) > 0",
        "30m",
        "ticket",
        "The learner learns and publishes nothing",
        "{{ $value | humanize }} training records a second are learnt, and no snapshot was made within half an hour.",
    ),
    Alert(
        "GatewayFallsBack",
        "sum(rate(feedstream_gateway_fallbacks_total[5m]))\n"
        '> 0.05 * sum(rate(feedstream_gateway_calls_total{call="feed"}[5m]))',
        "5m",
        "page",
        "Viewers get popular videos in place of their feeds",
        "{{ $value | humanize }} feeds a second are of popular videos, as no worker answers the gateway in time.",
    ),
    Alert(
        "MemoryGrowing",
        "predict_linear(feedstream_memory_bytes[6h], 86400) > 2 * feedstream_memory_bytes",
        "1h",
        "ticket",
        "A worker's memory grows",
        "{{ $labels.instance }} will hold {{ $value | humanize1024 }}B within a day if it goes on like this.",
    ),
)


def alert_rules() -> str:
    """Every alert as a rule file for Prometheus, YAML."""
    lines = [
        "# Made by `make docs` from agents/measures/alerts.py: change it there.",
        "groups:",
        "  - name: feedstream",
        "    rules:",
    ]
    for one in ALERTS:
        lines += [
            f"      - alert: Feedstream{one.name}",
            "        expr: |-",
            *(f"          {line}" for line in one.expr.splitlines()),
            f"        for: {one.lasting}",
            "        labels:",
            f"          severity: {one.severity}",
            "        annotations:",
            f"          summary: {orjson.dumps(one.summary).decode()}",
            "          description: >-",
            *(f"            {line}" for line in textwrap.wrap(one.told, _WIDTH, break_on_hyphens=False)),
            f"          runbook: {one.runbook}",
        ]
    return "\n".join(lines) + "\n"
