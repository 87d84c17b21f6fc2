"""The closed loop in one process: viewers ask ``Replay`` for feeds, watch them, and what they do goes back in.

No broker, no store, no clock: event time only, so the same seed gives the same run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from agents.world.world import World
from schemas.events import Event
from schemas.feeds import FeedBatch, FeedRequest
from schemas.lines import line_of, parse_line
from streams.replay import Replay

__all__ = ["Loop", "Session"]

_DAY_MS: Final = 86_400_000
_POSITIVE: Final = frozenset({"events.like", "events.share", "events.follow", "events.comment", "events.save"})


class Session(NamedTuple):
    """One batch of one viewer: how well it fitted (``World.match``), and how many strong positives came of it."""

    match: float
    positives: int
    batch: FeedBatch


class Loop:
    """``world``'s viewers before a fresh ``Replay``; all records are announced at once, ``now_ms`` is event time.

    >>> loop = Loop(World(1, viewers=4, videos=50))
    >>> len(loop.session(0, limit=5).batch.items)
    5
    """

    def __init__(self, world: World, replay: Replay | None = None) -> None:
        self.world = world
        self.now_ms = world.start_ms
        self.replay = replay or Replay(world.start_ms + 365 * _DAY_MS)
        self._asked = 0
        for text in world.announcements():
            self.replay.line(parse_line(text))

    def session(self, viewer: int, limit: int = 10) -> Session:
        """The viewer (row) asks for a feed and watches all of it; time passes by as much."""
        batch = self.ask(viewer, limit)
        ids = [item.video_id for item in batch.items]
        match = self.world.match(viewer, ids)
        events, self.now_ms = self.world.watch(viewer, ids, self.now_ms, batch.batch_id)
        self.act(events)
        positives = sum(topic in _POSITIVE and getattr(event, "op", "add") == "add" for topic, event in events)
        return Session(match, positives, batch)

    def preview(self, viewer: int, limit: int = 10) -> float:
        """How well the present ranking fits the viewer (row); changes nothing."""
        return self.world.match(viewer, [item.video_id for item in self.ask(viewer, limit, "preview").items])

    def ask(self, viewer: int, limit: int = 10, purpose: str = "feed") -> FeedBatch:
        """One request of the viewer (row), answered."""
        self._asked += 1
        user = self.world.tastes.user_ids[viewer]
        request = FeedRequest(
            v=1,
            request_id=f"loop.{self._asked}",
            user_id=user,
            ts_ms=self.now_ms,
            limit=limit,
            purpose="preview" if purpose == "preview" else "feed",
        )
        batch = self.replay.line(parse_line(line_of("feed.requests", request)))
        if batch is None:
            raise RuntimeError(f"a request was refused: {dict(self.replay.bad)}")
        return batch

    def act(self, events: Iterable[tuple[str, Event]]) -> None:
        """Hand events to the replay, and to the world's tally."""
        events = list(events)
        self.world.count(events)
        for topic, event in events:
            self.replay.line(parse_line(line_of(topic, event)))
