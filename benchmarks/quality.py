"""How good the ranking is: figures of every scenario beside the like counters it must beat.

    python -m benchmarks.quality [SCENARIO…]

Everything goes to ``benchmarks/out/quality.json``, which ``python -m benchmarks.readme`` reads. Ends with 1 where a
figure is below what ``agents.testing.quality`` asks for; ``tests/quality`` does so with less. Some 10 minutes
for all; a log that cannot be had is named and left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
import orjson

from agents.evaluate.judge import Figures
from agents.evaluate.measure import measured
from agents.testing.datasets import Unavailable
from agents.testing.quality import missed, sources

__all__ = ["OUT", "table"]

OUT: Final = Path(__file__).parent / "out" / "quality.json"
_LOGS: Final = {
    "kuairand": "KuaiRand, short videos",
    "movielens": "MovieLens-100K",
    "turnover": "generated, turns over within hours",
    "world": "synthetic world",
}


def table(report: dict[str, dict[str, list[float]]]) -> str:
    """Figures as Markdown, the ranking first and then the best counter of each log.

    >>> one = [100, 0.2, 0.1, 0.5, 0.4, 0.18, 0.22]
    >>> print(table({"world": {"ours": one, "like counter, all time": one}}).splitlines()[2])
    | synthetic world (100 previews) | feedstream | .200 [.180, .220] | .100 | .500 | .40 |
    """
    lines = ["| log | ranking | HR@10 [95 %] | NDCG@10 | HR@50 | coverage@10 |", "|---|---|---:|---:|---:|---:|"]
    for name, rankings in report.items():
        found = {ranking: Figures(*numbers) for ranking, numbers in rankings.items()}
        best = max((one for one in found if one != "ours"), key=lambda one: found[one].hr10)
        for ranking in ("ours", best):
            log = f"{_LOGS[name]} ({found[ranking].previews:,.0f} previews)" if ranking == "ours" else ""
            lines.append(_row(log, "feedstream" if ranking == "ours" else f"best {ranking}", found[ranking]))
    return "\n".join(lines)


def _row(log: str, ranking: str, found: Figures) -> str:
    hit = f"{_short(found.hr10)} [{_short(found.low)}, {_short(found.high)}]"
    rest = f"{_short(found.ndcg10)} | {_short(found.hr50)} | {_short(found.coverage10, 2)}"
    return f"| {log} | {ranking} | {hit} | {rest} |"


def _short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".removeprefix("0") if value < 1 else f"{value:.{digits}f}"


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Choice(list(_LOGS)))
@click.option("--out", default=OUT, show_default=True, type=click.Path(path_type=Path))
def main(scenarios: tuple[str, ...], out: Path) -> None:
    """Measure SCENARIOS, or all."""
    lacking: list[str] = []
    report: dict[str, Any] = orjson.loads(out.read_bytes()) if out.exists() and scenarios else {}
    for name in scenarios or _LOGS:
        click.echo(f"measuring {name}", err=True)
        try:
            found = measured(*sources()[name]())
            report[name] = {ranking: list(figures) for ranking, figures in found.items()}
            lacking += missed(name, found)
        except Unavailable as error:
            click.echo(f"{name} left out: {error}", err=True)
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    click.echo(table(report))
    if lacking:
        raise click.ClickException("\n".join(lacking))


if __name__ == "__main__":
    main()
