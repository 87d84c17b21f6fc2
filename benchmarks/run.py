"""``make bench``: measure everything in one run on one real Kafka and Redis.

    python -m benchmarks.run [PART…] [--viewers N] [--events N] [--repetitions N]

Parts: transport, pipeline, hot, latency, ranking, sizes, restart, flow, replay; all by default, in about 10 minutes on
2 cores. The restart of a million viewers takes several minutes more: ``python -m benchmarks.run restart --viewers
1000000``. The table goes to stdout, progress to stderr, everything to ``benchmarks/out/bench.json``, which keeps the
figures of parts that were not measured anew.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import orjson
import psutil

from agents.bench import host, replay
from agents.bench.workload import Shape
from agents.testing.servers import KAFKA_VERSION
from benchmarks import flow, latency, pipeline, ranking, report, restart, sizes, transport
from benchmarks.pipeline import Slices
from benchmarks.site import Site

PARTS: Final = ("transport", "pipeline", "hot", "latency", "ranking", "sizes", "restart", "flow", "replay")
_OUT: Final = Path(__file__).parent / "out" / "bench.json"


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--events", default=100_000, show_default=True, help="Events of one measured slice.")
@click.option("--viewers", default=100_000, show_default=True, help="Viewers of 5 events in the store at the restart.")
@click.option("--tail", default=50_000, show_default=True, help="Events waiting at the restart.")
@click.option("--seconds", default=30.0, show_default=True, help="Length of the latency run.")
@click.option("--rate", type=float, help="Events/s of the latency run. Default: half of what the pipeline sustained.")
@click.option("--repetitions", default=3, show_default=True)
@click.option("--out", default=_OUT, show_default=True, type=click.Path(path_type=Path))
def main(
    parts: tuple[str, ...],
    events: int,
    viewers: int,
    tail: int,
    seconds: float,
    rate: float | None,
    repetitions: int,
    out: Path,
) -> None:
    """Measure PARTS, or everything."""
    began_s = time.monotonic()

    def say(text: str) -> None:
        click.echo(f"{time.monotonic() - began_s:6.1f} s  {text}", err=True)

    wanted = parts or PARTS
    made: dict[str, Any] = {"date": host.today(), "machine": host.machine(), "parts": list(wanted)}
    before = orjson.loads(out.read_bytes()) if parts and out.exists() else {}
    figures: dict[str, Any] = before.get("figures", {})
    loads: dict[str, float] = before.get("loads", {})
    site = Site(Shape(), say)
    made["versions"] = host.versions(kafka=KAFKA_VERSION, redis_server=_redis_version(site))
    say(f"Kafka and Redis are up; logs in {site.folder}")
    slices = Slices(np.random.default_rng(20_261))
    try:
        runs: dict[str, Callable[[], dict[str, Any]]] = {
            "transport": lambda: transport.measure(site, slices.take(events, site.shape), 0.15, repetitions),
            "pipeline": lambda: pipeline.measure(site, slices, events, 10_000, repetitions),
            "hot": lambda: pipeline.hot(site, slices, events, repetitions),
            "latency": lambda: (
                latency.light(site, slices, seconds / 2)
                | latency.measure(site, slices, rate or figures.get("pipeline_events_per_s", 10_000.0) / 2, seconds)
            ),
            "ranking": lambda: ranking.measure(say),
            "sizes": lambda: sizes.measure(site),
            "restart": lambda: restart.measure(site, viewers, tail),
            "replay": replay.measure,
            "flow": lambda: _apart(site, lambda one: flow.measure(one, slices, events)),
        }
        for part in (one for one in PARTS if one in wanted):
            say(f"{part} …")
            loads[part] = made["machine"]["load_before"]
            figures |= runs[part]()
    finally:
        site.close()
    if "transport_us" in figures and "pipeline_us" in figures:
        figures["pipeline_share"] = figures["transport_us"] / figures["pipeline_us"]
    made |= {"figures": figures, "loads": loads, "seconds": time.monotonic() - began_s}
    report.write(out, made)
    _print(made)
    click.echo(f"\n{out} written after {made['seconds']:.0f} s")


def _apart(site: Site, measure: Callable[[Site], dict[str, Any]]) -> dict[str, Any]:
    """Measured on servers that hold nothing of what was measured on ``site``, whose workers stand still meanwhile."""
    site.kill_workers()
    with contextlib.closing(Site(site.shape, site.say)) as apart:
        return measure(apart)


def _redis_version(site: Site) -> str:
    assert site.redis.process is not None
    program = psutil.Process(site.redis.process.pid)
    return f"{program.name()} {site.info('server')['redis_version']}"


def _print(made: dict[str, Any]) -> None:
    here = made["machine"]
    click.echo(f"{here['cpu']}, {here['cores']} cores, {here['memory_gb']} GB, {here['system']}")
    click.echo(", ".join(f"{name} {number}" for name, number in made["versions"].items()) + "\n")
    click.echo(report.table(made["figures"]))


if __name__ == "__main__":
    main()
