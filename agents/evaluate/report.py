"""Reports: the figures of judged previews as numbers by name, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.evaluate.judge import Judged, concentration, figures, reciprocal

__all__ = ["figures_of", "table"]

_COLUMNS = ("hr10", "ndcg10", "mrr", "hr50", "coverage10", "gini10")


def figures_of(judged: Sequence[Judged], videos: int) -> dict[str, Any]:
    """Figures by name; ``videos`` liked by the end of the log, for coverage.

    ``hr10``: share of targets among the first ten, with its 95 % interval over viewers; ``hr50`` likewise; ``ndcg10``;
    ``mrr``: mean reciprocal rank; ``coverage10``: distinct videos in any top ten over ``videos``; ``gini10``: how
    unequally often they stand there.
    """
    if not judged:
        return {"previews": 0}
    found = figures(judged, videos, 0.0)
    made: dict[str, Any] = {"previews": found.previews, "hr10": found.hr10, "hr10_interval": [found.low, found.high]}
    made |= {"ndcg10": found.ndcg10, "mrr": reciprocal(judged), "hr50": found.hr50}
    return made | {"coverage10": found.coverage10, "gini10": concentration(judged)}


def table(report: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what ``feedstream evaluate`` found."""
    out = Console(width=120)
    out.print(_made("ranking", report))
    out.print(_made("of feedstream", report["feedstream"]["slices"]))


def _made(title: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    made = Table(title, "previews", "HR@10", "95 %", "NDCG@10", "MRR", "HR@50", "coverage@10", "Gini@10")
    for column in made.columns[1:]:
        column.justify = "right"
    for name, row in rows.items():
        if not row["previews"]:
            continue
        low, high = row["hr10_interval"]
        figures_shown = [f"{row[column]:.4f}" for column in _COLUMNS]
        made.add_row(name, f"{row['previews']:,}", figures_shown[0], f"{low:.3f} to {high:.3f}", *figures_shown[1:])
    return made
