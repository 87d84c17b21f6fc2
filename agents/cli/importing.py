"""``feedstream import``: public logs into wire lines."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agents.cli.progress import counted
from agents.errors import Stop
from streams import limits

if TYPE_CHECKING:
    from agents.importers.rows import Log

__all__ = ["FORMATS", "import_"]

FORMATS = {"kuairand": "agents.importers.kuairand", "recbole": "agents.importers.recbole"}
"""Format to the module whose ``read(path)`` reads it."""


@click.command("import")
@click.argument("format_", metavar="FORMAT", type=click.Choice(list(FORMATS), case_sensitive=False))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", metavar="FILE", default="-", help="Write here instead of standard output.")
@click.option("--previews", is_flag=True, help="Ask for a preview right before each like.")
def import_(format_: str, path: Path, output: str, previews: bool) -> None:
    """Turn a public log into wire lines, in order of time.

    FORMAT is kuairand (CSV, gzip too) or recbole (the .inter file or its folder). Rows that cannot be read are named on
    standard error and left out.
    """
    from agents.importers.rows import wire  # noqa: PLC0415  # only who imports pays for it

    log: Log = importlib.import_module(FORMATS[format_]).read(path)
    _report(log)
    if not log.rows:
        raise Stop(f"{path} has no usable row")
    lines = 0
    with click.open_file(output, "wb", atomic=output != "-") as stream:
        for line in counted("writing lines", wire(log, format_, previews)):
            stream.write(line)
            lines += 1
    click.echo(f"{len(log.rows)} rows imported, {len(log.skipped)} skipped, {lines} lines", err=True)


def _report(log: Log) -> None:
    for one in log.skipped[: limits.REPORTED]:
        click.echo(f"line {one.number} skipped: {one.why}", err=True)
    if len(log.skipped) > limits.REPORTED:
        click.echo(f"… and {len(log.skipped) - limits.REPORTED} more", err=True)
