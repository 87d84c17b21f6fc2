"""The phone page on the real thing: a browser, a gateway process, a worker process, and what a like changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from agents.embedded import Embedded
from agents.testing.live import Live
from agents.world.words import wordy
from agents.world.world import World
from schemas.lines import line_of
from tests.browser.phone import Phone

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, str]]:
    """A worker and a gateway with three hundred generated videos."""
    world = World(4, viewers=1, videos=300, start_ms=int(time.time() * 1_000))
    wordy(world, 4)
    with Embedded() as embedded, Live(embedded.broker, embedded.redis, tmp_path_factory.mktemp("site")) as live:
        live.start()
        live.send_lines(line_of("videos", video) for video in world.videos.records)
        yield live, live.gateway()[1]


@pytest_asyncio.fixture(loop_scope="session")
async def phone(chromium: Browser, site: tuple[Live, str]) -> Any:
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    context.set_default_timeout(30_000)
    made = Phone(await context.new_page(), site[1])
    yield made
    await context.close()
    assert made.errors == []


async def test_a_like_changes_the_feed_at_once_and_counts(phone: Phone) -> None:
    await phone.sign_up("live-ann", picks=("cooking", "travel"))
    current, before = await phone.feed()
    began_s = time.monotonic()
    await phone.press("l")
    await expect(phone.page.locator("#hint")).to_have_class("hint on")
    print(f"the page changed {time.monotonic() - began_s:.2f} s after the like")
    _, after = await phone.feed()
    assert after != before
    await phone.told("like", video_id=current, op="add")

    async def counted() -> bool:
        answer = await phone.page.request.get(f"{phone.url}/v1/videos/{current}")
        return bool((await answer.json())["counts"]["likes"] == 1)

    await phone.until(counted, 30.0)
    assert await phone.next() == after[0]
    why = await phone.page.request.get(f"{phone.url}/v1/users/live-ann/why/{current}")
    assert (await why.json())["code"] == "met"
