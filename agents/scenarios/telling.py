"""Telling a story: viewers before a ``Replay`` who do what they are told to, in event time.

What scenarios share: a world's closed loop under some tuning, single events, and requests of single viewers.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agents.world.loop import Loop
from agents.world.world import World
from schemas.events import EVENTS
from schemas.feeds import FeedBatch, FeedRequest
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

    def does(self, verb: str, user_id: str, video_id: str | None = None, **more: Any) -> None:
        """A viewer does something now."""
        self._told += 1
        fields: dict[str, Any] = {"v": 1, "event_id": f"e{self._told}", "user_id": user_id, "session_id": "s"}
        fields |= {"video_id": video_id, "ts_ms": self.now_ms} | more
        send(self.replay, f"events.{verb}", EVENTS[f"events.{verb}"](**fields))

    def asks(self, user_id: str, limit: int, **more: Any) -> list[str]:
        """Ids of the batch that a viewer asks for now."""
        self._told += 1
        request = FeedRequest(v=1, request_id=f"r{self._told}", user_id=user_id, ts_ms=self.now_ms, limit=limit, **more)
        batch = send(self.replay, "feed.requests", request)
        return [item.video_id for item in batch.items] if batch is not None else []
