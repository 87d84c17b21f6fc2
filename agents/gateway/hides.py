"""Hides: what viewers have just hidden through this process, until workers have acted on it.

A wish to hide takes effect at once here, also where no worker answers. What was hidden longer ago stands in the
viewer's own row in the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from agents.latest import Latest
from schemas.catalogue import Video
from schemas.events import Event, Feedback
from streams import limits

__all__ = ["Hides"]

_FOR_S: Final = 600.0
_MOST: Final = 64
_CREATOR: Final = frozenset({"hide_creator", "mute", "block"})


class Hides:
    """Latest wishes by viewer; an undo takes the wish back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: Latest[str, Latest[tuple[str, str], float]] = Latest(limits.HIDERS)

    def note(self, event: Event, video: Video | None) -> None:
        """Take over an event; ``video`` is the record of what it is about, if it is known."""
        if not isinstance(event, Feedback):
            return
        name = self._named(event, video)
        if name is None:
            return
        held = self._held.get(event.user_id) or Latest(_MOST)
        self._held[event.user_id] = held
        if event.op == "remove":
            held.pop(name, None)
        else:
            held[name] = self._clock() + _FOR_S

    def hides(self, user_id: str, video_id: str, video: Video | None) -> bool:
        """Whether a video is hidden from a viewer by a wish of the last minutes."""
        held = self._held.get(user_id)
        if not held:
            return False
        names = [("video", video_id)]
        if video is not None:
            names += [("creator", video.creator_id), ("sound", video.sound_id or "")]
            names += [("tag", tag) for tag in (*video.tags, video.category) if tag]
        now_s = self._clock()
        return any(held.get(name, 0.0) > now_s for name in names)

    def forget(self, user_id: str) -> None:
        """Drop a viewer's wishes."""
        self._held.pop(user_id, None)

    @staticmethod
    def _named(event: Feedback, video: Video | None) -> tuple[str, str] | None:
        if event.kind in _CREATOR:
            name = event.target or (video.creator_id if video is not None else None)
            return None if name is None else ("creator", name)
        if event.kind == "hide_sound":
            name = event.target or (video.sound_id if video is not None else None)
            return None if name is None else ("sound", name)
        if event.kind == "hide_tag":
            first = next(iter((*video.tags, video.category)), None) if video is not None else None
            name = event.target or first
            return None if name is None else ("tag", name)
        if event.kind in {"not_interested", "report"} and event.video_id:
            return "video", event.video_id
        return None
