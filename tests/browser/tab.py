"""A tab of the browser, and what went wrong in it."""

from __future__ import annotations

from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

__all__ = ["PATIENCE_S", "Tab", "profile"]

PATIENCE_S: Final = 45.0
"""The longest that anything may take: machines that run tests may be busy with others."""
expect.set_options(timeout=PATIENCE_S * 1_000)

_EXPECTED: Final = ("net::ERR", *(f"status of {status}" for status in (401, 403, 404, 429, 503)))
"""What Chromium itself logs about answers that a test makes fail on purpose."""
_FRAMES: Final = """(() => {
  const soon = requestAnimationFrame.bind(window), asked = new Map();
  let last = 0;
  window.requestAnimationFrame = (draw) => {
    const drawn = () => soon((now) => asked.delete(id) && draw(now));
    const id = ++last;
    asked.set(id, setTimeout(drawn, 80));
    return id;
  };
  window.cancelAnimationFrame = (id) => (clearTimeout(asked.get(id)), asked.delete(id));
})()"""
"""Some ten frames a second, as on a slow phone: sixty, drawn without a graphics card, take a third of a core."""


async def profile(browser: Browser, **options: Any) -> BrowserContext:
    """A profile of its own in the browser, in which pages draw no more often than they must."""
    context = await browser.new_context(**options)
    context.set_default_timeout(PATIENCE_S * 1_000)
    await context.add_init_script(_FRAMES)
    return context


class Tab:
    """One tab on the gateway at ``url``; ``errors``: what nothing caught, what the console warns of."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.on("console", self._logged)
        page.on("pageerror", lambda error: self.errors.append(f"{error}\n{error.stack}"))

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in _EXPECTED):
            self.errors.append(message.text)
