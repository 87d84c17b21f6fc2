"""Taking a snapshot of a deployment while it runs, and which of a folder's snapshots are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from agents.errors import Stop
from agents.snapshots.copying import Copy
from agents.snapshots.form import Preamble, write
from agents.spans import Log
from agents.store import ShardId, Store

__all__ = ["SUFFIX", "Taken", "take", "thin"]

SUFFIX: Final = ".snapshot"
_LEARNER: Final = ShardId("l", 0)


class Taken(NamedTuple):
    """A snapshot that was written. ``took_s``: how long that took."""

    path: Path
    rows: int
    bytes: int
    took_s: float


def take(store: Store, log: Log, namespace: str, target: Path, told: Callable[[int], None] = lambda _: None) -> Taken:
    """Write a snapshot of ``namespace`` to ``target``: a file, or a folder in which it is named by the time.

    Every shard is as it stood at one moment, with its offsets of that moment; shards are some milliseconds apart, which
    exactness allows. ``told`` hears how many rows were read so far. Raises ``Stop`` where there is nothing to write,
    another copy is in the making, or this one was over before it was whole.
    """
    began_s, now_ms = time.monotonic(), int(time.time() * 1_000)
    layout = store.stored_layout()
    if not layout:
        raise Stop(f"there is no state of {namespace} in this Redis: look at FEEDSTREAM_REDIS and FEEDSTREAM_NAMESPACE")
    path = target / named(now_ms) if target.is_dir() else target
    if not path.parent.is_dir():
        raise Stop(f"there is no folder {path.parent}: make it first")
    # Before anything is copied: a batch that is in no ledger of the copy is beyond this.
    sent = {number: span.high for (_, number), span in log.spans(log.places(["feeds"])).items()}
    with Copy(store, [*store.shards(), _LEARNER]) as copy:
        first = Preamble(
            made_ms=now_ms,
            version=version("feedstream"),
            namespace=namespace,
            layout=layout,
            shards=list(copy.heads()),
            sent=sent,
            names=store.notes("names"),
            replayed=store.notes("replayed"),
        )
        written = write(path, first, copy.rows(), told)
    return Taken(path, written, path.stat().st_size, time.monotonic() - began_s)


def named(now_ms: int) -> str:
    """The name of a snapshot that is taken now: names sort by time.

    >>> named(1_700_000_000_000)
    'feedstream-20231114T221320.000Z.snapshot'
    """
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_ms // 1_000))
    return f"feedstream-{moment}.{now_ms % 1_000:03d}Z{SUFFIX}"


def thin(folder: Path, keep: int) -> list[Path]:
    """Delete all but the ``keep`` latest snapshots of a folder; returns what was deleted. Other files stay."""
    gone = sorted(folder.glob(f"feedstream-*Z{SUFFIX}"))[:-keep]
    for path in gone:
        path.unlink()
    return gone
