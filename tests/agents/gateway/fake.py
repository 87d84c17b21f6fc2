"""A fake gateway: the calls of docs/http.md that the phone page makes, over made-up videos and a toy ranking.

It is there to work on the page and to test it in a browser without Kafka. Events are read by the true gateway's intake
and pages are served under its policy, so what runs here runs there. Run it with
``python -m tests.agents.gateway.fake --port 8099``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from agents.gateway.app import SAFE
from agents.gateway.intake import read_events
from agents.gateway.refusals import Refusal
from streams.words.parsing import clauses
from tests.agents.gateway.made_up import made_up
from tests.agents.gateway.toy import Toy
from tests.served import served

__all__ = ["Fake", "serving"]

PAGES: Final = Path(__file__).parents[3] / "agents" / "gateway" / "pages"


class Fake:
    """The state of the fake. What it has no way to do, tests make of its answers in the browser."""

    def __init__(self) -> None:
        self.videos = made_up()
        self.viewers: dict[str, Toy] = {}
        self.streams: dict[str, set[asyncio.Queue[tuple[str, Any]]]] = {}
        self.slates: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []

    def viewer(self, user: str) -> Toy:
        """The toy that ranks for ``user``; made at the first call."""
        return self.viewers.setdefault(user, Toy(user, self.videos))

    def push(self, user: str, kind: str, value: Any) -> None:
        """Send one server-sent event to every open stream of ``user``."""
        for queue in self.streams.get(user, ()):
            queue.put_nowait((kind, value))

    def batch(self, user: str, trigger: str) -> list[str]:
        """A batch of the worker's own accord goes out to ``user``; its videos."""
        made = self._batch(user, 20, trigger)
        self.push(user, "batch", made)
        return [item["video_id"] for item in made["items"]]

    def take_down(self, video_id: str) -> None:
        """A video is gone: whoever was served it is told."""
        for user, slate in self.slates.items():
            slate["items"] = [item for item in slate["items"] if item["video_id"] != video_id]
            self.push(user, "delta", {"seq": slate["seq"], "reason": "taken_down", "removed": [video_id]})

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/", self._index),
                web.post("/v1/events", self._take),
                web.get("/v1/feeds/{user}", self._feed),
                web.get("/v1/feeds/{user}/stream", self._stream),
                web.put("/v1/users/{user}", self._put_user),
                web.get("/v1/users/{user}", self._user),
                web.delete("/v1/users/{user}", self._forget),
                web.get("/v1/users/{user}/why/{video}", self._why),
                web.get("/v1/tags", self._tags),
                web.get("/v1/tags/{name}", self._of("tags")),
                web.get("/v1/sounds/{name}", self._of("sound_id")),
                web.get("/v1/creators/{name}", self._of("creator_id")),
                web.get("/v1/trends", self._trends),
                web.get("/v1/videos/{name}", self._video),
                web.static("/phone", PAGES / "phone"),
            ]
        )
        return app

    # --- pages --------------------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            answer: web.StreamResponse = await handler(request)
        except Refusal as refused:
            answer = _json(msgspec.to_builtins(refused.body()), refused.status)
        if not answer.prepared:
            answer.headers.update(SAFE | {"Cache-Control": "no-store"})
        return answer

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGES / "phone" / "index.html")

    # --- events -------------------------------------------------------------------------------------------------------

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        lines = body.split(b"\n")
        taken, rejected = read_events(body, lines=True)
        touched = {}
        for one in taken:
            event: dict[str, Any] = json.loads(lines[one.number - 1])
            self.events.append(event)
            viewer = self.viewer(event["user_id"])
            touched[event["user_id"]] = viewer
            if removed := viewer.take(event):
                delta = {"seq": viewer.seq, "reason": "hidden", "removed": removed}
                self.push(event["user_id"], "delta", delta)
        for user, viewer in touched.items():
            if (trigger := viewer.due()) is not None:
                self.batch(user, trigger)
        positions = {"events.like": {"0": len(self.events)}}
        said = {"accepted": len(taken), "rejected": msgspec.to_builtins(rejected), "positions": positions}
        return _json(said, 202 if taken else 400)

    # --- feeds --------------------------------------------------------------------------------------------------------

    def _batch(self, user: str, limit: int, trigger: str, **asked: Any) -> dict[str, Any]:
        viewer = self.viewer(user)
        items = viewer.ranked(limit, keep=trigger != "preview", **asked)
        batch = {
            "user_id": user,
            "batch_id": f"{user}-{viewer.seq}",
            "seq": viewer.seq,
            "ts_ms": int(time.time() * 1_000),
            "trigger": trigger,
            "model": "12",
            "fallback": None,
            "as_of": {"events.like": {"0": len(self.events)}},
            "reflects": True,
            "items": items,
            "next_cursor": f"{viewer.seq}.{limit}",
        }
        if trigger != "preview":
            left = self.slates[user]["items"] if trigger == "near_end" else []
            self.slates[user] = batch | {"items": [*left, *items]}
        return batch

    async def _feed(self, request: web.Request) -> web.Response:
        query = request.query
        preview = query.get("preview") == "1"
        asked = {"source": query.get("source"), "explain": query.get("explain") == "1"}
        user, words = request.match_info["user"], query.get("query")
        if words and not preview:
            self.viewer(user).asked(words)
        heard = [clause._asdict() for clause in clauses(words or "")]
        limit = int(query.get("limit", 20))
        batch = self._batch(user, limit, "preview" if preview else "request", **asked)
        if not preview:
            plain = [dict(item, parts=None) for item in batch["items"]]
            self.push(user, "batch", batch | {"items": plain})
        return _json(batch | {"asked": heard})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        user = request.match_info["user"]
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await answer.prepare(request)
        queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.streams.setdefault(user, set()).add(queue)
        try:
            await answer.write(b": hello\n\n")
            if (slate := self.slates.get(user)) is not None:
                queue.put_nowait(("batch", slate))
            while True:
                kind, value = await queue.get()
                await answer.write(f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode())
        except (ConnectionResetError, asyncio.CancelledError):
            return answer
        finally:
            self.streams[user].discard(queue)

    # --- viewers ------------------------------------------------------------------------------------------------------

    async def _put_user(self, request: web.Request) -> web.Response:
        user = request.match_info["user"]
        self.viewer(user).record(await request.json())
        return _json({"accepted": 1}, 202)

    async def _user(self, request: web.Request) -> web.Response:
        user = request.match_info["user"]
        if user not in self.viewers:
            raise Refusal(404, "unknown", f"nothing is known of {user}")
        return _json(self.viewers[user].portrait())

    async def _forget(self, request: web.Request) -> web.Response:
        self.viewers.pop(request.match_info["user"], None)
        return _json({"accepted": 1}, 202)

    async def _why(self, request: web.Request) -> web.Response:
        viewer, video = self.viewer(request.match_info["user"]), request.match_info["video"]
        return _json(viewer.why(video))

    # --- tags, trends, videos -----------------------------------------------------------------------------------------

    async def _tags(self, _: web.Request) -> web.Response:
        under: dict[str, list[int]] = {}
        for video in self.videos.values():
            for tag in video["tags"]:
                under.setdefault(tag, []).append(video["counts"]["likes"])
        found = sorted(under.items(), key=lambda one: -sum(one[1]))
        return _json({"tags": [{"tag": tag, "videos": len(likes), "liked": sum(likes)} for tag, likes in found]})

    def _of(self, field: str) -> Any:
        async def answer(request: web.Request) -> web.Response:
            name, limit = request.match_info["name"], int(request.query.get("limit", 30))
            found = [
                one for one in self.videos.values() if name == one[field] or (field == "tags" and name in one[field])
            ]
            return _json({"videos": [_listed(one) for one in sorted(found, key=_liked)[:limit]]})

        return answer

    async def _trends(self, _: web.Request) -> web.Response:
        rows = [
            ("tag", "cats", "rising", 4.2, None), ("sound", "dance-sound-1", "rising", 3.1, None),
            ("video", "science-4", "rising", 2.8, None), ("tag", "ramen", "rising", 2.4, None),
            ("video", "travel-9", "rising", 2.2, None), ("tag", "drift", "falling", 0.4, "supply"),
            ("sound", "music-sound-2", "falling", 0.5, "interest"), ("tag", "standup", "falling", 0.6, "quality"),
        ]  # fmt: skip
        names = ("kind", "id", "state", "ratio", "cause")
        known = [dict(zip(names, row, strict=True)) for row in rows]
        return _json({"trends": [one | {"video": self.videos.get(one["id"])} for one in known]})

    async def _video(self, request: web.Request) -> web.Response:
        found = self.videos.get(request.match_info["name"])
        if found is None:
            raise Refusal(404, "unknown", f"nobody announced {request.match_info['name']}")
        return _json({"video_id": found["video_id"], "video": _record(found), "counts": found["counts"], "tier": 2})


def _liked(video: dict[str, Any]) -> int:
    return -int(video["counts"]["likes"])


def _record(video: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in video.items() if name != "counts"}


def _listed(video: dict[str, Any]) -> dict[str, Any]:
    return {"video_id": video["video_id"], "video": _record(video), "likes": video["counts"]["likes"]}


def _json(value: Any, status: int = 200) -> web.Response:
    return web.json_response(value, status=status)


@asynccontextmanager
async def serving(fake: Fake, port: int = 0) -> AsyncIterator[str]:
    """The address at which ``fake`` is served for as long as the block runs."""
    async with served(fake.app(), port) as address:
        yield f"http://{address}"


async def _run(port: int) -> None:
    async with serving(Fake(), port) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Serve the phone page over made-up videos.")
    arguments.add_argument("--port", type=int, default=8099)
    asyncio.run(_run(arguments.parse_args().port))
