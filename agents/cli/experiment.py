"""``feedstream experiment``: set, list and end experiments, and read how their arms differ.

An experiment is a ``control`` record. Workers follow it from the next batch on and keep nothing of it but that record,
so to end one is to take its record back.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click
import msgspec
import orjson

from agents.cli.files import lines_of
from agents.cli.progress import hush
from agents.errors import Stop
from agents.settings import Settings
from schemas.control import Experiment, when_of

if TYPE_CHECKING:
    from streams.control.steering import Steering

__all__ = ["experiment"]

_HOUR_MS = 3_600_000


@click.group()
def experiment() -> None:
    """Set, list, end and read experiments."""
    hush()


@experiment.command("set")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
def set_(name: str, file: Any) -> None:
    """Start experiment NAME as the JSON of FILE ('-': standard input) says, or change it.

    {"arms": {"now": {}, "more": {"weight": 1, "settings": {"slate.fresh": 0.2}}}, "share": 0.1}: without a salt NAME is
    its salt, without from_ms it starts now. Whoever changes the salt or the arms of a running one draws anew who gets
    which.
    """
    from streams.control.experiments import experiment_of  # noqa: PLC0415  # slow to import

    try:
        value = orjson.loads(file.read())
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")
        told = experiment_of({"salt": name, "from_ms": _now_ms()} | value)
    except ValueError as error:
        raise Stop(f"experiment {name} in {file.name} cannot be: {error}") from None
    _publish(name, told)
    click.echo(f"experiment {name} is set: {_arms(told)}", err=True)


@experiment.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object by name, and nothing else.")
def list_(as_json: bool) -> None:
    """Every experiment that is set."""
    found = _steered().experiments
    if as_json:
        click.echo(orjson.dumps({name: msgspec.to_builtins(told) for name, told in found.items()}))
        return
    now_ms = _now_ms()
    for name, told in found.items():
        layer = f", layer {told.layer} from {told.start:g}" if told.layer else ""
        click.echo(f"{name}: {when_of(told, now_ms)}, {told.share:.0%} of viewers{layer}, {_arms(told)}")


@experiment.command()
@click.argument("name")
def stop(name: str) -> None:
    """End experiment NAME: everybody gets what is set for everybody."""
    if name not in _steered().experiments:
        raise Stop(f"there is no experiment {name}: see `feedstream experiment list`")
    _publish(name, None)
    click.echo(f"experiment {name} is over", err=True)


@experiment.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--against", help="The arm that others are compared with; otherwise the first by name.")
@click.option("--window-h", default=24.0, show_default=True, type=click.FloatRange(min=0.01),
              help="Hours after a viewer's first batch that count; fix it before you look.")  # fmt: skip
@click.option("--from-ms", default=0, type=click.IntRange(min=0),
              help="Leave out what was served before, as when the experiment was set anew.")  # fmt: skip
@click.option("--metric", "metrics", multiple=True, help="Compare by this metric (repeatable); otherwise by all.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, and nothing else.")
def readout(
    name: str, file: str, against: str | None, window_h: float, from_ms: int, metrics: tuple[str, ...], as_json: bool
) -> None:
    """How the arms of experiment NAME differ, from FILE: wire lines of `feeds` and events ('-': standard input).

    The intervals hold together, and at every look: read it as often as you like, and stop when you like.
    """
    from agents.evaluate import readout as figures  # noqa: PLC0415  # slow to import
    from agents.evaluate.journey import journeys  # noqa: PLC0415  # the same
    from agents.evaluate.report import experiment_of_arms  # noqa: PLC0415  # the same

    if unknown := [metric for metric in metrics if metric not in figures.METRICS]:
        raise Stop(f"there is no metric {unknown[0]} (there are: {', '.join(figures.METRICS)})")
    found = journeys(lines_of(file))
    read = figures.readout(
        found, name, against, int(window_h * _HOUR_MS), metrics or tuple(figures.METRICS), from_ms=from_ms
    )
    if not read.viewers and not read.waiting:
        raise Stop(f"{file}: no batch was made under an arm of experiment {name}")
    if against is not None and read.viewers and against not in read.viewers:
        raise Stop(f"{file}: experiment {name} has no arm {against} (there are: {', '.join(read.viewers)})")
    groups = {
        "arm": figures.grouped(found, lambda place: place.arms.get(name)),
        "source": figures.grouped(found, lambda place: place.source),
        "tier": figures.grouped(found, lambda place: place.tier or None),
    }
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({**read._asdict(), "by": groups}, default=_named) + b"\n")
    else:
        experiment_of_arms(read, groups)


@experiment.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--setting", required=True, help="What is moved, as in objective.like.")
@click.option("--low", required=True, type=float, help="Never below this.")
@click.option("--high", required=True, type=float, help="Never above this.")
@click.option("--step", required=True, type=click.FloatRange(min=0, min_open=True), help="By how much at once.")
@click.option("--metric", default="positive", show_default=True, help="What is to rise.")
@click.option("--fewer", is_flag=True, help="The metric is to fall.")
@click.option("--window-h", default=24.0, show_default=True, type=click.FloatRange(min=0.01),
              help="As for readout.")  # fmt: skip
@click.option("--apply", is_flag=True, help="Publish it; otherwise only say what would be.")
def adjust(name: str, file: str, window_h: float, apply: bool, **aimed: Any) -> None:
    """Move a setting by what experiment NAME around it has shown in FILE, within bounds; meant to be run ever again.

    Where no such experiment runs, it starts with arms a step below and above. A guardrail that is worse stops any move.
    """
    from agents.cli.steer import put  # noqa: PLC0415  # slow to import
    from agents.evaluate.adjust import Aim, around, decided  # noqa: PLC0415  # the same
    from agents.evaluate.journey import journeys  # noqa: PLC0415  # the same
    from agents.evaluate.readout import METRICS, readout  # noqa: PLC0415  # the same
    from streams.control.experiments import experiment_of  # noqa: PLC0415  # the same

    aim = Aim(**aimed)
    if aim.metric not in METRICS:
        raise Stop(f"there is no metric {aim.metric} (there are: {', '.join(METRICS)})")
    steering = _steered()
    told, value = steering.experiments.get(name), _present(steering, aim.setting)
    if not aim.low <= value <= aim.high:
        raise Stop(f"{aim.setting} is {value:g}, outside its bounds {aim.low:g} to {aim.high:g}: set it first")
    moved, why = value, f"{name} starts around {value:g}"
    if told is not None:
        arms = {arm: float(one.settings.get(aim.setting, value)) for arm, one in told.arms.items()}
        read = readout(
            journeys(lines_of(file)), name, "now", int(window_h * _HOUR_MS), aim.metrics, from_ms=told.from_ms
        )
        found, why = decided(read, arms, aim)
        if found is None:
            click.echo(f"{aim.setting} stays at {value:g}: {why}", err=True)
            return
        moved = found
    start = {"arms": around(moved, aim), "salt": f"{name}-{_now_ms()}", "from_ms": _now_ms()}
    try:
        anew = experiment_of(start | ({"share": told.share} if told else {}))
    except ValueError as error:
        raise Stop(f"{aim.setting} cannot be moved so: {error}") from None
    if apply:
        if moved != value:
            put(f"tuning.{aim.setting}", moved)
        _publish(name, anew)
    click.echo(f"{aim.setting} {'is' if apply else 'would be'} {moved:g}: {why}", err=True)


def _named(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{type(value).__name__} is no JSON")


def _arms(told: Experiment) -> str:
    total = sum(arm.weight for arm in told.arms.values())
    return ", ".join(f"{name} {arm.weight / total:.0%}" for name, arm in told.arms.items())


def _publish(name: str, told: Experiment | None) -> None:
    from agents.cli.steer import put  # noqa: PLC0415  # slow to import
    from streams.control.steering import EXPERIMENT  # noqa: PLC0415  # the same

    put(f"{EXPERIMENT}{name}", told)


def _steered() -> Steering:
    """What the control records on the broker add up to; what workers refuse, this refuses too."""
    from agents.cli.steer import held  # noqa: PLC0415  # slow to import

    return held(Settings.from_env())[0]


def _present(steering: Steering, setting: str) -> float:
    section, _, name = setting.partition(".")
    value = getattr(getattr(steering.tuning, section, None), name, None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Stop(f"there is no setting {setting} that is a number")
    return float(value)


def _now_ms() -> int:
    return int(time.time() * 1_000)
