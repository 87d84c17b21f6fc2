"""``feedstream replay``: the same fold and ranking in one process, in event time, without a broker."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import orjson

from agents.cli.files import lines_of
from agents.cli.progress import counted
from agents.ports import ports_of
from agents.settings import Settings
from schemas.codec import encode

__all__ = ["replay"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--feeds", "out", type=click.Path(path_type=Path, dir_okay=False, writable=True), help="Write batches here."
)
@click.option("--state-hash", is_flag=True, help="Print the exact and the full hash at the end, as JSON.")
@click.option("--learn-rows", default=256, show_default=True, help="Rows the heads learn from at once.")
@click.option("--negatives", default=64, show_default=True, help="Videos drawn against each positive.")
@click.option("--now-ms", type=int, help="Time of sending; events more than a day past it are bad. Default: now.")
def replay(file: Path, out: Path | None, state_hash: bool, learn_rows: int, negatives: int, now_ms: int | None) -> None:
    """Fold FILE (wire lines, - for stdin) and write one batch for each feed request, as of the lines before it."""
    from streams.replay import Replay  # noqa: PLC0415  # River is slow to import

    sent_ms = now_ms if now_ms is not None else int(time.time() * 1_000)
    engine = Replay(sent_ms, learn_rows, negatives, ports=ports_of(Settings.from_env()))
    sink = out.open("wb") if out is not None else None
    try:
        for batch in engine.run(counted("lines replayed", lines_of(file))):
            if sink is not None:
                sink.write(encode(batch) + b"\n")
    finally:
        if sink is not None:
            sink.close()
    if engine.bad:
        listed = ", ".join(f"{count} {cause}" for cause, count in sorted(engine.bad.items()))
        click.echo(f"feedstream replay: {sum(engine.bad.values())} bad records left out ({listed})", err=True)
    if state_hash:
        hashes = {"exact": engine.exact_hash(), "full": engine.full_hash()}
        sys.stdout.write(orjson.dumps(hashes).decode() + "\n")
