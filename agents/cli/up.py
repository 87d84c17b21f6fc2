"""``feedstream up``: an embedded broker and store, and workers, for other shells to use."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import click

from agents.embedded import Embedded, die_with_parent

__all__ = ["spawn_worker", "up"]


def spawn_worker(broker: str, redis: str, role: str = "all", **more: str) -> subprocess.Popen[bytes]:
    """A worker process on ``broker`` and ``redis`` that dies with this one; ``more`` are settings by name."""
    from agents.settings import environment  # noqa: PLC0415  # kept beside its only other user

    env = environment(broker=broker, redis=redis, **more)
    command = [sys.executable, "-m", "feedstream", "worker", "--role", role]
    return subprocess.Popen(command, env=env, preexec_fn=die_with_parent())  # noqa: S603  # our own program


@click.command()
@click.option("--workers", default=1, show_default=True, help="Worker processes.")
def up(workers: int) -> None:
    """Start an embedded broker and store, and workers; print their URLs; stop at Ctrl-C."""
    done = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: done.set())
    with Embedded() as embedded:
        click.echo(f"export FEEDSTREAM_BROKER={embedded.broker}")
        click.echo(f"export FEEDSTREAM_REDIS={embedded.redis}")
        sys.stdout.flush()
        processes = [spawn_worker(embedded.broker, embedded.redis) for _ in range(workers)]
        while not done.wait(0.2):
            dead = [process for process in processes if process.poll() is not None]
            if dead:
                click.echo(f"worker {dead[0].pid} ended with {dead[0].returncode}", err=True)
                break
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20.0)
    sys.exit(0 if done.is_set() else 1)
