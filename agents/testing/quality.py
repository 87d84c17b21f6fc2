"""The quality gate: which logs, and what must be reached on each. Scenario names and tolerances stand in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from agents.importers import kuairand, recbole
from agents.importers.rows import wire
from agents.testing import datasets
from agents.world.turnover import turnover
from agents.world.world import World
from schemas.lines import Line, parse_line
from streams.arrays.hashing import hash64

__all__ = ["SCENARIOS", "sources"]

SCENARIOS: Final[dict[str, dict[str, float]]] = {
    "kuairand": {"hr10": 0.15, "ndcg10": 0.081, "hr50": 0.365, "coverage10": 0.5},
    "movielens": {"hr10": 0.2, "ndcg10": 0.1},
    "movielens third": {"hr10": 0.15, "ndcg10": 0.075},
    "world": {"hr10": 0.18, "ndcg10": 0.09},
    "turnover": {"hr10": 0.1, "ndcg10": 0.05},
    "switch": {"recovered": 0.9, "positives": 6},
    "heads": {"calibration_error": 0.02},
}
"""Scenario to the least of each figure (each ranking must also beat every like counter), after a switch of tastes to
the share of the old quality that is back after so many positives, and to the largest calibration error of the long-view
head, which must also beat River's target-encoded regression.
"""


def sources() -> dict[str, Callable[[], tuple[list[Line], float]]]:
    """Scenario to what gives its lines, and the share of its previews that come before those that are judged.

    Public logs raise ``datasets.Unavailable`` where they cannot be had.
    """

    def public(read: Callable[[Any], Any], find: Callable[[], Any], name: str) -> list[Line]:
        return [parse_line(text) for text in wire(read(find()), name, True)]

    return {
        "movielens": lambda: (public(recbole.read, datasets.movielens, "recbole"), 0.5),
        # A third of its viewers, for whoever has minutes only: less is known of each video, so less is found.
        "movielens third": lambda: (_third(public(recbole.read, datasets.movielens, "recbole")), 0.5),
        # Its protocol judges from 12 April 00:00 Beijing on, the 10,314th like.
        "kuairand": lambda: (public(kuairand.read, datasets.kuairand, "kuairand"), 10_313 / 17_969),
        "turnover": lambda: ([parse_line(text) for text in turnover(5)], 0.5),
        "world": lambda: ([parse_line(text) for text in World(3, viewers=60, videos=400).log(40_000)], 0.5),
    }


def _third(lines: list[Line]) -> list[Line]:
    """The lines of a third of the viewers, and those of all videos."""
    return [line for line in lines if line.topic == "videos" or hash64(line.key or "") % 3 == 0]
