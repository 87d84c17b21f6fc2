"""``make demo``: the whole loop on the embedded broker and store, in about a minute; exit 1 if anything disagrees."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable

import click
from rich.console import Console
from rich.live import Live

from agents.demo.director import Director
from agents.demo.gauges import Gauges
from agents.demo.view import plain, screen


@click.command()
@click.option("--viewers", default=120, show_default=True)
@click.option("--videos", default=2_400, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="How long the viewers watch.")
@click.option("--hurry", default=40.0, show_default=True, help="Seconds of watching that fit into one.")
@click.option("--seed", default=7, show_default=True)
@click.option("--plain", "as_lines", is_flag=True, help="Lines instead of a live screen (default: no terminal).")
def main(viewers: int, videos: int, seconds: float, hurry: float, seed: int, *, as_lines: bool) -> None:
    """Run the demo."""
    console = Console(width=None if sys.stdout.isatty() else 100)
    live = None if as_lines or not console.is_terminal else Live(console=console, auto_refresh=False)
    with live or contextlib.nullcontext():
        code, last = _played(viewers, videos, seconds, hurry, seed, _Lines() if live is None else _drawn(live))
    click.echo(last)
    sys.stdout.flush()
    # Kafka's threads have nothing left that may be finished.
    os._exit(code)


class _Lines:
    """Draws a plain line every two seconds, and every note as it comes."""

    def __init__(self) -> None:
        self._said = 0
        self._last_s = float("-inf")

    def __call__(self, gauges: Gauges) -> None:
        for note in gauges.notes[self._said :]:
            click.echo(note)
        self._said = len(gauges.notes)
        now_s = time.monotonic()
        if now_s - self._last_s >= 2.0 and gauges.batches:
            self._last_s = now_s
            click.echo(plain(gauges))
        sys.stdout.flush()


def _drawn(live: Live) -> Callable[[Gauges], None]:
    return lambda gauges: live.update(screen(gauges), refresh=True)


def _played(
    viewers: int, videos: int, seconds: float, hurry: float, seed: int, draw: Callable[[Gauges], None]
) -> tuple[int, str]:
    """The exit code and the last words."""
    director = Director(viewers, videos, seconds, hurry, seed, draw)
    try:
        director.start()
        director.run()
        problems = director.verdict()
    except TimeoutError as error:
        problems = [str(error)]
    finally:
        director.close()
    if problems:
        return 1, "\n".join(f"demo: {problem}" for problem in problems) + "\ndemo: failed"
    gauges = director.gauges
    p50, p99 = (gauges.latencies.quantile(q) * 1_000 for q in (0.5, 0.99))
    return 0, (
        f"demo: ok, {gauges.events:,} events at {gauges.events / gauges.run_s:,.0f}/s, {gauges.batches:,} feeds, "
        f"action to feed p50 {p50:.0f} ms p99 {p99:.0f} ms, match {director.start_match:.2f} -> "
        f"{director.end_match:.2f} (0 chance, 1 best), 1 worker killed, every count of {gauges.videos:,} videos agrees"
    )


if __name__ == "__main__":
    main()
