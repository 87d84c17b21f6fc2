"""The worker process: connects, takes its place in the groups of its role, runs until told to stop or something fails.

An unexpected error ends the process at once, without a last acknowledgement: whatever was not checkpointed is read
again by whoever takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable
from importlib.metadata import version
from typing import Any, Literal

from agents import log, tracing
from agents.dead_letters import BadShare
from agents.errors import FeedstreamError
from agents.health import serve
from agents.ports import ports_of
from agents.producer import RecordProducer
from agents.sentences import text_encoder
from agents.settings import Settings
from agents.spans import Log
from agents.store import Store
from agents.topics import check
from agents.worker.broadcasts import BROADCAST, Heard, lost_states, take, take_states
from agents.worker.group import Group
from agents.worker.learner import LearnerHost
from agents.worker.probes import Probes
from agents.worker.replica import BroadcastReader, Message
from agents.worker.shared import Shared
from agents.worker.users import UserHost
from agents.worker.videos import VideoHost
from streams.ranking.ranking import Model
from streams.video.catalogue import Catalogue

__all__ = ["Role", "run"]

Role = Literal["all", "users", "videos", "learner"]
_LOG = log.get("worker")


def run(settings: Settings, role: Role = "all") -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code. Prints one plain sentence where it cannot go on."""
    log.configure()
    try:
        tracing.start(settings, "feedstream-worker")
        return asyncio.run(_main(settings, role))
    except FeedstreamError as error:
        print(f"feedstream worker: {error}", file=sys.stderr, flush=True)
        return 1


async def _main(settings: Settings, role: Role) -> int:
    shared = _connect(settings)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    groups = _groups(role, settings, shared)
    probes = Probes(settings, groups, shared.store.ping, Log(settings.kafka, f"{settings.namespace}-probes"))
    serve(settings, {"/live": probes.live, "/ready": probes.ready, "/states": probes.states})
    probes.start()
    reader = BroadcastReader(settings.kafka, BROADCAST, lambda batch: _take(shared, groups, batch))
    reader.start()
    failures: list[Awaitable[Any]] = [reader.failed, *(group.failed for group in groups)]
    try:
        await _first(stop, failures, asyncio.create_task(_filled(shared, groups, reader)))
        starting = asyncio.gather(*(group.app.start() for group in groups))
        failures += [asyncio.create_task(_crashed(group.app, starting)) for group in groups]
        await _first(stop, failures, asyncio.create_task(_all_ready(groups)))
        if not stop.is_set():
            probes.busy = ""
            shards = {group.name: sorted(group.hosts) for group in groups}
            _LOG.info("ready", role=role, pid=os.getpid(), version=version("feedstream"), shards=shards)
        await _first(stop, failures)
    except FeedstreamError as error:
        print(f"feedstream worker: {error}", file=sys.stderr, flush=True)
        _die(1)
    except Exception as error:
        _LOG.error("worker_failed", error=repr(error), exc_info=error)
        print(f"feedstream worker: unexpected {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        _die(1)
    probes.busy = "it is stopping"
    for group in groups:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(group.stop(), 15.0)
    reader.close()
    with contextlib.suppress(TimeoutError):
        shared.producer.flush(5.0)
    _LOG.info("stopped")
    _die(0)
    return 0


def _connect(settings: Settings) -> Shared:
    """Every connection, checked: an operator reads what is wrong before anything runs."""
    ports = ports_of(settings)
    catalogue = Catalogue(text_encoder(settings.text_model))
    store = Store(settings.store_url, settings.namespace)
    store.ping()
    kafka = logging.getLogger("feedstream.kafka")
    kafka.setLevel(logging.CRITICAL)  # that there is no Kafka is said once, by the error that ends the process
    producer = RecordProducer(settings.kafka, client_id=f"{settings.namespace}-worker")
    producer.check()
    check(settings.kafka, settings, _all_topics())
    kafka.setLevel(logging.NOTSET)
    store.layout({"user_partitions": settings.user_partitions, "video_partitions": settings.video_partitions})
    bad = BadShare(settings.bad_share)
    model = Model(ports=ports)
    return Shared(settings=settings, store=store, producer=producer, bad=bad, model=model, catalogue=catalogue)


def _all_topics() -> list[str]:
    return [
        *UserHost.topics,
        *VideoHost.topics,
        *LearnerHost.topics,
        *BROADCAST,
        "feeds",
        "feed.delta",
        "receipts",
        "tiers",
        "dead-letters",
    ]


def _groups(role: Role, settings: Settings, shared: Shared) -> list[Group]:
    groups = []
    if role in {"all", "users"}:
        counts = dict.fromkeys(UserHost.topics, settings.user_partitions)
        groups.append(Group("users", settings, counts, lambda number, rewind: UserHost(number, shared, rewind)))
    if role in {"all", "videos"}:
        counts = dict.fromkeys(VideoHost.topics, settings.video_partitions)
        groups.append(Group("videos", settings, counts, lambda number, rewind: VideoHost(number, shared, rewind)))
    if role in {"all", "learner"}:
        groups.append(Group("learner", settings, {"training": 1}, lambda n, rewind: LearnerHost(n, shared, rewind)))
    return groups


async def _filled(shared: Shared, groups: list[Group], reader: BroadcastReader) -> None:
    """Wait for the replica; active videos whose states are gone from the topic come from the store."""
    await reader.caught_up.wait()
    pages, known = lost_states(shared.store, reader.cut), shared.catalogue.row_of
    while (states := await asyncio.to_thread(next, pages, None)) is not None:
        _tell(groups, take_states(shared, [(name, state) for name, state in states if name not in known]))


def _take(shared: Shared, groups: list[Group], batch: list[Message]) -> None:
    _tell(groups, take(shared, batch))


def _tell(groups: list[Group], heard: Heard) -> None:
    """Let shards of viewers know which videos are new, and which are none any more; log what operators ordered."""
    for event, fields in heard.orders:
        _LOG.info(event, **fields)
    for host in (host for group in groups for host in group.hosts.values()):
        if isinstance(host, UserHost):
            if heard.new:
                host.settle(heard.new)
            if heard.gone:
                host.take_down(heard.gone)
            for names, country in heard.taken:
                host.take_down(names, country)


async def _first(stop: asyncio.Event, failures: list[Awaitable[Any]], until: asyncio.Task[Any] | None = None) -> None:
    """Wait for ``until``, for the stop signal or for the first failure, which is raised."""
    stopping = asyncio.create_task(stop.wait())
    waiting = {stopping, *(asyncio.ensure_future(one) for one in failures), *([until] if until else [])}
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        if one not in {stopping, until}:
            one.result()
    if not stopping.done():
        stopping.cancel()


async def _all_ready(groups: list[Group]) -> None:
    await asyncio.gather(*(group.ready.wait() for group in groups))


async def _crashed(app: Any, starting: Awaitable[Any]) -> None:
    """Ends when a Faust service crashed."""
    await starting
    await app.wait_until_stopped()
    if isinstance(app.crash_reason, FeedstreamError):
        raise app.crash_reason
    raise RuntimeError(f"Faust app {app.conf.id} stopped: {app.crash_reason!r}")


def _die(code: int) -> None:
    """Leave at once: Faust's and Kafka's threads have nothing left that may be finished."""
    tracing.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
