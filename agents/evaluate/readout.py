"""Readouts: what came of what was served, by source, tier and arm, and how the arms of an experiment differ.

A viewer counts once, with what happened within a window after the first batch in an arm, and only when the window is
over. So the viewers are independent, in a fixed order, and intervals over them hold at every look (``sequential``). All
intervals of one readout hold together: the level is split among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from agents.evaluate.journey import Journeys, Place
from agents.evaluate.sequential import Difference, difference
from streams.signals.watching import long_view
from streams.slate import fairness

__all__ = ["DAY_MS", "GUARDRAILS", "METRICS", "Member", "Readout", "gini", "grouped", "members", "readout"]

F64 = npt.NDArray[np.float64]
DAY_MS: Final = 86_400_000
METRICS: Final = {
    "long_view": "share of seen videos that were watched to the end or for 18 s",
    "positive": "share of seen videos with a like, share, comment, follow or save that stands",
    "skip": "share of seen videos that were skipped",
    "seen": "videos seen a viewer",
    "session_s": "seconds from the first to the last event of a session",
    "watch_s": "seconds watched a session",
    "return": "share of viewers who came back within the day after their first",
    "report": "share of seen videos that were reported",
    "not_interested": "share of seen videos that the viewer wants no more of",
    "one_creator": "share of seen videos whose creator the viewer had seen already",
}
"""Name to meaning; each is a number a viewer, and its mean is over viewers."""
GUARDRAILS: Final = ("report", "not_interested", "one_creator")
"""Metrics that no arm may make worse (all of them: higher is worse)."""
_RATES: Final = ("like", "share", "comment", "follow", "save", "skip", "report", "not_interested")


class Member(NamedTuple):
    """A viewer of an experiment: the arm, since when, and the values by metric (NaN where there is none)."""

    user_id: str
    arm: str
    since_ms: int
    values: Mapping[str, float]


class Readout(NamedTuple):
    """Of one experiment: ``viewers`` by arm whose window is over, how many wait, how many saw a second arm (left out),
    ``means`` by arm and metric, ``against`` the arm ``base`` by arm and metric, ``gini`` of creators by arm.
    """

    base: str
    viewers: dict[str, int]
    waiting: int
    switched: int
    means: dict[str, dict[str, float]]
    against: dict[str, dict[str, Difference]]
    gini: dict[str, float]


def grouped(found: Journeys, by: Callable[[Place], str | None]) -> dict[str, dict[str, float]]:
    """Served, seen, and what came of what was seen, by what ``by`` says of a place (None: left out)."""
    groups: dict[str, list[Place]] = {}
    for place in found.places:
        name = by(place)
        if name is not None:
            groups.setdefault(name, []).append(place)
    return {name: _figures(found, groups[name]) for name in sorted(groups)}


def readout(
    found: Journeys,
    experiment: str,
    base: str | None = None,
    window_ms: int = DAY_MS,
    metrics: Sequence[str] = tuple(METRICS),
    alpha: float = 0.05,
    from_ms: int = 0,
) -> Readout:
    """How the arms of ``experiment`` differ from ``base`` (None: the first by name) by ``metrics``, in what was served
    from ``from_ms`` on.

    The intervals hold together with 1 - ``alpha``: the fewer arms and metrics, the narrower.
    """
    inside, waiting, switched = members(found, experiment, window_ms, from_ms)
    arms = sorted({one.arm for one in inside})
    base = base or next(iter(arms), "")
    values = {arm: {name: _values(inside, arm, name) for name in METRICS} for arm in arms}
    others = [arm for arm in arms if arm != base]
    share = alpha / max(len(others) * len(metrics), 1)
    against = {
        arm: {name: difference(values[arm][name], values[base][name], share) for name in metrics}
        for arm in others
        if base in values
    }
    means = {
        arm: {name: float(one.mean()) if len(one) else float("nan") for name, one in values[arm].items()}
        for arm in arms
    }
    counts = {arm: sum(one.arm == arm for one in inside) for arm in arms}
    makers: dict[str, list[str]] = {arm: [] for arm in arms}
    for place in found.places:
        if place.seen and place.ts_ms >= from_ms and (arm := place.arms.get(experiment)) in makers:
            makers[arm].append(found.creator.get(place.video_id, place.video_id))
    return Readout(base, counts, waiting, switched, means, against, {arm: gini(made) for arm, made in makers.items()})


def members(found: Journeys, experiment: str, window_ms: int, from_ms: int = 0) -> tuple[list[Member], int, int]:
    """Viewers whose window is over, in the order in which it was; how many wait; how many had more than one arm."""
    mine: dict[str, list[Place]] = {}
    for place in found.places:
        if experiment in place.arms and place.ts_ms >= from_ms:
            mine.setdefault(place.user_id, []).append(place)
    inside, waiting, switched = [], 0, 0
    for user_id, places in mine.items():
        arms = {place.arms[experiment] for place in places}
        since_ms = min(place.ts_ms for place in places)
        if len(arms) > 1:
            switched += 1
        elif since_ms + window_ms > found.last_ms:
            waiting += 1
        else:
            inside.append(_member(found, user_id, arms.pop(), since_ms, places, window_ms))
    return sorted(inside, key=lambda one: (one.since_ms, one.user_id)), waiting, switched


def gini(names: Sequence[str]) -> float:
    """How unequally often names occur: 0 all alike, near 1 a few take all.

    >>> gini(["a", "b"]), round(gini(["a"] * 8 + ["b", "c"]), 2)
    (0.0, 0.47)
    """
    return fairness.gini(np.array([*Counter(names).values()], dtype=np.float64))


def _member(found: Journeys, user_id: str, arm: str, since_ms: int, places: Sequence[Place], window_ms: int) -> Member:
    until_ms = since_ms + window_ms
    seen = [place for place in places if place.seen and place.ts_ms < until_ms]
    all_sessions = found.sessions.get(user_id, {}).values()
    sessions = [one for one in all_sessions if since_ms <= one.first_ms < until_ms]
    rates = {name: _share([place.did(name) for place in seen]) for name in ("skip", "report", "not_interested")}
    rates |= {"long_view": _share(_long(seen).tolist()), "positive": _share([place.positive for place in seen])}
    makers = {found.creator.get(place.video_id, place.video_id) for place in seen}
    known_s = since_ms + 2 * DAY_MS <= found.last_ms
    came = any(one.first_ms < since_ms + 2 * DAY_MS and one.last_ms >= since_ms + DAY_MS for one in all_sessions)
    values = rates | {
        "seen": float(len(seen)),
        "session_s": _mean([(one.last_ms - one.first_ms) / 1_000 for one in sessions]),
        "watch_s": _mean([one.watch_ms / 1_000 for one in sessions]),
        "return": float(came) if known_s else float("nan"),
        "one_creator": 1.0 - len(makers) / len(seen) if seen else float("nan"),
    }
    return Member(user_id, arm, since_ms, values)


def _figures(found: Journeys, places: Sequence[Place]) -> dict[str, float]:
    seen = [place for place in places if place.seen]
    made: dict[str, float] = {"served": len(places), "seen": len(seen)}
    made["long_view"] = _share(_long(seen).tolist())
    made |= {verb: _share([place.did(verb) for place in seen]) for verb in _RATES}
    made["watch_s"] = _mean([place.watch_ms / 1_000 for place in seen])
    made["gini"] = gini([found.creator.get(place.video_id, place.video_id) for place in seen])
    return made


def _values(inside: Sequence[Member], arm: str, name: str) -> F64:
    found = np.array([one.values[name] for one in inside if one.arm == arm], dtype=np.float64)
    return found[~np.isnan(found)]


def _long(places: Sequence[Place]) -> npt.NDArray[np.bool_]:
    watched = np.array([place.watch_ms for place in places], dtype=np.int64)
    return long_view(watched, np.array([place.duration_ms for place in places], dtype=np.int64))


def _share(flags: Sequence[Any]) -> float:
    return sum(map(bool, flags)) / len(flags) if flags else float("nan")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
