"""``feedstream state export``, ``import`` and ``show``: snapshots of all state, with the offsets they go on from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from agents.cli.progress import counting, hush
from agents.errors import Stop
from agents.settings import Settings

if TYPE_CHECKING:
    from agents.snapshots.form import Preamble
    from agents.snapshots.taking import Taken

__all__ = ["export", "import_", "show"]

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--every-s", type=click.FloatRange(min=1.0), help="Again and again, so many seconds after each began.")
@click.option("--keep", type=click.IntRange(min=1), help="Keep so many in the folder TARGET and delete older ones.")
@_JSON
def export(target: Path, every_s: float | None, keep: int | None, as_json: bool) -> None:
    """Write a snapshot of all state to TARGET, a file or a folder, while workers go on.

    Each shard is as it stood at one moment, with its offsets of that moment: `state import` goes on from there. With
    --every-s it stays and takes one after the other, so that Kafka need not keep what is older.
    """
    if (every_s is not None or keep is not None) and not target.is_dir():
        raise Stop(f"--every-s and --keep need a folder, and {target} is none: make it first")
    hush()
    for taken in _exports(target, every_s):
        from agents.snapshots.taking import thin  # noqa: PLC0415  # slow to load

        gone = thin(target, keep) if keep is not None else []
        if as_json:
            told = taken._asdict() | {"path": str(taken.path), "deleted": [str(path) for path in gone]}
            click.echo(orjson.dumps(told))
        else:
            click.echo(f"{taken.path}: {taken.rows:,} rows, {taken.bytes:,} bytes, {taken.took_s:.1f} s")
            for path in gone:
                click.echo(f"deleted {path}")


def _exports(target: Path, every_s: float | None) -> Iterator[Taken]:
    from agents.snapshots.taking import take  # noqa: PLC0415  # Kafka's and Redis's clients take long to load
    from agents.spans import Log  # noqa: PLC0415
    from agents.stopping import stopping  # noqa: PLC0415
    from agents.stored import opened_store  # noqa: PLC0415

    settings = Settings.from_env()
    with opened_store(settings) as store:
        log = Log(settings.kafka, "feedstream-snapshots")
        while True:
            began_s = time.monotonic()
            with counting("rows read") as told:
                yield take(store, log, settings.namespace, target, told)
            if every_s is None:
                return
            with stopping() as stop:
                stop.rest(max(0.0, began_s + every_s - time.monotonic()))
                if stop.asked:
                    return


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Put it in place of the state that is there.")
@click.option("--accept-loss", is_flag=True, help="Go on where Kafka has no more what came next: that is lost.")
@_JSON
def import_(file: Path, replace: bool, accept_loss: bool, as_json: bool) -> None:
    """Make the snapshot FILE the state of FEEDSTREAM_NAMESPACE, from which workers replay what came since.

    Stop the workers of the namespace first: those that run are refused, and end. Nothing is changed before the file was
    read to its end and Kafka was found to hold what comes next. Cut short, run it again.
    """
    from agents.snapshots.form import preamble  # noqa: PLC0415  # slow to load
    from agents.snapshots.restoring import restore  # noqa: PLC0415
    from agents.spans import Log  # noqa: PLC0415
    from agents.stored import opened_store  # noqa: PLC0415

    hush()
    settings = Settings.from_env()
    ours = {"user_partitions": settings.user_partitions, "video_partitions": settings.video_partitions}
    for name, count in preamble(file).layout.items():
        if ours.get(name, count) != count:
            raise Stop(f"{file} has {name}={count}, the settings {ours[name]}: set FEEDSTREAM_{name.upper()}={count}")
    with opened_store(settings) as store, counting("rows written") as told:
        log = Log(settings.kafka, "feedstream-snapshots")
        done = restore(store, log, file, replace=replace, accept_loss=accept_loss, told=told)
    if as_json:
        click.echo(orjson.dumps(done._asdict()))
    else:
        click.echo(
            f"{done.shards} shards, {done.rows:,} rows, {done.took_s:.1f} s; batches were sent to {done.viewers:,} "
            f"viewers since, and {done.behind:,} records are to be folded: start the workers"
        )


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_JSON
def show(file: Path, as_json: bool) -> None:
    """What is in the snapshot FILE: when it was taken, of what, and where each shard goes on. Reads it to its end."""
    from agents.snapshots.form import preamble, rows  # noqa: PLC0415  # slow to load

    first, count = preamble(file), 0
    with counting("rows read") as told:
        for page in rows(file):
            count += len(page)
            told(count)
    found = _told(first) | {"rows": count}
    click.echo(orjson.dumps(found) if as_json else "\n".join(_lines(found)))


def _told(first: Preamble) -> dict[str, Any]:
    return {
        "made_ms": first.made_ms,
        "version": first.version,
        "namespace": first.namespace,
        "layout": first.layout,
        "shards": {str(one.shard): one.position for one in first.shards},
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(found["made_ms"] / 1_000))
    layout = ", ".join(f"{name}={count}" for name, count in found["layout"].items())
    yield f"taken {moment} by feedstream {found['version']} of {found['namespace']} ({layout}), {found['rows']:,} rows"
    for shard, position in found["shards"].items():
        yield f"{shard:<6} " + ", ".join(f"{topic} {offset:,}" for topic, offset in position.items())
