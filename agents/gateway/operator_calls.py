"""The calls of operators: what the dashboard shows, as any client may have it. They change nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta

from agents.creator import creator_of
from agents.errors import Stop
from agents.gateway.feeds import Limit
from agents.gateway.figures import HistoryAnswer
from agents.gateway.hub import Hub
from agents.gateway.operating import Operating
from agents.gateway.parameters import Answer, named, query
from agents.gateway.readouts import read_out
from agents.gateway.refusals import Refusal
from agents.life import life_of
from agents.spans import Log
from agents.store import StoreUnavailable
from schemas.events import Millis

__all__ = ["HistoryQuery", "LettersQuery", "OperatorCalls", "ReadoutQuery"]

_T = TypeVar("_T")


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which curves are wanted: those whose name begins with ``name``, later than ``after_ms``."""

    after_ms: Millis = 0
    name: str = ""


class LettersQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the latest dead letters are wanted one by one."""

    limit: Limit = 50


class ReadoutQuery(msgspec.Struct, frozen=True, kw_only=True):
    """``window_h``: hours after a viewer's first batch that count; ``against``: the arm to compare with."""

    window_h: Annotated[float, Meta(ge=0.01, le=10_000.0)] = 24.0
    against: str | None = None


class OperatorCalls:
    """One method a call; see ``routes`` for their paths."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self._operating = hub, Operating(hub)
        self._heavy = asyncio.Semaphore(1)
        """Held by what reads whole topics or all rows: one at a time, so that feeds are not kept waiting."""

    async def now(self, _: web.Request) -> Answer:
        """The latest look at topics, shards and workers."""
        return Answer(self._operating.now())

    async def history(self, request: web.Request) -> Answer:
        """Curves."""
        asked = query(request, HistoryQuery)
        self.hub.watch.latest()
        at_ms, series = self.hub.watch.history.since(asked.after_ms, asked.name)
        return Answer(HistoryAnswer(at_ms=at_ms, series=series))

    async def quality(self, _: web.Request) -> Answer:
        """What came of what was served."""
        return Answer(self._operating.quality())

    async def segments(self, _: web.Request) -> Answer:
        """Segments of viewers."""
        return Answer(self._operating.segments())

    async def models(self, _: web.Request) -> Answer:
        """Models."""
        return Answer(self._operating.models())

    async def experiments(self, _: web.Request) -> Answer:
        """Experiments."""
        return Answer(self._operating.experiments())

    async def campaigns(self, _: web.Request) -> Answer:
        """Campaigns."""
        return Answer(await self.from_store(self._operating.campaigns))

    async def dead_letters(self, request: web.Request) -> Answer:
        """The latest dead letters."""
        limit = query(request, LettersQuery).limit
        return Answer(await self._slowly(lambda: self._operating.dead_letters(limit)))

    async def life(self, request: web.Request) -> Answer:
        """A video's life."""
        video_id, hub = named(request, "video"), self.hub
        found = await self._slowly(lambda: life_of(hub.store, hub.settings.kafka, video_id, _now_ms()))
        if found is None:
            raise Refusal(404, "unknown", f"nothing is known of a video {video_id!r}")
        return Answer(found)

    async def creator_page(self, request: web.Request) -> Answer:
        """A creator."""
        creator_id, hub = named(request, "creator"), self.hub
        found = await self._slowly(lambda: creator_of(hub.store, hub.settings.kafka, creator_id, _now_ms()))
        if found is None:
            raise Refusal(404, "unknown", f"nobody uploads as {creator_id!r} or follows them")
        return Answer(found)

    async def readout(self, request: web.Request) -> Answer:
        """How the arms of an experiment differ."""
        name, asked, hub = named(request, "experiment"), query(request, ReadoutQuery), self.hub
        told = hub.replica.steering.experiments.get(name)
        if told is None:
            raise Refusal(404, "unknown", f"there is no experiment {name!r}")
        if asked.against is not None and asked.against not in told.arms:
            there = ", ".join(told.arms)
            raise Refusal(400, "arm", f"there is no arm {asked.against!r} (there are: {there})", path="$.against")
        base = asked.against or next(iter(told.arms))

        def read() -> object:
            log = Log(hub.settings.kafka, f"{hub.settings.namespace}-gateway-readout")
            return read_out(log, name, asked.window_h, base, told.from_ms)

        return Answer(await self._slowly(read))

    # --- helpers ------------------------------------------------------------------------------------------------------

    async def from_store(self, read: Callable[[], _T]) -> _T:
        """What a thread reads; raises ``Refusal`` 503 where a server does not answer."""
        try:
            return await asyncio.to_thread(read)
        except StoreUnavailable:
            raise Refusal(503, "store", "Redis does not answer: see `feedstream doctor`", retry_s=1.0) from None
        except Stop as error:
            raise Refusal(503, "kafka", f"Kafka does not answer: {error}", retry_s=1.0) from None

    async def _slowly(self, read: Callable[[], _T]) -> _T:
        async with self._heavy:
            return await self.from_store(read)


def _now_ms() -> int:
    return int(time.time() * 1_000)
