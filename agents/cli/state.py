"""``feedstream state``: everything that is checkpointed, as one number and as a file."""

from __future__ import annotations

import sys

import click
import numpy as np
import orjson

from agents.cli.rebuild import rebuild
from agents.cli.snapshots import export, import_, show
from agents.settings import Settings
from agents.store import Store
from agents.stored import opened_store

__all__ = ["exact_hash", "state"]


@click.group()
def state() -> None:
    """Look at the checkpointed state, take it away in a file, and put it back."""


for _command in (export, import_, show, rebuild):
    state.add_command(_command)


@state.command("hash")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")
def hash_(as_json: bool) -> None:
    """The exact hash: equal for equal logs, whatever the batches, workers or crashes. Reads every row; O(state)."""
    with opened_store(Settings.from_env()) as store:
        value = exact_hash(store)
    sys.stdout.write(orjson.dumps({"exact": value}).decode() + "\n" if as_json else f"exact {value}\n")


def exact_hash(store: Store) -> str:
    """Hash of outcomes, counters and what was seen, over every shard of ``store``."""
    from streams.arrays.statehash import ExactHash  # noqa: PLC0415  # River is slow to import
    from streams.shards.keys import split_outcome_key  # noqa: PLC0415
    from streams.shards.video_shard import decode_state  # noqa: PLC0415
    from streams.video.videos import NUMBERS  # noqa: PLC0415
    from streams.viewer.viewers import met_of  # noqa: PLC0415

    exact = ExactHash()
    for shard in store.shards():
        if shard.kind == "u":
            for key, value in store.scan(shard, b"o:"):
                exact.outcome(*split_outcome_key(key), value)
            for key, value in store.scan(shard, b"v:"):
                exact.met(key[2:].decode(), met_of(value))
        else:
            for key, value in store.scan(shard, b"e:"):
                numbers = np.frombuffer(decode_state(value).numbers, dtype=NUMBERS)[0]
                exact.counts(key[2:].decode(), numbers["counts"].tolist())
    return exact.hexdigest()
