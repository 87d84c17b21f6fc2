"""A page of an event shows what is taken and what is refused, and the codec agrees with every word."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from schemas.codec import BadRecord, decode
from schemas.events import EVENTS
from schemas.pages import SENT_MS, event_pages, key_of
from schemas.topics import TOPICS

FOLDER = Path(__file__).parents[2] / "docs" / "events"
PAGES = {path.stem: path.read_text() for path in FOLDER.iterdir()}
GOOD = re.compile(r"^```json good\n(.*?)^```", re.MULTILINE | re.DOTALL)
BAD = re.compile(r"^(`[a-z]+` at `[^\n]+(?:\n[^\n]+)*)\n\n```json bad\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = [(verb, text) for verb, page in PAGES.items() for text in GOOD.findall(page)]
REFUSED = [(verb, said, text) for verb, page in PAGES.items() for said, text in BAD.findall(page)]


def test_every_event_has_its_page_as_the_code_makes_it() -> None:
    assert event_pages() == PAGES, "run `feedstream topics export docs`"


@pytest.mark.parametrize(("verb", "text"), EXAMPLES)
def test_what_a_page_says_is_taken_is_taken(verb: str, text: str) -> None:
    topic = f"events.{verb}"
    assert isinstance(decode(topic, key_of(topic, orjson.loads(text)), text.encode(), SENT_MS), EVENTS[topic])


@pytest.mark.parametrize(("verb", "said", "text"), REFUSED)
def test_what_a_page_says_is_refused_is_refused_in_its_words(verb: str, said: str, text: str) -> None:
    topic = f"events.{verb}"
    with pytest.raises(BadRecord) as caught:
        decode(topic, key_of(topic, orjson.loads(text)), text.encode(), SENT_MS)
    assert " ".join(said.split()) == f"`{caught.value.cause}` at `{caught.value.path}`: {caught.value.why}"


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_page_shows_every_example_and_every_field(name: str) -> None:
    page = PAGES[name.removeprefix("events.")]
    topic = TOPICS[name]
    assert [orjson.loads(text) for text in GOOD.findall(page)] == list(topic.good)
    assert [orjson.loads(text) for _, text in BAD.findall(page)] == [value for value, _, _ in topic.bad]
    for field in EVENTS[name].__struct_fields__:
        assert f"| `{field}` |" in page
