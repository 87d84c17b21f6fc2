"""``feedstream doctor``: whether everything that feedstream stands on is as it must be."""

from __future__ import annotations

import sys

import click
import orjson

from agents.cli.progress import hush, waiting
from agents.settings import Settings

__all__ = ["doctor"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def doctor(as_json: bool) -> None:
    """Check Kafka, Redis, topics, clocks, versions, memory and lag; a line a check, exit 1 if one failed.

    Nothing is changed, and nothing is read but the last record of each partition of events.
    """
    hush()
    from agents.doctor.examine import checks  # noqa: PLC0415  # Kafka's and Redis's clients take long to load
    from agents.doctor.finding import worst  # noqa: PLC0415

    found = {}
    for check in checks(Settings.from_env()):
        with waiting(f"looking at {check.name}"):
            one = found[check.name] = check.run()
        if not as_json:
            click.echo(f"{one.verdict:<8} {check.name:<12} {one.found}" + f": {one.do}" * bool(one.do))
    verdict = worst(found.values())
    if as_json:
        rows = [
            {"check": name, "verdict": one.verdict, "found": one.found, "do": one.do or None}
            for name, one in found.items()
        ]
        click.echo(orjson.dumps({"verdict": verdict, "checks": rows}))
    sys.exit(1 if verdict == "failed" else 0)
