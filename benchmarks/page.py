"""The phone page in Chromium: how long after a like the feed on the screen has changed.

    python -m benchmarks.page [--likes N]

One worker and one gateway with the settings that they have by default, on a real Kafka and Redis, and Debian's
Chromium, all on the same machine. The time runs from the key that likes to the moment when the page says how many
videos are new, which it does once they stand in the feed. The figures go to stdout and to ``benchmarks/out/page.json``,
from which ``python -m benchmarks.readme`` fills the README.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as Late

from agents.settings import Settings
from agents.testing.servers import found
from agents.world.words import worded_videos
from benchmarks import report
from benchmarks.site import living
from schemas.lines import line_of

__all__ = ["measure"]

_OUT: Final = Path(__file__).parent / "out" / "page.json"
_LIKES_OF_ONE: Final = 10
_PATIENCE_MS: Final = 5_000
"""Longer, and something else that the viewer did, such as watching on, would have changed the page."""
_LIKE: Final = """(patience_ms) => new Promise((done) => {
  const hint = document.getElementById("hint");
  hint.classList.remove("on");
  let began = 0;
  const watch = new MutationObserver(() => {
    if (hint.classList.contains("on")) { watch.disconnect(); done(performance.now() - began); }
  });
  watch.observe(hint, {attributes: true});
  setTimeout(() => { watch.disconnect(); done(null); }, patience_ms);
  began = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "l", bubbles: true, cancelable: true}));
})"""


def measure(say: Callable[[str], None], likes: int = 100) -> dict[str, Any]:
    """Figures of one run: a new viewer every few likes, since one that likes all there is tells nothing new."""
    defaults = Settings()
    as_usual = {name: f"{getattr(defaults, name)}" for name in ("checkpoint_ms", "session_timeout_s")}
    with living(**as_usual) as live:
        live.send_lines(line_of("videos", video) for video in worded_videos(4, 2_000))
        _, url = live.gateway()
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=found("chromium", "apt-get install chromium"), args=["--no-sandbox"]
            )
            took: list[float | None] = []
            while len(took) < likes:
                context = browser.new_context(viewport={"width": 390, "height": 844})
                took += _liked(context.new_page(), url, min(_LIKES_OF_ONE, likes - len(took)))
                context.close()
                say(f"{len(took)} likes")
            browser.close()
    seen = [one for one in took if one is not None]
    if not seen:
        raise RuntimeError(f"the page changed after none of {likes} likes")
    p50, p99 = np.quantile(seen, (0.5, 0.99))
    return {
        "page_likes": len(took),
        "page_unchanged": len(took) - len(seen),
        "page_like_p50_ms": float(p50),
        "page_like_p99_ms": float(p99),
    }


def _liked(page: Page, url: str, likes: int) -> list[float | None]:
    """Milliseconds from each like of one new viewer to the changed feed; None where nothing new came."""
    page.goto(url)
    page.get_by_label("Your name").fill(f"viewer-{time.time_ns()}")
    for tag in ("cooking", "travel"):
        page.get_by_role("button", name=tag, exact=True).click()
    page.get_by_role("button", name="Start watching").click()
    page.locator("#line.live").wait_for(state="attached")
    page.locator("#deck article canvas").first.wait_for()
    took = []
    for _ in range(likes):
        page.wait_for_timeout(700)  # nobody likes what was not looked at
        took.append(page.evaluate(_LIKE, _PATIENCE_MS))
        before = page.evaluate("document.getElementById('deck').scrollTop")
        page.keyboard.press("j")
        with contextlib.suppress(Late):
            page.wait_for_function("(y) => document.getElementById('deck').scrollTop > y", arg=before, timeout=3_000)
    return took


@click.command()
@click.option("--likes", default=100, show_default=True)
def main(likes: int) -> None:
    """Print the figures as JSON, and write them down; exit code 1 where a goal is missed."""
    report.taken("page", _OUT, lambda: measure(lambda text: click.echo(text, err=True), likes))


if __name__ == "__main__":
    main()
