"""The dashboard as tests handle it: a tab, what it shows, and what went wrong in it."""

from __future__ import annotations

from typing import Any, Final

from playwright.async_api import Locator

from tests.browser.tab import Tab

__all__ = ["Board"]

_INK: Final = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const [r, g, b] = getComputedStyle(canvas).getPropertyValue("--tone-1").match(/[0-9a-f]{2}/gi)
    .map((one) => parseInt(one, 16));
  let least = canvas.height, most = 0, columns = new Set();
  for (let at = 0; at < data.length; at += 4) {
    if (Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) > 60 || data[at + 3] < 120) {
      continue;
    }
    const [x, y] = [(at / 4) % canvas.width, Math.floor(at / 4 / canvas.width)];
    columns.add(x);
    least = Math.min(least, y);
    most = Math.max(most, y);
  }
  return { columns: columns.size, least: least / canvas.height, most: most / canvas.height, width: canvas.width };
}"""


class Board(Tab):
    """One tab of the dashboard at ``url``."""

    async def open(self, view: str = "now") -> None:
        """Load the page at a view (``videos/v9``)."""
        await self.page.goto(f"{self.url}/dashboard#/{view}")
        await self.page.get_by_role("heading", level=1).wait_for()

    def panel(self, title: str) -> Locator:
        """A panel by its title."""
        return self.page.get_by_role("region", name=title, exact=True)

    def row(self, panel: str, name: str) -> Locator:
        """A row of the table in a panel, by what its first cell says."""
        return self.panel(panel).get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=name))

    async def ink(self, panel: str) -> dict[str, Any]:
        """Where the first curve of a panel's chart is drawn: columns of pixels, and its top and foot as shares."""
        found: dict[str, Any] = await self.panel(panel).locator("canvas").evaluate(_INK)
        return found
