"""Plots of what ``feedstream evaluate`` found; matplotlib is an optional extra."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot

__all__ = ["draw"]


def draw(found: Mapping[str, Any], path: Path) -> None:
    """HR@10 with its interval, a panel each for rankings, slices, ablations; the suffix of ``path`` says the kind."""
    mpl.use("Agg")
    parts = [(name, found[name]) for name in ("rankings", "slices", "without") if found.get(name)]
    rows = [[(label, row) for label, row in part.items() if row["previews"]] for _, part in parts]
    heights = [0.6 + 0.28 * len(row) for row in rows]
    figure, axes = pyplot.subplots(
        len(parts), 1, figsize=(9, sum(heights) + 0.8), height_ratios=heights, squeeze=False, layout="constrained"
    )
    for axis, (name, _), shown in zip(axes[:, 0], parts, rows, strict=True):
        labels = [label for label, _ in shown][::-1]
        values = [row["hr10"] for _, row in shown][::-1]
        spans = [row["hr10_interval"] for _, row in shown][::-1]
        low = [value - min(span[0], value) for value, span in zip(values, spans, strict=True)]
        high = [max(span[1], value) - value for value, span in zip(values, spans, strict=True)]
        axis.barh(labels, values, xerr=(low, high), color="#4878a8", ecolor="#333333", capsize=2)
        axis.set_title(name)
        axis.set_xlabel("HR@10, 95 % interval over viewers")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
