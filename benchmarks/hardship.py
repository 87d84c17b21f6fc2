"""How much of the quality is left when it is made harder: KuaiRand with late feedback, without tell-tale features, and
with every viewer waking up as another one.

    python -m benchmarks.hardship

Each figure is a share of HR@10 on the same previews as the log is. Exit 1 where a must is missed. Some 12 minutes.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from agents.evaluate.drift import permuted, since
from agents.evaluate.judge import Judged, figures
from agents.evaluate.measure import FAMILIES, replayed
from agents.testing.quality import sources

__all__ = ["MUSTS", "table"]

MUSTS: Final = {
    "feedback 10 minutes late": 0.92,
    "video age and like count off": 0.95,
    "6 to 11 likes after tastes were permuted": 0.9,
}
"""Hardship to the least share of the quality that must be left."""
_AFTER: Final = "likes since: 6 to 11"


def table(left: dict[str, float]) -> str:
    """Shares as Markdown, each beside what must be left.

    >>> print(table({"feedback 10 minutes late": 0.981}).splitlines()[2])
    | feedback 10 minutes late | .98 | >= 0.92 |
    """
    lines = ["| KuaiRand, made harder | share of HR@10 left | must |", "|---|---:|---|"]
    for name, share in left.items():
        verdict = "" if share >= MUSTS[name] else ", missed"
        lines.append(f"| {name} | {share:.2f} | >= {MUSTS[name]:g}{verdict} |".replace("| 0.", "| ."))
    return "\n".join(lines)


@click.command()
def main() -> None:
    """Measure all of MUSTS."""
    lines, part = sources()["kuairand"]()
    whole = replayed(lines, part)
    late = replayed(lines, part, delay_ms=600_000)
    blind = replayed(lines, part, without=FAMILIES["age and counts"])
    other = replayed(list(permuted(lines, part)), part)
    sides = ((late, whole), (blind, whole), (since(other)[_AFTER], since(whole)[_AFTER]))
    left = {name: _hits(one) / _hits(usual) for name, (one, usual) in zip(MUSTS, sides, strict=True)}
    click.echo(table(left))
    sys.exit(any(share < MUSTS[name] for name, share in left.items()))


def _hits(judged: list[Judged]) -> float:
    return figures(judged, 1, 0.0).hr10


if __name__ == "__main__":
    main()
