"""The benchmark figures in README.md, written between its marks from the reports in ``benchmarks/out``.

    make bench && python -m benchmarks.gateway && python -m benchmarks.hostile && python -m benchmarks.page
    python -m benchmarks.quality
    python -m benchmarks.readme

No figure is typed by hand: a row is left out where it was not measured, a missed goal is said. The same figures become
the costs that ``feedstream plan`` calculates with.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson

from benchmarks.costs import machine, write_costs
from benchmarks.quality import OUT, table
from benchmarks.report import GOALS

__all__ = ["BLOCKS", "GATEWAY_ROWS", "HOSTILE_ROWS", "PAGE_ROWS", "ROWS", "block", "fill"]

ROWS: Final[Mapping[str, str]] = {
    "transport_ratio": "transport and decode, CPU a message: times cheaper than a plain Faust agent",
    "transport_events_per_s": "… events/s of one process",
    "replay_us": "decode, fold, counts and learner in one process without servers, CPU µs an event",
    "pipeline_ratio": "the whole pipeline, CPU an event: times cheaper than the same job written the plain way, which"
    " learns from every example (feedstream from a weighted sample)",
    "pipeline_events_per_s": "… events/s of one worker process",
    "pipeline_us": "… CPU µs an event, workers of all roles",
    "pipeline_redis_us": "… Redis",
    "pipeline_kafka_us": "… Kafka",
    "pipeline_share": "… share of what consuming and decoding alone reaches",
    "hot_ratio": "one video takes half of all events: times the cost of an even load",
    "batches_per_s": "batches of 20 items out of 100,000 active videos, viewers ranked together, a second and core",
    "batch_single_p50_ms": "… one viewer alone, ms, p50",
    "batch_single_p99_ms": "… one viewer alone, ms, p99",
    "action_to_feed_light_p50_ms": "from an action to the feed that reflects it, at 500 events/s, ms, p50",
    "action_to_feed_light_p99_ms": "… p99",
    "latency_rate_events_per_s": "… at half load, which is so many events/s, Kafka and Redis on the same two cores",
    "action_to_feed_p50_ms": "… ms, p50",
    "action_to_feed_p99_ms": "… p99",
    "viewer_memory_bytes": "bytes of a viewer in a worker's memory",
    "viewer_redis_bytes": "… in Redis",
    "outcome_memory_bytes": "bytes of an outcome (a viewer and a video met) in a worker's memory",
    "outcome_redis_bytes": "… in Redis",
    "video_memory_bytes": "bytes of a video's engagement in a worker's memory",
    "video_redis_bytes": "… in Redis",
    "video_replica_memory_bytes": "bytes of an active video in each process that ranks",
    "flow_users_us": "roles in processes of their own, CPU µs an event: user shards",
    "flow_videos_us": "… video shards",
    "flow_learner_us": "… the learner",
    "feed_us": "a batch of 20 items out of 10,000 active videos, all of it, CPU µs in user shards",
    "feed_redis_us": "… in Redis",
    "input_event_log_bytes": "an event on Kafka's disk, bytes of one copy",
    "derived_event_log_bytes": "… what follows from it in `engagement` and `training`",
    "state_event_log_bytes": "… in `video.state`, before it is compacted",
    "feed_log_bytes": "a batch and its request on Kafka's disk",
    "feed_redis_bytes": "a viewer's ledger of what was served, bytes in Redis after one batch",
    "worker_base_bytes": "a worker that holds nothing yet, bytes of memory",
    "restart_viewers": "restart on a store of so many viewers with 5 events each",
    "restart_caught_up_s": "… seconds until caught up",
}
"""Figure of ``bench.json`` to what the README says of it, in order."""
GATEWAY_ROWS: Final[Mapping[str, str]] = {
    "gateway_events_per_s": "events/s taken durably, 100 a body, 8 clients at once, all else on the same machine",
    "gateway_events_p50_ms": "… a body, ms, p50",
    "gateway_events_p99_ms": "… p99",
    "gateway_event_us": "… CPU µs an event",
    "gateway_events_ratio": "… times that of a server that reads the body and does nothing",
    "gateway_feeds_per_s": "feeds/s of 20 items, each for another viewer, which one worker ranks",
    "gateway_feeds_p50_ms": "… ms, p50",
    "gateway_feeds_p99_ms": "… p99",
    "gateway_feed_us": "… CPU µs a feed",
    "gateway_grown_bytes": "… bytes of memory more after all of these calls",
    "gateway_streams": "open streams at a time",
    "gateway_stream_bytes": "… bytes of memory each",
    "gateway_stream_p99_ms": "… from a request to its batch on the stream, ms, p99",
    "gateway_base_bytes": "a gateway process that holds nothing yet, bytes of memory",
}
"""The same of ``gateway.json``."""
HOSTILE_ROWS: Final[Mapping[str, str]] = {
    "hostile_streams": "open streams at a time",
    "hostile_slow": "clients at a time that drip headers or a body, a byte a second",
    "hostile_cut": "calls cut in their midst",
    "hostile_refused": "malformed or oversized bodies, forged or expired tokens, drips: refused as they must be",
    "hostile_surprises": "… answered otherwise",
    "hostile_events": "events of an honest client beside them, each taken and in the end counted",
    "hostile_event_p99_ms": "… ms, p99",
    "hostile_memory_bytes": "bytes of memory after the fourth round of it",
    "hostile_memory_ratio": "… over that after the third",
}
"""The same of ``hostile.json``."""
PAGE_ROWS: Final[Mapping[str, str]] = {
    "page_likes": "likes, ten by each new viewer",
    "page_unchanged": "… after which nothing new was to be shown within five seconds",
    "page_like_p50_ms": "from the key to the changed feed on the screen, ms, p50",
    "page_like_p99_ms": "… p99",
}
"""The same of ``page.json``."""
BLOCKS: Final = {
    "bench": ("make bench", ROWS),
    "gateway": ("python -m benchmarks.gateway", GATEWAY_ROWS),
    "hostile": ("python -m benchmarks.hostile", HOSTILE_ROWS),
    "page": ("python -m benchmarks.page", PAGE_ROWS),
}
"""Mark and report to the command that makes it, and its rows."""
_ROOT: Final = Path(__file__).parents[1]
_OUTS: Final = _ROOT / "benchmarks" / "out"


def block(report: Mapping[str, Any], rows: Mapping[str, str] = ROWS) -> str:
    """The table of a report, and what it was measured on.

    >>> print(block({"machine": {"cpu": "M", "cores": 2, "memory_gb": 8}, "versions": {"python": "3.11"},
    ...              "figures": {"hot_ratio": 1.4}}))
    Measured on M, 2 cores, 8 GB; python 3.11.
    <BLANKLINE>
    | what | figure | goal |
    |---|---:|---:|
    | one video takes half of all events: times the cost of an even load | 1.4 | <= 1.3, missed |
    """
    figures = report["figures"]
    lines = [textwrap.fill(f"Measured on {machine(report)}.{_busy(report)}", 120), ""]
    lines += ["| what | figure | goal |", "|---|---:|---:|"]
    for name, words in rows.items():
        if name not in figures:
            continue
        value, goal = figures[name], GOALS.get(name)
        verdict = "" if goal is None else f"{goal}" if goal.met(value) else f"{goal}, missed"
        lines.append(f"| {words} | {_number(value)} | {verdict} |")
    return "\n".join(lines)


def fill(page: str, report: Mapping[str, Any], mark: str = "bench") -> str:
    """``page`` with what stands between the marks replaced; raises ``ValueError`` where it has none.

    >>> fill("no marks", {})
    Traceback (most recent call last):
    ...
    ValueError: the page has no <!-- bench --> … <!-- /bench --> to fill
    """
    marked = re.compile(rf"(<!-- {mark} -->).*?(<!-- /{mark} -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"the page has no <!-- {mark} --> … <!-- /{mark} --> to fill")
    made = block(report, BLOCKS[mark][1])
    return marked.sub(lambda found: f"{found[1]}\n{made}\n{found[2]}", page)


def _busy(report: Mapping[str, Any]) -> str:
    """Which parts were measured while others used more of the machine than it has."""
    busy = [part for part, load in report.get("loads", {}).items() if load > report["machine"]["cores"]]
    return f" Taken on a busy machine, to be taken again: {', '.join(busy)}." if busy else ""


def _quality(page: str) -> str:
    """``page`` with the table of ``benchmarks/out/quality.json`` in its place, if there is one."""
    if not OUT.exists():
        return page
    made = table(orjson.loads(OUT.read_bytes()))
    return re.sub(
        r"(<!-- quality -->).*?(<!-- /quality -->)", lambda found: f"{found[1]}\n{made}\n{found[2]}", page,
        flags=re.DOTALL,
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@click.command()
@click.option("--page", default=_ROOT / "README.md", type=click.Path(path_type=Path, exists=True))
def main(page: Path) -> None:
    """Fill the README, and the costs of ``feedstream plan``, from the reports that are there."""
    reports = {}
    for mark, (command, _) in BLOCKS.items():
        path = _OUTS / f"{mark}.json"
        if path.exists():
            reports[command] = orjson.loads(path.read_bytes())
            page.write_text(fill(page.read_text(), reports[command], mark))
            click.echo(f"{page} filled from {path}")
    page.write_text(_quality(page.read_text()))
    if missing := write_costs(reports):
        click.echo(
            f"nobody has measured {', '.join(missing)}: run {' and '.join(c for c, _ in BLOCKS.values())}", err=True
        )


if __name__ == "__main__":
    main()
