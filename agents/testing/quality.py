"""Quality: how well previews rank what was liked next, by the protocol of the logs, with baselines on the same targets.

A preview request stands right before the like it is judged by: the target is the video of the viewer's next like in the
file. Figures are over the later part of the previews, with a bootstrap interval over viewers. Scenario names and
tolerances stand in ``SCENARIOS``, the one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from agents.importers import kuairand, recbole
from agents.importers.rows import wire
from agents.testing import datasets
from agents.world.world import World
from schemas.lines import Line, parse_line

__all__ = [
    "COUNTERS_H", "MISS", "SCENARIOS", "Figures", "Judged", "baseline", "evaluate", "figures", "liked_videos",
    "measured", "replayed", "sources",
]  # fmt: skip

MISS: Final = 1_000_000
"""Rank of a target that was not in the list."""

SCENARIOS: Final[dict[str, dict[str, float]]] = {
    "kuairand": {"hr10": 0.12, "ndcg10": 0.065},
    "movielens": {"hr10": 0.15, "ndcg10": 0.075},
    "world": {"hr10": 0.18, "ndcg10": 0.09},
    "switch": {"recovered": 0.9, "positives": 6},
}
"""Scenario to the least HR@10 and NDCG@10 (each must also beat every like counter), and after a switch of tastes to the
share of the old quality that is back after so many positives.
"""
_EARLY: Final = 8
COUNTERS_H: Final = (None, 2.0, 6.0, 24.0, 120.0)
"""Half-lives in hours of the like counters to beat; None never forgets."""


class Judged(NamedTuple):
    """One preview: the viewer, the rank of its target (0 best, MISS if absent) and the first ten ids."""

    user_id: str
    rank: int
    top: tuple[str, ...]
    ts_ms: int


class Figures(NamedTuple):
    """HR@10, NDCG@10, HR@50, coverage@10 over ``previews``, and the 95 % interval of HR@10 over viewers."""

    previews: int
    hr10: float
    ndcg10: float
    hr50: float
    coverage10: float
    low: float
    high: float


class _Target(msgspec.Struct):
    video_id: str
    op: str = "add"


def evaluate(lines: Sequence[Line], answer: Callable[[Line], Any]) -> list[Judged]:
    """Hand every line to ``answer`` (a batch for a request, else None) and judge each preview by the next like."""
    judged = []
    for at, line in enumerate(lines):
        batch = answer(line)
        if batch is not None and (target := _target(lines, at, line.key)) is not None:
            ids = [item.video_id for item in batch.items]
            rank = ids.index(target) if target in ids else MISS
            judged.append(Judged(batch.user_id, rank, tuple(ids[:10]), batch.ts_ms))
    return judged


def sources() -> dict[str, Callable[[], tuple[list[Line], float]]]:
    """Scenario to what gives its lines, and the share of its previews that come before those that are judged.

    Public logs raise ``datasets.Unavailable`` where they cannot be had.
    """

    def public(read: Callable[[Any], Any], find: Callable[[], Any], name: str) -> list[Line]:
        return [parse_line(text) for text in wire(read(find()), name, True)]

    return {
        "movielens": lambda: (public(recbole.read, datasets.movielens, "recbole"), 0.5),
        # Its protocol judges from 12 April 00:00 Beijing on, the 10,314th like.
        "kuairand": lambda: (public(kuairand.read, datasets.kuairand, "kuairand"), 10_313 / 17_969),
        "world": lambda: ([parse_line(text) for text in World(3, viewers=60, videos=400).log(40_000)], 0.5),
    }


def replayed(lines: Sequence[Line], part: float, thin: int = 1) -> list[Judged]:
    """Previews from ``part`` of the way on, one in ``thin``, answered by ``Replay``.

    The others only end a batch, as an answer would; of those that come before, one in ``_EARLY`` does.
    """
    from streams.replay import Replay  # noqa: PLC0415  # River is slow to import, and counters need none of it

    replay = Replay(max(line.ts_ms for line in lines) + 1)
    judged = _Turns(lines, part, thin)

    def answer(line: Line) -> Any:
        if line.topic == "feed.requests" and not judged.now():
            if not judged.early or judged.passed % _EARLY == 0:
                replay.flush()
            return None
        return replay.line(line)

    return evaluate(lines, answer)


def measured(lines: Sequence[Line], part: float, thin: int = 1) -> dict[str, Figures]:
    """Figures of the ranking (``ours``) and of every like counter; see ``replayed`` for ``part`` and ``thin``."""
    videos = liked_videos(lines)
    found = {"ours": figures(replayed(lines, part, thin), videos, 0.0)}
    for hours in COUNTERS_H:
        name = "like counter" + (", all time" if hours is None else f", half-life {hours:g} h")
        judged = baseline(lines, None if hours is None else hours * 3_600, part, thin)
        found[name] = figures(judged, videos, 0.0)
    return found


def liked_videos(lines: Iterable[Line]) -> int:
    """How many videos were ever liked: what coverage is a share of."""
    return len(
        {msgspec.json.decode(line.value, type=_Target).video_id for line in lines if line.topic == "events.like"}
    )


def figures(judged: Sequence[Judged], videos: int, part: float = 0.5, seed: int = 7) -> Figures:
    """Figures over the previews from ``part`` of the way on; ``videos`` liked by the end, for coverage.

    >>> figures([Judged("ann", 0, ("x",), 0), Judged("ann", 1, ("y",), 0)], 2, part=0.0).hr10
    1.0
    """
    kept = judged[int(len(judged) * part) :]
    ranks = np.array([one.rank for one in kept])
    hits = ranks < 10
    gain = np.where(hits, 1.0 / np.log2(np.minimum(ranks, 10) + 2.0), 0.0)
    low, high = _bootstrap([one.user_id for one in kept], hits.astype(float), seed)
    seen = {video for one in kept for video in one.top}
    return Figures(
        len(kept),
        float(hits.mean()),
        float(gain.mean()),
        float((ranks < 50).mean()),
        len(seen) / max(videos, 1),
        low,
        high,
    )


def baseline(lines: Sequence[Line], half_life_s: float | None, part: float = 0.0, thin: int = 1) -> list[Judged]:
    """Previews from ``part`` of the way on, one in ``thin``, ranked by a like counter that decays with ``half_life_s``
    (None: all-time), less what was met.
    """
    ids: dict[str, int] = {}
    names: list[str] = []
    score = np.zeros(1_024)
    landmark_ms = 0
    met: dict[str, set[int]] = {}
    judged = _Turns(lines, part, thin)

    def place(name: str) -> int:
        nonlocal score
        if name not in ids:
            ids[name] = len(ids)
            names.append(name)
            if len(ids) > len(score):
                score = np.concatenate((score, np.zeros(len(score))))
        return ids[name]

    def answer(line: Line) -> Any:
        nonlocal score, landmark_ms
        if line.topic == "videos" and line.key is not None:
            place(line.key)
        elif line.topic == "feed.requests":
            return _ranked(line, names, score, met) if judged.now() else None
        elif line.topic.startswith("events.") and line.key is not None:
            video = place(msgspec.json.decode(line.value, type=_Target).video_id)
            met.setdefault(line.key, set()).add(video)
            if line.topic == "events.like":
                if half_life_s is not None:
                    score *= 2.0 ** (-max(0, line.ts_ms - landmark_ms) / (1_000.0 * half_life_s))
                    landmark_ms = max(landmark_ms, line.ts_ms)
                score[video] += 1.0
        return None

    return evaluate(lines, answer)


class _Turns:
    """Which previews are judged: from ``part`` of the way on, one in ``thin``."""

    def __init__(self, lines: Sequence[Line], part: float, thin: int) -> None:
        self._first = int(sum(line.topic == "feed.requests" for line in lines) * part)
        self._thin = thin
        self.passed = 0

    @property
    def early(self) -> bool:
        """Whether the latest preview came before those that are judged."""
        return self.passed <= self._first

    def now(self) -> bool:
        """Count a preview; whether it is judged."""
        self.passed += 1
        return not self.early and (self.passed - self._first) % self._thin == 0


class _Item(NamedTuple):
    video_id: str


class _Batch(NamedTuple):
    user_id: str
    ts_ms: int
    items: list[_Item]


def _ranked(line: Line, names: list[str], score: npt.NDArray[np.float64], met: dict[str, set[int]]) -> _Batch:
    rank = score[: len(names)].copy()
    rank[list(met.get(line.key or "", ()))] = -1.0
    best = np.argsort(-rank, kind="stable")[:200]
    return _Batch(line.key or "", line.ts_ms, [_Item(names[at]) for at in best.tolist() if rank[at] >= 0])


def _target(lines: Sequence[Line], at: int, user_id: str | None) -> str | None:
    """The video of the viewer's next like, at most 50 lines on."""
    for line in _following(lines, at):
        if line.topic == "events.like" and line.key == user_id:
            return msgspec.json.decode(line.value, type=_Target).video_id
    return None


def _following(lines: Sequence[Line], at: int) -> Iterator[Line]:
    return (lines[place] for place in range(at + 1, min(at + 50, len(lines))))


def _bootstrap(users: Iterable[str], hits: npt.NDArray[np.float64], seed: int) -> tuple[float, float]:
    names, who = np.unique(np.array(list(users)), return_inverse=True)
    count, won = np.bincount(who, minlength=len(names)), np.bincount(who, hits, minlength=len(names))
    draws = np.random.default_rng(seed).integers(0, len(names), (500, len(names)))
    rates = won[draws].sum(axis=1) / np.maximum(count[draws].sum(axis=1), 1)
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)
