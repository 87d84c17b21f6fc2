"""``feedstream topics``: the registry, and how a broker differs from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from agents.cli.progress import counting, hush
from agents.errors import Stop
from agents.settings import Settings
from schemas.asyncapi import asyncapi
from schemas.compatibility import breaks
from schemas.export import fill, json_schemas
from schemas.pages import event_pages
from schemas.topics import TOPICS

__all__ = ["topics"]


@click.group()
def topics() -> None:
    """List, create and compare Kafka topics."""
    hush()


@topics.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(as_json: bool) -> None:
    """Every topic that feedstream knows; asks no broker."""
    from agents.topics import partitions_of  # noqa: PLC0415  # Kafka's client takes long to load

    settings = Settings.from_env()
    rows = [
        {
            "topic": topic.name,
            "key": topic.key,
            "partitions": partitions_of(topic, settings),
            "configs": topic.configs(),
            "description": topic.description,
            "producers": topic.producers,
            "consumers": topic.consumers,
            "reserved": topic.reserved,
        }
        for topic in TOPICS.values()
    ]
    if as_json:
        click.echo(orjson.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['topic']:<18} {row['partitions']:>3}  {row['description']}")


@topics.command()
def apply() -> None:
    """Create missing topics and correct settings on the broker; does nothing the second time."""
    from agents.topics import Admin  # noqa: PLC0415  # Kafka's client takes long to load

    settings = Settings.from_env()
    admin = Admin(settings.kafka, settings)
    done = admin.apply()
    for one in done:
        click.echo(f"{one.topic}: created" if one.what == "topic" else f"{one.topic}: {one.what} set to {one.wanted}")
    if admin.is_mock:
        click.echo("the embedded broker makes topics when they are asked for and has no settings to apply")
    click.echo(f"{len(TOPICS)} topics as they should be, {len(done)} changes")


@topics.command()
@click.option("--to", "prefix", required=True, help="The prefix to copy to; its topics must be there.")
@click.option("--follow", is_flag=True, help="Stay, and copy what comes, until interrupted.")
def copy(prefix: str, follow: bool) -> None:
    """Copy all that apps wrote, but requests, to topics of another prefix, which may have more partitions.

    A deployment on the copy comes to the same counts. Cut short, it goes on where it stood.
    """
    from agents.mirroring import mirror  # noqa: PLC0415  # Kafka's client takes long to load
    from agents.stopping import stopping  # noqa: PLC0415

    with stopping() as stop, counting("records copied") as told:
        count = mirror(Settings.from_env(), prefix, stop, follow=follow, told=told)
    click.echo(f"{count:,} records copied to {prefix}")
    if stop.asked and not follow:
        raise Stop("the copy was interrupted: run it again, and it goes on from where it stood")


@topics.command()
def diff() -> None:
    """Say how the broker differs from the registry; exit 1 if it does."""
    from agents.topics import Admin  # noqa: PLC0415  # Kafka's client takes long to load

    settings = Settings.from_env()
    differences = Admin(settings.kafka, settings).diff()
    for one in differences:
        click.echo(str(one))
    if differences:
        sys.exit(1)
    click.echo(f"{len(TOPICS)} topics as they should be")


@topics.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default="docs/schemas")
def compare(folder: Path) -> None:
    """Say what this version's wire breaks for who speaks that of the schemas in FOLDER, another export; exit 1 if any.

    Asks no broker. What apps write must still be taken and mean the same; what services read must still be there.
    """
    try:
        before = {path.name.removesuffix(".json"): orjson.loads(path.read_bytes()) for path in folder.glob("*.json")}
    except (OSError, orjson.JSONDecodeError) as error:
        raise Stop(f"{folder} holds a schema that cannot be read: {error}") from None
    if not before:
        raise Stop(f"{folder} holds no schemas: give it the folder `schemas` that `feedstream topics export` writes")
    broken = breaks(before, json_schemas())
    for one in broken:
        click.echo(one)
    if broken:
        sys.exit(1)
    click.echo(f"{len(before)} topics can be written and read as before")


@topics.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default="docs")
def export(folder: Path) -> None:
    """Write what is made from the schemas into FOLDER: schemas, asyncapi.json, a page an event, wire.md's tables."""
    (folder / "schemas").mkdir(exist_ok=True)
    for name, schema in json_schemas().items():
        _write(folder / "schemas" / f"{name}.json", schema, orjson.OPT_SORT_KEYS)
    _write(folder / "asyncapi.json", asyncapi())
    (folder / "events").mkdir(exist_ok=True)
    for verb, text in event_pages().items():
        (folder / "events" / f"{verb}.md").write_text(text)
    page = folder / "wire.md"
    page.write_text(fill(page.read_text()))


def _write(path: Path, document: Any, option: int = 0) -> None:
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | option))
