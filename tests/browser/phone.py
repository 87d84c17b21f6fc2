"""The phone page as tests handle it: what is on the screen, and what the page told the gateway.

Everything is seen from the browser, so the same tests run against any gateway.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Page, Request, Response

from tests.browser.tab import PATIENCE_S, Tab

__all__ = ["Phone"]

_PLACE: Final = """() => {
  const deck = document.getElementById("deck");
  const places = [...deck.querySelectorAll("article")];
  const at = Math.round(deck.scrollTop / deck.clientHeight);
  return {at, ids: places.map((place) => place.dataset.video)};
}"""


class Phone(Tab):
    """One tab. ``events`` are those that the gateway took, ``calls`` every call as (method, path with query, body)."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page, url)
        self.events: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, str | None]] = []
        self.hosts: set[str] = set()
        self._reading: set[asyncio.Task[None]] = set()
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        self.hosts.add(parts.netloc)
        if parts.path.startswith("/v1/"):
            query = f"?{parts.query}" if parts.query else ""
            self.calls.append((request.method, parts.path + query, request.post_data))

    def _answered(self, response: Response) -> None:
        if response.request.method == "POST" and response.url.endswith("/v1/events") and response.status == 202:
            lines = (response.request.post_data or "").splitlines()
            self.events += [json.loads(line) for line in lines]

    # --- what is done -------------------------------------------------------------------------------------------------

    async def open(self, path: str = "/") -> None:
        """Load the page."""
        await self.page.goto(self.url + path)

    async def sign_up(self, name: str = "ann", picks: tuple[str, ...] = ("cats", "cooking")) -> None:
        """Load the page, sign up and wait for the first video."""
        await self.open()
        await self.page.get_by_label("Your name").fill(name)
        for tag in picks:
            await self.page.get_by_role("button", name=tag, exact=True).click()
        await self.page.get_by_role("button", name="Start watching").click()
        await self.watching()

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def next(self) -> str:
        """Go on to the next video and wait until it is the current one; its id."""
        current, _ = await self.feed()
        await self.press("j")
        await self.until(lambda: self._left(current))
        return await self.watching()

    async def comes(self, video_id: str | None) -> None:
        """Wait until this video is the current one, and at rest: a swipe before that ends where the last one does."""
        await self.until(lambda: self._is(video_id))
        await self.until(self._rests)

    async def swipe(self, from_y: int, to_y: int) -> None:
        """A quick swipe of a finger. The events carry their own times: a browser that is late makes it no slower."""
        driver = await self.page.context.new_cdp_session(self.page)
        steps = [from_y + (to_y - from_y) * at // 8 for at in range(9)]
        began_s = time.time()

        async def touch(at: int, kind: str, *points: int) -> None:
            fingers = [{"x": 150, "y": y} for y in points]
            moment = {"type": kind, "timestamp": began_s + at * 0.012, "touchPoints": fingers}
            await driver.send("Input.dispatchTouchEvent", moment)

        moves = [touch(at, "touchMove", y) for at, y in enumerate(steps[1:], 1)]
        await asyncio.gather(touch(0, "touchStart", steps[0]), *moves, touch(9, "touchEnd"))
        await driver.detach()

    async def stay(self, watch_ms: int) -> None:
        """Watch the current video for so long, by the page's own progress bar; at most its length."""
        duration_ms = (await self.item())["video"]["duration_ms"]
        share = min(0.97, watch_ms / duration_ms)
        await self.page.wait_for_function(
            """(share) => {
              const deck = document.getElementById("deck");
              const place = deck.children[Math.round(deck.scrollTop / deck.clientHeight)];
              const bar = place.querySelector(".progress i");
              return bar && new DOMMatrix(getComputedStyle(bar).transform).a >= share;
            }""",
            arg=share,
        )

    # --- what is seen -------------------------------------------------------------------------------------------------

    async def feed(self) -> tuple[str | None, list[str]]:
        """The current video, None behind the last one, and those that follow it."""
        place = await self.page.evaluate(_PLACE)
        ids, at = place["ids"], place["at"]
        return (ids[at] if at < len(ids) else None), ids[at + 1 :]

    async def watching(self) -> str:
        """Wait until a video is current; its id."""
        await self.page.wait_for_selector("#deck article canvas")
        current: str | None = None
        while current is None or not await self._is(current):
            current, _ = await self.feed()
        return current

    async def item(self) -> dict[str, Any]:
        """What the gateway knows of the current video."""
        current, _ = await self.feed()
        answer = await self.page.request.get(f"{self.url}/v1/videos/{current}")
        found: dict[str, Any] = await answer.json()
        return found

    async def told(self, verb: str, count: int = 1, /, **fields: Any) -> list[dict[str, Any]]:
        """Wait until the gateway has taken ``count`` events of this verb with these fields; all there are."""

        def found() -> list[dict[str, Any]]:
            return [
                event
                for event in self.events
                if event["type"] == verb and all(event.get(name) == value for name, value in fields.items())
            ]

        await self.until(lambda: len(found()) >= count)
        return found()

    def asked(self, method: str, start: str) -> list[tuple[str, str | None]]:
        """(path with query, body) of the calls that begin so."""
        return [(path, body) for verb, path, body in self.calls if verb == method and path.startswith(start)]

    async def until(self, holds: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
        """Wait until something holds that no event of the browser's tells of."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while True:
            result = holds()
            if await result if isinstance(result, Awaitable) else result:
                return
            assert asyncio.get_running_loop().time() < deadline, "it did not come to hold in time"
            await asyncio.sleep(0.03)

    async def _left(self, video_id: str | None) -> bool:
        return (await self.feed())[0] != video_id

    async def _rests(self) -> bool:
        where = 'document.getElementById("deck").scrollTop'
        before = await self.page.evaluate(where)
        await asyncio.sleep(0.2)
        return bool(await self.page.evaluate(where) == before)

    async def _is(self, video_id: str | None) -> bool:
        return (await self.feed())[0] == video_id and await self.page.evaluate(
            """(id) => document.querySelector(`[data-video="${id}"] canvas`) !== null""", video_id
        )
