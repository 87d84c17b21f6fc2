"""The flow: events of made-up viewers without end, in the order in which they are to be sent.

Every viewer meets a video once, in a story of some seconds (``agents.world.stories``). Many stories are under way at a
time. What is late or comes twice is decided here, so the same seed gives the same flow but for its times.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from agents.errors import Stop
from agents.world.stories import DRAWS, EVENTS_A_STORY, story
from streams import limits

__all__ = ["Act", "Crowd", "Flow"]

_DRAWN: Final = 1_024
"""Stories whose chances are drawn at once."""
_MET: Final = limits.OUTCOMES // 2
"""Videos of a viewer at most, on average: what is beyond the ring of outcomes would be frozen, and no longer exact."""


class Crowd(NamedTuple):
    """Who acts: ``viewers`` and ``videos``, with ids that begin with ``prefix``; a share of the events is sent twice
    (``duplicates``), and each is up to ``disorder_s`` late.
    """

    prefix: str
    viewers: int
    videos: int
    duplicates: float = 0.05
    disorder_s: float = 2.0

    def check(self, events: float) -> None:
        """Raise ``Stop`` where ``events`` events would be too many videos for a viewer to be counted exactly."""
        each = events / EVENTS_A_STORY / (1.0 + self.duplicates) / self.viewers
        most = min(self.videos // 2, _MET)
        if each > most:
            raise Stop(
                f"{events:,.0f} events are {each:,.0f} videos for each of {self.viewers:,} viewers, who may meet "
                f"{most:,} of {self.videos:,}: use more --viewers or --videos, a lower --rate or a shorter --for"
            )


@dataclass(slots=True)
class Act:
    """One event to be sent; ``event`` gets its time when it is. ``late_s`` is how long before that it happened."""

    topic: str
    event: dict[str, Any]
    story: int
    last: bool
    """Whether its story ends with it."""
    late_s: float
    again: bool = False
    """Whether it was sent before, and is sent once more, the same."""


class Flow:
    """An endless iterator of ``Act``; stories begin at random, so often that ``rate`` events come a second."""

    def __init__(self, seed: int, crowd: Crowd, rate: float) -> None:
        self._rng = np.random.default_rng(seed)
        self._crowd = crowd
        self._gap_ms = 1_000.0 * EVENTS_A_STORY * (1.0 + crowd.duplicates) / rate
        appeal = np.cumsum(np.arange(1, crowd.videos + 1) ** -0.7)
        self._appeal = appeal / appeal[-1]
        self._met: list[set[int]] = [set() for _ in range(crowd.viewers)]
        self._due: list[tuple[float, bool, int, Act]] = []
        self._order = itertools.count()
        self._stories = self._begin()

    def __iter__(self) -> Iterator[Act]:
        for number, (begins_ms, user, video, draw) in enumerate(self._stories):
            while self._due and self._due[0][0] <= begins_ms:
                yield heapq.heappop(self._due)[-1]
            self._tell(number, begins_ms, user, video, draw)

    def _tell(self, number: int, begins_ms: float, user: str, video: str, draw: list[float]) -> None:
        """Put a story's events where they belong."""
        told = list(story(user, video, int(begins_ms), draw))
        lates = (self._rng.random(len(told)) * self._crowd.disorder_s).tolist()
        dues = [event["ts_ms"] + late_s * 1_000.0 for (_, event), late_s in zip(told, lates, strict=True)]
        chances = self._rng.random((len(told), 2)).tolist()
        end = max(range(len(told)), key=dues.__getitem__)
        for at, ((topic, event), late_s, (twice, later)) in enumerate(zip(told, lates, chances, strict=True)):
            act = Act(topic, event, number, at == end, late_s)
            heapq.heappush(self._due, (dues[at], at == end, next(self._order), act))
            if twice < self._crowd.duplicates:
                again_ms = dues[at] + 1.0 + later * max(1.0, self._crowd.disorder_s) * 1_000.0
                act = Act(topic, event, number, False, late_s, again=True)
                heapq.heappush(self._due, (again_ms, False, next(self._order), act))

    def _begin(self) -> Iterator[tuple[float, str, str, list[float]]]:
        """When each story begins, who meets what, and its chances."""
        now_ms, crowd = 0.0, self._crowd
        while True:
            gaps = self._rng.exponential(self._gap_ms, _DRAWN).tolist()
            who = self._rng.integers(crowd.viewers, size=_DRAWN).tolist()
            draws = self._rng.random((_DRAWN, DRAWS)).tolist()
            for gap_ms, viewer, draw in zip(gaps, who, draws, strict=True):
                now_ms += gap_ms
                video = self._unmet(viewer)
                yield now_ms, f"{crowd.prefix}u{viewer}", f"{crowd.prefix}v{video}", draw

    def _unmet(self, viewer: int) -> int:
        """A video that the viewer has not met, popular ones more often; raises ``Stop`` where all were."""
        met = self._met[viewer]
        if len(met) >= self._crowd.videos:
            raise Stop(f"a viewer has met all {self._crowd.videos:,} videos: use more --videos or --viewers")
        video = int(np.searchsorted(self._appeal, self._rng.random()))
        while video in met:
            video = int(self._rng.integers(self._crowd.videos))
        met.add(video)
        return video
