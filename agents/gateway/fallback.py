"""The fallback: what many like, where no worker answers in time. It is marked as such, and nothing counts as served.

What the viewer met, was served and hid is left out as far as the store tells; nothing else is read of the viewer.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from agents.gateway.hub import Hub
from agents.store import ShardId, StoreUnavailable
from schemas.feeds import FeedItem, FeedRequest
from schemas.partitioner import partition
from streams.arrays.hashing import hash64
from streams.ranking.desk import Desk, feed_key
from streams.ranking.ranking import rank
from streams.shards.keys import viewer_key
from streams.shards.user_shard import UserShard

__all__ = ["popular"]

_STORE_S: Final = 0.3


async def popular(hub: Hub, request: FeedRequest) -> list[FeedItem]:
    """Items for ``request`` by what many like; empty where nothing may be shown."""
    try:
        rows = await asyncio.wait_for(asyncio.to_thread(_stored, hub, request.user_id), _STORE_S)
    except (StoreUnavailable, TimeoutError):
        rows = [None, None]
    return _ranked(hub, request, rows)


def _ranked(hub: Hub, request: FeedRequest, rows: list[bytes | None]) -> list[FeedItem]:
    replica = hub.replica
    shard = UserShard(0, replica.catalogue, learn=False)
    desk, user = Desk(shard, "gateway", steering=replica.steering), request.user_id
    if rows[0] is not None:
        shard.viewers.decode([user], [rows[0]])
    row = shard.viewers.rows([user])[0]
    if rows[1] is not None:
        desk.decode(row, rows[1])
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


def _stored(hub: Hub, user_id: str) -> list[bytes | None]:
    """The viewer's row and ledger."""
    count = hub.store.stored_layout().get("user_partitions")
    if count is None:
        return [None, None]
    place = ShardId("u", partition(user_id.encode(), count))
    return list(hub.store.mget(place, [viewer_key(user_id), feed_key(user_id)]))
