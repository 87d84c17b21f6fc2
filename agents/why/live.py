"""Why, now: what a worker would answer, from what it would read.

The catalogue, the models and the settings come from the broadcast topics, the viewer's row and ledger from the store.
Nothing is owned, committed or written.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

import numpy as np
from confluent_kafka.admin import AdminClient

from agents.errors import Stop
from agents.ports import ports_of
from agents.producer import connect_or_stop
from agents.sentences import text_encoder
from agents.settings import Settings
from agents.store import ShardId, Store, StoreUnavailable
from agents.worker.broadcasts import BROADCAST, lost_states, take, take_states
from agents.worker.replica import BroadcastReader
from agents.worker.shared import Replica
from schemas.feeds import FeedRequest
from schemas.partitioner import partition
from streams.ranking.desk import Desk, feed_key
from streams.ranking.ranking import Model
from streams.shards.keys import viewer_key
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import decode_state, video_key
from streams.video.catalogue import Catalogue
from streams.video.videos import NUMBERS
from streams.why.why import Kept, Why, why

__all__ = ["Stored", "stored_of", "why_now", "why_of"]


def why_now(settings: Settings, request: FeedRequest, video_id: str) -> Why:
    """The answer as of what is checkpointed and broadcast by now; raises ``Stop`` where it cannot be read.

    Cost: it reads all of ``video.state``, as a worker does when it starts.
    """
    catalogue = Catalogue(text_encoder(settings.text_model))
    replica = Replica(model=Model(ports=ports_of(settings)), catalogue=catalogue)
    store = Store(settings.store_url, settings.namespace)
    kafka = logging.getLogger("feedstream.kafka")
    connect_or_stop(AdminClient(settings.kafka.options(), logger=kafka), settings.kafka, 10.0)
    try:
        store.ping()
        asyncio.run(_fill(replica, settings, store))
        return why_of(replica, stored_of(store, request.user_id, video_id), request, video_id)
    except StoreUnavailable as error:
        raise Stop(f"Redis is unreachable: {error}; check FEEDSTREAM_REDIS") from None
    finally:
        store.close()


async def _fill(replica: Replica, settings: Settings, store: Store) -> None:
    """Read the broadcast topics up to their ends."""
    reader = BroadcastReader(settings.kafka, BROADCAST, lambda batch: take(replica, batch))
    reader.start()
    try:
        caught_up = asyncio.ensure_future(reader.caught_up.wait())
        waiting: set[asyncio.Future[Any]] = {caught_up, reader.failed}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not caught_up.done():
            caught_up.cancel()
            reader.failed.result()
    finally:
        await reader.closed()
    known = replica.catalogue.row_of
    for states in lost_states(store, reader.cut):
        take_states(replica, [(name, state) for name, state in states if name not in known])


class Stored(NamedTuple):
    """What the store tells of a viewer (row and ledger, None where there is none) and of a video."""

    row: bytes | None
    ledger: bytes | None
    kept: Kept | None


def stored_of(store: Store, user_id: str, video_id: str) -> Stored:
    """Read what an answer needs of the store; raises ``StoreUnavailable``."""
    layout = store.stored_layout()
    row = ledger = None
    if (count := layout.get("user_partitions")) is not None:
        place = ShardId("u", partition(user_id.encode(), count))
        row, ledger = store.mget(place, [viewer_key(user_id), feed_key(user_id)])
    return Stored(row, ledger, _kept(store, layout.get("video_partitions"), video_id))


def why_of(replica: Replica, stored: Stored, request: FeedRequest, video_id: str) -> Why:
    """The answer as of what ``replica`` holds and the store told."""
    shard = UserShard(0, replica.catalogue, learn=False)
    desk = Desk(shard, "why", steering=replica.steering)
    user = request.user_id
    if stored.row is not None:
        shard.viewers.decode([user], [stored.row])
    if stored.ledger is not None:
        desk.decode(shard.viewers.rows([user])[0], stored.ledger)
    asked = desk.request(request)
    seq = int(shard.viewers.seq[asked.viewer])
    sent = {name: (seq, place) for name, place in desk.latest(asked.viewer).items()}
    return why(replica.catalogue, shard.viewers, asked, replica.model, video_id, stored.kept, sent)


def _kept(store: Store, count: int | None, video_id: str) -> Kept | None:
    """What the store keeps of a video, active or not."""
    if count is None:
        return None
    (value,) = store.mget(ShardId("v", partition(video_id.encode(), count)), [video_key(video_id)])
    if value is None:
        return None
    state = decode_state(value)
    return Kept(state.video, int(np.frombuffer(state.numbers, dtype=NUMBERS)["last_ms"][0]))
