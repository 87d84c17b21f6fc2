"""The phone page on the real gateway, with a worker and generated videos behind it: the whole loop, by hand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from agents.embedded import Embedded
from agents.testing.live import Live
from agents.world.words import worded_videos
from schemas.lines import line_of
from tests.browser.phone import Phone
from tests.browser.tab import profile

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def real_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that signs tokens and asks for them, over a few hundred videos."""
    secret = {"gateway_secret": "a secret of sixteen bytes", "gateway_tokens": "1"}
    logs = tmp_path_factory.mktemp("live")
    with Embedded() as embedded, Live(embedded.broker, embedded.redis, logs, snapshot_s="0.5") as live:
        live.start()
        live.send_lines(line_of("videos", video) for video in worded_videos(4, 400))
        live.until_settled()
        yield live.gateway(**secret)[1]


@pytest_asyncio.fixture(loop_scope="session")
async def ann(chromium: Browser, real_gateway: str) -> AsyncIterator[Phone]:
    """A phone on which a viewer of a name of its own has signed up."""
    context = await profile(chromium, viewport={"width": 1440, "height": 900})
    phone = Phone(await context.new_page(), real_gateway)

    async def known() -> bool:
        answer = await phone.page.request.get(f"{real_gateway}/v1/tags?limit=200")
        return len((await answer.json())["tags"]) > 20

    await phone.until(known)
    await phone.sign_up(f"ann-{time.time_ns()}", ("cooking", "travel"))
    yield phone
    await context.close()
    assert phone.errors == []


async def test_a_like_is_in_the_next_batch_and_the_panel_says_so(ann: Phone) -> None:
    page = ann.page
    await expect(page.locator("#line")).to_have_class("line live")
    await expect(page.locator("#why .parts li").first).to_be_visible()
    current, before = await ann.feed()
    tag = (await ann.item())["video"]["tags"][0]
    began_s = time.monotonic()
    await ann.press("l")
    await expect(page.locator("#hint")).to_have_class("hint on")
    print(f"the page changed {time.monotonic() - began_s:.2f} s after the like")
    (like,) = await ann.told("like")
    assert like["token"]
    same, after = await ann.feed()
    assert same == current
    assert after != before
    await expect(page.locator("#why .persona")).to_contain_text(f"#{tag}")
    await ann.next()
    await expect(page.locator("#why .origin")).to_contain_text("after what you just did")
    await expect(page.locator("#why .parts li").first).to_be_visible()


async def test_a_like_counts_and_its_undo_takes_it_back(ann: Phone) -> None:
    before = (await ann.item())["counts"]["likes"]
    for more in (1, 0):
        await ann.press("l")

        async def counted(more: int = more) -> bool:
            return bool((await ann.item())["counts"]["likes"] == before + more)

        await ann.until(counted, 30.0)


async def test_what_is_hidden_does_not_come_again(ann: Phone) -> None:
    creator = (await ann.item())["video"]["creator_id"]
    current, _ = await ann.feed()
    await ann.press("h")
    await ann.page.get_by_role("button", name=f"Hide everything by {creator}").click()
    await ann.told("feedback", kind="hide_creator", target=creator)
    await expect(ann.page.locator(f'[data-video="{current}"]')).to_have_count(0)
    for _ in range(25):
        await ann.next()
        assert (await ann.item())["video"]["creator_id"] != creator


async def test_a_request_in_words_is_answered_and_undone(ann: Phone) -> None:
    await ann.press("/")
    await ann.page.get_by_label("What do you want to see?").fill("more music")
    await ann.press("Enter")
    await expect(ann.page.locator("#asked")).to_contain_text("more music")
    await expect(ann.page.locator("dialog")).to_have_count(0)
    await ann.watching()

    async def music() -> bool:
        return "music" in (await ann.item())["video"]["tags"]

    await ann.until(music)
    await ann.page.locator("#asked").get_by_role("button", name="Undo").click()
    await expect(ann.page.locator("#asked")).to_be_hidden()


async def test_every_page_of_a_real_catalogue_opens(ann: Phone) -> None:
    page, video = ann.page, (await ann.item())["video"]
    for path in (
        "discover",
        f"tag/{video['tags'][0]}",
        f"creator/{video['creator_id']}",
        f"sound/{video['sound_id']}",
        "you",
    ):
        await page.evaluate("(path) => { location.hash = `#/${path}`; }", path)
        await expect(page.locator(".page h1")).to_be_visible()
        await expect(page.locator(".page .wait")).to_have_count(0)
        await expect(page.locator(".page [role=alert]")).to_have_count(0)
        assert await page.locator(".tile, .cloud a, .switch").count() > 0


async def test_whoever_is_forgotten_is_unknown(ann: Phone) -> None:
    user = await ann.page.evaluate("JSON.parse(localStorage.getItem('feedstream.viewer')).user_id")
    await ann.told("impression")
    await ann.press("Escape")
    await ann.page.get_by_role("button", name="You", exact=True).click()
    await ann.page.get_by_role("button", name="Forget me").click()
    await ann.page.locator("dialog").get_by_role("button", name="Forget me").click()
    await expect(ann.page.get_by_label("Your name")).to_be_visible()

    async def unknown() -> bool:
        return (await ann.page.request.get(f"{ann.url}/v1/users/{user}")).status == 404

    await ann.until(unknown)
