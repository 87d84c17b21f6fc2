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

from agents.copies import Copied, copied, stored_viewer
from agents.ports import ports_of
from agents.producer import connect_or_stop
from agents.sentences import text_encoder
from agents.settings import Settings
from agents.store import Store
from agents.stored import opened_store, rows_of
from agents.worker.broadcasts import BROADCAST, lost_states, take, take_states
from agents.worker.replica import BroadcastReader
from agents.worker.shared import Replica
from schemas.feeds import FeedRequest
from streams.ranking.ranking import Model
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
    kafka = logging.getLogger("feedstream.kafka")
    connect_or_stop(AdminClient(settings.kafka.options(), logger=kafka), settings.kafka, 10.0)
    with opened_store(settings) as store:
        asyncio.run(_fill(replica, settings, store))
        return why_of(replica, stored_of(store, request.user_id, video_id), request, video_id)


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
    """What the store tells of a viewer and of a video."""

    viewer: Copied
    kept: Kept | None


def stored_of(store: Store, user_id: str, video_id: str) -> Stored:
    """Read what an answer needs of the store; raises ``StoreUnavailable``."""
    return Stored(stored_viewer(store, user_id), _kept(store, video_id))


def why_of(replica: Replica, stored: Stored, request: FeedRequest, video_id: str) -> Why:
    """The answer as of what ``replica`` holds and the store told."""
    shard, desk, row = copied(replica, request.user_id, stored.viewer)
    asked = desk.request(request)
    seq = int(shard.viewers.seq[row])
    sent = {name: (seq, place) for name, place in desk.latest(row).items()}
    return why(replica.catalogue, shard.viewers, asked, replica.model, video_id, stored.kept, sent)


def _kept(store: Store, video_id: str) -> Kept | None:
    """What the store keeps of a video, active or not."""
    (value,) = rows_of(store, "v", video_id, [video_key(video_id)])
    if value is None:
        return None
    state = decode_state(value)
    return Kept(state.video, int(np.frombuffer(state.numbers, dtype=NUMBERS)["last_ms"][0]))
