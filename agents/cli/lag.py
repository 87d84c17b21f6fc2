"""``feedstream lag``: how far each shard is behind the log, by what is checkpointed in Redis."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import orjson

from agents.cli.progress import hush, waiting
from agents.settings import Settings
from agents.stopping import Stopping, stopping

if TYPE_CHECKING:
    from agents.lag import Lag

__all__ = ["lag"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else; with --watch one object a line.")
@click.option("--watch", is_flag=True, help="Look again and again, until interrupted.")
@click.option("--every-s", default=2.0, show_default=True, type=click.FloatRange(min=0.1),
              help="Seconds between two looks of --watch.")  # fmt: skip
def lag(as_json: bool, watch: bool, every_s: float) -> None:
    """How much of each topic-partition is not applied yet: its end, what Redis has, who owns the shard; and in sum.

    Kafka's own commits are only for other tools: a worker goes on where its checkpoint stands.
    """
    hush()
    with stopping() if watch else contextlib.nullcontext() as stop:
        for found in _looks(stop, every_s):
            if watch and not as_json and sys.stdout.isatty():
                click.clear()
            click.echo(_json(found) if as_json else "\n".join(_table(found)))
            sys.stdout.flush()


def _looks(stop: Stopping | None, every_s: float) -> Iterator[list[Lag]]:
    from agents.lag import lags  # noqa: PLC0415  # Kafka's and Redis's clients take long to load
    from agents.spans import Log  # noqa: PLC0415
    from agents.stored import opened_store  # noqa: PLC0415

    settings = Settings.from_env()
    with opened_store(settings) as store:
        with waiting("asking Kafka and Redis"):
            log = Log(settings.kafka, "feedstream-lag")
            found = lags(log, store)
        yield found
        while stop is not None:
            stop.rest(every_s)
            if stop.asked:
                return
            yield lags(log, store)


def _json(found: list[Lag]) -> bytes:
    from agents.lag import totals  # noqa: PLC0415  # slow to load

    sums = totals(found)
    rows = [one._asdict() | {"owner": one.owner or None} for one in found]
    return orjson.dumps({"partitions": rows, "topics": sums, "lag": sum(sums.values())})


def _table(found: list[Lag]) -> list[str]:
    from agents.lag import totals  # noqa: PLC0415  # slow to load

    sums = totals(found)
    lines = [f"{'topic':<18} {'partition':>9} {'end':>12} {'applied':>12} {'lag':>12}  owner"]
    for topic, total in sums.items():
        for one in found:
            if one.topic == topic:
                behind = "beyond end" if one.applied > one.end else f"{one.lag:,}"
                owner = one.owner or "nobody yet"
                lines.append(f"{topic:<18} {one.partition:>9} {one.end:>12,} {one.applied:>12,} {behind:>12}  {owner}")
        lines.append(f"{topic:<18} {'all':>9} {'':>12} {'':>12} {total:>12,}")
    return [*lines, f"{'everything':<18} {'all':>9} {'':>12} {'':>12} {sum(sums.values()):>12,}"]
