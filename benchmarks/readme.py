"""The benchmark figures in README.md, written between its marks from ``benchmarks/out/bench.json``.

    make bench && python -m benchmarks.quality && python -m benchmarks.readme

No figure is typed by hand: a row is left out where it was not measured, a missed goal is said.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson

from benchmarks.quality import OUT, table
from benchmarks.report import GOALS

__all__ = ["ROWS", "block", "fill"]

ROWS: Final[Mapping[str, str]] = {
    "transport_ratio": "transport and decode, CPU a message: times cheaper than a plain Faust agent",
    "transport_events_per_s": "… events/s of one process",
    "pipeline_ratio": "the whole pipeline, CPU an event: times cheaper than the same job written the plain way, which"
    " learns from every example (feedstream from a weighted sample)",
    "pipeline_events_per_s": "… events/s of one worker process",
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
    "restart_viewers": "restart on a store of so many viewers with 5 events each",
    "restart_caught_up_s": "… seconds until caught up",
}
"""Figure of ``bench.json`` to what the README says of it, in order."""
_ROOT: Final = Path(__file__).parents[1]
_BLOCK: Final = re.compile(r"(<!-- bench -->).*?(<!-- /bench -->)", re.DOTALL)


def block(report: Mapping[str, Any]) -> str:
    """The table of a report, and what it was measured on.

    >>> print(block({"machine": {"cpu": "M", "cores": 2, "memory_gb": 8}, "versions": {"python": "3.11"},
    ...              "figures": {"hot_ratio": 1.4}}))
    Measured on M, 2 cores, 8 GB; python 3.11.
    <BLANKLINE>
    | what | figure | goal |
    |---|---:|---:|
    | one video takes half of all events: times the cost of an even load | 1.4 | <= 1.3, missed |
    """
    host, figures = report["machine"], report["figures"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    where = f"Measured on {host['cpu']}, {host['cores']} cores, {host['memory_gb']} GB; {versions}."
    lines = [textwrap.fill(where, 120), ""]
    lines += ["| what | figure | goal |", "|---|---:|---:|"]
    for name, words in ROWS.items():
        if name not in figures:
            continue
        value, goal = figures[name], GOALS.get(name)
        verdict = "" if goal is None else f"{goal}" if goal.met(value) else f"{goal}, missed"
        lines.append(f"| {words} | {_number(value)} | {verdict} |")
    return "\n".join(lines)


def fill(page: str, report: Mapping[str, Any]) -> str:
    """``page`` with what stands between its marks replaced; raises ``ValueError`` where it has none.

    >>> fill("no marks", {})
    Traceback (most recent call last):
    ...
    ValueError: the page has no <!-- bench --> … <!-- /bench --> to fill
    """
    if not _BLOCK.search(page):
        raise ValueError("the page has no <!-- bench --> … <!-- /bench --> to fill")
    made = block(report)
    return _BLOCK.sub(lambda found: f"{found[1]}\n{made}\n{found[2]}", page)


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
@click.option(
    "--report", default=_ROOT / "benchmarks" / "out" / "bench.json", type=click.Path(path_type=Path, exists=True)
)
@click.option("--page", default=_ROOT / "README.md", type=click.Path(path_type=Path, exists=True))
def main(report: Path, page: Path) -> None:
    """Fill the README from a report."""
    page.write_text(_quality(fill(page.read_text(), orjson.loads(report.read_bytes()))))
    click.echo(f"{page} filled from {report}")


if __name__ == "__main__":
    main()
