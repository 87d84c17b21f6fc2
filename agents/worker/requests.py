"""Requests as they come in a chunk: which are still to be answered, and which can be ranked together."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from schemas.feeds import FeedRequest

__all__ = ["alive", "once_each"]

Asked = tuple[FeedRequest, int]
"""A request and its offset."""


def alive(requests: Sequence[FeedRequest], records: Sequence[Any], ttl_s: float) -> list[Asked]:
    """Those that nobody has given up on: whose record is no older than ``ttl_s`` now."""
    now_ms = time.time() * 1_000
    return [
        (request, record.offset)
        for request, record in zip(requests, records, strict=True)
        if now_ms - record.timestamp <= ttl_s * 1_000
    ]


def once_each(requests: Iterable[Asked]) -> Iterator[list[Asked]]:
    """Runs in which nobody asks twice; those of each viewer stay in order."""
    waiting = list(requests)
    while waiting:
        seen: set[str] = set()
        now: list[Asked] = []
        later: list[Asked] = []
        for one in waiting:
            (later if one[0].user_id in seen else now).append(one)
            seen.add(one[0].user_id)
        yield now
        waiting = later
