"""Pages of reference that are made from code: ``python -m agents.pages docs/reference`` writes them (``make docs``).

Each page says only what the commands, settings, calls and topics say of themselves, so it cannot say anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agents.pages.calls import calls_page
from agents.pages.commands import commands_page
from agents.pages.python import python_page
from agents.pages.settings import settings_page
from agents.pages.topics import topics_page

__all__ = ["PAGES"]

PAGES: Final[dict[str, Callable[[], str]]] = {
    "calls": calls_page,
    "commands": commands_page,
    "python": python_page,
    "settings": settings_page,
    "topics": topics_page,
}
"""Name of a page to what makes it."""
