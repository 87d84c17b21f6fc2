"""Rivals on the same targets: chance, counters of likes, item co-occurrence, River's BiasedMF."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from river import optim, reco

from agents.evaluate.judge import Judged, Turns, delayed, evaluate, liked, targets_of, touched
from schemas.lines import Line

__all__ = ["COUNTERS_H", "chance", "co_occurrence", "counter", "factorised"]

COUNTERS_H: Final = (None, 2.0, 6.0, 24.0, 120.0)
"""Half-lives in hours of the like counters to beat; None never forgets."""

_LATEST: Final = 15
_HALF_LIFE_S: Final = 48 * 3_600.0
_FACTORS: Final = 16
_NEGATIVES: Final = 4


def counter(
    lines: Sequence[Line], half_life_s: float | None, part: float = 0.0, thin: int = 1, delay_ms: int = 0
) -> list[Judged]:
    """Previews from ``part`` of the way on, one in ``thin``, ranked by a like counter that decays with ``half_life_s``
    (None: all-time), less what was met; see ``delayed``.
    """
    ids: dict[str, int] = {}
    names: list[str] = []
    score = np.zeros(1_024)
    landmark_ms = 0
    met: dict[str, set[int]] = {}
    judged = Turns(lines, part, thin)

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
            if not (name := touched(line)):
                return None
            video = place(name)
            met.setdefault(line.key, set()).add(video)
            if liked(line) is not None:
                if half_life_s is not None:
                    score *= 2.0 ** (-max(0, line.ts_ms - landmark_ms) / (1_000.0 * half_life_s))
                    landmark_ms = max(landmark_ms, line.ts_ms)
                score[video] += 1.0
        return None

    return evaluate(delayed(lines, delay_ms), answer, targets_of(lines))


def chance(lines: Sequence[Line], part: float = 0.0, thin: int = 1, seed: int = 7) -> list[Judged]:
    """Previews ranked by chance."""
    names: list[str] = []
    known: set[str] = set()
    met: dict[str, set[int]] = {}
    judged, rng = Turns(lines, part, thin), np.random.default_rng(seed)

    def answer(line: Line) -> Any:
        if line.topic == "feed.requests":
            return _ranked(line, names, rng.random(len(names)), met) if judged.now() else None
        video = line.key if line.topic == "videos" else touched(line)
        if video and video not in known:
            known.add(video)
            names.append(video)
        return None

    return evaluate(lines, answer, targets_of(lines))


def co_occurrence(lines: Sequence[Line], part: float = 0.0, thin: int = 1) -> list[Judged]:
    """Videos liked by the same viewers as the viewer's latest 15 likes, cosine-normalised, decayed over 48 hours."""
    pairs: dict[int, dict[int, float]] = defaultdict(dict)
    mass: dict[int, float] = defaultdict(float)
    latest: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_LATEST))
    start_ms = lines[0].ts_ms

    def learn(user: str, video: int, ts_ms: int) -> None:
        weight = 2.0 ** ((ts_ms - start_ms) / (1_000.0 * _HALF_LIFE_S))  # forward decay: later ones weigh more
        for other in latest[user]:
            for one, two in ((video, other), (other, video)):
                pairs[one][two] = pairs[one].get(two, 0.0) + weight
        mass[video] += weight
        latest[user].append(video)

    def score(user: str, count: int) -> npt.NDArray[np.float64]:
        total = np.zeros(count)
        for video in latest[user]:
            for other, weight in pairs[video].items():
                total[other] += weight / np.sqrt(mass[other] * mass[video])
        return total

    return _rival(lines, part, thin, learn, score)


def factorised(lines: Sequence[Line], part: float = 0.0, thin: int = 1, seed: int = 7) -> list[Judged]:
    """River's BiasedMF of 16 factors: a like is 1, four videos drawn uniformly beside it are 0."""
    rng = np.random.default_rng(seed)
    model = reco.BiasedMF(
        n_factors=_FACTORS, bias_optimizer=optim.SGD(0.025), latent_optimizer=optim.SGD(0.05), l2_bias=0.0,
        l2_latent=0.01, seed=seed,
    )  # fmt: skip
    known: list[int] = []
    met: set[int] = set()
    users: set[str] = set()

    def learn(user: str, video: int, ts_ms: int) -> None:
        if video not in met:
            met.add(video)
            known.append(video)
        users.add(user)
        model.learn_one(user, video, 1.0)
        for other in rng.integers(0, len(known), _NEGATIVES).tolist():
            if known[other] != video:
                model.learn_one(user, known[other], 0.0)

    def score(user: str, count: int) -> npt.NDArray[np.float64]:
        total = np.full(count, -1e3)
        own = model.u_latents[user] if user in users else np.zeros(_FACTORS)
        for video in known:
            total[video] = model.i_biases.get(video, 0.0) + float(np.dot(model.i_latents[video], own))
        positive: npt.NDArray[np.float64] = total - total.min() + 1e-9  # below 0 means met
        return positive

    return _rival(lines, part, thin, learn, score)


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


def _rival(
    lines: Sequence[Line],
    part: float,
    thin: int,
    learn: Callable[[str, int, int], None],
    score: Callable[[str, int], npt.NDArray[np.float64]],
) -> list[Judged]:
    names: list[str] = []
    ids: dict[str, int] = {}
    met: dict[str, set[int]] = defaultdict(set)
    turns = Turns(lines, part, thin)

    def place(name: str) -> int:
        if name not in ids:
            ids[name] = len(names)
            names.append(name)
        return ids[name]

    def answer(line: Line) -> Any:
        if line.topic == "videos" and line.key is not None:
            place(line.key)
        elif line.topic == "feed.requests":
            return _ranked(line, names, score(line.key or "", len(names)), met) if turns.now() else None
        elif line.topic.startswith("events.") and line.key is not None and (name := touched(line)):
            met[line.key].add(place(name))
            if liked(line) is not None:
                learn(line.key, ids[name], line.ts_ms)
        return None

    return evaluate(lines, answer, targets_of(lines))
