"""``feedstream loadgen``: a made-up load at a stated rate on what runs, and whether it was counted exactly."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import orjson

from agents.cli.progress import hush, telling, waiting
from agents.errors import Stop
from agents.settings import Settings
from agents.stopping import stopping

if TYPE_CHECKING:
    from agents.loadgen.expected import Expectation
    from agents.loadgen.flow import Crowd
    from agents.loadgen.report import Report

__all__ = ["loadgen"]

_EVERY_S: Final = 0.5


@click.command()
@click.option("--rate", default=500.0, show_default=True, type=click.FloatRange(min=0.1), help="Events a second.")
@click.option("--for", "seconds", default=30.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds.")
@click.option("--viewers", default=2_000, show_default=True, type=click.IntRange(min=1))
@click.option("--videos", default=2_000, show_default=True, type=click.IntRange(min=2))
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same load, but for its times.")
@click.option("--duplicates", type=click.FloatRange(0.0, 1.0), help="Share of events sent twice. Default: 0.05.")
@click.option("--disorder", type=click.FloatRange(min=0.0), help="Seconds an event may be late. Default: 2.")
@click.option("--react", is_flag=True, help="Viewers watch the feeds they get: what is sent depends on what comes.")
@click.option("--listen", is_flag=True, help="Sign the viewers up, and time feeds that reflect what they do.")
@click.option("--hidden", is_flag=True, help="Announce the videos so that nobody is shown one.")
@click.option("--tally", type=click.Path(path_type=Path, dir_okay=False), help="Write what must be counted to a file.")
@click.option(
    "--check",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Send nothing: compare a file that --tally wrote with the deployment; exit 1 if they differ.",
)
@click.option(
    "--patience",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0.0),
    help="Seconds that --check waits for workers to count the rest.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def loadgen(
    rate: float, seconds: float, viewers: int, videos: int, seed: int, duplicates: float | None,
    disorder: float | None, react: bool, listen: bool, hidden: bool, tally: Path | None, check: Path | None,
    patience: float, as_json: bool,
) -> None:  # fmt: skip
    """Send the events of made-up viewers to a running deployment, and say what came of them.

    Every event is due at a time of its own, whatever the deployment does, and times are counted from then. The videos
    are new ones, with ids of this run; without --hidden they are candidates like any other, so keep the load off a
    deployment that people use. Exit 1 if an event was not delivered.
    """
    hush()
    settings = Settings.from_env()
    if check is not None:
        sys.exit(_check(settings, check, patience, as_json))
    if react and (hidden or listen or duplicates is not None or disorder is not None):
        raise click.UsageError("--react goes without --hidden, --listen, --duplicates and --disorder")
    name = f"load-{int(time.time() * 1_000):x}-"
    if react:
        report, expectation = _closed(settings, name, rate, seconds, viewers, videos, seed)
    else:
        from agents.loadgen.flow import Crowd  # noqa: PLC0415  # numpy takes long to load

        late_s = 2.0 if disorder is None else disorder
        crowd = Crowd(name, viewers, videos, 0.05 if duplicates is None else duplicates, late_s)
        report, expectation = _opened(settings, crowd, rate, seconds, seed, listen=listen, hidden=hidden)
    if tally is not None:
        expectation.write(tally)
    if as_json:
        click.echo(orjson.dumps({"name": name, **report.json()}))
    else:
        click.echo("\n".join([f"load       {name}", *report.lines()]))
    sys.exit(1 if report.refused else 0)


def _opened(
    settings: Settings, crowd: Crowd, rate: float, seconds: float, seed: int, *, listen: bool, hidden: bool
) -> tuple[Report, Expectation]:
    from agents.loadgen.flow import Flow  # noqa: PLC0415  # Kafka's client and numpy take long to load
    from agents.loadgen.listening import Listener  # noqa: PLC0415
    from agents.loadgen.open_loop import OpenLoop  # noqa: PLC0415

    count = max(1, round(rate * seconds))
    crowd.check(count)
    cluster = settings.kafka
    loop = OpenLoop(cluster, Listener(cluster, crowd.prefix) if listen else None)
    with stopping() as stop, telling("loadgen") as tell:
        tell("announcing videos")
        loop.announce(_records(crowd, listen=listen, hidden=hidden))
        report = loop.run(Flow(seed, crowd, rate), rate, count, stop, tell)
    loop.close()
    return report, loop.expected.expectation(crowd.prefix, seed, report.sent)


def _records(crowd: Crowd, *, listen: bool, hidden: bool) -> Iterator[tuple[str, str, bytes]]:
    """What is announced before the first event."""
    from agents.world.stories import TOPICS, video_of  # noqa: PLC0415  # numpy takes long to load

    now_ms = int(time.time() * 1_000)
    for at in range(crowd.videos):
        video = video_of(at, now_ms, crowd.prefix) | ({"recommendable": False} if hidden else {})
        yield "videos", video["video_id"], orjson.dumps(video)
    for at in range(crowd.viewers if listen else 0):
        user = {"v": 1, "user_id": f"{crowd.prefix}u{at}", "interests": [TOPICS[at % len(TOPICS)]]}
        yield "users", f"{crowd.prefix}u{at}", orjson.dumps(user)


def _closed(
    settings: Settings, name: str, rate: float, seconds: float, viewers: int, videos: int, seed: int
) -> tuple[Report, Expectation]:
    from agents.loadgen.closed_loop import ClosedLoop  # noqa: PLC0415  # Kafka's client and numpy take long to load

    with stopping() as stop, telling("loadgen") as tell:
        tell("announcing videos")
        loop = ClosedLoop(settings.kafka, seed, viewers, videos, name, rate)
        try:
            report = loop.run(seconds, stop, tell)
        finally:
            loop.close()
    for problem in loop.problems[:5]:
        click.echo(f"loadgen: {problem}", err=True)
    return report, loop.expectation()


def _check(settings: Settings, path: Path, patience_s: float, as_json: bool) -> int:
    """Compare until it agrees, or for so long; the exit code."""
    from agents.judge.counts import differences  # noqa: PLC0415  # Redis's client and numpy take long to load
    from agents.loadgen.expected import read_expectation  # noqa: PLC0415
    from agents.stored import opened_store  # noqa: PLC0415

    expectation = read_expectation(path)
    wanted = expectation.certain()
    if not wanted:
        raise Stop(f"{path} has no video whose counts are known: make the load anew")
    deadline_s = time.monotonic() + patience_s
    with opened_store(settings) as store, waiting(f"comparing the counts of {len(wanted):,} videos"):
        while (wrong := differences(store, wanted)) and time.monotonic() < deadline_s:
            time.sleep(_EVERY_S)
    left_out = len(expectation.counts) - len(wanted)
    if as_json:
        told = {"ok": not wrong, "videos": len(wanted), "left_out": left_out, "differences": wrong}
        click.echo(orjson.dumps(told))
        return 1 if wrong else 0
    for sentence in wrong:
        click.echo(sentence)
    if left_out:
        click.echo(f"{left_out:,} videos were left out: Kafka did not confirm all of their events")
    if not wrong:
        click.echo(f"ok: all nine counts of {len(wanted):,} videos are exact, after {expectation.events:,} events")
    return 1 if wrong else 0
