"""Exact under fire, the whole of it: real Kafka and Redis, three workers, everything that can be done to them.

    python -m benchmarks.chaos [--events N] [--kills N] [--freezes N] [--restarts N] [--seed N] [--cluster]

Exits 1, with every problem as a sentence, unless every count equals the tally, every offset was applied once, nobody
was served a video twice, no batch id has two contents, and the exact hash is replay's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from agents.settings import Settings
from agents.testing.chaos import Ground, Plan, Timeout, run_chaos
from agents.testing.load import bad_samples, load
from agents.testing.servers import RealKafka, RealRedis, RealRedisCluster
from agents.topics import Admin


@click.command()
@click.option("--events", default=300_000, show_default=True)
@click.option("--viewers", default=2_000, show_default=True)
@click.option("--videos", default=2_000, show_default=True)
@click.option("--workers", default=3, show_default=True)
@click.option("--kills", default=10, show_default=True)
@click.option("--freezes", default=1, show_default=True)
@click.option("--restarts", default=1, show_default=True)
@click.option("--cluster", is_flag=True, help="A Redis Cluster of three, of which one node is restarted at a time.")
@click.option("--patience", default=120.0, show_default=True, help="Seconds that progress may take.")
@click.option("--seed", type=int, help="Default: the time.")
@click.option("--logs", type=click.Path(path_type=Path), help="Where the workers' logs go. Default: a new folder.")
def main(
    events: int,
    viewers: int,
    videos: int,
    workers: int,
    kills: int,
    freezes: int,
    restarts: int,
    cluster: bool,
    patience: float,
    seed: int | None,
    logs: Path | None,
) -> None:
    """Run it once."""
    seed = int(time.time()) if seed is None else seed
    folder = logs or Path(tempfile.mkdtemp(prefix="feedstream-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    now_ms = int(time.time() * 1_000)
    made = load(rng, events, viewers, videos, start_ms=now_ms - 3_600_000)
    click.echo(f"seed {seed}: {made.events:,} events, {made.duplicates:,} of them repeats; logs in {folder}")
    kafka, redis = RealKafka(), RealRedisCluster() if cluster else RealRedis()
    drawn = np.random.default_rng(seed)

    def restart() -> None:
        node = redis.nodes[int(drawn.integers(len(redis.nodes)))] if isinstance(redis, RealRedisCluster) else redis
        node.kill()
        node.start()

    try:
        Admin(kafka.bootstrap, Settings()).apply()
        plan = Plan(workers=workers, kills=kills, freezes=freezes, restarts=restarts, patience_s=patience)
        ground = Ground(kafka.url, redis.url, restart)
        report = run_chaos(ground, made, bad_samples(now_ms), plan, rng, folder, click.echo)
    except Timeout as error:
        click.echo(f"chaos: failed: {error}", err=True)
        sys.exit(1)
    finally:
        kafka.close()
        redis.close()
    for problem in report.problems:
        click.echo(f"chaos: {problem}", err=True)
    click.echo(
        f"chaos: {'failed' if report.problems else 'ok'}, {report.events:,} events, {report.done.count('kill')} kills, "
        f"{report.done.count('freeze')} freezes, {report.done.count('restart')} restarts of Redis in "
        f"{report.seconds:.0f} s; {report.batches:,} batches ({report.repeats} repeated whole), "
        f"{report.letters} dead letters, exact {report.exact[:16]}"
    )
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
