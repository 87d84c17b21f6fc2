"""The table and ``bench.json``: figures against their goals, with the machine and versions they were measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import orjson

from agents.bench import host
from agents.testing.servers import KAFKA_VERSION

__all__ = ["GOALS", "Goal", "missed", "table", "taken", "write"]


class Goal(NamedTuple):
    """What a figure is to reach: at least ``least``, or at most ``most``."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        """Whether ``value`` reaches it.

        >>> Goal(least=30.0).met(31.0), Goal(most=1.3).met(1.4)
        (True, False)
        """
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


GOALS: Final[Mapping[str, Goal]] = {
    "transport_ratio": Goal(least=30.0),
    "pipeline_ratio": Goal(least=25.0),
    "pipeline_share": Goal(least=0.2),
    "batches_per_s": Goal(least=500.0),
    "hot_ratio": Goal(most=1.3),
    "hostile_surprises": Goal(most=0.0),
    "hostile_memory_ratio": Goal(most=1.1),
    "page_unchanged": Goal(most=0.0),
    "page_like_p99_ms": Goal(most=1_000.0),
}


def table(figures: Mapping[str, Any]) -> str:
    """One line a figure, with its goal where it has one; lists (single runs) stand in the JSON only.

    >>> print(table({"hot_ratio": 1.25, "hot_runs_us": [1.0]}))
    hot_ratio  1.25  <= 1.3  ok
    """
    rows = []
    for name, value in figures.items():
        if isinstance(value, (list, dict)):
            continue
        goal = GOALS.get(name)
        verdict = "" if goal is None else "ok" if goal.met(value) else "MISSED"
        rows.append((name, _number(value), str(goal or ""), verdict))
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(4)]
    return "\n".join(
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {goal:<{widths[2]}}  {verdict}".rstrip()
        for name, value, goal, verdict in rows
    )


def missed(figures: Mapping[str, Any]) -> list[str]:
    """Figures that do not reach their goal, a sentence each.

    >>> missed({"hot_ratio": 1.4, "transport_ratio": 31.0})
    ['hot_ratio is 1.4, the goal <= 1.3']
    """
    return [
        f"{name} is {figures[name]:g}, the goal {goal}"
        for name, goal in GOALS.items()
        if name in figures and not goal.met(figures[name])
    ]


def taken(part: str, path: Path, measure: Callable[[], dict[str, Any]]) -> None:
    """Measure one part, write its report, print its figures as JSON; ``ClickException`` where a goal is missed."""
    made: dict[str, Any] = {
        "date": host.today(), "machine": host.machine(), "versions": host.versions(kafka=KAFKA_VERSION),
    }  # fmt: skip
    made["loads"] = {part: made["machine"]["load_before"]}
    made["figures"] = measure()
    write(path, made)
    click.echo(orjson.dumps(made["figures"], option=orjson.OPT_INDENT_2).decode())
    if short := missed(made["figures"]):
        raise click.ClickException("; ".join(short))


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write ``bench.json``, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))


def _number(value: Any) -> str:
    """Three digits that mean something.

    >>> _number(12345.678), _number(0.23456), _number(7)
    ('12,346', '0.235', '7')
    """
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
