"""Reactions: what a viewer does with what is shown, as rates over affinity and then as wire events.

The rates are calibrated on random pairs: over a random feed long view 52 %, like 2.9 %, share 0.6 %, follow 0.9 % and
comment 3.5 % of impressions. On a feed of what the viewer loves they are higher: long view about 85 %, like about 12 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.catalogue import Video
from schemas.events import EVENTS, Event

__all__ = ["MIX", "Reaction", "Reactions", "Shown", "events_of"]

F64 = npt.NDArray[np.float64]

MIX: Final = {"long_view": 0.52, "like": 0.029, "share": 0.006, "follow": 0.009, "comment": 0.035, "save": 0.02}
"""Share of impressions on a random feed that end in each."""
_STEEP: Final = {"long_view": 2.0, "like": 3.0, "share": 3.0, "follow": 3.5, "comment": 2.0, "save": 2.5}
"""How much each depends on affinity: the slope of its logit."""
_LONG_MS: Final = 18_000
_UNDONE: Final = 0.05
_HURRY_MS: Final = 2_000
_BEAT_MS: Final = 8_000
_ANNOYING: Final = -0.3


@dataclass(frozen=True, slots=True)
class Shown:
    """One video before one viewer, as impression ``name``; ``hurry`` divides time."""

    name: str
    user_id: str
    session_id: str
    video: Video
    ts_ms: int
    batch_id: str | None
    position: int | None
    hurry: float = 1.0


class Reaction(NamedTuple):
    """What a viewer does with one showing: names of ``MIX``, the watch time, and whether it annoyed or was undone."""

    does: frozenset[str]
    watched_ms: int
    undone: bool
    annoyed: bool


class Reactions:
    """Calibrated rates: ``rates`` are probabilities, ``draw`` draws from them."""

    def __init__(self, affinities: F64) -> None:
        """``affinities`` of random pairs, on which the mix is met exactly in expectation."""
        self._bias = {name: _calibrated(_STEEP[name] * affinities.ravel(), rate) for name, rate in MIX.items()}

    def rates(self, affinities: F64) -> dict[str, F64]:
        """Probability of each reaction at each affinity."""
        return {name: _sigmoid(_STEEP[name] * affinities + bias) for name, bias in self._bias.items()}

    def draw(self, rng: np.random.Generator, affinities: F64, durations_ms: Sequence[int]) -> list[Reaction]:
        """One reaction for each showing, by its affinity f64[n] and the duration of its video."""
        count = len(durations_ms)
        happens = {name: (rng.random(count) < rate).tolist() for name, rate in self.rates(affinities).items()}
        draws = rng.random((count, 4)).tolist()
        found = []
        for at, (duration_ms, draw) in enumerate(zip(durations_ms, draws, strict=True)):
            does = frozenset(name for name, flags in happens.items() if flags[at])
            watched_ms = _watched(duration_ms, "long_view" in does, draw)
            annoyed = affinities[at] < _ANNOYING and draw[3] < 0.05
            found.append(Reaction(does, watched_ms, draw[2] < _UNDONE, bool(annoyed)))
        return found


def events_of(shown: Shown, reaction: Reaction) -> Iterator[tuple[str, Event]]:
    """(topic, event) of one showing: always an impression and a watch; a skip too if left within two seconds."""
    video, watched_ms = shown.video, reaction.watched_ms

    def told(verb: str, after_ms: int, suffix: str = "", **more: Any) -> tuple[str, Event]:
        topic = f"events.{verb}"
        return topic, EVENTS[topic](
            v=1,
            event_id=f"{shown.name}.{verb}{suffix}",
            user_id=shown.user_id,
            session_id=shown.session_id,
            video_id=video.video_id,
            ts_ms=shown.ts_ms + int(after_ms / shown.hurry),
            impression_id=shown.name,
            batch_id=shown.batch_id,
            position=shown.position,
            **more,
        )

    yield told("impression", 0)
    if watched_ms > _BEAT_MS:
        yield told("watch", watched_ms // 2, ".0", watch_ms=watched_ms // 2, duration_ms=video.duration_ms)
    if "like" in reaction.does:
        yield told("like", watched_ms // 3)
        if reaction.undone:
            yield told("like", watched_ms // 3 + 100, ".undo", op="remove")
    if "save" in reaction.does:
        yield told("save", watched_ms // 2)
    yield told("watch", watched_ms, watch_ms=watched_ms, duration_ms=video.duration_ms)
    if "share" in reaction.does:
        yield told("share", watched_ms, channel="chat")
    if "follow" in reaction.does:
        yield told("follow", watched_ms, creator_id=video.creator_id)
    if "comment" in reaction.does:
        yield told("comment", watched_ms, comment_id=f"{shown.name}.c")
    if watched_ms < _HURRY_MS and not reaction.does:
        yield told("skip", watched_ms, watch_ms=watched_ms)
        if reaction.annoyed:
            yield told("feedback", watched_ms, kind="not_interested")


def _watched(duration_ms: int, long: bool, draw: list[float]) -> int:
    """Watch time: a long view sees at least what counts as one; a short one less, and often next to nothing."""
    needed = min(duration_ms, _LONG_MS)
    if not long:
        return 200 + int((needed - 201) * draw[0] ** 2)
    again = duration_ms // 2 if draw[1] < 0.15 else 0
    return needed + again + int((duration_ms - needed) * min(1.0, draw[0] * 1.3))


def _calibrated(logits: F64, rate: float) -> float:
    """The bias at which the mean of the sigmoid is ``rate``."""
    low, high = -12.0, 12.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if float(_sigmoid(logits + middle).mean()) < rate else (low, middle)
    return (low + high) / 2


def _sigmoid(x: F64) -> F64:
    result: F64 = 1.0 / (1.0 + np.exp(-x))
    return result
