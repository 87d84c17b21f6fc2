"""``feedstream up``: an embedded broker and store, and workers, for other shells and a browser to use."""

from __future__ import annotations

import sys

import click

from agents.children import spawn
from agents.embedded import Embedded, free_port
from agents.stopping import stopping

__all__ = ["up"]


@click.command()
@click.option("--workers", default=1, show_default=True, help="Worker processes.")
@click.option("--gateway", is_flag=True, help="Serve HTTP and the page, too; FEEDSTREAM_GATEWAY_PORT says where.")
@click.option("--videos", default=0, show_default=True, type=click.IntRange(0, 10_000),
              help="Announce so many generated videos.")  # fmt: skip
def up(workers: int, gateway: bool, videos: int) -> None:
    """Start an embedded broker and store, and workers; print their URLs; stop at Ctrl-C."""
    with stopping() as stop, Embedded() as embedded:
        click.echo(f"export FEEDSTREAM_BROKER={embedded.broker}")
        click.echo(f"export FEEDSTREAM_REDIS={embedded.redis}")
        sys.stdout.flush()
        ports = [f"{free_port()}" for _ in range(workers if gateway else 0)]
        measured = [{"metrics_port": port} for port in ports] or [{}] * workers
        servers = {"broker": embedded.broker, "redis": embedded.redis}
        processes = [spawn(["worker"], servers | more) for more in measured]
        if gateway:
            asked = ",".join(f"127.0.0.1:{port}" for port in ports)
            processes.append(spawn(["gateway"], servers | {"workers": asked}))
        if videos:
            _announce(embedded.broker, videos)
        while not stop.asked:
            dead = [process for process in processes if process.poll() is not None]
            if dead:
                click.echo(f"process {dead[0].pid} ended with {dead[0].returncode}", err=True)
                break
            stop.rest(0.2)
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20.0)
    sys.exit(0 if stop.asked else 1)


def _announce(broker: str, count: int) -> None:
    """Videos of the synthetic world, with moods and captions."""
    from agents.producer import RecordProducer  # noqa: PLC0415  # slow to import, and not always needed
    from agents.world.words import worded_videos  # noqa: PLC0415  # the same
    from schemas.codec import encode  # noqa: PLC0415  # the same

    with RecordProducer(broker.removeprefix("kafka://"), client_id="feedstream-up", timeout_s=30.0) as producer:
        for video in worded_videos(1, count):
            producer.send("videos", video.video_id.encode(), encode(video))
    click.echo(f"{count} videos announced", err=True)
