"""``feedstream config``: every setting, its value here and where that is from, or its type; secrets are never shown."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import orjson

from agents.settings import Settings, environment

__all__ = ["config"]

_HIDDEN: Final = "(set, not shown)"
_PASSWORD: Final = re.compile(r"//[^@/]*@")


@click.group()
def config() -> None:
    """Look at the settings of this shell."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def show(as_json: bool) -> None:
    """Every setting with its value and its variable. Exit 1, with a sentence, where one makes no sense."""
    settings, told = Settings.from_env(), environment()
    rows = [
        _row(settings, one.name, f"FEEDSTREAM_{one.name.upper()}" in told, secret=not one.repr)
        for one in fields(Settings)
    ]
    if as_json:
        sys.stdout.write(orjson.dumps(rows).decode() + "\n")
        return
    from rich.console import Console  # noqa: PLC0415  # slow to import
    from rich.table import Table  # noqa: PLC0415  # the same

    table = Table("variable", "value", "from")
    for row in rows:
        table.add_row(row["variable"], f"{row['value']}", row["from"])
    Console(soft_wrap=True, highlight=False).print(table)


@config.command()
@click.option("--write", "chart", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Write it into the values.schema.json of this folder's Helm chart instead.")  # fmt: skip
def schema(chart: Path | None) -> None:
    """Print every setting's type, default and meaning as JSON Schema."""
    from agents.settings_schema import chart_schema, settings_schema  # noqa: PLC0415  # only --help shall load nothing

    if chart is not None:
        (chart / "values.schema.json").write_bytes(chart_schema(chart))
        return
    click.echo(orjson.dumps(settings_schema(), option=orjson.OPT_INDENT_2))


def _row(settings: Settings, name: str, given: bool, *, secret: bool) -> dict[str, Any]:
    value = getattr(settings, name)
    if secret and value:
        value = _bare(value) if "://" in value else _HIDDEN
    return {"variable": f"FEEDSTREAM_{name.upper()}", "value": value, "from": "environment" if given else "default"}


def _bare(url: str) -> str:
    """A URL without user and password.

    >>> _bare("rediss://ann:secret@host:1/0?ssl_ca_certs=/ca.pem"), _bare("embedded://")
    ('rediss://…@host:1/0', 'embedded://')
    >>> _bare("redis+cluster://ann:secret@host:1,other:2")
    'redis+cluster://…@host:1,other:2'
    """
    parts = urlsplit(url)
    return _PASSWORD.sub("//…@", f"{parts.scheme}://{parts.netloc}{parts.path}")
