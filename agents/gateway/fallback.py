"""The fallback: what many like, where no worker answers in time. It is marked as such, and nothing counts as served.

What the viewer met, was served and hid is left out as far as the store tells; nothing else is read of the viewer.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from agents.copies import NOBODY, copied, stored_viewer
from agents.gateway.hub import Hub
from agents.store import StoreUnavailable
from schemas.feeds import FeedItem, FeedRequest
from streams.arrays.hashing import hash64
from streams.ranking.ranking import rank

__all__ = ["popular"]

_STORE_S: Final = 0.3


async def popular(hub: Hub, request: FeedRequest) -> list[FeedItem]:
    """Items for ``request`` by what many like; empty where nothing may be shown."""
    try:
        stored = await asyncio.wait_for(asyncio.to_thread(stored_viewer, hub.store, request.user_id), _STORE_S)
    except (StoreUnavailable, TimeoutError):
        stored = NOBODY
    replica = hub.replica
    shard, desk, row = copied(replica, request.user_id, stored)
    shard.viewers.personalize[row] = False
    if request.ctx is not None and request.ctx.lang:
        shard.viewers.lang[row] = hash64(request.ctx.lang)
    plain = msgspec.structs.replace(
        request, query=None, source=None, purpose="preview", explain=False, ts_ms=int(time.time() * 1_000)
    )
    asked = desk.request(plain)._replace(exclude=shard.viewers.served[row])
    ranked = rank(replica.catalogue, shard.viewers, asked, replica.model)
    return [
        FeedItem(
            video_id=replica.catalogue.video_ids[video], position=at, score=score, source="popular", reasons=["popular"]
        )
        for at, (video, score) in enumerate(zip(ranked.rows.tolist(), ranked.scores.tolist(), strict=True))
    ]
