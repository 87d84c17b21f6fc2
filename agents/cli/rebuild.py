"""``feedstream state rebuild``: all state made anew from the log, beside the running deployment."""

from __future__ import annotations

import click
import orjson

from agents.cli.progress import counting, hush
from agents.settings import Settings

__all__ = ["rebuild"]


@click.command()
@click.argument("name")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def rebuild(name: str, workers: int, as_json: bool) -> None:
    """Make all state anew from the log into the namespace NAME, while everything goes on.

    It ends when the whole log is folded, and says what to set to switch. To switch without showing anybody anything
    twice: stop the workers, run it once more, which takes seconds, and start them with what it says.
    """
    from agents.rebuilding import rebuild as run  # noqa: PLC0415  # Kafka's and Redis's clients take long to load
    from agents.stopping import stopping  # noqa: PLC0415

    hush()
    with stopping() as stop, counting("records left") as told:
        done = run(Settings.from_env(), name, workers, stop, told)
    if as_json:
        click.echo(orjson.dumps(done._asdict()))
        return
    click.echo(f"{name} holds all of the log, and what {done.viewers:,} viewers were served; to switch to it, set")
    for variable, value in done.settings.items():
        click.echo(f"export {variable}={value}")
