"""The phone page on a bad line: nothing it noted is lost or told twice under two names, and a key is asked for once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import NewPhone
from tests.browser.phone import Phone

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


async def test_what_happens_offline_is_told_when_the_line_is_back(phone: Phone) -> None:
    page, line = phone.page, phone.page.locator("#line")
    await phone.told("impression")
    await page.context.set_offline(True)
    await expect(line).to_contain_text("Offline")
    liked = []
    for _ in range(3):
        liked.append(await phone.next())
        await phone.press("l")
    await expect(line).to_contain_text("events are kept")
    assert [event for event in phone.events if event["type"] == "like"] == []
    await page.context.set_offline(False)
    likes = await phone.told("like", 3)
    assert [like["video_id"] for like in likes] == liked
    assert {event["video_id"] for event in await phone.told("impression", 4)} >= set(liked)
    assert len(set(ids(phone.events))) == len(phone.events)
    await expect(line).to_have_class("line live")


async def test_a_gateway_that_is_busy_gets_the_same_events_again_later(phone: Phone) -> None:
    tries: list[list[str]] = []

    async def busy(route: Route) -> None:
        lines = (route.request.post_data or "").splitlines()
        tries.append([json.loads(line)["event_id"] for line in lines])
        if len(tries) < 3:
            await route.fulfill(status=503, headers={"Retry-After": "1"}, json={"error": {"code": "kafka"}})
        else:
            await route.fallback()

    await phone.told("impression")
    await phone.page.route("**/v1/events", busy)
    await phone.press("l")
    await expect(phone.page.locator("#line")).to_contain_text("Offline")
    (like,) = await phone.told("like")
    assert [like["event_id"] in sent for sent in tries[:3]] == [True, True, True]


async def test_an_event_that_is_refused_does_not_hold_up_the_others(phone: Phone) -> None:
    async def refusing(route: Route) -> None:
        rejected = [{"line": 1, "code": "type", "message": "no such verb", "path": "$.type"}]
        await route.fulfill(status=400, json={"accepted": 0, "rejected": rejected})

    await phone.told("impression")
    await phone.page.route("**/v1/events", refusing, times=1)
    await phone.press("s")
    await phone.until(lambda: any("refused" in error for error in phone.errors))
    phone.errors.clear()
    await phone.press("l")
    await phone.told("like")
    assert [event for event in phone.events if event["type"] == "save"] == []


async def test_what_waited_when_the_page_went_is_told_by_the_next_one(phone: Phone) -> None:
    page = phone.page

    async def failing(route: Route) -> None:
        await route.abort()

    await phone.told("impression")
    await page.route("**/v1/events", failing)
    current = await phone.watching()
    await phone.press("l")
    await expect(page.locator("#line")).to_contain_text("Offline")
    await page.reload()
    await page.unroute("**/v1/events")
    (like,) = await phone.told("like", video_id=current)
    leaving = await phone.told("watch", video_id=current, end_reason="background")
    assert like["session_id"] == leaving[0]["session_id"]
    await page.wait_for_function("localStorage.getItem('feedstream.unsent') === null")


async def test_a_page_that_goes_sends_what_waits_once(phone: Phone) -> None:
    await phone.page.add_init_script(
        """const send = fetch;
        window.fetch = (url, options) => {
          if (options?.keepalive) localStorage.setItem("last", 1 + Number(localStorage.getItem("last")));
          return send(url, options);
        };"""
    )
    await phone.page.reload()
    await phone.watching()
    await phone.page.reload()
    await phone.watching()
    assert await phone.page.evaluate("localStorage.getItem('last')") == "1"


async def test_a_page_that_goes_out_of_sight_tells_how_long_was_watched(phone: Phone) -> None:
    current = await phone.watching()
    await phone.stay(1_000)
    await phone.page.goto("about:blank")
    await phone.open()
    (watch, *_) = await phone.told("watch", video_id=current, end_reason="background")
    assert watch["watch_ms"] >= 1_000
    assert [event for event in phone.events if event["type"] == "skip"] == []


async def test_without_a_stream_a_like_is_followed_by_a_batch_that_reflects_it(new_phone: NewPhone) -> None:
    phone = await new_phone()

    async def none(route: Route) -> None:
        await route.fulfill(status=503, json={"error": {"code": "none", "message": "no streams here"}})

    await phone.page.route("**/v1/feeds/*/stream", none)
    await phone.sign_up()
    await expect(phone.page.locator("#line")).to_contain_text("Connecting")
    await phone.press("l")
    await expect(phone.page.locator("#hint")).to_have_class("hint on")
    assert [path for path, _ in phone.asked("GET", "/v1/feeds/ann?") if "as_of=events.like%3A0%3A" in path] != []


async def test_the_stream_is_opened_again_and_repeats_change_nothing(phone: Phone) -> None:
    await phone.told("impression")
    await phone.page.context.set_offline(True)
    await expect(phone.page.locator("#line")).to_contain_text("Offline")
    before = await phone.feed()
    await phone.page.context.set_offline(False)
    await expect(phone.page.locator("#line")).to_have_class("line live")
    assert await phone.feed() == before
    await phone.press("l")
    await expect(phone.page.locator("#hint")).to_have_class("hint on")


async def test_a_key_is_asked_for_once_and_kept_in_the_tab(new_phone: NewPhone) -> None:
    phone = await new_phone()
    page, used = phone.page, []

    async def guarded(route: Route) -> None:
        used.append(route.request.headers.get("authorization"))
        if used[-1] == "Bearer secret":
            await route.fallback()
        else:
            await route.fulfill(status=401, json={"error": {"code": "key", "message": "a key is needed"}})

    await page.route("**/v1/**", guarded)
    await phone.open()
    await page.locator("dialog[open]").get_by_role("textbox", name="Key").fill("wrong")
    await phone.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="not accepted")).to_be_visible()
    await page.locator("dialog[open]").get_by_role("textbox", name="Key").fill("secret")
    await phone.press("Enter")
    await page.get_by_label("Your name").fill("ann")
    await page.get_by_role("button", name="Start watching").click()
    await phone.watching()
    await phone.told("impression")
    await expect(page.locator("dialog")).to_have_count(0)
    assert set(used[used.index("Bearer secret") :]) == {"Bearer secret"}
    assert await page.evaluate("Object.values(localStorage).join()") != ""
    assert "secret" not in await page.evaluate("Object.values(localStorage).join()")


async def test_a_key_that_lapses_holds_events_back_until_there_is_another(phone: Phone) -> None:
    page = phone.page
    await phone.told("impression")

    async def guarded(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer new":
            await route.fallback()
        else:
            await route.fulfill(status=401, json={"error": {"code": "key", "message": "a key is needed"}})

    await page.route("**/v1/**", guarded)
    await phone.press("l")
    await page.locator("dialog[open]").get_by_role("textbox", name="Key").fill("new")
    await phone.press("Enter")
    (like,) = await phone.told("like")
    assert like["op"] == "add"
