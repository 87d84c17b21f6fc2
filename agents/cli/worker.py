"""``feedstream worker``: one worker process."""

from __future__ import annotations

import sys
from typing import cast

import click

from agents.settings import Settings

__all__ = ["worker"]


@click.command()
@click.option(
    "--role",
    type=click.Choice(["all", "users", "videos", "learner"]),
    default="all",
    show_default=True,
    help="Which shards this process may own.",
)
def worker(role: str) -> None:
    """Run one worker until SIGTERM.

    FEEDSTREAM_BROKER and FEEDSTREAM_REDIS say where Kafka and Redis are; one JSON line says when it is ready.
    """
    settings = Settings.from_env()
    _ = settings.bootstrap, settings.store_url  # embedded:// is refused before anything slow begins
    from agents.worker.main import Role, run  # noqa: PLC0415  # Faust and River are slow to import

    sys.exit(run(settings, cast("Role", role)))
