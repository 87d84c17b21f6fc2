"""Adjustments: what is added to the scores of a feed beside what the ranker has learnt, by name.

Each is bounded and has its own file and setting. Previews get none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.arrays.tables import F64, I64
from streams.control.rules import ordered
from streams.slate.fairness import fairness
from streams.slate.fatigue import fatigue
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["adjustments"]


def adjustments(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64) -> dict[str, F64]:
    """Addends f64[n] for the candidates ``rows`` i64[n], by name; none where there is none."""
    tired = fatigue(viewers, request, catalogue.marks[rows])
    found = {
        "fatigue": None if tired is None else -tired,
        "fairness": fairness(catalogue, rows, request.now_ms, request.tuning.slate),
    }
    if (moves := ordered(catalogue, viewers, request).moves) is not None:
        found["rules"] = moves[rows].astype("f8")
    return {name: amounts for name, amounts in found.items() if amounts is not None}
