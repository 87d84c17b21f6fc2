"""A state type behind one face, so that one file can hold all of them to the same laws."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from schemas.catalogue import Video

__all__ = ["LAWS", "Events", "State", "Story", "pickled", "video"]

LAWS = ("idempotent", "commutative", "associative", "inverse", "bounded", "restored", "cold")
Events = list[Any]
Story = tuple[Events, Events, Events]


@dataclass(frozen=True)
class State:
    """One state type: ``apply`` takes a batch of ``events``; ``exact`` must agree exactly, ``rounded`` to rounding.

    ``lane`` names what an event must stay in order with (None: nothing). ``story`` gives events, more events, and those
    that undo the second, after which ``meant`` (default: ``exact``) is as before. ``again`` is the state stored and
    loaded, ``raw`` what must survive it bit by bit. ``flood`` gives what is held after far too much, and the bound.
    ``cold`` asks an empty state. ``without`` names the laws that do not hold, and why; ``loose`` those under which
    ``rounded`` may differ.
    """

    name: str
    fresh: Callable[[], Any]
    events: Callable[[random.Random], Events]
    apply: Callable[[Any, Events], Any]
    exact: Callable[[Any], Any]
    again: Callable[[Any], Any]
    raw: Callable[[Any], Any]
    flood: Callable[[], tuple[int, int]]
    cold: Callable[[Any], bool]
    rounded: Callable[[Any], dict[Any, Any]] = lambda _: {}
    lane: Callable[[Any], Any] = lambda _: None
    story: Callable[[random.Random], Story] | None = None
    meant: Callable[[Any], Any] | None = None
    without: dict[str, str] = field(default_factory=dict)
    loose: dict[str, str] = field(default_factory=dict)


def pickled(state: Any) -> Any:
    """What comes out of a pickle."""
    return pickle.loads(pickle.dumps(state))


def video(video_id: str, **more: Any) -> Video:
    """A video of 20 s by the creator ``c``."""
    return Video(**({"v": 1, "video_id": video_id, "creator_id": "c", "created_ms": 0, "duration_ms": 20_000} | more))
