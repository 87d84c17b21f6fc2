"""``feedstream bench``: what this machine and its Kafka and Redis do, in less than a minute."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import click
import orjson

from agents.cli.progress import hush, telling
from agents.errors import Stop
from agents.settings import Settings

__all__ = ["bench"]

_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "replay_us": ("the pure pipeline (decode, fold, counts, learner), CPU µs an event", ""),
    "replay_events_per_s": ("… events/s and core", ""),
    "decode_us": ("… of which decoding and checking", "decode_ratio"),
    "batches_per_s": ("batches of 20 ranked out of 100,000 videos, a second and core", ""),
    "batch_single_p50_ms": ("… one viewer alone, ms, p50", ""),
    "batch_single_p99_ms": ("… p99", ""),
    "checkpoint_ms": ("a checkpoint of 1,000 rows in Redis, ms", "checkpoint_ratio"),
    "checkpoint_row_us": ("… µs a row", ""),
    "kafka_confirmed_p50_ms": ("a record until Kafka confirms it, ms, p50", ""),
    "kafka_confirmed_p99_ms": ("… p99", ""),
    "kafka_round_trip_p50_ms": ("… until it is read again, ms, p50", ""),
    "kafka_round_trip_p99_ms": ("… p99", ""),
}
"""Figure to what is said of it, and the figure that compares it with its rival."""
_RIVALS: Final[Mapping[str, str]] = {
    "decode_ratio": "json.loads alone, which checks nothing, takes {:.2f} times as long",
    "checkpoint_ratio": "one SET a row takes {:.1f} times as long",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else, for `plan --costs`.")
def bench(as_json: bool) -> None:
    """Measure folding and ranking on one core of this machine, a checkpoint on Redis, and a round trip through Kafka.

    Nothing of a deployment is touched: what is written has names of its own and is removed. A server that is not
    configured or does not answer is left out, and named.
    """
    hush()
    from agents.bench import host  # noqa: PLC0415  # numpy and River take long to load
    from agents.sizing.scaled import scaled  # noqa: PLC0415

    settings = Settings.from_env()
    figures, left_out = _figures(settings)
    machine, versions = host.machine(), host.versions()
    costs, where = scaled(figures, f"{host.today()}: {machine['cpu']}, {machine['cores']} cores")
    if as_json:
        made = {"date": host.today(), "machine": machine, "versions": versions, "figures": figures,
                "left_out": left_out, "where": where, "costs": costs}  # fmt: skip
        click.echo(orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY))
        return
    click.echo(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; "
               f"busy with {machine['load_before']:.1f} processes")  # fmt: skip
    click.echo(", ".join(f"{name} {number}" for name, number in versions.items()) + "\n")
    click.echo("\n".join(_table(figures)))
    for why in left_out:
        click.echo(f"left out: {why}")


def _figures(settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Figures of every part, and why some were left out."""
    from agents.bench import kafka, ranking, replay, store  # noqa: PLC0415  # slow to load

    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "the pipeline": replay.measure,
        "ranking": lambda: ranking.rates(100_000, 500, rounds=2, singles=50),
        "Redis": lambda: store.measure(settings.store_url),
        "Kafka": lambda: kafka.measure(settings.kafka),
    }
    figures: dict[str, Any] = {}
    left_out = []
    with telling("measuring") as tell:
        for name, measure in parts.items():
            tell(name)
            try:
                figures |= measure()
            except Stop as error:
                left_out.append(f"{name}: {error}")
    figures["replay_events_per_s"] = 1e6 / figures["replay_us"]
    return figures, left_out


def _table(figures: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, (words, rival) in _SAID.items():
        if name in figures:
            value = figures[name]
            number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            rows.append((words, number, _RIVALS[rival].format(figures[rival]) if rival in figures else ""))
    width = max(len(words) for words, _, _ in rows)
    return [f"{words:<{width}}  {number:>9}  {beside}".rstrip() for words, number, beside in rows]
