"""Asking: a request for a batch goes to the workers through Kafka, and the batch that answers it is waited for."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from agents import tracing
from agents.gateway.hub import Hub
from agents.producer import DeliveryFailed, Ticket
from schemas.codec import encode
from schemas.feeds import FeedBatch, FeedRequest

__all__ = ["Places", "ask", "covered", "reached"]

Places = Mapping[tuple[str, str], int]
"""Topic and partition to the next offset that a batch must have reached."""
_LOOK_S: Final = 0.02


async def ask(hub: Hub, request: FeedRequest, timeout_s: float) -> FeedBatch | None:
    """The batch that answers ``request`` (its id is replaced by one of ours); None where none comes in time."""
    request_id = f"gateway-{uuid.uuid4().hex}"
    asked = msgspec.structs.replace(request, request_id=request_id)
    waiting: asyncio.Future[FeedBatch] = asyncio.get_running_loop().create_future()
    hub.asked[request_id] = waiting
    try:
        async with asyncio.timeout(timeout_s):
            ticket = Ticket()
            with tracing.within("ask", request_id=request_id):
                headers, key = tracing.carried(), asked.user_id.encode()
                await asyncio.to_thread(
                    hub.producer.send, "feed.requests", key, encode(asked), headers=headers, ticket=ticket
                )
            delivered = asyncio.ensure_future(ticket.delivered())
            both: set[asyncio.Future[Any]] = {delivered, waiting}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if delivered.done():
                delivered.result()
            return await waiting
    except (TimeoutError, DeliveryFailed):
        return None
    finally:
        del hub.asked[request_id]


async def reached(hub: Hub, request: FeedRequest, places: Places, timeout_s: float) -> bool:
    """Wait until the viewer's worker has folded everything before ``places``; previews ask it how far it is.

    False where it does not get there in time.
    """
    until_s = time.monotonic() + timeout_s
    probe = FeedRequest(
        v=1, request_id="probe", user_id=request.user_id, ts_ms=request.ts_ms, limit=1, purpose="preview"
    )
    while (left_s := until_s - time.monotonic()) > 0:
        batch = await ask(hub, probe, left_s)
        if batch is None:
            return False
        if covered(batch, places):
            return True
        await asyncio.sleep(_LOOK_S)
    return False


def covered(batch: FeedBatch, places: Places) -> bool:
    """Whether a batch reflects everything before ``places``."""
    return all(batch.as_of.get(topic, {}).get(number, 0) >= offset for (topic, number), offset in places.items())
