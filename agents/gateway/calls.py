"""The calls: each reads its parameters, asks whoever knows, and gives back what is sent as JSON.

Every parameter is read into a struct, so that what is out of bounds is refused with the field's name.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
import orjson
from aiohttp import web

from agents import tracing
from agents.copies import known_of
from agents.gateway.answers import Accepted, Announced, Rejected
from agents.gateway.batches import Batches
from agents.gateway.browsing import Browsing
from agents.gateway.door import BODIES, SPEND
from agents.gateway.feeds import FeedQuery, Feeds, Limit, RankBody
from agents.gateway.hub import Hub
from agents.gateway.intake import read_events
from agents.gateway.operator_calls import OperatorCalls
from agents.gateway.parameters import Answer, misread, named, object_of, query
from agents.gateway.refusals import Refusal
from agents.gateway.tokens import Tokens
from agents.measures.telemetry import METRICS
from agents.producer import DeliveryFailed, Ticket
from agents.why.live import stored_of, why_of
from schemas.codec import BadRecord, decode
from schemas.events import Id
from schemas.feeds import FeedRequest

__all__ = ["Calls", "ListQuery", "SimilarQuery"]

_DELIVERY_S: Final = 15.0


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a list is wanted."""

    limit: Limit = 20


class SimilarQuery(FeedQuery, frozen=True, kw_only=True):
    """For whom what is like a video is wanted."""

    user: Id = "anonymous"


class Calls(OperatorCalls):
    """One method a call; see ``routes`` for their paths."""

    def __init__(self, hub: Hub, tokens: Tokens) -> None:
        super().__init__(hub)
        self._tokens = tokens
        self.feeds, self.browsing = Feeds(hub, Batches(hub, tokens)), Browsing(hub)

    # --- produce ------------------------------------------------------------------------------------------------------

    async def events(self, request: web.Request) -> Answer:
        """Take events; answered once Kafka has them."""
        body, kind = await request[BODIES].read(request), request.content_type
        if kind not in {"application/json", "application/x-ndjson"}:
            raise Refusal(415, "content_type", "send application/json, or application/x-ndjson with an event a line")
        needed = self._tokens if self.hub.settings.gateway_tokens else None
        taken, wrong = read_events(body, lines=kind.endswith("ndjson"), tokens=needed)
        request[SPEND](len(taken))
        if taken:
            positions, lost = await self._published([(str(one.number), one.topic, one.key, one.value) for one in taken])
            if lost and len(lost) == len(taken):
                raise Refusal(503, "kafka", lost[0].message, retry_s=1.0)
            wrong += lost
            for one in taken:
                self.hub.hides.note(one.event, self.hub.record(one.event.video_id))
        else:
            positions = {}
        METRICS["gateway_events_total"].labels("rejected").inc(len(wrong))
        accepted = len(taken) - sum(one.code == "kafka" for one in wrong)
        METRICS["gateway_events_total"].labels("accepted").inc(accepted)
        if not accepted and len(wrong) == 1 and not kind.endswith("ndjson"):
            first = wrong[0]
            status = 403 if first.code.startswith("token") else 400
            raise Refusal(status, first.code, first.message, path=first.path)
        wrong.sort(key=lambda one: one.line)
        return Answer(Accepted(accepted=accepted, rejected=wrong, positions=positions), 202 if accepted else 400)

    async def put_user(self, request: web.Request) -> Answer:
        """Take a viewer's record."""
        user_id = named(request, "user")
        return await self._announced("users", user_id, {"v": 1, "user_id": user_id, **await object_of(request)})

    async def delete_user(self, request: web.Request) -> Answer:
        """Forget a viewer."""
        user_id = named(request, "user")
        self.hub.forget(user_id)
        return await self._announced("users", user_id, None)

    async def put_video(self, request: web.Request) -> Answer:
        """Announce a video."""
        video_id = named(request, "video")
        return await self._announced("videos", video_id, {"v": 1, "video_id": video_id, **await object_of(request)})

    async def delete_video(self, request: web.Request) -> Answer:
        """Remove a video."""
        return await self._announced("videos", named(request, "video"), None)

    # --- feeds --------------------------------------------------------------------------------------------------------

    async def feed(self, request: web.Request) -> Answer:
        """A viewer's feed."""
        return Answer(await self.feeds.feed(named(request, "user"), query(request, FeedQuery)))

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """A viewer's feed as it changes."""
        return await self.feeds.stream(request, named(request, "user"), query(request, FeedQuery))

    async def rank(self, request: web.Request) -> Answer:
        """Given videos in the order that suits a viewer."""
        try:
            body = msgspec.json.decode(await request[BODIES].read(request), type=RankBody)
        except RecursionError:
            raise Refusal(400, "json", "the body is nested too deep") from None
        except msgspec.MsgspecError as error:
            raise misread(error) from None
        return Answer(await self.feeds.rank(named(request, "user"), body))

    async def similar(self, request: web.Request) -> Answer:
        """What is like a video."""
        asked = query(request, SimilarQuery)
        return Answer(await self.feeds.similar(named(request, "video"), asked.user, asked))

    # --- what is known ------------------------------------------------------------------------------------------------

    async def video(self, request: web.Request) -> Answer:
        """A video."""
        return Answer(self.browsing.video(named(request, "video")))

    async def tags(self, request: web.Request) -> Answer:
        """Tags."""
        return Answer(self.browsing.tags(query(request, ListQuery).limit))

    async def tag(self, request: web.Request) -> Answer:
        """Videos under a tag."""
        return Answer(self.browsing.under(named(request, "tag"), query(request, ListQuery).limit))

    async def sound(self, request: web.Request) -> Answer:
        """Videos with a sound."""
        return Answer(self.browsing.sounding(named(request, "sound"), query(request, ListQuery).limit))

    async def creator(self, request: web.Request) -> Answer:
        """Videos by a creator."""
        return Answer(self.browsing.by(named(request, "creator"), query(request, ListQuery).limit))

    async def trends(self, _: web.Request) -> Answer:
        """What rises and falls."""
        return Answer(self.browsing.trends())

    async def user(self, request: web.Request) -> Answer:
        """What is known of a viewer."""
        user_id = named(request, "user")
        found = await self.from_store(lambda: known_of(self.hub.store, user_id))
        if found is None:
            raise Refusal(404, "unknown", f"nothing is known of a viewer {user_id!r}")
        return Answer(found)

    async def why(self, request: web.Request) -> Answer:
        """Why a video is, or is not, in a viewer's feed."""
        asked = FeedRequest(
            v=1, request_id="why", user_id=named(request, "user"), ts_ms=int(time.time() * 1_000), limit=20
        )
        video_id = named(request, "video")
        stored = await self.from_store(lambda: stored_of(self.hub.store, asked.user_id, video_id))
        return Answer(msgspec.to_builtins(why_of(self.hub.replica, stored, asked, video_id)))

    # --- helpers ------------------------------------------------------------------------------------------------------

    async def _announced(self, topic: str, key: str, value: dict[str, Any] | None) -> Answer:
        text = None if value is None else orjson.dumps(value)
        try:
            decode(topic, key.encode(), text, int(time.time() * 1_000))
        except BadRecord as bad:
            raise Refusal(400, bad.cause, bad.why, path=bad.path) from None
        positions, lost = await self._published([("", topic, key.encode(), text)])
        if lost:
            raise Refusal(503, "kafka", lost[0].message, retry_s=1.0)
        return Answer(Announced(accepted=1, positions=positions), 202)

    async def _published(
        self, records: list[tuple[str, str, bytes, bytes | None]]
    ) -> tuple[dict[str, dict[str, int]], list[Rejected]]:
        """Send (tag, topic, key, value) each and wait until Kafka has them: positions, and what it has not."""
        ticket, headers = Ticket(places=True), tracing.carried()

        def send() -> list[tuple[object, DeliveryFailed]]:
            refused: list[tuple[object, DeliveryFailed]] = []
            for tag, topic, key, value in records:
                try:
                    self.hub.producer.send(topic, key, value, headers=headers, ticket=ticket, tag=tag)
                except DeliveryFailed as error:
                    refused.append((tag, error))
            return refused

        failed = await asyncio.to_thread(send)
        try:
            async with asyncio.timeout(_DELIVERY_S):
                await ticket.delivered()
        except DeliveryFailed:
            failed += ticket.failures
        except TimeoutError:
            raise Refusal(
                503, "kafka", "Kafka did not answer in time: send the same events again", retry_s=1.0
            ) from None
        positions: dict[str, dict[str, int]] = {}
        for (topic, number), offset in sorted((ticket.places or {}).items()):
            positions.setdefault(topic, {})[str(number)] = offset
        told = [Rejected(line=int(str(tag) or 0), code="kafka", message=f"{error}") for tag, error in failed]
        if ticket.failed > len(ticket.failures):
            raise Refusal(503, "kafka", f"{ticket.failed} events were not delivered: send them again", retry_s=1.0)
        return positions, told
