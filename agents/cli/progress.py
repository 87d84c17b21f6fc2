"""Progress on stderr, for people only: a pipe or a log file sees nothing of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["counted"]

Item = TypeVar("Item")
EVERY = 1_000
"""Items between two updates: drawing must not slow the work down."""


def counted(what: str, items: Iterable[Item]) -> Iterator[Item]:
    """``items`` as they are, counted on stderr while they pass if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        for at, item in enumerate(items, 1):
            yield item
            if at % EVERY == 0:
                progress.update(task, completed=at)
