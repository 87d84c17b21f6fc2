"""The phone page on links that are slow, cut, silent or told to wait: it says so, goes on, and shows no video twice."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.agents.gateway.fake import Fake, serving
from tests.browser.conftest import NewPhone
from tests.browser.phone import Phone
from tests.browser.wire import Wire, wired

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

SLOW: Final = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 20_000}
"""What Chromium calls "Slow 3G": 400 ms there and back, 400 kbit/s."""
FILES_BYTES: Final = 200_000
"""The page itself, at most: 4 s of such a link."""
WRITTEN: Final = """() => (localStorage.getItem("feedstream.unsent") ?? "").includes('"type":"like"')"""
"""Whether a like is written down in the browser."""


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(fake: Fake) -> AsyncIterator[str]:
    """Where the fake gateway listens."""
    async with serving(fake) as url:
        yield url


@pytest.fixture
def fake() -> Fake:
    """A gateway that knows nobody yet, and does what a test says."""
    return Fake()


@pytest_asyncio.fixture(loop_scope="session")
async def wire(gateway: str) -> AsyncIterator[tuple[str, Wire]]:
    """A wire to it."""
    async with wired(gateway) as both:
        yield both


async def on_wire(new_phone: NewPhone, wire: tuple[str, Wire]) -> Phone:
    """A phone at the end of a wire, on which ann has signed up and watches."""
    phone = await new_phone()
    phone.url = wire[0]
    await phone.sign_up()
    await phone.told("impression")
    await expect(phone.page.locator("#line")).to_have_class("line live")
    return phone


async def listed(phone: Phone) -> list[str]:
    """Every video in the deck, seen and unseen."""
    found: list[str] = await phone.page.evaluate(
        "[...document.querySelectorAll('#deck article')].map((one) => one.dataset.video)"
    )
    return found


async def frames(page: Page) -> int:
    """Frames that the page draws in half a second."""
    found: int = await page.evaluate(
        """() => new Promise((done) => {
          let count = 0;
          const until = performance.now() + 500;
          const turn = () => (count++, performance.now() < until ? requestAnimationFrame(turn) : done(count));
          requestAnimationFrame(turn);
        })"""
    )
    return found


def busy(*answers: tuple[int, str]) -> tuple[list[float], Any]:
    """When calls came, and a route that answers the first ones with a status and a ``Retry-After`` each."""
    tries: list[float] = []

    async def route(route: Route) -> None:
        tries.append(time.monotonic())
        if len(tries) > len(answers):
            return await route.fallback()
        status, after = answers[len(tries) - 1]
        said = {"error": {"code": "limit", "message": "the gateway is busy"}}
        return await route.fulfill(status=status, headers={"Retry-After": after}, json=said)

    return tries, route


# --- slow -------------------------------------------------------------------------------------------------------------


async def test_on_a_slow_link_the_page_says_that_it_waits_and_goes_on_drawing(
    new_phone: NewPhone, screenshots: Path
) -> None:
    phone = await new_phone()
    driver = await phone.page.context.new_cdp_session(phone.page)
    await driver.send("Network.enable")
    await driver.send("Network.emulateNetworkConditions", SLOW)
    files: dict[str, float] = {}

    def answered(told: dict[str, Any]) -> None:
        if "/v1/" not in told["response"]["url"]:
            files[told["requestId"]] = 0.0

    def ended(told: dict[str, Any]) -> None:
        if told["requestId"] in files:
            files[told["requestId"]] = told["encodedDataLength"]

    driver.on("Network.responseReceived", answered)
    driver.on("Network.loadingFinished", ended)
    await phone.open()
    await phone.page.get_by_label("Your name").fill("ann")
    await phone.page.get_by_role("button", name="Start watching").click()
    await expect(phone.page.locator("#deck .end")).to_contain_text("Looking for more…")
    await phone.page.screenshot(path=screenshots / "phone-slow.png")
    assert await frames(phone.page) >= 2
    await phone.watching()
    print(f"{sum(files.values()):,.0f} bytes in {len(files)} files")
    assert 50_000 < sum(files.values()) < FILES_BYTES
    await phone.press("l")
    assert await phone.page.locator("#deck button[aria-pressed=true]").count() == 1, "no answer is waited for"
    await phone.told("like")


# --- cut --------------------------------------------------------------------------------------------------------------


async def test_a_stream_that_is_cut_in_the_midst_of_a_batch_catches_up_and_shows_nothing_twice(
    new_phone: NewPhone, wire: tuple[str, Wire], fake: Fake
) -> None:
    phone, line = await on_wire(new_phone, wire), wire[1]
    line.cuts = lambda asked, answer: len(answer) // 2 if b"/stream" in asked and b"event: batch" in answer else None
    seen = [await phone.watching(), await phone.next()]
    coming = fake.batch("ann", "signal")
    await expect(phone.page.locator("#line")).not_to_have_class("line live")
    line.cuts = lambda _asked, _answer: None
    await expect(phone.page.locator("#line")).to_have_class("line live")
    await phone.until(lambda: _unseen(phone, coming))
    everything = await listed(phone)
    assert len(everything) == len(set(everything))
    assert everything[: len(seen)] == seen


async def _unseen(phone: Phone, coming: list[str]) -> bool:
    return [one for one in coming if one in (await phone.feed())[1]] == (await phone.feed())[1]


async def test_what_was_taken_down_while_the_stream_was_cut_is_not_shown(
    new_phone: NewPhone, wire: tuple[str, Wire], fake: Fake
) -> None:
    phone, line = await on_wire(new_phone, wire), wire[1]
    _, (doomed, second, *_) = await phone.feed()
    line.silent(True)
    line.cut()
    await expect(phone.page.locator("#line")).not_to_have_class("line live")
    fake.take_down(second)
    line.silent(False)
    await phone.until(lambda: _gone(phone, second))
    assert (await phone.feed())[1][0] == doomed, "and nothing else goes"


async def _gone(phone: Phone, video_id: str) -> bool:
    return video_id not in await listed(phone)


async def test_an_answer_that_is_cut_off_costs_no_event_and_counts_none_twice(
    new_phone: NewPhone, wire: tuple[str, Wire], fake: Fake
) -> None:
    phone, line = await on_wire(new_phone, wire), wire[1]
    cut = []

    def once(asked: bytes, answer: bytes) -> int | None:
        if b"/v1/events" in asked and len(cut) < 2:
            cut.append(answer)
            return 0 if len(cut) == 1 else answer.index(b"{") + 5
        return None

    line.cuts = once
    liked = await phone.watching()
    await phone.press("l")

    def likes() -> list[str]:
        """It was taken each time, and the page could not know."""
        return [event["event_id"] for event in fake.events if event["type"] == "like" and event["video_id"] == liked]

    await phone.until(lambda: len(likes()) == 3)
    await expect(phone.page.locator("#line")).to_have_class("line live")
    assert len(set(likes())) == 1, "one event for whoever counts by its id"


async def test_a_line_that_says_nothing_is_given_up_and_made_anew(
    new_phone: NewPhone, wire: tuple[str, Wire], fake: Fake
) -> None:
    phone = await new_phone()
    phone.url = wire[0]
    await phone.page.clock.install()
    await phone.page.clock.resume()
    await phone.sign_up()
    await expect(phone.page.locator("#line")).to_have_class("line live")
    opened = len(phone.asked("GET", "/v1/feeds/ann/stream"))
    wire[1].silent(True)
    coming = fake.batch("ann", "signal")
    await phone.page.clock.fast_forward(46_000)
    await expect(phone.page.locator("#line")).not_to_have_class("line live")
    wire[1].cut()
    wire[1].silent(False)
    await phone.page.clock.fast_forward(2_000)
    await expect(phone.page.locator("#line")).to_have_class("line live")
    assert len(phone.asked("GET", "/v1/feeds/ann/stream")) > opened
    await phone.until(lambda: _unseen(phone, coming))


# --- told to wait -----------------------------------------------------------------------------------------------------


async def test_events_wait_as_long_as_the_gateway_says(phone: Phone) -> None:
    await phone.told("impression")
    tries, route = busy((429, "2"), (503, "2"))
    await phone.page.route("**/v1/events", route)
    await phone.press("l")
    await phone.told("like")
    assert [later - sooner >= 1.95 for sooner, later in itertools.pairwise(tries[:3])] == [True, True]


async def test_the_stream_and_the_feed_wait_as_long_as_the_gateway_says(new_phone: NewPhone) -> None:
    phone = await new_phone()
    streams, stream = busy((503, "2"))
    feeds, feed = busy((429, "3"))
    await phone.page.route("**/v1/feeds/*/stream", stream)
    await phone.page.route("**/v1/feeds/ann?limit=20*", feed)
    await phone.open()
    await phone.page.get_by_label("Your name").fill("ann")
    await phone.page.get_by_role("button", name="Start watching").click()
    await expect(phone.page.locator("#deck .end")).to_contain_text("the gateway is busy. Trying again…")
    await phone.watching()
    await expect(phone.page.locator("#line")).to_have_class("line live")
    assert streams[1] - streams[0] >= 1.95
    assert feeds[1] - feeds[0] >= 2.95


# --- gone -------------------------------------------------------------------------------------------------------------


async def failing(route: Route) -> None:
    """Nothing gets through."""
    await route.abort()


async def test_a_page_that_crashes_has_written_down_what_waited(phone: Phone) -> None:
    await phone.told("impression")
    await phone.page.route("**/v1/events", failing)
    current = await phone.watching()
    await phone.press("l")
    await phone.page.wait_for_function(WRITTEN)
    page = phone.page
    async with page.expect_event("crash"):
        driver = await page.context.new_cdp_session(page)
        crashing = asyncio.ensure_future(driver.send("Page.crash"))
    crashing.cancel()
    again = Phone(await page.context.new_page(), phone.url)
    await again.open()
    (like,) = await again.told("like", video_id=current)
    assert like["op"] == "add"
    await again.page.wait_for_function(f"() => !({WRITTEN})()")
    await page.close()


async def test_two_tabs_share_what_is_written_down_and_neither_strikes_out_what_is_the_others(phone: Phone) -> None:
    await phone.told("impression")
    context = phone.page.context
    second = Phone(await context.new_page(), phone.url)
    await second.open()
    await second.watching()
    await second.told("impression")
    await phone.page.route("**/v1/events", failing)
    mine = (await phone.feed())[0]
    await phone.page.bring_to_front()
    await phone.press("l")
    await phone.page.wait_for_function(WRITTEN)
    await second.page.bring_to_front()
    await second.press("s")
    await second.told("save")
    assert await second.page.evaluate(WRITTEN)
    await second.page.close()
    await phone.page.reload()
    await phone.page.unroute("**/v1/events")
    await phone.told("like", video_id=mine)


async def test_so_many_events_are_kept_and_superseded_reports_go_first(phone: Phone) -> None:
    found = await phone.page.evaluate(
        """async () => {
          const { KEPT, latest } = await import("/phone/unsent.js");
          const watch = (n) => ({ event_id: `w${n}`, type: "watch", impression_id: `i${Math.floor(n / 10)}` });
          const likes = Array.from({ length: 500 }, (_, n) => ({ event_id: `l${n}`, type: "like" }));
          const over = [...likes, ...Array.from({ length: KEPT }, (_, n) => watch(n))];
          const few = latest(over);
          const many = latest(Array.from({ length: KEPT + 3 }, (_, n) => ({ event_id: `s${n}`, type: "save" })));
          return { kept: KEPT, few: few.length, likes: few.filter((one) => one.type === "like").length,
            last: few.at(-1).event_id, many: many.length, first: many[0].event_id };
        }"""
    )
    kept = found["kept"]
    assert found["few"] == 500 + kept // 10
    assert (found["likes"], found["last"]) == (500, f"w{kept - 1}")
    assert (found["many"], found["first"]) == (kept, "s3")


async def test_a_hidden_tab_that_was_told_to_wait_sends_nothing_and_writes_it_down(
    phone: Phone, screenshots: Path
) -> None:
    await phone.told("impression")
    tries, route = busy((429, "60"))
    await phone.page.route("**/v1/events", route)
    await phone.press("l")
    await expect(phone.page.locator("#line")).to_contain_text("kept")
    await phone.page.screenshot(path=screenshots / "phone-offline.png")
    await phone.page.goto("about:blank")
    assert len(tries) == 1
    await phone.page.unroute("**/v1/events")
    await phone.open()
    await phone.told("like")
