"""The page of commands: usage, arguments and options, as ``--help`` has them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from agents.cli.main import COMMANDS, feedstream
from agents.pages.text import joined, prose, table

__all__ = ["commands_page"]

_INTRO = """\
What `feedstream COMMAND --help` says, on one page. A command exits with 0 when it did what was asked, with 1 when it
did not (one sentence on stderr says why, and what to do) or when what it looked for is not there, with 2 when it was
asked wrongly, and with 130 when it was interrupted. `--json` prints nothing but JSON on stdout. Made by `make docs`."""


def commands_page() -> str:
    """Every command in the order of ``feedstream --help``."""
    found = (part for name in COMMANDS for part in _told(_command(name), name, 2))
    return joined(["# Commands", _INTRO, *found])


def _command(name: str) -> click.Command:
    command = feedstream.get_command(click.Context(feedstream), name)
    assert command is not None
    return command


def _told(command: click.Command, name: str, level: int) -> Iterator[str]:
    """The section of ``command``, which is called by ``name`` (after ``feedstream``), and of those below it."""
    context = click.Context(command, info_name=f"feedstream {name}")
    yield f"{'#' * level} {name}"
    yield prose(command.help or "")
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            inner = command.get_command(context, below)
            assert inner is not None
            yield from _told(inner, f"{name} {below}", level + 1)
        return
    yield f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```"
    rows = [record for one in command.params if (record := one.get_help_record(context)) is not None]
    if rows:
        yield table(["option", "what"], [[f"`{option}`", _plain(said)] for option, said in rows])


def _plain(said: str) -> str:
    return " ".join(said.split()).replace("<", "\\<").replace("*", "\\*")
