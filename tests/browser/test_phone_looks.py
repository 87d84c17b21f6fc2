"""How the phone page looks and is handled: on screens of every size, by keys alone, without motion, and its scenes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import expect

from tests.agents.gateway.made_up import SUBJECTS
from tests.browser.conftest import NewPhone
from tests.browser.looks import CONTRAST, FAULTS
from tests.browser.phone import Phone

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

SIZES: Final = {
    "phone": (390, 844, True),
    "desk": (1440, 900, False),
    "small": (320, 568, True),
    "tablet": (820, 1180, True),
}
WORDED: Final = "#page *, dialog *, #why *, .side *"
_WORDS: Final = """() => {
  const deck = document.getElementById("deck");
  const place = deck.children[Math.round(deck.scrollTop / deck.clientHeight)];
  const found = [];
  for (const made of place.querySelectorAll(".name, .caption, .tag, .sound span, .count, .reason span")) {
    const { x, y, width, height } = made.getBoundingClientRect();
    if (width && height && made.textContent) found.push([x, y, width, height]);
  }
  for (const made of place.querySelectorAll(".about, .rail")) {
    for (const one of made.querySelectorAll("*")) one.style.visibility = one.matches(".reason") ? "" : "hidden";
  }
  return found;
}"""
"""Where the words of the current card are; then they are hidden, so that what is behind them can be seen."""
_READABLE: Final = """async ([picture, boxes]) => {
  const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const g = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  g.drawImage(bitmap, 0, 0);
  const scale = bitmap.width / innerWidth;
  const part = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  let brightest = 0;
  for (const box of boxes) {
    const { data } = g.getImageData(...box.map((one) => Math.round(one * scale)));
    for (let i = 0; i < data.length; i += 4) {
      const light = 0.2126 * part(data[i]) + 0.7152 * part(data[i + 1]) + 0.0722 * part(data[i + 2]);
      brightest = Math.max(brightest, light);
    }
  }
  return 1.05 / (brightest + 0.05);
}"""


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_fits_its_screen_and_every_control_has_a_name(
    new_phone: NewPhone, screenshots: Path, size: str
) -> None:
    phone = await new_phone(*SIZES[size])
    page = phone.page

    async def look(name: str) -> None:
        await page.screenshot(path=screenshots / f"phone-{name}-{size}.png", animations="disabled")
        assert await page.evaluate(FAULTS, "") == []
        assert await page.evaluate(CONTRAST, [WORDED, ".tile, .cloud a"]) == []

    await phone.open()
    await expect(page.locator(".pick").first).to_be_visible()
    await look("sign-up")
    await phone.sign_up()
    await phone.told("impression")
    await look("feed")
    await phone.press("l")
    await expect(page.locator("#hint")).to_have_class("hint on")
    await look("liked")
    for key, name in (
        ("w", "why"),
        ("n", "next"),
        ("h", "hide"),
        ("c", "comments"),
        ("x", "share"),
        ("/", "ask"),
        ("?", "keys"),
    ):
        await phone.press(key)
        await look(name)
        await phone.press("Escape")
        await expect(page.locator("dialog")).to_have_count(0)
    for path, name in (("discover", "discover"), ("tag/cats", "tag"), ("creator/bo.cats", "creator"), ("you", "you")):
        await page.evaluate("(path) => { location.hash = `#/${path}`; }", path)
        await expect(page.locator(".page h1")).to_be_visible()
        await expect(page.locator(".page .wait")).to_have_count(0)
        await look(name)


async def test_words_can_be_read_over_every_picture(new_phone: NewPhone) -> None:
    """White on the brightest spot behind each word of a card: 4.5 to 1 at least."""
    phone = await new_phone()
    page = phone.page
    await phone.sign_up(picks=("fashion", "comedy"))
    worst = 21.0
    for _ in range(8):
        await phone.told("impression", video_id=(await phone.feed())[0])
        boxes = await page.evaluate(_WORDS)
        picture = base64.b64encode(await page.screenshot()).decode()
        worst = min(worst, await page.evaluate(_READABLE, [picture, boxes]))
        await phone.next()
    assert worst >= 4.5


async def test_everything_can_be_done_by_keys_alone(new_phone: NewPhone) -> None:
    phone = await new_phone(1440, 900, touch=False)
    page = phone.page
    await phone.open()
    await page.wait_for_selector(".pick")
    await phone.press("Tab")
    await page.keyboard.type("bo")
    await phone.press("Tab", "Tab", "Tab", "Space")
    await expect(page.locator(".pick").first).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Start watching").press("Enter")
    first = await phone.watching()
    second = await phone.next()
    assert second != first
    await phone.press("ArrowUp")
    await phone.told("impression", 2, video_id=first)
    await phone.press("l", "s", "f", " ")
    for verb in ("like", "save", "follow"):
        await phone.told(verb, op="add")
    await phone.told("action", kind="pause")
    await phone.press("d")
    await expect(page.get_by_role("heading", name="Discover")).to_be_focused()
    await phone.press("Escape")
    await expect(page.locator("#page")).to_be_hidden()
    await phone.press("h")
    await expect(page.get_by_role("heading", name="This video", exact=True)).to_be_focused()
    await phone.press("Tab", "Tab", "Tab", "Enter")
    await phone.told("feedback", kind="not_interested")
    await phone.press("/")
    await expect(page.get_by_label("What do you want to see?")).to_be_focused()
    await page.keyboard.type("cooking")
    await phone.press("Enter")
    await expect(page.locator("#asked")).to_contain_text("cooking")
    await phone.press("w")
    await expect(page.locator("#why .why")).to_be_focused()


async def test_a_swipe_of_a_finger_goes_on_by_one_and_back(phone: Phone) -> None:
    first, (second, third, *_) = await phone.feed()
    await phone.swipe(600, 300)
    await phone.comes(second)
    await phone.swipe(650, 100)
    await phone.comes(third)
    await phone.swipe(300, 600)
    await phone.comes(second)
    assert {event["video_id"] for event in await phone.told("impression", 4)} == {first, second, third}


async def test_a_notch_of_the_wheel_goes_on_by_one(desk: Phone) -> None:
    _, (second, *_) = await desk.feed()
    await desk.page.mouse.move(720, 400)
    await desk.page.mouse.wheel(0, 100)
    await desk.comes(second)


async def test_what_comes_into_sight_while_the_feed_changes_stays(phone: Phone) -> None:
    """A batch that arrives in the middle of a swipe does not change the video that the finger draws in."""
    current, (second, *_) = await phone.feed()
    await phone.page.evaluate(
        """() => {
          const deck = document.getElementById("deck");
          deck.style.scrollSnapType = "none";
          deck.scrollTop = deck.clientHeight * 0.3;
        }"""
    )
    await phone.press("l")
    await expect(phone.page.locator("#hint")).to_have_class("hint on")
    same, (following, *_) = await phone.feed()
    assert (same, following) == (current, second)


async def test_only_what_is_watched_moves_and_nothing_where_motion_is_unwanted(new_phone: NewPhone) -> None:
    picture = """() => [...document.querySelectorAll("article canvas")].slice(0, 2).map((one) => one.toDataURL())"""
    for motion in ("no-preference", "reduce"):
        phone = await new_phone(reduced_motion=motion)
        await phone.sign_up(motion)
        before = await phone.page.evaluate(picture)
        await phone.stay(1_200)
        after = await phone.page.evaluate(picture)
        assert [old != new for old, new in zip(before, after, strict=True)] == [motion != "reduce", False]
        await phone.next()


async def test_a_scene_is_the_same_for_an_id_ends_where_it_began_and_differs_by_subject(new_phone: NewPhone) -> None:
    phone = await new_phone()
    await phone.open()
    apart: list[dict[str, float]] = await phone.page.evaluate(
        """async (subjects) => {
          const { sceneOf, paint } = await import("/phone/scenes/index.js");
          const picture = (id, subject, t) => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 50, height: 100 });
            const video = { duration_ms: 11300, tags: [subject], category: subject };
            paint(canvas, sceneOf({ video_id: id, video }), t);
            return canvas.getContext("2d").getImageData(0, 0, 50, 100).data;
          };
          const apart = (a, b) => a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length;
          return subjects.map((one, at) => {
            const first = picture("a", one, 0);
            const away = (id, subject, t) => apart(first, picture(id, subject, t));
            return { again: away("a", one, 0), end: away("a", one, 11.3), later: away("a", one, 4.7),
              other: away("b", one, 0), subject: away("a", subjects.at(at - 1), 0) };
          });
        }""",
        [*SUBJECTS, "something else"],
    )
    assert len(apart) == len(SUBJECTS) + 1
    for one in apart:
        assert one["again"] == 0
        assert one["end"] < 0.5
        assert one["later"] > 0.5
        assert one["other"] > 0.5
        assert one["subject"] > 15


async def test_a_subject_is_known_by_its_chinese_name_too(new_phone: NewPhone) -> None:
    phone = await new_phone()
    await phone.open()
    same: bool = await phone.page.evaluate(
        """async () => {
          const { sceneOf } = await import("/phone/scenes/index.js");
          const of = (tags) => sceneOf({ video_id: "a", video: { duration_ms: 9000, tags } }).hues;
          return of(["cats"]) === of(["\u732b"]) && of(["cats"]) !== of(["\u8db3\u7403"]);
        }"""
    )
    assert same


async def test_drawing_leaves_time_for_sixty_pictures_a_second(phone: Phone) -> None:
    worst: float = await phone.page.evaluate(
        """async (subjects) => {
          const { sceneOf, paint } = await import("/phone/scenes/index.js");
          const canvas = Object.assign(document.createElement("canvas"), { width: 780, height: 1560 });
          const costs = subjects.map((one) => {
            const scene = sceneOf({ video_id: "a", video: { duration_ms: 12000, tags: [one], category: one } });
            const took = [];
            for (let i = 0; i < 12; i++) {
              const from = performance.now();
              paint(canvas, scene, i / 60);
              took.push(performance.now() - from);
            }
            return took.sort((a, b) => a - b)[6];
          });
          return Math.max(...costs);
        }""",
        list(SUBJECTS),
    )
    assert worst < 16


async def test_the_page_asks_nobody_but_its_gateway_and_runs_under_a_strict_policy(phone: Phone) -> None:
    answer: dict[str, Any] = (await phone.page.request.get(phone.url)).headers
    assert "default-src 'none'" in answer["content-security-policy"]
    assert phone.hosts == {phone.url.removeprefix("http://")}
