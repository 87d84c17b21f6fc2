"""A fake gateway: the calls of docs/http.md that the phone page makes, over made-up videos and a toy ranking.

It is there to work on the page and to test it in a browser without Kafka. What it takes in goes through the true event
structs, so an event that it accepts is one on the wire. Run it with
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

from schemas.events import EVENTS
from tests.agents.gateway.made_up import made_up
from tests.agents.gateway.toy import Toy

__all__ = ["Fake", "serving"]

PAGES: Final = Path(__file__).parents[3] / "agents" / "gateway" / "pages"
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
JsonAnswer = web.Response


class Fake:
    """The state of the fake, and what a test may turn: ``key`` that calls must bring, ``down`` (events get 503),
    ``fallback`` (feeds are popular ones), ``quiet`` (nothing comes over the stream).
    """

    def __init__(self) -> None:
        self.videos = made_up()
        self.viewers: dict[str, Toy] = {}
        self.streams: dict[str, set[asyncio.Queue[tuple[str, Any]]]] = {}
        self.events: list[dict[str, Any]] = []
        self.users: dict[str, dict[str, Any]] = {}
        self.key = ""
        self.down = self.fallback = self.quiet = False
        self.pages = 0

    def viewer(self, user: str) -> Toy:
        """The toy that ranks for ``user``; made at the first call."""
        return self.viewers.setdefault(user, Toy(user, self.videos))

    def push(self, user: str, kind: str, value: Any) -> None:
        """Send one server-sent event to every open stream of ``user``."""
        for queue in self.streams.get(user, ()) if not self.quiet else ():
            queue.put_nowait((kind, value))

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

    # --- pages and keys -----------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.headers.get("Authorization", "")
        if self.key and request.path.startswith("/v1/") and given != f"Bearer {self.key}":
            return _error(401, "key", "this gateway asks for a key: Authorization: Bearer KEY")
        answer: web.StreamResponse = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = CSP
            answer.headers["Cache-Control"] = "no-store"
        return answer

    async def _index(self, _: web.Request) -> web.FileResponse:
        self.pages += 1
        return web.FileResponse(PAGES / "phone" / "index.html")

    # --- events -------------------------------------------------------------------------------------------------------

    async def _take(self, request: web.Request) -> JsonAnswer:
        if self.down:
            answer = _error(503, "kafka", "Kafka does not answer; send it again")
            answer.headers["Retry-After"] = "1"
            return answer
        lines = [line for line in (await request.read()).splitlines() if line.strip()]
        rejected, touched = [], {}
        for at, line in enumerate(lines, 1):
            try:
                event = self._decoded(line)
            except (msgspec.ValidationError, KeyError) as error:
                rejected.append({"line": at, "code": "type", "message": str(error), "path": "$"})
                continue
            self.events.append(event)
            viewer = self.viewer(event["user_id"])
            touched[event["user_id"]] = viewer
            if removed := viewer.take(event):
                delta = {"seq": viewer.seq, "reason": "hidden", "removed": removed}
                self.push(event["user_id"], "delta", delta)
        for user, viewer in touched.items():
            if (trigger := viewer.due()) is not None:
                self.push(user, "batch", self._batch(user, 20, trigger))
        accepted = len(lines) - len(rejected)
        positions = {"events.like": {"0": len(self.events)}}
        body = {"accepted": accepted, "rejected": rejected, "positions": positions}
        return _json(body, 202 if accepted or not lines else 400)

    def _decoded(self, line: bytes) -> dict[str, Any]:
        value = json.loads(line)
        msgspec.convert({"v": 1} | value, EVENTS[f"events.{value['type']}"], strict=True)
        return dict(value)

    # --- feeds --------------------------------------------------------------------------------------------------------

    def _batch(self, user: str, limit: int, trigger: str, **asked: Any) -> dict[str, Any]:
        viewer = self.viewer(user)
        items = viewer.ranked(limit, keep=trigger != "preview", popular=self.fallback, **asked)
        return {
            "user_id": user,
            "batch_id": None if self.fallback else f"{user}-{viewer.seq}",
            "seq": viewer.seq,
            "ts_ms": int(time.time() * 1_000),
            "trigger": trigger,
            "model": "12",
            "fallback": "popular" if self.fallback else None,
            "as_of": {"events.like": {"0": len(self.events)}},
            "reflects": True,
            "items": items,
            "next_cursor": f"{viewer.seq}.{limit}",
        }

    async def _feed(self, request: web.Request) -> JsonAnswer:
        query = request.query
        preview = query.get("preview") == "1"
        asked = {"source": query.get("source"), "explain": query.get("explain") == "1"}
        user, words = request.match_info["user"], query.get("query")
        if words and not preview:
            self.viewer(user).asked(words)
        limit = int(query.get("limit", 20))
        batch = self._batch(user, limit, "preview" if preview else "request", **asked)
        if not preview and not self.fallback:
            plain = [dict(item, parts=None) for item in batch["items"]]
            self.push(user, "batch", batch | {"items": plain})
        return _json(batch)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        user = request.match_info["user"]
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await answer.prepare(request)
        queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.streams.setdefault(user, set()).add(queue)
        try:
            await answer.write(b": hello\n\n")
            while True:
                kind, value = await queue.get()
                await answer.write(f"event: {kind}\ndata: {json.dumps(value)}\n\n".encode())
        except (ConnectionResetError, asyncio.CancelledError):
            return answer
        finally:
            self.streams[user].discard(queue)

    # --- viewers ------------------------------------------------------------------------------------------------------

    async def _put_user(self, request: web.Request) -> JsonAnswer:
        user = request.match_info["user"]
        self.users[user] = await request.json()
        self.viewer(user).record(self.users[user])
        return _json({"accepted": 1}, 202)

    async def _user(self, request: web.Request) -> JsonAnswer:
        user = request.match_info["user"]
        if user not in self.viewers:
            return _error(404, "unknown", f"nothing is known of {user}")
        return _json(self.viewers[user].portrait())

    async def _forget(self, request: web.Request) -> JsonAnswer:
        self.viewers.pop(request.match_info["user"], None)
        self.users.pop(request.match_info["user"], None)
        return _json({"accepted": 1}, 202)

    async def _why(self, request: web.Request) -> JsonAnswer:
        viewer, video = self.viewer(request.match_info["user"]), request.match_info["video"]
        return _json(viewer.why(video))

    # --- tags, trends, videos -----------------------------------------------------------------------------------------

    async def _tags(self, _: web.Request) -> JsonAnswer:
        under: dict[str, list[int]] = {}
        for video in self.videos.values():
            for tag in video["tags"]:
                under.setdefault(tag, []).append(video["counts"]["likes"])
        found = sorted(under.items(), key=lambda one: -sum(one[1]))
        return _json({"tags": [{"tag": tag, "videos": len(likes), "liked": sum(likes)} for tag, likes in found]})

    def _of(self, field: str) -> Any:
        async def answer(request: web.Request) -> JsonAnswer:
            name, limit = request.match_info["name"], int(request.query.get("limit", 30))
            found = [
                one for one in self.videos.values() if name == one[field] or (field == "tags" and name in one[field])
            ]
            return _json({"videos": [_listed(one) for one in sorted(found, key=_liked)[:limit]]})

        return answer

    async def _trends(self, _: web.Request) -> JsonAnswer:
        rows = [
            ("tag", "cats", "rising", 4.2, None), ("sound", "dance-sound-1", "rising", 3.1, None),
            ("video", "science-4", "rising", 2.8, None), ("tag", "ramen", "rising", 2.4, None),
            ("video", "travel-9", "rising", 2.2, None), ("tag", "drift", "falling", 0.4, "supply"),
            ("sound", "music-sound-2", "falling", 0.5, "interest"), ("tag", "standup", "falling", 0.6, "quality"),
        ]  # fmt: skip
        names = ("kind", "id", "state", "ratio", "cause")
        known = [dict(zip(names, row, strict=True)) for row in rows]
        return _json({"trends": [one | {"video": self.videos.get(one["id"])} for one in known]})

    async def _video(self, request: web.Request) -> JsonAnswer:
        found = self.videos.get(request.match_info["name"])
        if found is None:
            return _error(404, "unknown", f"nobody announced {request.match_info['name']}")
        record = {name: value for name, value in found.items() if name != "counts"}
        return _json({"video_id": found["video_id"], "video": record, "counts": found["counts"], "tier": 2})


def _liked(video: dict[str, Any]) -> int:
    return -int(video["counts"]["likes"])


def _listed(video: dict[str, Any]) -> dict[str, Any]:
    record = {name: value for name, value in video.items() if name != "counts"}
    return {"video_id": video["video_id"], "video": record, "likes": video["counts"]["likes"]}


def _json(value: Any, status: int = 200) -> JsonAnswer:
    return web.json_response(value, status=status)


def _error(status: int, code: str, message: str) -> JsonAnswer:
    return _json({"error": {"code": code, "message": message}}, status)


@asynccontextmanager
async def serving(fake: Fake, port: int = 0) -> AsyncIterator[str]:
    """The address at which ``fake`` is served for as long as the block runs."""
    runner = web.AppRunner(fake.app(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _run(port: int) -> None:
    async with serving(Fake(), port) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Serve the phone page over made-up videos.")
    arguments.add_argument("--port", type=int, default=8099)
    asyncio.run(_run(arguments.parse_args().port))
