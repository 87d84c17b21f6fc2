"""The dashboard in a real Chromium: every panel shows what was put in, and says what is wrong when something is."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from agents.gateway.access import Key
from agents.gateway.refusals import Refusal
from streams import limits
from tests.agents.gateway.operated import Operated, operating
from tests.browser.board import Board
from tests.browser.looks import CONTRAST, FAULTS
from tests.browser.tab import profile

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="session")]

NewBoard = Callable[..., Coroutine[Any, Any, Board]]
SIZES: Final = {
    "phone": (390, 844, ("dark",)),
    "desk": (1440, 900, ("dark", "light")),
    "small": (320, 568, ("light",)),
}
VIEWS: Final = ("now", "quality", "viewers/ann", "videos/v9", "creators/maker-1", "models", "experiments", "campaigns",
                "letters")  # fmt: skip
NEEDS_WORKERS: Final = "Only workers know this"
FLOW: Final = "Records a second, by topic"


@pytest.fixture
def fake() -> Operated:
    made = Operated()
    now_ms = int(time.time() * 1_000)
    for at in range(40):
        made.held.add(now_ms - (40 - at) * 2_000, {
            "flow:events.watch": 90.0 + at, "lag:events.watch": 1_200.0, "latency:p50": 0.134, "latency:p99": 0.284,
            "items:served": 40.0, "items:seen": 12.0, "loss:long_view": 0.61,
        })  # fmt: skip
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def new_board(chromium: Browser, fake: Operated) -> AsyncIterator[NewBoard]:
    """Opens tabs, each with a browser profile of its own. At the end none of them may have met an error."""
    boards: list[Board] = []
    async with operating(fake) as url:

        async def made(width: int = 1440, height: int = 900, **options: Any) -> Board:
            context = await profile(chromium, viewport={"width": width, "height": height}, **options)
            boards.append(Board(await context.new_page(), url))
            return boards[-1]

        yield made
        for board in boards:
            await board.page.context.close()
    assert [error for board in boards for error in board.errors] == []


@pytest_asyncio.fixture(loop_scope="session")
async def board(new_board: NewBoard) -> Board:
    return await new_board()


# --- each panel shows what was put in ---------------------------------------------------------------------------------


async def test_now_shows_flow_lag_latency_workers_and_shards(board: Board) -> None:
    await board.open()
    tiles = board.page.locator(".tiles")
    await expect(tiles).to_contain_text("1 of 2")
    for words in ("284 ms", "p50 134 ms, 310 feeds", "93.5", "1,204", "512"):
        await expect(tiles).to_contain_text(words)
    await expect(board.row("Topics", "events.watch")).to_contain_text("93.5")
    await expect(board.row("Topics", "events.watch")).to_contain_text("90,210")
    await expect(board.row("Topics", "events.like")).to_contain_text("0.04")
    await expect(board.panel("Shards")).to_contain_text("viewers 0")
    await expect(board.panel("Shards")).to_contain_text("1,204 waiting, events.watch")
    await expect(board.panel("Shards")).to_contain_text("of vm:17")
    for panel, words in (
        (FLOW, "129"), ("Records waiting, by topic", "1,200"), ("From an action to its feed", "284 ms"),
        ("Items a second, by what came of them", "40"),
    ):  # fmt: skip
        await expect(board.panel(panel).locator(".legend")).to_contain_text(words)
        assert (await board.ink(panel))["columns"] > 100


async def test_a_worker_that_is_down_is_shown_as_such(board: Board) -> None:
    await board.open()
    await expect(board.page.locator("#status")).to_contain_text("1 of 2 workers do not answer")
    row = board.row("Workers", "10.0.0.2:9464")
    await expect(row).to_contain_text("does not answer")
    await expect(row).to_contain_text("nothing listens there (Connection refused)")
    await expect(board.row("Workers", "10.0.0.1:9464")).to_contain_text("210 MB")


async def test_quality_is_shown_by_source_tier_and_arm(board: Board) -> None:
    await board.open("quality")
    row = board.row("By source", "similar")
    for words in ("1,000", "400 · 40 %", "50 %", "11 %", "15 %", "0.5 %"):
        await expect(row).to_contain_text(words)
    await expect(board.row("By tier", "5, without a bound")).to_contain_text("200 · 33 %")
    await expect(board.row("By arm", "two: more")).to_contain_text("10 %")


async def test_a_viewer_is_looked_up_and_segments_are_listed(board: Board) -> None:
    await board.open("viewers")
    await board.page.get_by_role("searchbox", name="Id of a viewer").fill("ann")
    await board.page.keyboard.press("Enter")
    persona = board.panel("Viewer ann")
    for words in ("#cats", "60 %", "heavy", "calm", "537", "less: football", "drift", "evening 75 %"):
        await expect(persona).to_contain_text(words)
    await expect(board.row("Segments", "cats, cosy")).to_contain_text("62 %")
    assert board.page.url.endswith("#/viewers/ann"), "the place can be kept and sent"


async def test_a_videos_life_and_what_moves_are_shown(board: Board) -> None:
    await board.open("videos/v9")
    life = board.panel("Video v9")
    for words in ("Paws, then naps", "held", "#cats", "shown to 100 in tier 1", "15 %", "40 min",
                  "200 views in 30 days", "2 earlier decisions are not kept"):  # fmt: skip
        await expect(life).to_contain_text(words)
    await expect(life.locator("[aria-current=step]")).to_have_text("Tier 1")
    promoted = life.get_by_role("row").filter(has_text="promote")
    await expect(promoted).to_contain_text("0 → 1")
    await expect(promoted).to_contain_text("like 12 % (peers 3.0 %)")
    await expect(board.panel("On the move")).to_contain_text("4.2 times as usual")
    await expect(board.panel("On the move")).to_contain_text("watched by fewer")
    await life.get_by_role("link", name="maker-1").click()
    await expect(board.page.get_by_role("heading", level=1)).to_have_text("Creators")
    page = board.panel("Creator maker-1")
    await expect(page).to_contain_text("Followers41")
    await expect(page.get_by_role("row").filter(has_text="cats, cosy")).to_contain_text("80")


async def test_models_are_shown_with_losses_and_the_gate(board: Board) -> None:
    await board.open("models")
    await expect(board.panel("In use")).to_contain_text("frozen: nothing new is published")
    await expect(board.row("Heads", "long view")).to_contain_text("0.612")
    await expect(board.row("Heads", "share")).to_contain_text("\N{EN DASH}")
    await expect(board.row("Published", "ranker")).to_contain_text("4")
    await expect(board.row("Published", "lift")).to_contain_text("3")
    await expect(board.panel("Log-loss by head").locator(".legend")).to_contain_text("0.61")


async def test_an_experiment_is_read_out_for_as_many_hours_as_are_asked_for(board: Board, fake: Operated) -> None:
    await board.open("experiments")
    panel = board.panel("two")
    await expect(panel.get_by_role("row").filter(has_text="slate.fresh = 0.3")).to_contain_text("240 · 34 %")
    await panel.get_by_role("spinbutton").fill("2")
    await panel.get_by_role("button", name="Read out").click()
    read = board.panel("Readout of two")
    await expect(read).to_contain_text("200,000 records of the log, the latest of them only")
    await expect(read).to_contain_text("now 410, more 402; 31 wait, 2 had two arms")
    positive = read.get_by_role("row").filter(has_text="positive")
    await expect(positive).to_contain_text("a difference")
    await expect(positive.get_by_role("img", name="0.004 to 0.036")).to_be_visible()
    await expect(read.get_by_role("row").filter(has_text="skip")).to_contain_text("too few viewers")
    assert "/v1/operate/experiments/two?window_h=2" in fake.calls
    arms, form = [await panel.locator(one).first.bounding_box() for one in (".scroll", "form")]
    assert arms is not None
    assert form is not None
    assert form["y"] >= arms["y"] + arms["height"], "one stands below the other, also with a readout"


async def test_campaigns_are_shown_beside_what_is_due(board: Board) -> None:
    await board.open("campaigns")
    row = board.row("Campaigns", "sale")
    for words in ("running", "v9", "tags: cats", "100 of 400", "80", "40 · 50 %", "4 · 5.0 %"):
        await expect(row).to_contain_text(words)


async def test_dead_letters_are_shown_by_cause_and_as_text(board: Board) -> None:
    await board.open("letters")
    await expect(board.row("By cause", "json")).to_contain_text("970")
    await expect(board.panel("By cause")).to_contain_text("Of 1,500 letters the latest 1,000 were read")
    await expect(board.panel("The latest")).to_contain_text("{no <b>json</b>")
    await expect(board.panel("The latest")).to_contain_text("dead-letters:2:41")
    assert await board.panel("The latest").locator("b").count() == 0


# --- charts -----------------------------------------------------------------------------------------------------------


async def test_a_chart_of_an_hour_is_readable_and_loses_nothing_that_sticks_out(board: Board, fake: Operated) -> None:
    now_ms = int(time.time() * 1_000)
    fake.held = type(fake.held)()
    for at in range(limits.HISTORY):
        value = 1_000.0 if at == 700 else 10.0 + at % 2
        fake.held.add(now_ms - (limits.HISTORY - at) * 1_999, {f"flow:t{nth}": value / (nth + 1) for nth in range(12)})
    await board.open()
    await board.page.get_by_role("button", name="1 h").click()
    legend = board.panel(FLOW).locator(".legend li")
    await expect(legend).to_have_count(8)
    ink = await board.ink(FLOW)
    assert ink["least"] < 0.15, "the one that sticks out is drawn"
    assert 0 < ink["columns"] <= ink["width"]
    drawn = await board.page.evaluate("""async () => {
      const { columnsOf } = await import("/dashboard/scale.js");
      const times = Array.from({ length: 100000 }, (_, at) => at);
      const values = times.map((at) => (at === 77777 ? 9 : at === 33333 ? -9 : at % 7 === 3 && at < 50 ? null : 1));
      const began = performance.now();
      const made = columnsOf(times, values, 0, 99999, 500);
      const all = made.filter(Boolean);
      return [all.length <= 510, Math.max(...all.map((one) => one[3])), Math.min(...all.map((one) => one[2])),
        made.includes(null), performance.now() - began < 500];
    }""")
    assert drawn == [True, 9, -9, True, True]


async def test_a_key_or_a_pointer_says_what_a_curve_was_at_a_time(board: Board) -> None:
    await board.open()
    await board.page.get_by_role("button", name="5 min", exact=True).click()
    panel = board.panel(FLOW)
    await expect(panel.locator(".legend b")).to_have_text("129")
    await panel.locator("canvas").focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft"):
        await board.page.keyboard.press(key)
    await expect(panel.locator(".legend b")).to_have_text("127")
    await expect(panel.get_by_role("img")).to_have_accessible_name(re.compile("events.watch 127$"))
    await board.page.keyboard.press("Escape")
    await expect(panel.locator(".legend b")).to_have_text("129")


async def test_what_comes_while_one_looks_is_shown(board: Board, fake: Operated) -> None:
    await board.open()
    await expect(board.panel(FLOW).locator(".legend b")).to_have_text("129")
    fake.held.add(int(time.time() * 1_000), {"flow:events.watch": 4_321.0})
    await expect(board.panel(FLOW).locator(".legend b")).to_have_text("4,321")


# --- what is wrong ----------------------------------------------------------------------------------------------------


async def test_a_gateway_with_keys_asks_for_one_and_keeps_it_in_the_tab_alone(
    new_board: NewBoard, fake: Operated
) -> None:
    fake.access._keys = [
        Key(name=name, sha256=hashlib.sha256(name.encode()).hexdigest(), roles=roles)
        for name, roles in (("ops", ["operate", "read"]), ("app", ["read"]))
    ]
    board = await new_board()
    await board.open("quality")
    dialog = board.page.get_by_role("dialog")
    await dialog.get_by_label("Key").fill("wrong")
    await board.page.keyboard.press("Enter")
    await expect(board.page.get_by_role("dialog").last).to_contain_text("That key was not accepted")
    await board.page.get_by_role("dialog").last.get_by_label("Key").fill("app")
    await board.page.keyboard.press("Enter")
    await expect(board.page.locator("#status")).to_contain_text("the key 'app' may not operate: its roles are read")
    await expect(board.panel("By source").get_by_role("alert")).to_contain_text("The key 'app' may not operate")
    await board.page.get_by_role("button", name="Use another key").click()
    await board.page.get_by_role("dialog").get_by_label("Key").fill("ops")
    await board.page.keyboard.press("Enter")
    await expect(board.row("By source", "similar")).to_be_visible()
    kept = await board.page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
    assert kept == [["ops"], [], ""]


async def test_where_no_worker_is_named_it_is_said_what_to_set(board: Board, fake: Operated) -> None:
    for call in ("now", "quality", "models", "experiments"):
        more = {"workers": []} if call == "now" else {}
        fake.answers[call] = msgspec.structs.replace(fake.answers[call], workers_set=False, **more)
    for view, panels in {
        "now": ("From an action to its feed", "Items a second, by what came of them", "Workers"),
        "quality": ("By source", "By tier", "By arm"),
        "models": ("Log-loss by head", "Published"),
        "experiments": ("two",),
    }.items():
        await board.open(view)
        for title in panels:
            await expect(board.panel(title)).to_contain_text(NEEDS_WORKERS)
            await expect(board.panel(title)).to_contain_text("FEEDSTREAM_WORKERS")


async def test_a_server_that_is_down_is_said_and_what_was_shown_stays(board: Board, fake: Operated) -> None:
    await board.open("letters")
    await expect(board.row("By cause", "json")).to_be_visible()
    fake.answers["dead_letters"] = Refusal(503, "kafka", "Kafka does not answer: it is away", retry_s=1.0)
    fake.answers["now"] = msgspec.structs.replace(fake.answers["now"], problems=["Kafka does not answer: it is away"])
    await expect(board.panel("By cause").get_by_role("alert")).to_contain_text("Kafka does not answer: it is away.")
    await expect(board.row("By cause", "json")).to_be_visible()
    await expect(board.page.locator("#status")).to_contain_text("Kafka does not answer: it is away")
    await board.page.route("**/v1/**", lambda route: route.abort())
    await expect(board.page.locator("#status")).to_contain_text("the gateway does not answer")


async def test_who_is_not_known_is_said(board: Board, fake: Operated) -> None:
    fake.answers["user"] = Refusal(404, "unknown", "nothing is known of a viewer 'eve'")
    await board.open("viewers/eve")
    await expect(board.panel("Viewer eve").get_by_role("alert")).to_have_text("Nothing is known of a viewer 'eve'.")


async def test_an_empty_deployment_says_what_to_do(board: Board, fake: Operated) -> None:
    empty = {"topics": [], "shards": [], "workers": [], "latency": None}
    fake.answers["now"] = msgspec.structs.replace(fake.answers["now"], **empty)
    fake.held = type(fake.held)()
    fake.answers["dead_letters"] = msgspec.structs.replace(
        fake.answers["dead_letters"], there=0, read=0, causes=[], recent=[]
    )
    await board.open()
    await expect(board.panel("Topics")).to_contain_text("run `feedstream topics apply`")
    await expect(board.panel(FLOW)).to_contain_text("No record came in this time.")
    await expect(board.panel("Workers")).to_contain_text("No worker is found")
    await board.open("letters")
    await expect(board.panel("By cause")).to_contain_text("There are none: every record could be read.")
    fake.answers["experiments"] = msgspec.structs.replace(fake.answers["experiments"], experiments=[])
    await board.open("experiments")
    await expect(board.panel("Experiments")).to_contain_text("No experiment is set")


# --- looks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_every_view_fits_its_screen_has_names_and_can_be_read(
    new_board: NewBoard, size: str, screenshots: Path
) -> None:
    width, height, schemes = SIZES[size]
    for scheme in schemes:
        board = await new_board(width, height, color_scheme=scheme)
        for view in VIEWS:
            await board.open(view)
            await expect(board.page.locator("[aria-busy]:visible")).to_have_count(0)
            name = view.partition("/")[0]
            await board.page.screenshot(
                path=screenshots / f"dashboard-{name}-{size}-{scheme}.png", animations="disabled"
            )
            assert await board.page.evaluate(FAULTS, ".scroll, .views, .skip") == [], (view, scheme)
            assert await board.page.evaluate(CONTRAST, ["body *", ""]) == [], (view, scheme)


async def test_keys_alone_go_from_view_to_view(board: Board) -> None:
    await board.open()
    await board.page.keyboard.press("Tab")
    await expect(board.page.get_by_role("link", name="To the figures")).to_be_focused()
    await board.page.get_by_role("link", name="Models").focus()
    await board.page.keyboard.press("Enter")
    await expect(board.page.get_by_role("heading", level=1, name="Models")).to_be_focused()
    await expect(board.page.get_by_role("navigation").get_by_role("link", name="Models")).to_have_attribute(
        "aria-current", "page"
    )
    await board.page.go_back()
    await expect(board.page.get_by_role("heading", level=1)).to_have_text("Now")
