"""Restoring: a snapshot becomes the state of a namespace, from which workers go on and replay what came since.

Nobody else may write meanwhile: every shard is taken over, so a worker that still runs is refused, and a sign on each
keeps workers from opening it until its offsets stand. An import that was cut is run again, from the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from agents.errors import Stop
from agents.snapshots.copying import Head, Row
from agents.snapshots.form import Preamble, preamble, rows
from agents.spans import Log, Span
from agents.store import ShardId, Store, listed, new_token, packed, paired
from schemas.codec import BadRecord, decode
from schemas.feeds import FeedBatch, FeedRequest
from schemas.topics import TOMBSTONES_MS
from streams.arrays.hashing import U64, hash_all
from streams.ranking.desk import feed_key, served_since

__all__ = ["SEIZED", "Gap", "Restored", "Since", "gaps", "note_served", "restore", "sent_since"]

_REQUESTS: Final = "feed.requests"
SEIZED: Final = ("owner", "holder", "restoring", "copying", "before")
"""What of a shard an import takes over."""
_HOLDER: Final = "feedstream state import"


class Gap(NamedTuple):
    """What a snapshot needs of a topic-partition and Kafka has no more, or not yet: see ``says``."""

    topic: str
    partition: int
    offset: int
    low: int
    high: int

    @property
    def says(self) -> str:
        """One sentence."""
        where = f"{self.topic}[{self.partition}]"
        if self.offset < self.low:
            return f"{where}: the snapshot goes on at {self.offset}, but Kafka begins at {self.low}"
        return f"{where}: the snapshot goes on at {self.offset}, but Kafka ends at {self.high}: it is another Kafka"


class Restored(NamedTuple):
    """What an import did. ``behind``: records of the log that workers have yet to fold."""

    shards: int
    rows: int
    viewers: int
    behind: int
    took_s: float


def gaps(first: Preamble, log: Log) -> list[Gap]:
    """Where the log does not go on from the snapshot."""
    wanted = _wanted(first)
    there = set(log.places({topic for topic, _ in wanted}))
    spans = log.spans([place for place in wanted if place in there])
    found = [(place, offset, spans.get(place, Span(0, 0))) for place, offset in wanted.items()]
    return [Gap(*place, offset, *span) for place, offset, span in found if not span.low <= offset <= span.high]


def restore(
    store: Store,
    log: Log,
    path: Path,
    *,
    replace: bool = False,
    accept_loss: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> Restored:
    """Put the snapshot at ``path`` into the namespace of ``store``; ``told`` hears how many rows were written so far.

    Raises ``Stop`` before anything is changed where the file is damaged, where there is state already (unless
    ``replace``), where the partition counts are others, or where the log does not go on from it (unless
    ``accept_loss``: what the log lacks is lost, and every batch since may show a video again).
    """
    began_s, first = time.monotonic(), preamble(path)
    for _ in rows(path):
        told(0)  # to its end: half a snapshot must not replace what is there
    _check(store, log, first, replace=replace, accept_loss=accept_loss)
    tokens = {one.shard: new_token() for one in first.shards}
    for shard, token in tokens.items():
        _seize(store, shard, token)
    _clear(store)
    written = 0
    for page in rows(path):
        _write(store, page)
        written += len(page)
        told(written)
    since = sent_since(log, first.sent)
    note_served(store, since)
    asked = _unanswered(log, first, since)
    store.layout(first.layout)
    store.note("names", first.names)
    store.note("replayed", first.replayed)
    for one in first.shards:
        _open(store, one, tokens[one.shard], asked[one.shard])
    wanted = _wanted(first)
    behind = sum(max(0, span.high - max(wanted[place], span.low)) for place, span in log.spans(wanted).items())
    return Restored(len(first.shards), written, since.viewers, behind, time.monotonic() - began_s)


def _wanted(first: Preamble) -> dict[tuple[str, int], int]:
    """Where the log is to go on, by topic and partition."""
    return {(topic, one.shard.number): offset for one in first.shards for topic, offset in one.position.items()}


def _check(store: Store, log: Log, first: Preamble, *, replace: bool, accept_loss: bool) -> None:
    held = store.stored_layout()
    if held and not replace:
        raise Stop(
            f"there is state of this namespace already ({held}): stop its workers and give --replace, or name another "
            "FEEDSTREAM_NAMESPACE"
        )
    if any(first.layout.get(name, count) != count for name, count in held.items()):
        raise Stop(f"the state there has {held}, the snapshot {first.layout}: name another FEEDSTREAM_NAMESPACE")
    found = gaps(first, log)
    if found and not accept_loss:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise Stop(f"{found[0].says}{more}: use a later snapshot, or give --accept-loss to go on without those records")
    age_s = time.time() - first.made_ms / 1_000
    if age_s > TOMBSTONES_MS / 1_000 and not accept_loss:
        raise Stop(
            f"the snapshot is {age_s / 86_400:.0f} days old: that somebody was forgotten since, or a video removed, "
            "may have left the log again; use a later one, or give --accept-loss"
        )


def _seize(store: Store, shard: ShardId, token: str) -> None:
    """Take a shard over, and keep everybody from opening it until ``_open``."""
    store.run("seizing", shard, SEIZED, [token, _HOLDER])


def _open(store: Store, one: Head, token: str, asked: int) -> None:
    """Write what is no row, and let whoever wants open the shard; requests go on at offset ``asked``."""
    feed_offsets = paired(one.feed_offsets) | ({_REQUESTS.encode(): b"%d" % asked} if asked else {})
    names = ("owner", "restoring", "offsets", "outbox", "feeds", "feed_offsets", "feed_count", "marked")
    lists = [listed(one.offsets), listed(one.outbox), listed(one.feeds), packed(feed_offsets.items())]
    arguments = [token, *lists, one.feed_count, listed(one.marked)]
    if store.run("restored", one.shard, names, arguments) != b"ok":
        raise Stop(
            f"somebody took shard {one.shard} over meanwhile: stop whatever imports or writes here, and run it again"
        )


def _clear(store: Store) -> None:
    """Drop every row there is: an import that was cut may have left some."""
    for page in store.row_keys():
        for shard, keys in _by_shard(page).items():
            store.unlink([store.key(shard, "r:") + key for key in keys])


def _write(store: Store, page: Iterable[Row]) -> None:
    """Write a page; a key that comes twice in it has its latest word."""
    latest = {(row.shard, row.key): row.value for row in page}
    for shard, keys in _by_shard(latest).items():
        values = {store.key(shard, "r:") + key: latest[shard, key] for key in keys}
        if kept := {name: value for name, value in values.items() if value is not None}:
            store.ask(partial(_put, kept))
        store.unlink([name for name, value in values.items() if value is None])


def _put(rows: Mapping[bytes, bytes], client: Any) -> None:
    client.mset(rows)


def _by_shard(pairs: Iterable[tuple[ShardId, bytes]]) -> Mapping[ShardId, list[bytes]]:
    held: dict[ShardId, list[bytes]] = {}
    for shard, key in pairs:
        held.setdefault(shard, []).append(key)
    return held


class Since(NamedTuple):
    """What was sent since a snapshot: by shard and viewer the ``seq`` and the videos (hashes) of each batch, and the
    requests that were answered.
    """

    batches: dict[ShardId, dict[str, list[tuple[int, U64]]]]
    answered: set[str]

    @property
    def viewers(self) -> int:
        """How many viewers were sent something."""
        return sum(len(found) for found in self.batches.values())


def sent_since(log: Log, known: Mapping[int, int]) -> Since:
    """Every batch sent beyond what is ``known`` of each partition of ``feeds``."""
    since, spans = Since({}, set()), log.spans(log.places(["feeds"]))
    tail = {place: Span(max(span.low, known.get(place[1], 0)), span.high) for place, span in spans.items()}
    for message in log.read(tail):
        batch = _read(message)
        if not isinstance(batch, FeedBatch):
            continue
        if batch.request_id is not None:
            since.answered.add(batch.request_id)
        if batch.trigger != "preview":
            shard, names = ShardId("u", message.partition()), hash_all(item.video_id for item in batch.items)
            since.batches.setdefault(shard, {}).setdefault(batch.user_id, []).append((batch.seq, names))
    return since


def note_served(store: Store, since: Since) -> None:
    """Let ledgers know of what was sent since, so that nobody is shown it again."""
    for shard, viewers in since.batches.items():
        keys = [feed_key(user) for user in viewers]
        found = zip(store.mget(shard, keys), viewers.values(), strict=True)
        new = [served_since(value, batches) for value, batches in found]
        _write(store, [Row(shard, key, value) for key, value in zip(keys, new, strict=True)])


def _unanswered(log: Log, first: Preamble, since: Since) -> dict[ShardId, int]:
    """Where requests go on, by shard of viewers: at the first that nobody has answered. What was answered after it, out
    of turn, is answered twice.
    """
    at = {one.shard: int(paired(one.feed_offsets).get(_REQUESTS.encode(), 0)) for one in first.shards}
    places = {(_REQUESTS, shard.number): shard for shard in at if shard.kind == "u"}
    spans = log.spans([place for place in log.places([_REQUESTS]) if place in places])
    tail = {place: Span(max(span.low, at[places[place]]), span.high) for place, span in spans.items()}
    stopped: set[ShardId] = set()
    for message in log.read(tail):
        shard, request = places[message.topic(), message.partition()], _read(message)
        if isinstance(request, FeedRequest) and request.request_id not in since.answered:
            stopped.add(shard)
        if shard not in stopped:
            at[shard] = message.offset() + 1
    return at


def _read(message: Any) -> Any:
    """What a record says; None where nobody could read it."""
    try:
        return decode(message.topic(), message.key(), message.value(), message.timestamp()[1])
    except BadRecord:
        return None
