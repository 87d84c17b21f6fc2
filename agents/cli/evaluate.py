"""``feedstream evaluate``: how good the ranking is on a log, by predicting before learning, beside simple baselines."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec
import orjson

from agents.cli.files import lines_of
from agents.cli.progress import counted
from agents.errors import Stop
from schemas.lines import Line

__all__ = ["evaluate"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--judge-from", default=0.5, show_default=True, type=click.FloatRange(0, 0.999),
              help="Share of the previews that are only learnt from.")  # fmt: skip
@click.option("--thin", default=1, show_default=True, type=click.IntRange(1), help="Judge one preview in so many.")
@click.option("--delay-s", default=0.0, show_default=True, type=click.FloatRange(0),
              help="Events become known so much later than they happened.")  # fmt: skip
@click.option("--baselines/--no-baselines", default=True, help="Rank the same by counters of likes.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, and nothing else.")
def evaluate(file: Path, judge_from: float, thin: int, delay_s: float, baselines: bool, as_json: bool) -> None:
    """Rank FILE (wire lines, - for stdin) before each like, judge by it, then learn from it.

    Previews of the file are used; where it has none, one is asked for before each like.
    """
    from agents.evaluate import judge  # noqa: PLC0415  # slow to import
    from agents.evaluate.report import figures_of, table  # noqa: PLC0415

    lines = list(_whole(lines_of(file)))
    if not any(line.topic == "feed.requests" for line in lines):
        lines = list(judge.with_previews(lines))
    if not any(target is not None for target in judge.targets_of(lines)):
        raise Stop(f"{file}: no like follows a preview, so there is nothing to judge by")
    videos, delay_ms = judge.liked_videos(lines), int(1_000 * delay_s)
    shown = counted("lines ranked and learnt", lines)
    found: dict[str, Any] = {"feedstream": judge.replayed(lines, judge_from, thin, delay_ms, shown)}
    if baselines:
        found["random"] = judge.shuffled(lines, judge_from, thin)
        for hours in judge.COUNTERS_H:
            name = "likes, all time" if hours is None else f"likes, half-life {hours:g} h"
            found[name] = judge.baseline(lines, hours and hours * 3_600, judge_from, thin, delay_ms)
    report = {name: figures_of(judged, videos) for name, judged in found.items()}
    report["feedstream"]["slices"] = {
        name: figures_of(part, videos) for name, part in judge.slices(found["feedstream"]).items()
    }
    if as_json:
        sys.stdout.write(orjson.dumps(report).decode() + "\n")
    else:
        table(report)


class _Times(msgspec.Struct):
    ts_ms: int = 0
    created_ms: int = 0


def _whole(lines: Iterable[Line]) -> Iterable[Line]:
    """Lines with key and time, which a file may leave to the value."""
    for line in lines:
        ts_ms, key = line.ts_ms, line.key_bytes
        if not ts_ms and line.value_bytes is not None:
            try:
                times = msgspec.json.decode(line.value, type=_Times)
            except msgspec.MsgspecError:
                times = _Times()
            ts_ms = times.ts_ms or times.created_ms
        yield Line(topic=line.topic, value=line.value, key=None if key is None else key.decode(), ts_ms=ts_ms)
