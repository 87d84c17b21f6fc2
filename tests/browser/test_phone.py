"""The phone page: sign-up, a feed that follows what is done, and every way to say what one wants."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import NewPhone
from tests.browser.phone import Phone

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]


async def test_sign_up_tells_the_gateway_who_watches_and_happens_once(phone: Phone) -> None:
    ((_, body),) = phone.asked("PUT", "/v1/users/ann")
    record = json.loads(body or "")
    assert record["lang"] == "en"
    assert sorted(record["interests"]) == ["cats", "cooking"]
    assert record["settings"]["personalize"] is True
    await phone.page.reload()
    await phone.watching()
    assert len(phone.asked("PUT", "/v1/users/ann")) == 1


async def test_a_watched_video_is_an_impression_and_a_watch_that_grows(phone: Phone) -> None:
    first = await phone.watching()
    await phone.stay(3_300)
    await phone.next()
    (impression,) = await phone.told("impression", video_id=first)
    watches = await phone.told("watch", video_id=first, end_reason="swiped")
    assert impression["user_id"] == "ann"
    assert impression["surface"] == "for_you"
    assert impression["position"] == 0
    assert impression["batch_id"]
    assert impression["ctx"]["lang"] == "en"
    assert watches[-1]["impression_id"] == impression["impression_id"]
    assert 3_300 <= watches[-1]["watch_ms"] < 15_000
    assert watches[-1]["loops"] == pytest.approx(watches[-1]["watch_ms"] / watches[-1]["duration_ms"], abs=0.01)
    assert [event for event in phone.events if event["type"] == "skip"] == []


async def test_heartbeats_tell_of_a_long_watch_while_it_lasts(phone: Phone) -> None:
    first = await phone.watching()
    (beat, *_) = await phone.told("watch", video_id=first)
    assert beat["watch_ms"] >= 5_000
    assert "end_reason" not in beat


async def test_a_video_swiped_away_early_is_a_skip_unless_it_was_liked(phone: Phone) -> None:
    first = await phone.watching()
    second = await phone.next()
    await phone.press("l")
    await phone.told("like", video_id=second)
    third = await phone.next()
    await phone.told("watch", video_id=second, end_reason="swiped")
    await phone.told("impression", video_id=third)
    skips = await phone.told("skip")
    assert [skip["video_id"] for skip in skips] == [first]
    assert skips[0]["watch_ms"] < 3_000


async def test_a_like_changes_what_comes_next_and_says_so(phone: Phone) -> None:
    current, before = await phone.feed()
    tag = (await phone.item())["video"]["tags"][0]
    await phone.press("l")
    await phone.told("like", video_id=current, op="add")
    await expect(phone.page.locator("#hint")).to_have_class("hint on")
    same, after = await phone.feed()
    assert same == current
    assert after != before
    assert (await phone.page.locator("#hint").inner_text()).startswith("Your feed changed")
    await phone.page.locator("#hint").click()
    fresh = phone.page.locator("dialog .next .fresh")
    await expect(fresh.first).to_contain_text("new")
    await phone.press("Escape")
    await phone.next()
    assert tag in (await phone.item())["video"]["tags"]
    await expect(phone.page.locator(f'[data-video="{after[0]}"] .reason')).to_contain_text(f"you liked {current}")


async def test_a_double_tap_likes_and_a_tap_pauses(phone: Phone) -> None:
    current = await phone.watching()
    await phone.page.touchscreen.tap(150, 300)
    await expect(phone.page.locator("article.paused")).to_have_count(1)
    await phone.told("action", kind="pause", video_id=current)
    await phone.page.touchscreen.tap(150, 300)
    await expect(phone.page.locator("article.paused")).to_have_count(0)
    await phone.page.touchscreen.tap(150, 300)
    await phone.page.touchscreen.tap(152, 302)
    await phone.told("like", video_id=current, op="add")
    like = phone.page.locator(f'[data-video="{current}"] [data-verb="like"]')
    await expect(like).to_have_attribute("aria-pressed", "true")
    await like.tap()
    await phone.told("like", video_id=current, op="remove")
    await expect(like).to_have_attribute("aria-pressed", "false")


async def test_save_follow_share_and_comment_are_told_and_taken_back(phone: Phone) -> None:
    page, current = phone.page, await phone.watching()
    creator = (await phone.item())["video"]["creator_id"]
    await phone.press("s", "f")
    await phone.told("save", video_id=current, op="add")
    (follow,) = await phone.told("follow", op="add")
    assert follow["creator_id"] == creator
    await page.context.grant_permissions(["clipboard-write"])
    await phone.press("x")
    await page.get_by_role("button", name="Copy link").click()
    await phone.told("share", channel="link")
    await phone.press("c")
    await page.get_by_label("Your comment").fill("so quiet")
    await page.get_by_role("button", name="Post").click()
    (comment,) = await phone.told("comment", op="add")
    assert comment["length"] == 8
    assert "quiet" not in json.dumps(phone.events)
    await page.get_by_role("button", name="Delete").click()
    (taken,) = await phone.told("comment", op="remove")
    assert taken["comment_id"] == comment["comment_id"]
    await phone.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await phone.press("s", "f")
    await phone.told("save", video_id=current, op="remove")
    await phone.told("follow", op="remove")


async def test_what_is_hidden_is_gone_and_comes_back_by_undo(phone: Phone) -> None:
    page, current = phone.page, await phone.watching()
    await phone.press("h")
    await page.get_by_role("button", name="Not interested").click()
    await phone.told("feedback", kind="not_interested", video_id=current, op="add")
    await expect(page.locator(f'[data-video="{current}"]')).to_have_count(0)
    assert (await phone.told("watch", video_id=current))[-1]["end_reason"] == "closed"
    assert await phone.watching() != current
    await phone.press("u")
    await phone.told("feedback", kind="not_interested", video_id=current, op="remove")
    await phone.comes(current)


async def test_a_hidden_tag_takes_every_video_with_it_out_of_what_follows(phone: Phone) -> None:
    page = phone.page
    tag = (await phone.item())["video"]["tags"][0]
    _, before = await phone.feed()
    assert [name for name in before if name.startswith(f"{tag}-")] != []
    await phone.press("h")
    await page.get_by_role("button", name=f"Hide #{tag}", exact=True).click()
    await phone.told("feedback", kind="hide_tag", target=tag)

    async def gone() -> bool:
        current, after = await phone.feed()
        return bool(after) and not [name for name in [current or "", *after] if name.startswith(f"{tag}-")]

    await phone.until(gone)


async def test_a_report_says_what_is_wrong(phone: Phone) -> None:
    current = await phone.watching()
    await phone.press("h")
    await phone.page.get_by_role("button", name="Report", exact=True).click()
    await phone.page.get_by_role("button", name="Spam").click()
    await phone.told("feedback", kind="report", video_id=current, reason="Spam")


async def test_a_request_in_words_is_answered_and_taken_back(phone: Phone) -> None:
    page = phone.page
    await phone.press("/")
    await page.get_by_label("What do you want to see?").fill("更多猫")
    await phone.press("Enter")
    await expect(page.locator("#asked")).to_contain_text("更多猫")

    async def cats() -> bool:
        current, following = await phone.feed()
        return all(name.startswith("cats-") for name in [current or "", *following[:5]])

    await phone.until(cats)
    await expect(page.locator("dialog")).to_have_count(0)
    await phone.press("/")
    await expect(page.locator(".stands")).to_contain_text("more: cats")
    await page.get_by_label("What do you want to see?").fill("less football")
    await phone.press("Enter")
    await expect(page.locator("#asked")).to_contain_text("less football")
    await expect(page.locator("dialog")).to_have_count(0)
    await page.locator("#asked").get_by_role("button", name="Undo").click()
    await expect(page.locator("#asked")).to_contain_text("更多猫")
    await phone.press("/")
    await page.get_by_role("button", name="Start over").click()
    await expect(page.locator("#asked")).to_be_hidden()
    queries = [path for path, _ in phone.asked("GET", "/v1/feeds/ann?") if "query=" in path]
    assert [path.split("query=")[1].split("&")[0] for path in queries] == [
        "%E6%9B%B4%E5%A4%9A%E7%8C%AB", "less+football", "undo", "reset",
    ]  # fmt: skip


async def test_the_why_panel_names_reasons_parts_and_how_the_persona_moves(desk: Phone) -> None:
    page = desk.page
    panel = page.locator("#why")
    await expect(panel.locator(".reasons li").first).to_contain_text("because it is like what you watch")
    await expect(panel.locator(".parts li").first).to_be_visible()
    await expect(panel).to_contain_text("Nothing is known yet")
    tag = (await desk.item())["video"]["tags"][0]
    await desk.press("l")
    await expect(panel.locator(".persona li").first).to_contain_text(f"#{tag}")
    await expect(page.locator("#up-next .fresh").first).to_be_visible()
    await desk.press("j")
    await expect(panel.locator(".reasons li").first).to_contain_text("because you liked")
    await expect(panel.locator(".parts .for").first).to_contain_text("your interests")
    await expect(panel.locator(".origin")).to_contain_text("after what you just did")
    await panel.get_by_label("Video id").fill("nobody-1")
    await panel.get_by_role("button", name="Ask").click()
    await expect(panel.locator(".answer")).to_contain_text("nobody announced a video of this id")


async def test_what_was_up_next_before_the_feed_changed_still_leads_to_its_video(desk: Phone) -> None:
    _, before = await desk.feed()
    await desk.press("l")
    await expect(desk.page.locator("#up-next .fresh").first).to_be_visible()
    _, after = await desk.feed()
    at = next(at for at, name in enumerate(after[:8]) if at and name in before[:8])
    await desk.page.locator("#up-next li").nth(at).get_by_role("button").click()
    await desk.comes(after[at])


async def test_pages_of_tags_sounds_creators_and_trends_play_what_they_list(phone: Phone) -> None:
    page = phone.page
    await phone.press("d")
    await expect(page.get_by_role("heading", name="Discover")).to_be_focused()
    await expect(page.locator(".trends .falling").first).to_contain_text("fewer uploads")
    await page.get_by_label("Find a tag").fill("ram")
    await page.locator(".cloud a").first.click()
    await phone.told("action", kind="tag_open", target="ramen")
    await expect(page.get_by_role("heading", name="#ramen")).to_be_visible()
    await page.locator(".tile").nth(1).click()
    await expect(page.locator("#reel-title")).to_have_text("#ramen")
    (shown,) = await phone.told("impression", surface="tag")
    await page.locator(f'[data-video="{shown["video_id"]}"] .sound').click()
    await phone.told("action", kind="sound_open", video_id=shown["video_id"])
    await expect(page.locator(".tile").first).to_be_visible()
    await page.go_back()
    await page.locator(f'[data-video="{shown["video_id"]}"] .name').click()
    await phone.told("action", kind="profile_visit")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("@")
    await page.get_by_role("button", name="Feed", exact=True).click()
    await expect(page.locator("#reel")).to_be_hidden()
    await phone.told("impression", 2, surface="for_you")


async def test_tabs_show_their_own_videos_and_leave_the_feed_as_it_was(phone: Phone) -> None:
    current, following = await phone.feed()
    await phone.page.get_by_role("button", name="Trending").click()
    await phone.told("impression", surface="trending")
    assert len(phone.asked("GET", "/v1/feeds/ann?limit=20&lang=en")) == 2
    await phone.page.get_by_role("button", name="For you").click()
    await phone.comes(current)
    assert (await phone.feed())[1] == following


async def test_the_feed_goes_on_without_end(phone: Phone) -> None:
    seen = {await phone.watching()}
    for _ in range(30):
        seen.add(await phone.next())
    assert len(seen) == 31


async def test_personalisation_reset_and_being_forgotten_are_one_press_away(phone: Phone) -> None:
    page = phone.page
    await page.get_by_role("button", name="You", exact=True).click()
    switch = page.get_by_role("switch", name="Personalise my feed")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "false")
    await phone.until(lambda: len(phone.asked("PUT", "/v1/users/ann")) == 2)
    assert json.loads(phone.asked("PUT", "/v1/users/ann")[1][1] or "")["settings"]["personalize"] is False
    await page.get_by_role("button", name="Reset my interests").click()
    await page.get_by_role("button", name="Reset", exact=True).click()
    (reset,) = await phone.told("feedback", kind="reset")
    assert "video_id" not in reset
    await page.get_by_role("button", name="Forget me").click()
    await page.locator("dialog").get_by_role("button", name="Forget me").click()
    await expect(page.get_by_label("Your name")).to_be_visible()
    assert len(phone.asked("DELETE", "/v1/users/ann")) == 1
    assert await page.evaluate("Object.keys(localStorage)") == []


async def test_a_video_whose_record_is_not_known_yet_names_nobody(new_phone: NewPhone) -> None:
    phone = await new_phone()

    async def bare(route: Route) -> None:
        answer = await route.fetch()
        batch: dict[str, Any] = await answer.json()
        items = [item | {"video": None} for item in batch["items"]]
        await route.fulfill(json=batch | {"items": items})

    await phone.page.route("**/v1/feeds/*?*", bare)
    await phone.sign_up()
    (impression,) = await phone.told("impression")
    assert "creator_id" not in impression
    await expect(phone.page.locator("article").first.locator(".verb")).to_have_count(6)
    await expect(phone.page.locator("article").first.locator(".follow, .name")).to_have_count(0)
    await phone.press("f", "l")
    await phone.told("like", video_id=impression["video_id"])
    await phone.press("h")
    await expect(phone.page.locator("dialog .row")).to_have_count(3)
    assert [event for event in phone.events if event["type"] == "follow"] == []


async def test_what_is_paid_for_and_what_is_merely_popular_says_so(new_phone: NewPhone) -> None:
    phone = await new_phone()

    async def popular(route: Route) -> None:
        answer = await route.fetch()
        batch: dict[str, Any] = await answer.json()
        batch["items"][0]["source"] = "promoted"
        await route.fulfill(json=batch | {"fallback": "popular", "batch_id": None})

    await phone.page.route("**/v1/feeds/*?*", popular)
    await phone.sign_up()
    first = phone.page.locator("article").first
    await expect(first.locator(".label")).to_have_text(["Promoted", "Popular right now"])
    await phone.press("w")
    await expect(phone.page.locator(".origin")).to_contain_text("personalisation is unavailable")
    await phone.press("Escape")
    await first.get_by_role("button", name="See more").click()
    await phone.told("action", kind="click", video_id=await first.get_attribute("data-video"))
