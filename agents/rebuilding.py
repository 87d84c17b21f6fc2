"""Rebuilding: all state made anew from the log, by workers of its own beside the running ones, then switched to.

They are the ordinary workers, in a namespace of their own and with topics of their own for what workers say: what
others would read is thrown away, no feed goes out, no request is answered. What viewers were served stands in ``feeds``
alone, so ledgers are made from there. Nothing that runs is touched; what was cut short goes on when it is run again.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from agents.children import spawn
from agents.errors import Stop
from agents.lag import lags
from agents.settings import Settings
from agents.snapshots.restoring import note_served, sent_since
from agents.spans import Log
from agents.stopping import Stopping
from agents.store import Store
from agents.stored import opened_store
from agents.topics import Admin

__all__ = ["Rebuilt", "beside", "rebuild", "switched"]

_LOOK_S: Final = 0.5
_DRAIN_S: Final = 60.0


class Rebuilt(NamedTuple):
    """What is ready to be switched to. ``settings``: what its workers and gateways are to be told, by variable."""

    name: str
    viewers: int
    settings: dict[str, str]


def beside(settings: Settings, name: str) -> Settings:
    """Settings of the workers that rebuild: their own state and topics, and nothing said to anybody."""
    return replace(
        settings,
        namespace=name,
        internal_prefix=f"{name}.",
        output_prefix=f"{name}.",
        backlog_s=0.0,  # everything comes too late for a batch of their own
        request_ttl_s=0.0,  # and every request to be answered
        instance="",
        metrics_port=0,
    )


def switched(name: str) -> dict[str, str]:
    """What a deployment has to be told to go on from what was rebuilt."""
    return {"FEEDSTREAM_NAMESPACE": name, "FEEDSTREAM_INTERNAL_PREFIX": f"{name}."}


def rebuild(
    settings: Settings, name: str, workers: int, stop: Stopping, told: Callable[[int], None] = lambda _: None
) -> Rebuilt:
    """Fold the whole log into the namespace ``name`` with so many worker processes; ``told`` hears how many records are
    left.

    Raises ``Stop`` where ``name`` is the running one, a worker ends, or ``stop`` was asked for.
    """
    if name == settings.namespace:
        raise Stop(f"{name} is the namespace that runs: name another one to rebuild into")
    theirs = beside(settings, name)
    admin = Admin(theirs.kafka, theirs)
    admin.apply()
    with opened_store(theirs) as store:
        log = Log(theirs.kafka, "feedstream-rebuild")
        with _workers(theirs, workers) as processes:
            while (left := _left(log, store)) != 0:
                told(left or 0)
                stop.rest(_LOOK_S)
                _check(processes, stop)
        since = sent_since(Log(settings.kafka, "feedstream-rebuild"), {})
        note_served(store, since)
    if not admin.is_mock:
        admin.drop(admin.partitions(theirs.kafka.outputs))
    return Rebuilt(name, since.viewers, switched(name))


def _left(log: Log, store: Store) -> int | None:
    """How many records are to be folded; None before a worker has begun."""
    return sum(one.lag for one in lags(log, store)) if store.stored_layout() else None


def _check(processes: list[subprocess.Popen[bytes]], stop: Stopping) -> None:
    if stop.asked:
        raise Stop("the rebuild was interrupted: run it again, and it goes on from where it stood")
    for process in processes:
        if process.poll() is not None:
            raise Stop(f"a worker of the rebuild ended with {process.returncode}: what it said is above")


@contextlib.contextmanager
def _workers(settings: Settings, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many worker processes while the block runs; drained at its end."""
    told = {name: f"{getattr(settings, name)}" for name in Settings.__slots__}
    processes = [spawn(["worker"], told, stdout=sys.stderr) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(_DRAIN_S)
