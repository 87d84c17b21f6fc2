"""The command ``feedstream``: names the commands and loads each only when it is asked for.

``feedstream --help`` imports nothing of Kafka, Redis or River. To add a command, add its row to ``COMMANDS``; what it
raises as ``Stop`` is printed as one sentence, and the process exits with 1.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

import click

from agents.errors import FeedstreamError
from agents.settings import one_thread

__all__ = ["COMMANDS", "feedstream", "main"]

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("agents.cli.up:up", "Start an embedded broker and store, and workers; print their URLs."),
    "worker": ("agents.cli.worker:worker", "Run one worker process."),
    "gateway": ("agents.cli.gateway:gateway", "Serve events, feeds and the pages over HTTP."),
    "topics": ("agents.cli.topics:topics", "List, create and compare Kafka topics."),
    "import": ("agents.cli.importing:import_", "Turn a public log into wire lines."),
    "send": ("agents.cli.send:send", "Publish wire lines."),
    "validate": ("agents.cli.validate:validate", "Say which wire lines would be refused, and why."),
    "tail": ("agents.cli.tail:tail", "Print what topics carry."),
    "user": ("agents.cli.show:user", "Show what is known of a viewer."),
    "video": ("agents.cli.show:video", "Show a video's counts."),
    "creator": ("agents.cli.creator:creator", "Show a creator's followers, audience and uploads."),
    "campaign": ("agents.cli.show:campaign", "Show what came of a campaign."),
    "why": ("agents.cli.why:why", "Say why a video is, or is not, in a viewer's feed."),
    "metrics": ("agents.cli.metrics:metrics", "List metrics; print a dashboard and alerts made of them."),
    "config": ("agents.cli.config:config", "Show the settings of this shell."),
    "completion": ("agents.cli.completion:completion", "Print the script by which a shell completes commands."),
    "state": ("agents.cli.state:state", "Hash, export, import and rebuild the checkpointed state."),
    "doctor": ("agents.cli.doctor:doctor", "Check everything that feedstream stands on."),
    "lag": ("agents.cli.lag:lag", "Say how far each shard is behind the log."),
    "plan": ("agents.cli.plan:plan", "Say what a load needs, or how much is used of what runs."),
    "bench": ("agents.cli.bench:bench", "Measure this machine and its servers, shortly."),
    "loadgen": ("agents.cli.loadgen:loadgen", "Send a made-up load, and check that it was counted exactly."),
    "dlq": ("agents.cli.dlq:dlq", "List, show and send again what workers could not read."),
    "control": ("agents.cli.control:control", "Set, read and unset what steers workers while they run."),
    "reset-user": ("agents.cli.viewers:reset_user", "Forget what was learnt of a viewer's tastes."),
    "forget-user": ("agents.cli.viewers:forget_user", "Delete everything that is known of a viewer."),
    "replay": ("agents.cli.replay:replay", "Fold a file of wire lines in one process, without a broker."),
    "export-training": ("agents.cli.export_training:export_training", "Write a log's training examples as Parquet."),
    "experiment": ("agents.cli.experiment:experiment", "Set, list, end and read experiments."),
    "evaluate": ("agents.cli.evaluate:evaluate", "Say how good the ranking is on a file of wire lines."),
}
"""Name to (``module:function``, help), in the order that ``--help`` shows."""


class _Lazy(click.Group):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy)
@click.version_option(package_name="feedstream")
def feedstream() -> None:
    """A streaming For You feed engine: events in, exact state, ranked batches out."""


def main(args: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 not done (stderr says why in a sentence), 2 asked wrongly, 130 interrupted."""
    one_thread()
    if os.getpid() == 1:  # of a container: what this process does not handle, the kernel does not deliver to it
        signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    try:
        code = feedstream.main(args=args, prog_name="feedstream", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except SystemError as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        code = 130  # so it comes out of Kafka's client, see agents/stopping.py
    except FeedstreamError as error:
        click.echo(f"feedstream: {error}", err=True)
        code = 1
    except BrokenPipeError:
        # Whoever read our output has left: stop quietly, and keep the interpreter from flushing to nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
