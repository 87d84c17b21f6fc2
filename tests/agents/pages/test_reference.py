"""The pages of reference say what the code says, all of it, and are those in docs/reference."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import feedstream
from agents.cli.main import COMMANDS
from agents.gateway.routes import ROUTES
from agents.pages import PAGES
from agents.pages.__main__ import main
from agents.pages.settings import meanings
from agents.pages.text import prose
from agents.settings import Settings
from schemas.topics import TOPICS

FOLDER = Path(__file__).parents[3] / "docs" / "reference"


def headings(name: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", PAGES[name](), re.MULTILINE)


def test_the_pages_in_docs_are_up_to_date(tmp_path: Path) -> None:
    main(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in FOLDER.iterdir()}, "run `make docs`"


def test_every_setting_says_what_it_is_for() -> None:
    assert list(meanings()) == [one.name for one in fields(Settings)]
    assert all(meanings().values())


def test_every_command_and_each_below_it_has_a_section() -> None:
    assert headings("commands", 2) == list(COMMANDS)
    assert {"topics apply", "dlq replay", "control set", "experiment readout"} <= set(headings("commands", 3))


def test_every_call_has_a_section() -> None:
    assert {f"{route.method} {route.path}" for route in ROUTES} < set(headings("calls", 3))


def test_every_topic_has_a_section() -> None:
    assert set(TOPICS) < set(headings("topics", 3))


def test_every_public_name_is_told_of() -> None:
    assert set(feedstream.__all__) - set(headings("python", 2)) == {"TOPICS", "Settings"}, (
        "they have pages of their own"
    )


@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_link_within_a_page_leads_nowhere(name: str) -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for level in (2, 3) for one in headings(name, level)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGES[name]())) <= anchors


def test_an_example_stands_in_a_fence_without_what_is_said_to_the_test_runner() -> None:
    assert prose("Adds.\n\n>>> 1 + 1  # doctest: +SKIP\n2\n") == "Adds.\n\n```pycon\n>>> 1 + 1\n2\n```"
