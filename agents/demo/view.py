"""The view: gauges as a live screen, or as plain lines where there is no terminal. It measures nothing itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agents.demo.gauges import Gauges
from agents.judge.tally import COUNTED

__all__ = ["chart", "plain", "screen", "spark"]

_BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_HEIGHT: Final = 9
_WIDTH: Final = 58
_STATES: Final = {"running": "green", "killed": "bold red", "starting": "yellow"}


def screen(gauges: Gauges) -> RenderableType:
    """The whole screen, 100 columns wide."""
    top = Table.grid(expand=True)
    top.add_column()
    top.add_column(justify="right")
    top.add_row(
        Text.assemble(("feedstream", "bold cyan"), ("  the live loop, on an embedded broker and store", "dim")),
        Text.assemble((f"{gauges.phase}  ", "bold"), f"{gauges.elapsed_s:4.0f} / {gauges.run_s:.0f} s"),
    )
    middle = Table.grid(padding=(0, 1))
    middle.add_row(_match(gauges), _speed(gauges))
    bottom = Table.grid(padding=(0, 1))
    bottom.add_row(_counters(gauges), _workers(gauges))
    bar = ProgressBar(total=gauges.run_s, completed=min(gauges.elapsed_s, gauges.run_s), width=100)
    return Group(top, bar, middle, bottom)


def plain(gauges: Gauges) -> str:
    """One line for a log."""
    recent = gauges.match.between(gauges.elapsed_s - 5, gauges.elapsed_s + 1)
    behind = sum(gauges.sent.get(name, 0) - gauges.stored.get(name, 0) for name in COUNTED if name != "watch_ms")
    return (
        f"{gauges.wall_s:5.1f} s  {gauges.phase:<9} {gauges.events:>7,} events {gauges.events_per_s():>6,.0f}/s  "
        f"{gauges.batches:>6,} batches  action to feed p50 {_ms(gauges, 0.5)} p99 {_ms(gauges, 0.99)}  "
        f"match {_number(recent)}  counts behind {behind:,}"
    )


def spark(values: Sequence[float], width: int) -> str:
    """The latest ``width`` values as blocks, from 0 to their maximum.

    >>> spark([0.0, 1.0, 2.0], 3)
    ' ▄█'
    """
    shown = list(values)[-width:]
    high = max(shown, default=0.0) or 1.0
    return "".join(_BLOCKS[round(8 * max(0.0, value) / high)] for value in shown)


def chart(values: Sequence[float], width: int, height: int, total: int) -> list[str]:
    """Rows, top first, of a block chart of ``values`` in [0, 1]; ``total`` values fill the width.

    >>> chart([0.0, 1.0], 2, 1, 2)
    [' █']
    """
    columns = []
    for at in range(min(width, math.ceil(len(values) * width / max(total, 1)))):
        low = at * total // width
        high = max(low + 1, (at + 1) * total // width)
        part = values[low:high]
        columns.append(sum(part) / len(part) if part else 0.0)
    rows = []
    for row in range(height, 0, -1):
        cells = (_BLOCKS[max(0, min(8, round(8 * (value * height - row + 1))))] for value in columns)
        rows.append("".join(cells))
    return rows


def _match(gauges: Gauges) -> RenderableType:
    means = [max(0.0, value) for value in gauges.match.means()]
    smooth = [sum(means[max(0, at - 2) : at + 1]) / len(means[max(0, at - 2) : at + 1]) for at in range(len(means))]
    rows = chart(smooth, _WIDTH, _HEIGHT, max(int(gauges.run_s) + 1, len(smooth)))
    marks = {_HEIGHT - 1: "1.0 best", _HEIGHT // 2: "0.5     ", 0: "0.0 chance"}
    text = Text()
    for at, row in enumerate(rows):
        mark = marks.get(_HEIGHT - 1 - at, "")
        text.append(f"{mark[:3]:>4} ", "dim")
        text.append(row.ljust(_WIDTH), "magenta")
        text.append("\n" if at + 1 < len(rows) else "")
    now = gauges.match.between(gauges.elapsed_s - 3, gauges.elapsed_s + 1)
    title = Text.assemble("how well feeds fit hidden tastes  ", (_number(now), "bold magenta"))
    return Panel(text, title=title, title_align="left", subtitle="[dim]0 chance, 1 the best there is[/]",
                 subtitle_align="right", box=box.ROUNDED, border_style="magenta", width=67)  # fmt: skip


def _speed(gauges: Gauges) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim")
    table.add_column(justify="right", style="bold")
    table.add_row("events/s", f"{gauges.events_per_s():,.0f}")
    table.add_row("events", f"{gauges.events:,}")
    table.add_row("feed batches", f"{gauges.batches:,}")
    table.add_row("repeats dropped", f"{gauges.repeats:,}")
    table.add_row(Text("action to feed", "cyan"), "")
    table.add_row("  p50", _ms(gauges, 0.5))
    table.add_row("  p99", _ms(gauges, 0.99))
    line = Text(spark(gauges.rate.totals()[:-1], 28), "cyan")
    body = Group(table, line)
    return Panel(body, title="speed", title_align="left", box=box.ROUNDED, border_style="cyan", width=32, height=11)


def _counters(gauges: Gauges) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), expand=True)
    table.add_column("count", style="dim")
    table.add_column("world's tally", justify="right")
    table.add_column("checkpointed", justify="right")
    table.add_column("behind", justify="right")
    for name in COUNTED:
        sent, stored = gauges.sent.get(name, 0), gauges.stored.get(name, 0)
        behind = Text("equal", "green") if sent == stored else Text(f"{sent - stored:,}", "yellow")
        table.add_row(name, f"{sent:,}", f"{stored:,}", behind)
    title = f"exact counters of {gauges.videos:,} videos"
    return Panel(table, title=title, title_align="left", box=box.ROUNDED, border_style="green", width=58)


def _workers(gauges: Gauges) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for worker in gauges.workers:
        table.add_row(worker.name, f"pid {worker.pid}", Text(worker.state, _STATES.get(worker.state, "")))
    table.add_row("viewers", f"{gauges.viewers:,}", "")
    notes = Text("\n".join(gauges.notes[-7:]), "dim")
    body = Group(table, Text(), Align(notes))
    return Panel(
        body, title="what happened", title_align="left", box=box.ROUNDED, border_style="yellow", width=41, height=15
    )


def _ms(gauges: Gauges, q: float) -> str:
    value = gauges.latencies.quantile(q)
    return "-" if math.isnan(value) else f"{value * 1_000:,.0f} ms"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
