"""``feedstream completion``: the script by which a shell completes our commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script for SHELL; let the shell read it at its start.

    For bash: feedstream completion bash >> ~/.bashrc
    """
    from agents.cli.main import feedstream  # noqa: PLC0415  # it names this module

    made = get_completion_class(shell)
    assert made is not None, "click knows the shells that it offers"
    click.echo(made(feedstream, {}, "feedstream", "_FEEDSTREAM_COMPLETE").source())
