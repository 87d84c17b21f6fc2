"""A tab of the browser, and what went wrong in it."""

from __future__ import annotations

from typing import Final

from playwright.async_api import ConsoleMessage, Page

__all__ = ["Tab"]

_EXPECTED: Final = ("net::ERR", *(f"status of {status}" for status in (401, 403, 404, 429, 503)))
"""What Chromium itself logs about answers that a test makes fail on purpose."""


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
