"""Is this tree dearer than an earlier revision? Both are measured in turns, by the same Python and libraries.

    python -m benchmarks.against REVISION [--rounds N] [--most RATIO]

Two measurements, each in a process of its tree: ranking out of 100,000 videos (its own ``benchmarks.ranking``), and CPU
time an event of its ``streams.replay`` over one made-up log. Turns alternate, so that a machine which is busy for a
while is busy for both; medians are compared. Exit 1 where this tree takes more than ``--most`` times what the revision
takes. The revision's tree is a worktree in a temporary folder, removed afterwards.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

import click
import numpy as np
import orjson

from agents.bench.workload import Shape, sessions, videos
from agents.children import die_with_parent
from agents.settings import ONE_THREAD, environment

__all__ = ["verdict"]

_ROOT: Final = Path(__file__).parents[1]
_NOW_MS: Final = 1_760_000_000_000
_IN_TREE: Final = """
import sys
tree = sys.argv.pop(1)
# An editable install finds our packages before any path does.
sys.meta_path[:] = [one for one in sys.meta_path if "editable" not in repr(one)]
sys.path.insert(0, tree)
import streams
if not streams.__path__[0].startswith(tree):
    sys.exit(f"{streams.__path__[0]} is not in {tree}")
"""
"""Beginning of a program that runs in another tree."""
_MODULE: Final = """
import runpy
sys.argv[0] = module = sys.argv.pop(1)
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
_REPLAY: Final = """
import time
from schemas.lines import parse_line
from streams.replay import Replay
engine = Replay(int(sys.argv[2]))
lines = [parse_line(text) for text in open(sys.argv[1], "rb")]
half = len(lines) // 2
for line in lines[:half]:
    engine.line(line)
engine.flush()
began_s = time.process_time()
for line in lines[half:]:
    engine.line(line)
engine.flush()
spent_s = time.process_time() - began_s
if engine.bad:
    sys.exit(f"made-up events are refused there: {dict(engine.bad)}")
print(spent_s / (len(lines) - half) * 1e6)
"""
"""The first half, with all announcements, is not counted: tables grow in it, and models begin."""


def verdict(measured: dict[str, tuple[list[float], list[float]]], most: float) -> tuple[list[str], bool]:
    """A line for each measurement (what it takes now, what it took then), and whether none is beyond ``most``.

    >>> verdict({"ranking, ms": ([3.0, 2.0, 4.0], [2.0, 2.0, 2.5])}, most=1.5)
    (['ranking, ms: 3 now, 2 then: 1.50 times (at most 1.5)'], True)
    """
    lines, holds = [], True
    for name, (now, then) in measured.items():
        ours, theirs = median(now), median(then)
        ratio = ours / theirs
        holds &= ratio <= most
        beyond = "" if ratio <= most else ", BEYOND"
        lines.append(f"{name}: {ours:.4g} now, {theirs:.4g} then: {ratio:.2f} times (at most {most:g}{beyond})")
    return lines, holds


@contextlib.contextmanager
def _worktree(revision: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="feedstream-against-") as folder:
        tree = Path(folder) / "tree"
        _git("worktree", "add", "--quiet", "--detach", str(tree), revision)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> None:
    done = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"git {' '.join(words[:2])} failed: {done.stderr.strip()}")


def _run(tree: Path, program: str, *words: str) -> str:
    """What a program prints in ``tree``."""
    done = subprocess.run(
        [sys.executable, "-c", _IN_TREE + program, str(tree), *words],
        cwd=tree, env={**environment(), **ONE_THREAD}, capture_output=True, text=True, check=False,
        timeout=1_200, preexec_fn=die_with_parent(),
    )  # fmt: skip
    if done.returncode:
        raise click.ClickException(f"the measurement failed in {tree}: {done.stderr.strip()[-1_000:]}")
    return done.stdout


def _ranking_ms(tree: Path, active: int) -> float:
    """CPU ms of a batch, viewers ranked together."""
    out = _run(tree, _MODULE, "benchmarks.ranking", str(active), "2000")
    return 1_000.0 / float(orjson.loads(out.splitlines()[-1])["batches_per_s"])


def _log(path: Path, events: int) -> Path:
    """A log of ``events`` events, after the announcements of its videos."""
    shape = Shape(viewers=2_000, videos=2_000)
    announced = videos(shape.videos, _NOW_MS - 86_400_000)
    acted = sessions(np.random.default_rng(5), events, shape, _NOW_MS, 3_600.0, "a")
    with path.open("wb") as out:
        for topic, key, value in [*announced, *acted]:
            out.write(b'{"topic":"%s","key":"%s","value":%s}\n' % (topic.encode(), key, value))
    return path


@click.command()
@click.argument("revision")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Turns of each.")
@click.option("--most", default=1.5, show_default=True, help="Times what the revision takes.")
@click.option("--events", default=20_000, show_default=True, type=click.IntRange(min=1_000), help="Events of the log.")
@click.option("--active", default=100_000, show_default=True, type=click.IntRange(min=1_000), help="Videos ranked.")
def main(revision: str, rounds: int, most: float, events: int, active: int) -> None:
    """Compare this tree with REVISION."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the worktree is removed then, too
    ranking: tuple[list[float], list[float]] = ([], [])
    replay: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory(prefix="feedstream-against-") as folder, _worktree(revision) as then:
        log = _log(Path(folder) / "log.jsonl", events)
        for nth in range(rounds):
            for at, tree in ((0, _ROOT), (1, then)) if nth % 2 == 0 else ((1, then), (0, _ROOT)):
                ranking[at].append(_ranking_ms(tree, active))
                replay[at].append(float(_run(tree, _REPLAY, str(log), str(_NOW_MS + 10**9))))
            said = f"ranking {ranking[0][-1]:.2f} and {ranking[1][-1]:.2f} ms, replay {replay[0][-1]:.0f} and "
            click.echo(f"{nth + 1}/{rounds}: {said}{replay[1][-1]:.0f} µs, now and then", err=True)
    lines, holds = verdict({"ranking, CPU ms a batch": ranking, "replay, CPU µs an event": replay}, most)
    click.echo("\n".join(lines))
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
