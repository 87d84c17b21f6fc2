"""``feedstream control``: settings, rules and experiments that hold for running workers, one record a key.

What workers would refuse is refused here, by their own code, before anything is published.
"""

from __future__ import annotations

from typing import Any

import click
import orjson

from agents.cli.progress import hush
from agents.errors import Stop
from agents.settings import Settings

__all__ = ["control"]


@click.group()
def control() -> None:
    """Set, read and unset what steers workers while they run."""
    hush()


@control.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def set_(key: str, value: str, as_json: bool) -> None:
    """Set KEY to VALUE, which is JSON (what is no JSON is a word); it holds from the next ranking on.

    feedstream control set tuning.slate.fresh 0.2; feedstream control set rule.gone '{"do":"take_down","video":"x"}'
    """
    from agents.cli.steer import held, put, refusal  # noqa: PLC0415  # slow to import

    try:
        told: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        told = value
    if told is None:
        raise Stop(f"null sets nothing: use `feedstream control unset {key}`")
    steering, _ = held(Settings.from_env())
    if (why := refusal(steering, key, told)) is not None:
        raise Stop(f"workers would refuse it: {why}")
    sent = put(key, told)
    if as_json:
        click.echo(orjson.dumps({"key": key, "value": told, **sent._asdict()}))
    else:
        click.echo(f"{key} is set to {orjson.dumps(told).decode()}", err=True)


@control.command("get")
@click.argument("key", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else; without KEY an object by key.")
def get(key: str | None, as_json: bool) -> None:
    """What is set under KEY, or else its default; without KEY all that is set. Exit 1 if there is no such key."""
    from agents.cli.steer import held  # noqa: PLC0415  # slow to import

    _, found = held(Settings.from_env())
    told = {name: {**one._asdict(), "default": _default(name)} for name, one in found.items()}
    if key is None:
        click.echo(orjson.dumps(told) if as_json else "\n".join(_line(name, one) for name, one in told.items()))
        return
    one = told.get(key, {"value": None, "ts_ms": None, "refused": None, "default": _default(key)})
    if as_json:
        click.echo(orjson.dumps({"key": key, "set": key in told, **one}))
    elif key in told or one["default"] is not None:
        click.echo(_line(key, one))
    if key not in told and one["default"] is None:
        click.get_current_context().exit(1)


@control.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def unset(key: str, as_json: bool) -> None:
    """Take back what is set under KEY: the default holds again. Exit 1 if nothing is set."""
    from agents.cli.steer import held, put  # noqa: PLC0415  # slow to import

    if key not in held(Settings.from_env())[1]:
        raise Stop(f"{key} is not set: see `feedstream control get`")
    sent = put(key, None)
    if as_json:
        click.echo(orjson.dumps({"key": key, "value": None, **sent._asdict()}))
    else:
        click.echo(f"{key} is unset", err=True)


def _default(key: str) -> Any:
    """The default of a setting; None where there is none."""
    from streams.control.tuning import DEFAULT  # noqa: PLC0415  # slow to import

    kind, _, name = key.partition(".")
    section, _, field = name.partition(".")
    return getattr(getattr(DEFAULT, section, None), field, None) if kind == "tuning" else None


def _line(key: str, one: dict[str, Any]) -> str:
    value = one["default"] if one["value"] is None else one["value"]
    notes = ["by default"] * (one["value"] is None and one["refused"] is None)
    notes += [f"refused by workers: {one['refused']}"] * (one["refused"] is not None)
    return f"{key} {orjson.dumps(value).decode()}" + (f" ({', '.join(notes)})" if notes else "")
