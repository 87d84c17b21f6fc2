"""Measuring: the ranking over a log through ``Replay``, as the workers would answer, beside counters of likes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from agents.evaluate.judge import Figures, Judged, Turns, delayed, evaluate, figures, liked_videos, targets_of
from agents.evaluate.rivals import COUNTERS_H, counter
from schemas.feeds import FeedBatch
from schemas.lines import Line
from streams.control.tuning import DEFAULT, Tuning
from streams.ranking.features import FEATURES
from streams.replay import Replay
from streams.viewer.crowds import groups_of

__all__ = ["FAMILIES", "measured", "replayed"]

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "age and counts": ("log_age", "log_positives"),
    "decayed rates": tuple(name for name in FEATURES if name.startswith(("positive_", "long_", "negative_"))),
    "lift": tuple(name for name in FEATURES if name.startswith("lift_")),
    "co-occurrence": ("near_slow", "near_fast", "near_latest", "near_crowd"),
    "transitions": ("after",),
    "like-minded viewers": ("peers_24h", "peers", "peers_lift", "peers_cosine"),
    "collaborative vectors": ("factors",),
    "interests": (
        "content_fast",
        "content_slow",
        "content_negative",
        "tags",
        "tags_fast",
        "creator",
        "sound",
        "picked",
    ),
    "context and company": ("hour", "uploads", "friends", "locale", "segment"),
    "passed by": ("passed",),
    "the viewer's level": tuple(name for name in FEATURES if name.startswith("own_")),
}
"""Families of features by name, for ablations."""

_EARLY: Final = 8


def replayed(
    lines: Sequence[Line],
    part: float,
    thin: int = 1,
    delay_ms: int = 0,
    shown: Iterable[Line] | None = None,
    tuning: Tuning = DEFAULT,
    without: Sequence[str] = (),
) -> list[Judged]:
    """Previews from ``part`` of the way on, one in ``thin``, answered by ``Replay``; see ``delayed``. ``shown`` is
    ``lines`` again, for who watches how far it has come; ``tuning`` is what the ranking holds to, ``without``
    names features that it may not use.

    Of the others one in ``_EARLY`` ends a batch, as an answer would. What is judged is always as of the line before.
    """
    replay = Replay(max(line.ts_ms for line in lines) + 1, tuning=tuning, without=without)
    judged = Turns(lines, part, thin)

    def answer(line: Line) -> Any:
        if line.topic == "feed.requests" and not judged.now():
            if judged.passed % _EARLY == 0:
                replay.flush()
            return None
        return replay.line(line)

    lines_shown = delayed(lines if shown is None else shown, delay_ms)
    return evaluate(lines_shown, answer, targets_of(lines), lambda batch: _groups(replay, batch))


def _groups(replay: Replay, batch: FeedBatch) -> tuple[tuple[str, str], ...]:
    """Segment and activity of the viewer of a batch, as they are known now."""
    viewers = replay.users.viewers
    found = groups_of(replay.catalogue, viewers, viewers.rows([batch.user_id])[0], batch.ts_ms)
    if name := found.get("segment"):
        # The two tags that name a segment may change places while it is learnt.
        found["segment"] = ", ".join(sorted(name.split(", ")))
    return tuple(found.items())


def measured(lines: Sequence[Line], part: float, thin: int = 1) -> dict[str, Figures]:
    """Figures of the ranking (``ours``) and of every like counter; see ``replayed`` for ``part`` and ``thin``."""
    videos = liked_videos(lines)
    found = {"ours": figures(replayed(lines, part, thin), videos, 0.0)}
    for hours in COUNTERS_H:
        name = "like counter" + (", all time" if hours is None else f", half-life {hours:g} h")
        judged = counter(lines, None if hours is None else hours * 3_600, part, thin)
        found[name] = figures(judged, videos, 0.0)
    return found
