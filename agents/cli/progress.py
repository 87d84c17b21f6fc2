"""What people see on stderr while a command runs: progress on a terminal only, and one sentence an error."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

__all__ = ["counted", "counting", "hush", "telling", "waiting"]

Item = TypeVar("Item")
EVERY = 1_000
"""Items between two updates: drawing must not slow the work down."""


def counted(what: str, items: Iterable[Item]) -> Iterator[Item]:
    """``items`` as they are, counted on stderr while they pass if stderr is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}"), TimeElapsedColumn())
    # What is printed to the same terminal goes above the count; what goes to a file must stay on its way there.
    shared = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=shared) as progress:
        task = progress.add_task(what, total=None)
        for at, item in enumerate(items, 1):
            yield item
            if at % EVERY == 0:
                progress.update(task, completed=at)


@contextlib.contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say on stderr what is waited for, and how long already, while the block runs; nothing where it is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield


@contextlib.contextmanager
def telling(what: str) -> Iterator[Callable[[str], None]]:
    """Say on stderr how far a long piece of work is, with what the block is given; nothing where it is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda text: progress.update(task, description=f"{what}: {text}")


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """``telling`` of a count."""
    with telling(what) as told:
        yield lambda count: told(f"{count:,}")


def hush() -> None:
    """Keep librdkafka's log off stderr: that a broker is down is said once, by the error that ends the command."""
    logging.getLogger("feedstream.kafka").setLevel(logging.CRITICAL)
