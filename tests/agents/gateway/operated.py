"""A fake deployment for the dashboard: the calls of operators, answered with what a test puts in.

Calls, roles and the shape of the answers are the true gateway's, so what the page makes of them here it makes of them
there. Pages are served under its policy.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from agents.gateway.access import Access, Key
from agents.gateway.answers import TrendAnswer, TrendsAnswer
from agents.gateway.app import SAFE
from agents.gateway.figures import (
    ArmFigures,
    CampaignFigures,
    CampaignsAnswer,
    CauseFigures,
    Compared,
    DeadLettersAnswer,
    Difference,
    ExperimentFigures,
    ExperimentsAnswer,
    GateFigures,
    Group,
    HeadFigures,
    HistoryAnswer,
    LatencyFigures,
    LetterFigures,
    ModelFigures,
    ModelsAnswer,
    NowAnswer,
    QualityAnswer,
    ReadoutAnswer,
    SegmentFigures,
    SegmentsAnswer,
    ShardFigures,
    TopicFigures,
    WorkerFigures,
)
from agents.gateway.history import History
from agents.gateway.refusals import Refusal
from agents.gateway.routes import ROUTES
from streams.control.proceeds import STAGES
from tests.served import served

__all__ = ["Operated", "group", "operating"]

PAGES: Final = Path(__file__).parents[3] / "agents" / "gateway" / "pages"
_SHOWN: Final = {"user", "trends"}
"""Calls of others that the dashboard makes too."""


class Operated:
    """``answers`` by the name of the call; an answer that is a ``Refusal`` is raised. ``held`` are the curves."""

    def __init__(self, keys: list[Key] | None = None) -> None:
        self.answers: dict[str, Any] = answers()
        self.held = History()
        self.access = Access(keys or [])
        self.calls: list[str] = []

    def app(self) -> web.Application:
        """The routes and the page."""
        app = web.Application(middlewares=[self._guard])
        for route in ROUTES:
            if route.path.startswith("/v1/operate/") or route.call in _SHOWN:
                app.router.add_route(route.method, route.path, self._told(route.call, route.role))
        app.router.add_get("/dashboard", self._index)
        for page in ("dashboard", "phone"):
            app.router.add_static(f"/{page}", PAGES / page)
        return app

    def _told(self, call: str, role: Any) -> Any:
        async def answer(request: web.Request) -> web.Response:
            self.calls.append(request.path_qs)
            self.access.admit(request.headers.get("Authorization"), role)
            if call == "history":
                at_ms, series = self.held.since(int(request.query.get("after_ms", 0)))
                told: Any = HistoryAnswer(at_ms=at_ms, series=series)
            else:
                told = self.answers[call]
            if isinstance(told, Refusal):
                raise told
            return web.Response(body=msgspec.json.encode(told), content_type="application/json")

        return answer

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            response: web.StreamResponse = await handler(request)
        except Refusal as refused:
            body = msgspec.json.encode(refused.body())
            response = web.Response(body=body, status=refused.status, content_type="application/json")
        response.headers.update(SAFE | {"Cache-Control": "no-store"})
        return response

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGES / "dashboard" / "index.html")


def group(name: str, *counts: int) -> Group:
    """A group with the counts of its stages, in order."""
    return Group(name=name, **dict(zip(STAGES, counts, strict=True)))


def answers() -> dict[str, Any]:
    """A deployment of two workers, one of which is down, with a little of everything."""
    now_ms = int(time.time() * 1_000)
    return {
        **_servers(now_ms), **_learnt(now_ms), **_steered(now_ms), **_known(now_ms),
        "quality": QualityAnswer(
            workers_set=True,
            source=[group("similar", 1_000, 400, 200, 44, 60, 2), group("fresh", 500, 100, 20, 3, 50, 0)],
            tier=[group("0", 900, 300, 120, 20, 80, 2), group("5", 600, 200, 100, 27, 30, 0)],
            arm=[group("two: now", 800, 260, 110, 22, 60, 1), group("two: more", 700, 240, 110, 25, 50, 1)],
        ),
    }  # fmt: skip


def _servers(now_ms: int) -> dict[str, Any]:
    topics = [("events.watch", 90_210, 93.5, 1_204), ("feeds", 12_000, 12.2, None), ("events.like", 800, 0.04, 0)]
    return {
        "now": NowAnswer(
            at_ms=now_ms,
            problems=[],
            topics=[
                TopicFigures(topic=topic, partitions=4, records=records, per_s=per_s, lag=lag)
                for topic, records, per_s, lag in topics
            ],
            shards=[
                ShardFigures(shard="u:0", owner="vm:17", lag=1_204, topics={"events.watch": 1_204}),
                ShardFigures(shard="v:0", owner="vm:17", lag=0, topics={}),
                ShardFigures(shard="l:0", owner="vm:17", lag=0, topics={}),
            ],
            workers_set=True,
            workers=[
                WorkerFigures(address="10.0.0.1:9464", error=None, ready=True, why=[], memory_bytes=2.1e8, shards=3,
                              roles=["learner", "users", "videos"]),
                WorkerFigures(address="10.0.0.2:9464", error="nothing listens there (Connection refused)", ready=False,
                              why=[], memory_bytes=None, shards=0, roles=[]),
            ],
            latency=LatencyFigures(p50_s=0.134, p99_s=0.284, feeds=310),
            videos=512,
        ),
        "dead_letters": DeadLettersAnswer(
            there=1_500,
            read=1_000,
            causes=[CauseFigures(cause="json", topic="events.like", count=970, latest_ms=now_ms),
                    CauseFigures(cause="missing", topic="videos", count=30, latest_ms=now_ms)],
            recent=[LetterFigures(id="dead-letters:2:41", cause="json", path="$", topic="events.like", partition=2,
                                  offset=17, stamp_ms=now_ms, key="ann", size=9, text="{no <b>json</b>")],
        ),
    }  # fmt: skip


def _learnt(now_ms: int) -> dict[str, Any]:
    return {
        "models": ModelsAnswer(
            in_use="ranker-12",
            frozen=True,
            rollback=None,
            workers_set=True,
            models=[ModelFigures(model="lift", version=12, ts_ms=now_ms, parts=3),
                    ModelFigures(model="ranker", version=12, ts_ms=now_ms, parts=1)],
            heads=[HeadFigures(head="long_view", log_loss=0.6123, auc=0.71, calibration=1.02),
                   HeadFigures(head="share", log_loss=None, auc=None, calibration=None)],
            gate=[GateFigures(model="ranker", published=11, refused=4)],
        ),
        "segments": SegmentsAnswer(segments=[
            SegmentFigures(name="cats, cosy", share=0.62, tags=["cats", "cosy", "tabby"]),
            SegmentFigures(name="cars, drift", share=0.38, tags=["cars", "drift"]),
        ]),
        "trends": TrendsAnswer(trends=[
            TrendAnswer(kind="tag", id="cats", state="rising", ts_ms=now_ms, ratio=4.2, cause=None, video=None),
            TrendAnswer(kind="video", id="v9", state="falling", ts_ms=now_ms, ratio=0.4, cause="interest", video=None),
        ]),
    }  # fmt: skip


def _steered(now_ms: int) -> dict[str, Any]:
    arms = [("now", {}, group("now", 800, 260, 110, 22, 60, 1)),
            ("more", {"slate.fresh": 0.3}, group("more", 700, 240, 110, 25, 50, 1))]  # fmt: skip
    value: dict[str, Any] = {"metric": "positive", "base": 0.084, "mean": 0.104}
    return {
        "experiments": ExperimentsAnswer(workers_set=True, experiments=[
            ExperimentFigures(name="two", when="running", from_ms=now_ms - 60_000, to_ms=2**53 - 1, share=0.5, layer="",
                              arms=[ArmFigures(name=name, share=0.5, settings=settings, group=told)
                                    for name, settings, told in arms]),
        ]),
        "readout": ReadoutAnswer(
            experiment="two", window_h=2.0, records=200_000, whole=False, base="now", viewers={"now": 410, "more": 402},
            waiting=31, switched=2,
            arms=[Compared(arm="more", viewers=402, differences=[
                Difference(**value, value=0.02, low=0.004, high=0.036, found=True),
                Difference(metric="skip", base=None, mean=None, value=None, low=None, high=None, found=False),
            ])],
        ),
        "campaigns": CampaignsAnswer(campaigns=[
            CampaignFigures(campaign_id="sale", video_id="v9", when="running", from_ms=now_ms - 1_000,
                            to_ms=now_ms + 3_000, planned=400, served=100, impressions=80, views=40, clicks=4,
                            target={"tags": ["cats"], "segments": [], "countries": []}),
        ]),
    }  # fmt: skip


def _known(now_ms: int) -> dict[str, Any]:
    history = [
        {"video_id": "v9", "ts_ms": now_ms - 9_000, "from": 0, "to": 0, "decision": "forecast", "spent": 0,
         "budget": 200, "score": 0.0, "bar": 0.1, "evidence": {}, "hit": 0.01},
        {"video_id": "v9", "ts_ms": now_ms - 5_000, "from": 0, "to": 1, "decision": "promote", "spent": 120,
         "budget": 200, "score": 0.31, "bar": 0.1, "evidence": {"like": {"own": 0.12, "peers": 0.03}}, "hit": 0.2},
    ]  # fmt: skip
    counts = {"impressions": 220, "watches": 200, "watch_ms": 2_400_000, "likes": 33, "shares": 3, "skips": 20,
              "comments": 4, "follows": 2, "saves": 5}  # fmt: skip
    return {
        "user": {
            "user_id": "ann", "persona": [{"tag": "cats", "weight": 0.6}, {"tag": "cosy", "weight": 0.4}],
            "session": [{"tag": "cosy", "weight": 0.9}], "avoids": ["drift"], "picked": ["cats"],
            "active": {"evening": 0.75}, "activity": "heavy", "scene": None, "mood": "calm",
            "asks": {"less: football": now_ms}, "met": 155, "positives": 15, "batches": 55, "served": 537,
            "last_ms": now_ms,
        },
        "life": {
            "video_id": "v9", "counts": counts, "tier": 1, "standing": "held", "spent": 100, "active": True,
            "video": {"creator_id": "maker-1", "created_ms": now_ms - 7_200_000, "duration_ms": 12_000,
                      "caption": "Paws, then naps", "tags": ["cats"]},
            "last_ms": now_ms, "views": [0] * 28 + [80, 120], "tier_history": history, "tier_decisions_gone": 2,
        },
        "creator_page": {
            "creator_id": "maker-1", "followers": 41, "feed_views_30d": 200,
            "audience": {"viewers": 90, "segments": {"cats, cosy": 80}, "activity": {"casual": 90}, "approximate": []},
            "uploads": [{"video_id": "v9", "created_ms": now_ms, "tier": 1, "standing": "held", "active": True,
                         "exposures": 220, "likes": 33, "feed_views_30d": 200}],
            "tier_history": history, "tier_decisions_gone": 0,
        },
    }  # fmt: skip


@asynccontextmanager
async def operating(fake: Operated) -> AsyncIterator[str]:
    """The address at which ``fake`` is served for as long as the block runs."""
    async with served(fake.app()) as address:
        yield f"http://{address}"
