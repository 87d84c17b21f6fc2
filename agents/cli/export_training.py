"""``feedstream export-training``: the examples that the heads learn from, out of a log, as Parquet for other tools."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agents.cli.files import lines_of
from agents.cli.progress import counted
from agents.errors import Stop
from schemas.lines import Line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["examples", "export_training"]

_ROWS: Final = 50_000
"""Rows of one file."""
_TOGETHER: Final = 32
"""Lines folded together: few enough that nearly every pair met opens an example."""


@click.command("export-training")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write into.")
def export_training(file: Path, out: Path) -> None:
    """Replay FILE (wire lines, - for stdin) and write the examples that close, features as served beside what came.

    One row an example: viewer, video, weight, a column for each head (whether it came within the window) and one for
    each feature. Needs pyarrow.
    """
    try:
        importlib.import_module("pyarrow")
    except ImportError:
        raise Stop("export-training needs pyarrow: pip install 'feedstream[parquet]'") from None
    out.mkdir(parents=True, exist_ok=True)
    rows, number = 0, -1
    for number, frame in enumerate(examples(counted("lines replayed", lines_of(file)))):
        frame.to_parquet(out / f"examples-{number:05d}.parquet", engine="pyarrow", index=False)
        rows += len(frame)
    click.echo(f"{rows} examples in {number + 1} files in {out}", err=True)


def examples(lines: Iterable[Line], most: int = _ROWS) -> Iterator[pd.DataFrame]:
    """Examples in the order in which they close, in frames of ``most`` rows; what is open at the end is left out.

    Ids are empty where the viewer has met too many videos since for the pair to be kept.
    """
    import pandas as pd  # noqa: PLC0415  # slow to import

    from streams.replay import Replay  # noqa: PLC0415

    engine = Replay(int(time.time() * 1_000))
    held: list[Any] = []
    engine.learner.watch = lambda closed, _: held.append(_frame(engine, closed))
    for number, line in enumerate(lines):
        engine.line(line)
        if number % _TOGETHER == 0:
            engine.flush()
        if sum(map(len, held)) >= most:
            whole = pd.concat(held, ignore_index=True)
            held[:] = [whole[most:]]
            yield whole[:most]
    engine.flush()
    if held and (whole := pd.concat(held, ignore_index=True)).size:
        yield whole


def _frame(engine: Any, closed: Any) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415

    from streams.ranking.features import FEATURES  # noqa: PLC0415
    from streams.ranking.tilt import HEADS  # noqa: PLC0415

    outcomes, viewers, catalogue = engine.users.outcomes, engine.users.viewers, engine.catalogue
    rows = [outcomes.row_of.get(name, -1) for name in closed.pair.tolist()]
    owner = [viewers.user_ids[int(outcomes.viewer[row])] if row >= 0 else "" for row in rows]
    names = outcomes.video[rows].astype("uint64").tolist()
    video = [catalogue.row_of_hash.get(name, -1) if row >= 0 else -1 for name, row in zip(names, rows, strict=True)]
    ids = [catalogue.video_ids[row] if row >= 0 else "" for row in video]
    told = {"user_id": owner, "video_id": ids, "weight": closed.weight.astype("float32")}
    told |= {head: (closed.bits & mask) > 0 for head, mask in HEADS.items()}
    return pd.DataFrame(told | {f"x_{name}": closed.x[:, at] for at, name in enumerate(FEATURES)})
