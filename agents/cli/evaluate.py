"""``feedstream evaluate``: how good the ranking is on a log, by predicting before learning, beside simple rivals."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import orjson

from agents.cli.files import lines_of
from agents.cli.progress import counted
from agents.errors import Stop
from schemas.lines import Line

__all__ = ["evaluate"]

_RIVALLED: Final = ("long_view", "like")
"""Heads that River's models are judged beside."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@click.option("--judge-from", default=0.5, show_default=True, type=click.FloatRange(0, 0.999),
              help="Share of the previews that are only learnt from.")  # fmt: skip
@click.option("--thin", default=1, show_default=True, type=click.IntRange(1), help="Judge one preview in so many.")
@click.option("--delay-s", "delays_s", multiple=True, type=click.FloatRange(0),
              help="Judge again with events known so much later than they happened; may be repeated.")  # fmt: skip
@click.option("--permute", is_flag=True, help="Judge again with every viewer waking up as another one.")
@click.option("--ablate", is_flag=True, help="Judge again without each mechanism and family of features in turn.")
@click.option("--heads", is_flag=True, help="Judge what is predicted of each reaction, beside River's models.")
@click.option("--rivals/--no-rivals", default=True, help="Rank by chance, counters, co-occurrence, BiasedMF too.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False),
              help="Draw the figures into this file (.png, .svg, .pdf); needs matplotlib.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, and nothing else.")
def evaluate(
    file: Path, judge_from: float, thin: int, delays_s: tuple[float, ...], permute: bool, ablate: bool, heads: bool,
    rivals: bool, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Rank FILE (wire lines, - for stdin) before each like, judge by it, then learn from it.

    Previews of the file are used; where it has none, one is asked for before each like.
    """
    from agents.evaluate import judge, report  # noqa: PLC0415  # slow to import
    from agents.evaluate.traits import traits_of  # noqa: PLC0415

    lines = list(_whole(lines_of(file)))
    if not any(line.topic == "feed.requests" for line in lines):
        lines = list(judge.with_previews(lines))
    if not any(target is not None for target in judge.targets_of(lines)):
        raise Stop(f"{file}: no like follows a preview, so there is nothing to judge by")
    draw = _plotter() if plot else None
    traits, asked = traits_of(lines), _Asked(lines, judge_from, thin)
    ours = asked.judged("ranked and learnt")
    rankings = {"feedstream": ours}
    rankings |= {f"feedstream, {_spoken(delay_s)} late": asked.late(delay_s) for delay_s in delays_s if delay_s}
    slices = judge.slices(ours) | traits.slices(ours)
    if permute:
        rankings["feedstream, tastes permuted"], after = asked.permuted()
        slices |= after
    if rivals:
        rankings |= asked.rivals()
    without = asked.without() if ablate else {}
    found: dict[str, Any] = {
        part: {name: report.figures_of(judged, traits) for name, judged in rows.items()}
        for part, rows in (("rankings", rankings), ("slices", slices), ("without", without))
    }
    found["heads"] = asked.heads() if heads else {}
    if draw is not None:
        draw(found, plot)
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    else:
        report.table(found)


class _Asked:
    """What is asked of one log: every way of judging it, with progress on stderr."""

    def __init__(self, lines: list[Line], judge_from: float, thin: int) -> None:
        self._lines, self._how = lines, (judge_from, thin)

    def judged(self, what: str, **more: Any) -> Any:
        """The ranking's own previews."""
        from agents.evaluate.measure import replayed  # noqa: PLC0415

        return replayed(self._lines, *self._how, shown=counted(f"lines {what}", self._lines), **more)

    def late(self, delay_s: float) -> Any:
        """The same with events known late."""
        return self.judged(f"with feedback {_spoken(delay_s)} late", delay_ms=int(1_000 * delay_s))

    def permuted(self) -> tuple[Any, dict[str, Any]]:
        """The same with tastes permuted from the first judged preview on, and by the likes given since then; the
        unpermuted log's by the same beside it.
        """
        from agents.evaluate.drift import permuted, since  # noqa: PLC0415

        before = {f"{name} (not permuted)": rows for name, rows in since(self.judged("once more")).items()}
        other = _Asked(list(permuted(self._lines, self._how[0])), *self._how)
        found = other.judged("with tastes permuted")
        return found, before | {f"{name} (permuted)": rows for name, rows in since(found).items()}

    def rivals(self) -> dict[str, Any]:
        """Everything else that can rank."""
        from agents.evaluate import rivals  # noqa: PLC0415

        lines = self._lines
        made = {"random": rivals.chance(lines, *self._how)}
        for hours in rivals.COUNTERS_H:
            name = "likes, all time" if hours is None else f"likes, half-life {hours:g} h"
            made[name] = rivals.counter(lines, hours and hours * 3_600, *self._how)
        made["item co-occurrence"] = rivals.co_occurrence(lines, *self._how)
        made["River BiasedMF"] = rivals.factorised(lines, *self._how)
        return made

    def without(self) -> dict[str, Any]:
        """The ranking without each mechanism and each family of features."""
        from agents.evaluate.measure import FAMILIES  # noqa: PLC0415
        from streams.control.tuning import DEFAULT, OFF, changed  # noqa: PLC0415

        made = {name: self.judged(f"without {name}", tuning=changed(DEFAULT, off)) for name, off in OFF.items()}
        return made | {name: self.judged(f"without {name}", without=names) for name, names in FAMILIES.items()}

    def heads(self) -> dict[str, Any]:
        """What is predicted of each reaction that the log holds, and River's models on long views and likes."""
        from agents.evaluate.heads import head_figures, predicted, rival  # noqa: PLC0415

        found = {
            head: rows for head, rows in predicted(self._lines, _RIVALLED).items() if any(row.came for row in rows)
        }
        theirs = {f"{head}, River": rival(self._lines, head, found[head]) for head in _RIVALLED if head in found}
        return {head: head_figures(rows)._asdict() for head, rows in (found | theirs).items()}


def _spoken(delay_s: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if delay_s >= size:
            return f"{delay_s / size:g} {unit}"
    return f"{delay_s:g} s"


def _plotter() -> Any:
    try:
        from agents.evaluate.plot import draw  # noqa: PLC0415
    except ImportError:
        raise Stop("--plot needs matplotlib: pip install 'feedstream[plot]'") from None
    return draw


class _Times(msgspec.Struct):
    ts_ms: int = 0
    created_ms: int = 0


def _whole(lines: Iterable[Line]) -> Iterator[Line]:
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
