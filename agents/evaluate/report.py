"""Reports: the figures of judged previews as numbers by name, and as tables for a terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from agents.evaluate.heads import Head
from agents.evaluate.judge import Judged, concentration, figures, reciprocal
from agents.evaluate.readout import GUARDRAILS, METRICS, Readout
from agents.evaluate.traits import Traits, novelty, spread

__all__ = ["experiment_of_arms", "figures_of", "table"]

_COLUMNS = ("hr10", "ndcg10", "mrr", "hr50", "coverage10", "gini10", "spread10", "novelty10")


def figures_of(judged: Sequence[Judged], traits: Traits) -> dict[str, Any]:
    """Figures by name.

    ``hr10``: share of targets among the first ten (recall at 10, over all candidates), with its 95 % interval over
    viewers; ``hr50`` likewise; ``ndcg10``; ``mrr``: mean reciprocal rank; ``coverage10``: distinct videos in any top
    ten over videos liked by the end; ``gini10``: how unequally often they stand there; ``spread10`` and
    ``novelty10``: see ``traits``.
    """
    if not judged:
        return {"previews": 0}
    found = figures(judged, len(traits.likes), 0.0)
    made: dict[str, Any] = {"previews": found.previews, "hr10": found.hr10, "hr10_interval": [found.low, found.high]}
    made |= {"ndcg10": found.ndcg10, "mrr": reciprocal(judged), "hr50": found.hr50, "coverage10": found.coverage10}
    made["gini10"] = concentration(judged)
    return made | {"spread10": spread(judged, traits), "novelty10": novelty(judged, traits)}


def table(report: Mapping[str, Any]) -> None:
    """Print what ``feedstream evaluate`` found."""
    out = Console(width=140)
    out.print(_rankings("ranking", report["rankings"]))
    out.print(_rankings("of feedstream", report["slices"]))
    if report.get("without"):
        out.print(_rankings("feedstream without", report["without"]))
    if report.get("heads"):
        out.print(_heads(report["heads"]))


def _rankings(title: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    names = ("HR@10", "95 %", "NDCG@10", "MRR", "HR@50", "coverage@10", "Gini@10", "spread@10", "novelty@10")
    made = Table(title, "previews", *names)
    for column in made.columns[1:]:
        column.justify = "right"
    for name, row in rows.items():
        if not row["previews"]:
            continue
        low, high = row["hr10_interval"]
        shown = [f"{row[column]:.4f}" for column in _COLUMNS]
        made.add_row(name, f"{row['previews']:,}", shown[0], f"{low:.3f} to {high:.3f}", *shown[1:])
    return made


def _heads(heads: Mapping[str, Mapping[str, Any]]) -> Table:
    made = Table("head", "examples", "positive", "AUC", "GAUC", "log-loss", "calibration error")
    for column in made.columns[1:]:
        column.justify = "right"
    for name, row in heads.items():
        one = Head(**row)
        shown = (one.positive, one.auc, one.gauc, one.log_loss, one.calibration_error)
        made.add_row(name, f"{one.rows:,}", *(f"{value:.4f}" for value in shown))
    return made


def experiment_of_arms(read: Readout, groups: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    """Print a readout, then what came of what was served by arm, source and tier."""
    out = Console(width=140)
    counts = ", ".join(f"{arm} {count:,}" for arm, count in read.viewers.items()) or "none yet"
    out.print(f"viewers: {counts}; waiting {read.waiting:,}, left out for a change of arm {read.switched:,}")
    for arm, found in read.against.items():
        made = Table(f"{arm} against {read.base}", read.base, arm, "difference", "95 % at every look", "")
        for column in made.columns[1:-1]:
            column.justify = "right"
        for name, one in found.items():
            before, after = read.means[read.base][name], read.means[arm][name]
            inside = f"{one.low:.4f} to {one.high:.4f}" if not math.isnan(one.low) else "too few viewers"
            said = ("guardrail " if name in GUARDRAILS else "") + ("differs" if one.found else "")
            made.add_row(name, f"{before:.4f}", f"{after:.4f}", f"{one.value:.4f}", inside, said.strip())
        out.print(made)
    for name, rows in groups.items():
        if not rows:
            continue
        made = Table(name, *next(iter(rows.values())))
        for column in made.columns[1:]:
            column.justify = "right"
        for row, found_here in rows.items():
            made.add_row(row, *(_number(value) for value in found_here.values()))
        out.print(made)
    out.print(*(f"{name}: {said}" for name, said in METRICS.items()), sep="\n")


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
