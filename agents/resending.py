"""Resending: dead letters read back, and judged by what a worker would say of each if it were sent again now.

The same code as the workers' decides that. A letter is never sent that would be refused again, twice, too late, or
over something newer; its value goes out byte for byte, unless an operator has repaired it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from agents.dead_letters import TOPIC
from agents.settings import Settings
from agents.spans import Log, Place, Span
from agents.store import Store
from schemas.codec import BadRecord, decode
from schemas.events import EVENTS
from schemas.topics import TOPICS

__all__ = ["BLOCK", "Fate", "Judged", "Letter", "judged", "letters", "refusal"]

BLOCK: Final = 5_000
"""Letters judged together: what is newer of their keys is looked up once a block."""
_REQUESTS: Final = "feed.requests"
_SENDABLE: Final = (*EVENTS, _REQUESTS, "users", "videos")
"""Topics whose records workers read one by one; what workers send each other builds on what came before it."""

Fate = Literal["send", "refused", "repeat", "replayed", "newer", "expired", "internal"]
"""What becomes of a letter: it can be sent (``send``); it would be ``refused`` again; an earlier letter is of the same
record (``repeat``); its record was ``replayed`` before; its key has a ``newer`` record; whoever asked is gone
(``expired``); or only workers write to its topic (``internal``).
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: where it stands in ``dead-letters``, what was found, and where (its ``origin``) and why.

    ``topic`` is empty, and ``at`` and ``offset`` -1, where the headers do not say.
    """

    partition: int
    number: int
    key: bytes | None
    value: bytes | None
    stamp_ms: int
    cause: str
    path: str
    topic: str
    at: int
    offset: int

    @property
    def id(self) -> str:
        """Its name, as operators write it."""
        return f"{TOPIC}:{self.partition}:{self.number}"

    @property
    def origin(self) -> str:
        """The name of the record that it is of."""
        return f"{self.topic}:{self.at}:{self.offset}"


class Judged(NamedTuple):
    """A letter, its fate, and one clause that says why it is not sent."""

    letter: Letter
    fate: Fate
    why: str


def letters(log: Log, spans: Mapping[Place, Span] | None = None) -> Iterator[Letter]:
    """Every dead letter there is (or of ``spans``), each partition in order."""
    for message in log.read(log.spans(log.places([TOPIC])) if spans is None else spans):
        yield _letter(message)


def refusal(letter: Letter, now_ms: int) -> BadRecord | None:
    """What a worker would say of the record if it were sent at ``now_ms``; None: it would take it."""
    try:
        decode(letter.topic, letter.key, letter.value, now_ms)
    except BadRecord as error:
        return error
    return None


def judged(
    found: Iterator[Letter], repaired: Mapping[str, Letter], log: Log, store: Store, settings: Settings, now_ms: int
) -> Iterator[list[Judged]]:
    """``found`` in blocks, each letter with its fate; one that is ``repaired`` (by id) stands there as it is then."""
    seen: set[str] = set()
    while block := list(islice(found, BLOCK)):
        block = [repaired.get(letter.id, letter) for letter in block]
        replayed = store.replayed([letter.origin for letter in block])
        made = []
        for letter in block:
            fate, why = _fate(letter, settings, now_ms)
            if fate == "send" and letter.origin in replayed:
                fate, why = "replayed", "it was sent again before"
            elif fate == "send" and letter.origin in seen:
                fate, why = "repeat", f"another letter is of the same record, {letter.origin}"
            if fate == "send":
                seen.add(letter.origin)
            made.append(Judged(letter, fate, why))
        yield _outdated(made, log)


def _fate(letter: Letter, settings: Settings, now_ms: int) -> tuple[Fate, str]:
    if letter.topic not in _SENDABLE:
        named = letter.topic or "a topic that its headers do not name"
        return "internal", f"it came from {named}, whose records cannot be sent one by one"
    error = refusal(letter, now_ms)
    if error is not None:
        return "refused", str(error)
    if letter.topic == _REQUESTS and now_ms - letter.stamp_ms > settings.request_ttl_s * 1_000:
        return "expired", f"it asked for a feed more than FEEDSTREAM_REQUEST_TTL_S={settings.request_ttl_s:g} ago"
    return "send", ""


def _outdated(block: Sequence[Judged], log: Log) -> list[Judged]:
    """Of compacted topics the latest record of a key holds: a letter must not come after a record that is newer."""
    due = [one.letter for one in block if one.fate == "send" and TOPICS[one.letter.topic].cleanup == "compact"]
    lows: dict[Place, int] = {}
    for letter in due:
        place = (letter.topic, letter.at)
        lows[place] = min(lows.get(place, letter.offset), letter.offset)
    latest: dict[tuple[str, bytes | None], tuple[int, int]] = {}
    there = log.spans(lows) if lows else {}
    for message in log.read({place: Span(max(span.low, lows[place] + 1), span.high) for place, span in there.items()}):
        if _taken(message):
            latest[message.topic(), message.key()] = (message.partition(), message.offset())
    made = []
    for one in block:
        letter = one.letter
        at, offset = latest.get((letter.topic, letter.key), (-1, -1))
        if one.fate == "send" and at == letter.at and offset > letter.offset:
            made.append(Judged(letter, "newer", f"its key has a newer record, {letter.topic}:{at}:{offset}"))
        else:
            made.append(one)
    return made


def _taken(message: Any) -> bool:
    """Whether workers take a record as it stands."""
    try:
        decode(message.topic(), message.key(), message.value(), message.timestamp()[1])
    except BadRecord:
        return False
    return True


def _letter(message: Any) -> Letter:
    said = {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or ()}
    at, offset = said.get("partition", ""), said.get("offset", "")
    return Letter(
        partition=message.partition(),
        number=message.offset(),
        key=message.key(),
        value=message.value(),
        stamp_ms=message.timestamp()[1],
        cause=said.get("cause", ""),
        path=said.get("path", ""),
        topic=said.get("topic", ""),
        at=int(at) if at.isdecimal() else -1,
        offset=int(offset) if offset.isdecimal() else -1,
    )
