"""Journeys: every place of every batch from served over seen to what came of it, joined from a log of wire lines.

Events name the batch they belong to; where one does not, it belongs to the latest batch that had served the viewer that
video. What comes twice counts once, and an undo takes back. Previews were shown to nobody and are left out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from schemas.events import EVENTS, Event
from schemas.lines import Line

__all__ = ["POSITIVE", "Journeys", "Place", "Session", "journeys"]

POSITIVE: Final = ("like", "share", "comment", "follow", "save")
"""Verbs that are strong positives."""
_FORGET_MS: Final = 86_400_000
_TOPICS: Final = {f"events.{verb}": verb for verb in (*POSITIVE, "watch", "skip", "impression", "feedback")}


class _Item(msgspec.Struct):
    video_id: str
    position: int
    source: str = ""
    propensity: float | None = None
    tier: Any = None


class _Batch(msgspec.Struct):
    batch_id: str
    user_id: str
    ts_ms: int
    items: list[_Item]
    trigger: str = ""
    arms: dict[str, str] = {}


class _Named(msgspec.Struct):
    creator_id: str = ""


@dataclass(slots=True)
class Place:
    """One place that was served, and what came of it: ``watch_ms`` is the longest report, ``ops`` holds for each verb
    its latest operation (2 x time, plus 1 if it takes back).
    """

    user_id: str
    video_id: str
    ts_ms: int
    position: int
    source: str
    tier: str
    propensity: float | None
    arms: dict[str, str]
    seen: bool = False
    watch_ms: int = 0
    duration_ms: int = 0
    ops: dict[str, int] = field(default_factory=dict)

    def did(self, verb: str) -> bool:
        """Whether the verb (like, skip, report …) stands."""
        return self.ops.get(verb, 1) % 2 == 0

    @property
    def positive(self) -> bool:
        """Whether any strong positive stands."""
        return any(self.did(verb) for verb in POSITIVE)


@dataclass(slots=True)
class Session:
    """One session of a viewer: its first and last event, and the watch time of each impression."""

    first_ms: int
    last_ms: int
    watched: dict[str, int] = field(default_factory=dict)

    @property
    def watch_ms(self) -> int:
        """All that was watched."""
        return sum(self.watched.values())


@dataclass(slots=True)
class Journeys:
    """``places`` in the order served, ``sessions`` by viewer and session id, ``creator`` by video; ``last_ms`` is how
    far the log goes.
    """

    places: list[Place] = field(default_factory=list)
    sessions: dict[str, dict[str, Session]] = field(default_factory=dict)
    creator: dict[str, str] = field(default_factory=dict)
    last_ms: int = 0


def journeys(lines: Iterable[Line]) -> Journeys:
    """Join the batches and events of ``lines``, in any order; lines that cannot be read are passed over."""
    made = Journeys()
    events: list[tuple[str, Any]] = []
    batches: dict[str, _Batch] = {}
    for line in lines:
        try:
            if line.topic == "feeds":
                batch = msgspec.json.decode(line.value, type=_Batch)
                batches.setdefault(batch.batch_id, batch)
            elif line.topic in _TOPICS:
                events.append((_TOPICS[line.topic], msgspec.json.decode(line.value, type=EVENTS[line.topic])))
            elif line.topic == "videos" and line.value_bytes is not None:
                made.creator[line.key or ""] = msgspec.json.decode(line.value, type=_Named).creator_id
        except msgspec.MsgspecError:
            continue
    served = _served(made, sorted(batches.values(), key=lambda batch: (batch.ts_ms, batch.batch_id)))
    for verb, event in events:
        made.last_ms = max(made.last_ms, event.ts_ms)
        _note_session(made, verb, event)
        place = _place_of(served, event)
        if place is not None:
            _note(place, verb, event)
    return made


def _served(made: Journeys, batches: list[_Batch]) -> dict[tuple[str, str], list[Place]]:
    """Places by (batch, video), and by (viewer, video) in order of time."""
    served: dict[tuple[str, str], list[Place]] = {}
    for batch in batches:
        made.last_ms = max(made.last_ms, batch.ts_ms)
        if batch.trigger == "preview":
            continue
        for item in batch.items:
            tier = "" if item.tier is None else str(item.tier)
            place = Place(
                batch.user_id, item.video_id, batch.ts_ms, item.position, item.source, tier, item.propensity, batch.arms
            )
            made.places.append(place)
            served.setdefault((f"b:{batch.batch_id}", item.video_id), []).append(place)
            served.setdefault((f"u:{batch.user_id}", item.video_id), []).append(place)
    return served


def _place_of(served: dict[tuple[str, str], list[Place]], event: Event) -> Place | None:
    if event.batch_id is not None and (found := served.get((f"b:{event.batch_id}", event.video_id))):
        return found[0]
    known = served.get((f"u:{event.user_id}", event.video_id), [])
    at = bisect_right(known, event.ts_ms, key=lambda place: place.ts_ms) - 1
    return known[at] if at >= 0 and event.ts_ms - known[at].ts_ms <= _FORGET_MS else None


def _note(place: Place, verb: str, event: Any) -> None:
    if verb == "feedback":
        verb = event.kind
    else:
        place.seen = True
    if verb == "watch":
        place.watch_ms = max(place.watch_ms, event.watch_ms)
        place.duration_ms = max(place.duration_ms, event.duration_ms)
    elif verb != "impression":
        operation = 2 * event.ts_ms + (getattr(event, "op", "add") == "remove")
        place.ops[verb] = max(place.ops.get(verb, 0), operation)


def _note_session(made: Journeys, verb: str, event: Any) -> None:
    mine = made.sessions.setdefault(event.user_id, {})
    session = mine.setdefault(event.session_id, Session(event.ts_ms, event.ts_ms))
    session.first_ms, session.last_ms = min(session.first_ms, event.ts_ms), max(session.last_ms, event.ts_ms)
    if verb == "watch":
        name = event.impression_id or event.video_id
        session.watched[name] = max(session.watched.get(name, 0), event.watch_ms)
    if event.creator_id is not None and event.video_id is not None:
        made.creator.setdefault(event.video_id, event.creator_id)
