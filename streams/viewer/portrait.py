"""Portrait: what is known of a viewer, in words for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from streams import limits
from streams.viewer.context import PARTS, SCENES, scene_of
from streams.viewer.crowds import activity_of
from streams.viewer.viewers import NOWHERE, ViewerTable

__all__ = ["portrait", "refs"]

_MOOD: Final = "mood:"


def refs(viewers: ViewerTable, row: int) -> list[int]:
    """Hashes of the tags that ``portrait`` needs names of."""
    names = np.concatenate((viewers.tags[row], viewers.picked[row]))
    return [int(name) for name in names if name]


def portrait(viewers: ViewerTable, row: int, names: Mapping[int, str], now_ms: int) -> dict[str, Any]:
    """What is known of the viewer at ``row``, ready for JSON.

    ``persona``: tags and their share in what is liked, the strongest first; ``session``: the same of this session;
    ``avoids``: tags that are disliked; ``picked`` at sign-up; ``active``: share of liking by part of the week;
    ``activity``: the class; ``scene`` and ``mood`` as they are guessed. A tag without a name is shown by its hash.
    """
    held = [(names.get(int(tag), f"#{int(tag):016x}"), at) for at, tag in enumerate(viewers.tags[row]) if tag]
    left = viewers.faded(np.array([row]), np.array([now_ms]))[0]
    weeks = [(name, float(viewers.tag_w[row, at, 0] * left[1])) for name, at in held]
    session = [(name, float(viewers.tag_w[row, at, 1] * left[0])) for name, at in held]
    tz_min, total = int(viewers.tz_min[row]), float(np.maximum(viewers.hour_mass[row, :4], 0.0).sum())
    moods = [name.removeprefix(_MOOD) for name, _ in _shares(session) if name.startswith(_MOOD)]
    return {
        "persona": [{"tag": name, "weight": share} for name, share in _shares(weeks)],
        "session": [{"tag": name, "weight": share} for name, share in _shares(session)],
        "avoids": sorted(name for name, weight in weeks if weight < 0),
        "picked": [names.get(int(tag), f"#{int(tag):016x}") for tag in viewers.picked[row] if tag],
        "active": {
            part: round(float(max(mass, 0.0)) / total, 4)
            for part, mass in zip(PARTS, viewers.hour_mass[row], strict=True)
            if total > 0
        },
        "activity": activity_of(viewers, np.array([row]), now_ms)[0],
        "scene": None if tz_min == NOWHERE else SCENES[scene_of(now_ms, tz_min, int(viewers.net[row]))],
        "mood": moods[0] if moods else None,
    }


def _shares(weights: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Shares of what is above 0, the greatest first; at most ``TAGS``."""
    liked = sorted(((name, weight) for name, weight in weights if weight > 1e-3), key=lambda one: (-one[1], one[0]))
    total = sum(weight for _, weight in liked)
    return [(name, round(weight / total, 4)) for name, weight in liked[: limits.TAGS]]
