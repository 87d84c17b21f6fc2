"""Feeds over HTTP: one batch after the other, what is like a video, given videos in order, or a stream of batches."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from agents.gateway.answers import AskedFor, DeltaAnswer, FeedAnswer
from agents.gateway.asking import Places, ask, covered, reached
from agents.gateway.batches import Batches
from agents.gateway.cursors import read_cursor
from agents.gateway.fallback import popular
from agents.gateway.hub import Hub, Listener
from agents.gateway.refusals import Refusal
from agents.latest import Latest
from agents.measures.telemetry import METRICS
from schemas.events import Ctx, Id
from schemas.feeds import FeedBatch, FeedDelta, FeedItem, FeedRequest
from streams import limits
from streams.words.parsing import clauses

__all__ = ["FeedQuery", "Feeds", "RankBody"]

_NUMBER: Final = re.compile(r"[0-9]{1,19}")
Limit = Annotated[int, Meta(ge=1, le=200)]


class FeedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed is asked for with, all of it optional; see docs/http.md."""

    limit: Limit = 20
    cursor: str | None = None
    query: Annotated[str, Meta(max_length=1_000)] | None = None
    source: Literal["for_you", "following", "trending"] | None = None
    seed: Id | None = None
    as_of: str | None = None
    explain: bool = False
    preview: bool = False
    lang: str | None = None
    country: str | None = None
    tz_min: Annotated[int, Meta(ge=-1_440, le=1_440)] | None = None
    device: str | None = None
    net: str | None = None

    def ctx(self) -> Ctx | None:
        """Where and on what the viewer watches, as far as it is said."""
        told = Ctx(lang=self.lang, country=self.country, tz_min=self.tz_min, device=self.device, net=self.net)
        return told if told != Ctx() else None

    def places(self) -> Places:
        """What the batch has to reflect; raises ``Refusal`` for what cannot be read."""
        found: dict[tuple[str, str], int] = {}
        for part in filter(None, (self.as_of or "").split(",")):
            topic, _, rest = part.partition(":")
            number, _, offset = rest.partition(":")
            if not topic or not (_NUMBER.fullmatch(number) and _NUMBER.fullmatch(offset)):
                raise Refusal(400, "as_of", f"{part!r} is no topic:partition:offset", path="$.as_of")
            found[topic, number] = int(offset)
        return found


class RankBody(msgspec.Struct, frozen=True, kw_only=True):
    """Videos to rank for a viewer, and how many to give back."""

    candidates: Annotated[list[Id], Meta(min_length=1, max_length=10_000)]
    limit: Limit = 20
    explain: bool = False


class Feeds:
    """Answers about feeds."""

    def __init__(self, hub: Hub, batches: Batches) -> None:
        self._hub, self._batches = hub, batches
        self._handed: Latest[str, int] = Latest(limits.SLATES)

    async def feed(self, user_id: str, query: FeedQuery) -> FeedAnswer:
        """A batch, or the rest of one."""
        if query.cursor is not None and (rest := self._rest(user_id, query)) is not None:
            return rest
        asked, places = _request(user_id, query), query.places()
        if (made := self._made(user_id, query, places)) is not None:
            return made
        if places and not query.preview:
            await reached(self._hub, asked, places, self._hub.settings.gateway_timeout_s)
            if (made := self._made(user_id, query, places)) is not None:
                return made
        answer = await self._answered(asked, places)
        heard = [AskedFor(way=one.way, text=one.text) for one in clauses(query.query or "")]
        return msgspec.structs.replace(answer, asked=heard) if heard else answer

    async def similar(self, video_id: str, user_id: str, query: FeedQuery) -> FeedAnswer:
        """What is like a video; keeps nothing."""
        asked = _request(user_id, query)
        return await self._answered(msgspec.structs.replace(asked, seed_video_id=video_id, purpose="preview"), {})

    async def rank(self, user_id: str, body: RankBody) -> FeedAnswer:
        """Given videos in order; keeps nothing."""
        asked = _request(user_id, FeedQuery(limit=body.limit, explain=body.explain, preview=True))
        return await self._answered(msgspec.structs.replace(asked, candidates=body.candidates), {})

    async def stream(self, request: web.Request, user_id: str, query: FeedQuery) -> web.StreamResponse:
        """Batches and deltas as they come, the current batch first."""
        listener = self._hub.listen(user_id)
        if listener is None:
            raise Refusal(503, "streams", "this gateway has as many streams as it can hold: connect again", retry_s=5.0)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            slate = self._hub.slates.slate(user_id)
            if slate is not None and slate.items:
                batch = msgspec.structs.replace(slate.batch, items=list(slate.items))
                await self._send(response, user_id, batch, query.country)
            await self._follow(response, user_id, query.country, listener)
        except ConnectionResetError:
            pass  # the client has left, or did not read and was left by the door
        finally:
            self._hub.leave(user_id, listener)
        if listener.cut and request.transport is not None:
            request.transport.abort()  # what waits to be read would keep an end of the answer waiting as well
        return response

    async def _follow(
        self, response: web.StreamResponse, user_id: str, country: str | None, listener: Listener
    ) -> None:
        while not listener.cut:
            try:
                record = await asyncio.wait_for(listener.waiting.get(), limits.STREAM_PING_S)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            await self._send(response, user_id, record, country)

    async def _send(
        self, response: web.StreamResponse, user_id: str, record: FeedBatch | FeedDelta, country: str | None
    ) -> None:
        if isinstance(record, FeedDelta):
            name, number = "delta", record.delta_id
            told: msgspec.Struct = DeltaAnswer(
                seq=record.seq, reason=record.reason, removed=record.removed, ts_ms=record.ts_ms
            )
        else:
            shown = self._batches.visible(user_id, record.items, country)
            name, number, told = "batch", record.batch_id, self._batches.answer(record, shown)
        await response.write(
            b"event: %s\nid: %s\ndata: %s\n\n" % (name.encode(), number.encode(), msgspec.json.encode(told))
        )

    def _made(self, user_id: str, query: FeedQuery, places: Places) -> FeedAnswer | None:
        """A batch that was made for the viewer of the worker's own accord, reflects ``places`` and was not handed out
        yet: its videos count as served, so that a new batch would leave them out.
        """
        slate = self._hub.slates.slate(user_id)
        plain = not (query.cursor or query.query or query.source or query.seed or query.explain or query.preview)
        if slate is None or not plain or slate.batch.trigger == "request" or not covered(slate.batch, places):
            return None
        if self._handed.get(user_id, -1) >= slate.batch.seq:
            return None
        shown = self._batches.visible(user_id, slate.items, query.country)[: query.limit]
        return self._handing(slate.batch, shown) if shown else None

    def _handing(self, batch: FeedBatch, shown: list[FeedItem], *, reflects: bool = True) -> FeedAnswer:
        """The answer with these items; the batch counts as handed out."""
        self._handed[batch.user_id] = batch.seq
        return self._batches.answer(batch, shown, reflects=reflects)

    def _rest(self, user_id: str, query: FeedQuery) -> FeedAnswer | None:
        """What follows a cursor, None where that has to be asked for."""
        seq, after = read_cursor(query.cursor or "")
        slate = self._hub.slates.slate(user_id)
        if slate is None:
            return None
        names = [item.video_id for item in slate.items]
        if after in names:
            items = slate.items[names.index(after) + 1 :]
        elif slate.batch.seq > seq:
            items = slate.items  # what was not seen of the older batch was replaced
        else:
            return None
        shown = self._batches.visible(user_id, items, query.country)[: query.limit]
        return self._handing(slate.batch, shown) if shown else None

    async def _answered(self, asked: FeedRequest, places: Places) -> FeedAnswer:
        batch = await ask(self._hub, asked, self._hub.settings.gateway_timeout_s)
        country = asked.ctx.country if asked.ctx is not None else None
        if batch is None:
            items = [] if asked.candidates or asked.seed_video_id else await popular(self._hub, asked)
            if not items:
                raise Refusal(
                    503, "no_worker", "no worker answered in time: see `feedstream doctor`", retry_s=1.0
                )  # fmt: skip
            METRICS["gateway_fallbacks_total"].inc()
            return self._batches.instead(asked.user_id, self._batches.visible(asked.user_id, items, country))
        shown = self._batches.visible(asked.user_id, batch.items, country)
        reflects = covered(batch, places)
        if asked.purpose == "preview":
            return self._batches.answer(batch, shown, reflects=reflects, more=False)
        return self._handing(batch, shown, reflects=reflects)


def _request(user_id: str, query: FeedQuery) -> FeedRequest:
    return FeedRequest(
        v=1,
        request_id="gateway",
        user_id=user_id,
        ts_ms=int(time.time() * 1_000),
        limit=query.limit,
        purpose="preview" if query.preview else "feed",
        source=query.source,
        query=query.query,
        seed_video_id=query.seed,
        ctx=query.ctx(),
        explain=query.explain,
    )
