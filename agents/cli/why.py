"""``feedstream why``: why a video is, or is not, in a viewer's feed, now or as of a past batch."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from agents.cli.files import lines_of
from agents.cli.progress import counted, hush
from agents.settings import Settings
from schemas.feeds import FeedBatch, FeedRequest

if TYPE_CHECKING:
    from agents.why.past import Then

__all__ = ["why"]


@click.command()
@click.argument("user_id")
@click.argument("video_id")
@click.option("--log", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
              help="Ask a file of wire lines (- for stdin) instead of a deployment.")  # fmt: skip
@click.option("--batch", "batch_id", help="With --log: as of this batch, recorded in the file or made by replaying it.")
@click.option("--at-ms", type=click.IntRange(0), help="As of this time; default: now, or the end of the file.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 200), help="Items of the batch.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def why(
    user_id: str, video_id: str, file: Path | None, batch_id: str | None, at_ms: int | None, limit: int, as_json: bool
) -> None:
    """Why VIDEO_ID is, or is not, in the next batch of viewer USER_ID, or in a past one. Exit 1 if nobody knows it."""
    hush()
    if batch_id is not None and (file is None or at_ms is not None):
        raise click.UsageError("--batch needs --log, and stands for a time itself")
    then = (
        _now(user_id, video_id, limit, at_ms)
        if file is None
        else _then(file, user_id, video_id, batch_id, limit, at_ms)
    )
    found = msgspec.to_builtins(then.why) | ({"batch": _recorded(then.batch, video_id)} if then.batch else {})
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        _print(found)
    sys.exit(1 if then.why.code == "unknown" else 0)


def _now(user_id: str, video_id: str, limit: int, at_ms: int | None) -> Then:
    from agents.why.live import why_now  # noqa: PLC0415  # Kafka's client and River are slow to import
    from agents.why.past import Then  # noqa: PLC0415

    now_ms = int(time.time() * 1_000) if at_ms is None else at_ms
    return Then(why_now(Settings.from_env(), _request(user_id, limit, now_ms), video_id))


def _then(file: Path, user_id: str, video_id: str, batch_id: str | None, limit: int, at_ms: int | None) -> Then:
    from agents.ports import ports_of  # noqa: PLC0415
    from agents.why.past import why_at, why_in  # noqa: PLC0415
    from streams.replay import Replay  # noqa: PLC0415

    engine = Replay(int(time.time() * 1_000), ports=ports_of(Settings.from_env()))
    lines = counted("lines read", lines_of(file))
    if batch_id is not None:
        return why_in(engine, lines, user_id, video_id, batch_id)
    return why_at(engine, lines, _request(user_id, limit, at_ms or 0), video_id, at_ms)


def _request(user_id: str, limit: int, now_ms: int) -> FeedRequest:
    return FeedRequest(v=1, request_id="why", user_id=user_id, ts_ms=now_ms, limit=limit)


def _recorded(batch: FeedBatch, video_id: str) -> dict[str, Any]:
    """What the batch itself says of the video: its item, if it was in it."""
    told = {"batch_id": batch.batch_id, "seq": batch.seq, "ts_ms": batch.ts_ms, "trigger": batch.trigger}
    items = [msgspec.to_builtins(item) for item in batch.items if item.video_id == video_id]
    return told | {"model": batch.model, "items": len(batch.items), "item": items[0] if items else None}


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from schemas.reasons import said_of  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{found['code']}: {found['sentence']}", markup=False)
    for code in found.get("also", ()):
        console.print(f"it is also left out as {code}", markup=False)
    for code in found.get("reasons", ()):
        console.print(f"{found['video_id']} {said_of(code)}", markup=False)
    if batch := found.get("batch"):
        item = batch["item"]
        said = f"place {item['position']}, {', '.join(item['reasons'])}" if item else "it is not in it"
        console.print(f"batch {batch['batch_id']} of {batch['items']} items: {said}", markup=False)
    if parts := found.get("parts"):
        sides = {found["video_id"]: parts} | ({last["video_id"]: last["parts"]} if (last := found.get("last")) else {})
        table = Table("part of the score", *sides)
        for name in sorted({name for side in sides.values() for name in side}, key=lambda one: (one == "usual", one)):
            table.add_row(name, *(f"{side.get(name, 0.0):.4f}" for side in sides.values()))
        console.print(table)
