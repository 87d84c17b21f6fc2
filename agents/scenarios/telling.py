"""Telling a story: viewers before a ``Replay`` who do what they are told to, in event time.

What scenarios share: a world's closed loop under some tuning, single events, and requests of single viewers.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agents.world.loop import Loop
from agents.world.world import World
from schemas.control import Control
from schemas.events import EVENTS, Event
from schemas.feeds import FeedBatch, FeedItem, FeedRequest
from schemas.lines import line_of, parse_line
from streams.control.tuning import Tuning
from streams.replay import Replay

__all__ = ["YEAR_MS", "Teller", "before", "looped", "send"]

YEAR_MS: Final = 365 * 86_400_000


def before(world: World, tuning: Tuning) -> Loop:
    """The closed loop of ``world`` before a fresh replay under ``tuning``."""
    return Loop(world, Replay(world.start_ms + YEAR_MS, tuning=tuning))


def looped(seed: int, tuning: Tuning, viewers: int = 12, videos: int = 300) -> Loop:
    """The same of a small world."""
    return before(World(seed, viewers=viewers, videos=videos), tuning)


def send(replay: Replay, topic: str, record: msgspec.Struct) -> FeedBatch | None:
    """One record, as it would come over the wire; the batch that a request is answered with."""
    return replay.line(parse_line(line_of(topic, record)))


class Teller:
    """Tells a ``replay`` what viewers do, at ``now_ms``; time passes when it is told to."""

    def __init__(self, replay: Replay, now_ms: int) -> None:
        self.replay, self.now_ms = replay, now_ms
        self._told = 0

    def event(self, verb: str, user_id: str, video_id: str | None = None, **more: Any) -> Event:
        """What a viewer does now."""
        self._told += 1
        fields: dict[str, Any] = {"v": 1, "event_id": f"e{self._told}", "user_id": user_id, "session_id": "s"}
        fields |= {"video_id": video_id, "ts_ms": self.now_ms} | more
        return EVENTS[f"events.{verb}"](**fields)

    def does(self, verb: str, user_id: str, video_id: str | None = None, **more: Any) -> None:
        """A viewer does something now."""
        send(self.replay, f"events.{verb}", self.event(verb, user_id, video_id, **more))

    def batch(self, user_id: str, limit: int, **more: Any) -> list[FeedItem]:
        """What a viewer is answered who asks now."""
        self._told += 1
        request = FeedRequest(v=1, request_id=f"r{self._told}", user_id=user_id, ts_ms=self.now_ms, limit=limit, **more)
        batch = send(self.replay, "feed.requests", request)
        return batch.items if batch is not None else []

    def asks(self, user_id: str, limit: int, **more: Any) -> list[str]:
        """Ids of that."""
        return [item.video_id for item in self.batch(user_id, limit, **more)]

    def scores(self, user_id: str) -> dict[str, float]:
        """How a viewer's ranking stands now, as a preview of 200 tells it: videos and their scores."""
        return {item.video_id: item.score for item in self.batch(user_id, 200, purpose="preview")}

    def orders(self, name: str, **value: Any) -> None:
        """An operator sets a rule."""
        send(self.replay, "control", Control(v=1, key=f"rule.{name}", value=value))
