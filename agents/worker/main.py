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
from collections.abc import Awaitable, Sequence
from typing import Any, Final, Literal

import msgspec

from agents import log, telemetry
from agents.dead_letters import BadShare
from agents.errors import FeedstreamError
from agents.producer import Producer
from agents.settings import Settings
from agents.store import ShardId, Store
from agents.topics import check
from agents.worker.group import Group
from agents.worker.learner import LearnerHost
from agents.worker.models import take_model
from agents.worker.replica import BroadcastReader, Message
from agents.worker.shared import Shared
from agents.worker.users import UserHost
from agents.worker.videos import VideoHost
from schemas.codec import BadRecord, decode
from schemas.control import Control
from schemas.internal import VideoState
from streams.catalogue import Catalogue
from streams.hashing import hash64
from streams.ranking import Model
from streams.video_shard import decode_state, video_key

__all__ = ["Role", "run"]

Role = Literal["all", "users", "videos", "learner"]
_LOG = log.get("worker")
_STATES: Final = "video.state"
_BROADCAST: Final = (_STATES, "models", "control")


def run(settings: Settings, role: Role = "all") -> int:
    """Run a worker until SIGTERM or SIGINT; returns the exit code. Prints one plain sentence where it cannot go on."""
    log.configure()
    try:
        return asyncio.run(_main(settings, role))
    except FeedstreamError as error:
        print(f"feedstream worker: {error}", file=sys.stderr, flush=True)
        return 1


async def _main(settings: Settings, role: Role) -> int:
    shared = _connect(settings)
    telemetry.serve(settings.metrics_port)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    groups = _groups(role, settings, shared)
    reader = BroadcastReader(settings.bootstrap, _BROADCAST, lambda batch: _take(shared, groups, batch))
    reader.start()
    failures: list[Awaitable[Any]] = [reader.failed, *(group.failed for group in groups)]
    try:
        await _first(stop, failures, asyncio.create_task(_filled(shared, groups, reader)))
        starting = asyncio.gather(*(group.app.start() for group in groups))
        failures += [asyncio.create_task(_crashed(group.app, starting)) for group in groups]
        await _first(stop, failures, asyncio.create_task(_all_ready(groups)))
        if not stop.is_set():
            _LOG.info("ready", role=role, pid=os.getpid(), shards={g.name: sorted(g.hosts) for g in groups})
        await _first(stop, failures)
    except FeedstreamError as error:
        print(f"feedstream worker: {error}", file=sys.stderr, flush=True)
        _die(1)
    except Exception as error:
        _LOG.error("worker_failed", error=repr(error), exc_info=error)
        print(f"feedstream worker: unexpected {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        _die(1)
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
    store = Store(settings.store_url, settings.namespace)
    store.ping()
    kafka = logging.getLogger("feedstream.kafka")
    kafka.setLevel(logging.CRITICAL)  # that there is no Kafka is said once, by the error that ends the process
    producer = Producer(settings.bootstrap, client_id=f"{settings.namespace}-worker")
    producer.check()
    check(settings.bootstrap, settings, _all_topics())
    kafka.setLevel(logging.NOTSET)
    store.layout({"user_partitions": settings.user_partitions, "video_partitions": settings.video_partitions})
    return Shared(settings, store, producer, Catalogue(), Model(), BadShare(settings.bad_share))


def _all_topics() -> list[str]:
    return [
        *UserHost.topics,
        *VideoHost.topics,
        *LearnerHost.topics,
        *_BROADCAST,
        "feeds",
        "feed.delta",
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
    for shard in [ShardId("v", number) for topic, number in sorted(reader.cut) if topic == _STATES]:
        rows = await asyncio.to_thread(_rows, shared.store, shard)
        found = ((key[len(video_key("")) :].decode(), decode_state(value)) for key, value in rows)
        states = {name: one for name, one in found if one.active and name not in shared.catalogue.row_of}
        _take_states(shared, groups, list(states.items()))
        _LOG.info("states_from_store", shard=str(shard), videos=len(states))


def _rows(store: Store, shard: ShardId) -> list[tuple[bytes, bytes]]:
    keys = store.marked(shard)
    found: list[tuple[bytes, bytes]] = []
    for low in range(0, len(keys), 5_000):
        page = keys[low : low + 5_000]
        values = zip(page, store.mget(shard, page), strict=True)
        found += [(key, value) for key, value in values if value is not None]
    return found


def _take(shared: Shared, groups: list[Group], batch: list[Message]) -> None:
    """Broadcast records: states to the catalogue, models to whoever ranks."""
    states: list[tuple[str, VideoState | None]] = []
    for message in batch:
        name = (message.key or b"").decode("utf-8", "replace")
        if message.topic == _STATES:
            try:
                states.append((name, decode_state(message.value) if message.value else None))
            except (msgspec.MsgspecError, ValueError) as error:
                _LOG.warning("state_refused", error=str(error), offset=message.offset)
        elif message.topic == "models":
            take_model(shared, name, message.value)
        else:
            _take_control(shared, message)
    _take_states(shared, groups, states)


def _take_states(shared: Shared, groups: list[Group], states: Sequence[tuple[str, VideoState | None]]) -> None:
    if states:
        new = [hash64(video_id) for video_id, _ in states if video_id not in shared.catalogue.row_of]
        shown = {video_id for video_id, _ in states if shared.catalogue.shows(video_id)}
        shared.catalogue.take_states(states)
        if (vectors := shared.factors.find(new)) is not None:
            shared.catalogue.place(*vectors)
        if (lifts := shared.lifts.find(new)) is not None:
            shared.catalogue.place_lift(*lifts)
        gone = {hash64(video_id): video_id for video_id in shown if not shared.catalogue.shows(video_id)}
        for host in (host for group in groups for host in group.hosts.values()):
            if isinstance(host, UserHost):
                if new:
                    host.settle(new)
                if gone:
                    host.take_down(gone)


def _take_control(shared: Shared, message: Message) -> None:
    try:
        record = decode("control", message.key, message.value, message.timestamp_ms)
    except BadRecord as error:
        _LOG.warning("control_refused", why=str(error), offset=message.offset)
        return
    key = (message.key or b"").decode()
    value = record.value if isinstance(record, Control) else None
    try:
        shared.steering.take(key, value)
    except ValueError as error:
        _LOG.warning("control_refused", why=str(error), offset=message.offset)
        return
    if value is None:
        shared.control.pop(key, None)
    else:
        shared.control[key] = value


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
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
