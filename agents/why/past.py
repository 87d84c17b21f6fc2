"""Why, then: the log is replayed up to a batch, and the question is asked as of that.

A log exported from a deployment holds its ``feeds`` too: then the batch says what it reflected, and what the viewer had
been served is taken from the batches themselves. What was learnt is what a replay learns, so scores may differ a little
from the recorded ones; rules and state do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from agents.errors import Stop
from schemas.codec import BadRecord, decode
from schemas.feeds import FeedBatch, FeedRequest
from schemas.lines import Line
from schemas.topics import TOPICS
from streams.arrays.hashing import hash64
from streams.replay import Replay
from streams.why.why import Why

__all__ = ["Then", "why_at", "why_in"]

_OUTPUTS = frozenset(name for name, topic in TOPICS.items() if topic.producers not in {"your apps", "operators"})
_NEVER_MS = 2**53


class Then(NamedTuple):
    """The answer as of a moment of the log, and the batch that was asked about, as it was recorded."""

    why: Why
    batch: FeedBatch | None = None


def why_at(engine: Replay, lines: Iterable[Line], request: FeedRequest, video_id: str, at_ms: int | None) -> Then:
    """The answer as of ``at_ms`` of event time (None: the end of the log) to a request like ``request``."""
    inputs = (line for line in _ordered(lines) if line.topic not in _OUTPUTS)
    batches = [
        batch
        for batch in engine.run(line for line in inputs if at_ms is None or (line.ts_ms or line.timestamp_ms) <= at_ms)
        if batch.user_id == request.user_id
    ]
    now_ms = engine.users.watermark_ms if at_ms is None else at_ms
    return Then(_asked(engine, request, now_ms, video_id, batches))


def why_in(engine: Replay, lines: Iterable[Line], user_id: str, video_id: str, batch_id: str) -> Then:
    """The answer as of the batch ``batch_id``: one recorded in the log's ``feeds``, or one that the replay makes.

    Raises ``Stop`` where there is none, or it is somebody else's.
    """
    held = _ordered(lines)
    recorded = {batch.batch_id: (batch, at) for at, batch in _recorded(held)}
    if batch_id not in recorded:
        return _replayed(engine, held, user_id, video_id, batch_id)
    batch, at = recorded[batch_id]
    if batch.user_id != user_id:
        raise Stop(f"batch {batch_id} was made for viewer {batch.user_id!r}, not for {user_id!r}")
    for _ in engine.run(line for place, line in enumerate(held) if _reflected(line, place < at, held[at], batch)):
        pass
    before = [one for one, _ in recorded.values() if one.user_id == user_id and one.trigger != "preview"]
    before = sorted((one for one in before if _precedes(one, batch)), key=lambda one: one.seq)
    engine.flush()
    row = engine.users.viewers.rows([user_id])[0]
    engine.desk.restore(row, before)
    return Then(_asked(engine, _request_of(held, batch), batch.ts_ms, video_id, before), batch)


def _replayed(engine: Replay, lines: Sequence[Line], user_id: str, video_id: str, batch_id: str) -> Then:
    """The answer at the request that makes the replay make the batch."""
    before: list[FeedBatch] = []
    for line in lines:
        if line.topic in _OUTPUTS:
            continue
        request = _request(line, user_id) if line.topic == "feed.requests" else None
        answer = _asked(engine, request, request.ts_ms, video_id, before) if request is not None else None
        batch = engine.line(line)
        if batch is None:
            continue
        if batch.batch_id == batch_id:
            if answer is None:
                raise Stop(f"batch {batch_id} was made for viewer {batch.user_id!r}, not for {user_id!r}")
            return Then(answer, batch)
        before += [batch] if batch.user_id == user_id else []
    raise Stop(
        f"the log makes no batch {batch_id}, and its feeds record none; export a deployment's log with "
        "`feedstream tail … feeds --json --from-start --until-end`, the event topics, users, videos and feed.requests"
    )


def _asked(engine: Replay, request: FeedRequest, now_ms: int, video_id: str, before: Sequence[FeedBatch]) -> Why:
    """The answer to ``request`` now, the viewer's batches ``before`` being known."""
    sent: dict[int, tuple[int, int]] = {}
    for batch in before:
        if batch.trigger != "preview":
            sent.update((hash64(item.video_id), (batch.seq, item.position)) for item in batch.items)
    return engine.why(msgspec.structs.replace(request, ts_ms=now_ms), video_id, sent)


def _ordered(lines: Iterable[Line]) -> list[Line]:
    """Lines in the order of their sending where all say when that was; an export has them topic by topic."""
    held = list(lines)
    return sorted(held, key=lambda line: line.timestamp_ms) if all(line.timestamp_ms for line in held) else held


def _recorded(lines: Sequence[Line]) -> Iterator[tuple[int, FeedBatch]]:
    for at, line in enumerate(lines):
        if line.topic == "feeds":
            try:
                batch = decode(line.topic, line.key_bytes, line.value_bytes, _NEVER_MS)
            except BadRecord:
                continue
            if isinstance(batch, FeedBatch):
                yield at, batch


def _reflected(line: Line, earlier: bool, made: Line, batch: FeedBatch) -> bool:
    """Whether the batch, which stands in the line ``made``, reflects a line: what ``as_of`` says of its own partition,
    and of all else what was sent before it.
    """
    if line.topic in _OUTPUTS or _is_request_of(line, batch):
        return False
    limit: Mapping[str, int] = batch.as_of.get(line.topic, {})
    if line.partition >= 0 and str(line.partition) in limit:
        return line.offset < limit[str(line.partition)]
    return earlier


def _precedes(one: FeedBatch, batch: FeedBatch) -> bool:
    return one.seq <= batch.seq if batch.trigger == "preview" else one.seq < batch.seq


def _is_request_of(line: Line, batch: FeedBatch) -> bool:
    request = _request(line, batch.user_id) if line.topic == "feed.requests" else None
    return request is not None and request.request_id == batch.request_id


def _request_of(lines: Iterable[Line], batch: FeedBatch) -> FeedRequest:
    """The request that the batch answers; of one that nobody asked for, a request that asks the same."""
    if batch.request_id is not None:
        for line in lines:
            request = _request(line, batch.user_id) if line.topic == "feed.requests" else None
            if request is not None and request.request_id == batch.request_id:
                return request
    purpose = "preview" if batch.trigger == "preview" else "feed"
    return FeedRequest(
        v=1, request_id=batch.request_id or batch.batch_id, user_id=batch.user_id, ts_ms=batch.ts_ms,
        limit=max(len(batch.items), 1), purpose=purpose,  # type: ignore[arg-type]  # one of the two
    )  # fmt: skip


def _request(line: Line, user_id: str) -> FeedRequest | None:
    try:
        record = decode(line.topic, line.key_bytes, line.value_bytes, _NEVER_MS)
    except BadRecord:
        return None
    return record if isinstance(record, FeedRequest) and record.user_id == user_id else None
