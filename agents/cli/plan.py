"""``feedstream plan``: what a stated load needs, or how much is used of what runs, by measured costs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from agents.cli.progress import hush, waiting
from agents.settings import Settings

if TYPE_CHECKING:
    from agents.sizing.costs import Measured
    from agents.sizing.needs import Term

__all__ = ["plan"]

_LOOK_S: Final = 5.0
_POSITIVE: Final = click.FloatRange(min=0.0, min_open=True)


@click.command()
@click.option("--events", "events_per_s", type=_POSITIVE, help="Events a second in the busiest hour.")
@click.option("--viewers", type=click.IntRange(min=1), help="Viewers of whom anything is kept.")
@click.option("--active-viewers", type=click.IntRange(min=1), help="Viewers who come on one day. Default: 40 %.")
@click.option("--active-videos", default=100_000, show_default=True, type=click.IntRange(min=1), help="Candidates.")
@click.option("--uploads", "uploads_per_day", type=click.FloatRange(min=0), help="A day. Default: a thirtieth of them.")
@click.option("--feeds", "feeds_per_s", type=click.FloatRange(min=0), help="Batches a second. Default: events / 52.")
@click.option("--outcomes", default=200.0, show_default=True, type=click.FloatRange(min=0),
              help="Videos met that are kept of a viewer, on average.")  # fmt: skip
@click.option("--days", default=30.0, show_default=True, type=_POSITIVE, help="Days of events that Kafka keeps.")
@click.option("--peak", default=2.5, show_default=True, type=click.FloatRange(min=1.0),
              help="Busiest hour over the average one.")  # fmt: skip
@click.option("--http", default=1.0, show_default=True, type=click.FloatRange(0.0, 1.0),
              help="Share of events and feeds that go through the gateway.")  # fmt: skip
@click.option("--streams", default=0, show_default=True, type=click.IntRange(min=0), help="Open streams at a time.")
@click.option("--replicas", default=3, show_default=True, type=click.IntRange(min=1), help="Copies of each partition.")
@click.option("--room", default=0.5, show_default=True, type=click.FloatRange(0.0, 0.9),
              help="Share of cores and memory that stays free.")  # fmt: skip
@click.option("--costs", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="What `feedstream bench --json` measured here, instead of this release's figures.")  # fmt: skip
@click.option("--here", is_flag=True, help="Read what runs instead: how much is used, when the next step is due.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def plan(
    events_per_s: float | None, viewers: int | None, room: float, costs: Path | None, here: bool, as_json: bool,
    **more: Any,
) -> None:  # fmt: skip
    """How many partitions, workers, gateways, how much memory and disk --events and --viewers need.

    Works without any server. With --here, Kafka and Redis are asked for a few seconds; exit 1 if a step is due now.
    """
    hush()
    from agents.sizing.costs import read_costs, shipped_costs  # noqa: PLC0415  # msgspec and numpy take long to load

    measured = shipped_costs() if costs is None else read_costs(costs)
    if here:
        sys.exit(_here(measured, room, as_json))
    if events_per_s is None or viewers is None:
        raise click.UsageError("say --events and --viewers, or --here")
    from agents.sizing.load import stated  # noqa: PLC0415
    from agents.sizing.needs import needs  # noqa: PLC0415

    load = stated(events_per_s, viewers, **more)
    found = needs(load, measured.costs, Settings.from_env(), room)
    if as_json:
        _say({"load": asdict(load), "room": room, "measured": measured.where, "terms": _rows(found.terms.values()),
              "warnings": found.warnings})  # fmt: skip
        return
    click.echo("\n".join([*_table(found.terms.values()), "", *(f"mind: {one}" for one in found.warnings)]))
    click.echo("\n".join(["", f"{room:.0%} of every core and of memory stay free", *_sources(measured)]))


def _here(measured: Measured, room: float, as_json: bool) -> int:
    from agents.sizing.here import read, used  # noqa: PLC0415  # Kafka's and Redis's clients take long to load
    from agents.stored import opened_store  # noqa: PLC0415

    settings = Settings.from_env()
    with opened_store(settings) as store, waiting("looking at what runs"):
        reading = read(settings, store, _LOOK_S)
    found = used(reading, measured.costs, settings, room)
    if as_json:
        _say({"reading": asdict(reading), "room": room, "measured": measured.where,
              "terms": _rows(found.terms.values()), "steps": found.steps, "due": found.due})  # fmt: skip
    else:
        click.echo("\n".join([*_table(found.terms.values()), "", *found.steps, "", *_sources(measured)]))
    return 1 if found.due else 0


def _say(answer: dict[str, Any]) -> None:
    click.echo(orjson.dumps(answer))


def _rows(terms: Iterable[Term]) -> list[dict[str, Any]]:
    return [asdict(one) for one in terms]


def _table(terms: Iterable[Term]) -> list[str]:
    rows = [(one.name.replace("_", " ").removesuffix(" bytes"), *_number(one), one.how) for one in terms]
    widths = [max(len(row[at]) for row in rows) for at in range(3)]
    return [f"{name:<{widths[0]}}  {value:>{widths[1]}} {unit:<{widths[2]}}  {how}" for name, value, unit, how in rows]


def _number(term: Term) -> tuple[str, str]:
    from agents.units import gib  # noqa: PLC0415

    if term.unit == "bytes":
        return gib(term.value), ""
    if term.unit.startswith("of "):
        return f"{term.value:.0%}", term.unit
    whole = float(term.value).is_integer() or term.value >= 100
    return (f"{term.value:,.0f}" if whole else f"{term.value:.2f}"), term.unit


def _sources(measured: Measured) -> list[str]:
    return [f"costs: {one}" for one in measured.where]
