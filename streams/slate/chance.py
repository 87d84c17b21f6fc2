"""Chance: some places go to a video that is drawn, and the item says how likely the draw was.

Every draw is made before the slate is, so no rule of the slate bends its odds: what was drawn is left out of the
ranking and then put in where it stands beside nothing of its kind. The draws come from the seed alone. From
such places follows, without bias, what another way of choosing would have earned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import U64, hash64, pair
from streams.arrays.tables import F64, I64
from streams.control.experiments import unit
from streams.control.tuning import Explore

__all__ = ["Drawn", "draws", "matched", "placed", "without"]

_POOL: Final = 64  # candidates that a draw by promise looks at, the most promising ones
_GRID: Final = 128
_SPREADS: Final = 8.0  # how far out the grid reaches, in spreads
_LOGISTIC: Final = math.sqrt(3.0) / math.pi  # scale of a logistic distribution of spread 1


class Drawn(NamedTuple):
    """What was drawn, one after the other: ``places`` of candidates, how likely each was, and by what ``sources``."""

    places: list[int]
    odds: list[float]
    sources: list[str]


def draws(scores: F64, met: F64, names: U64, limit: int, seed: int, tuning: Explore) -> Drawn:
    """Draw for the exploration places of a slate of ``limit`` from candidates with ``scores`` f64[n], ``met`` f64[n]
    (viewers who met them) and ``names`` u64[n].

    ``uniform``: every candidate is as likely as any other. ``promise``: each as likely as it is to be the best of all,
    where a score is the less certain the fewer viewers met the video (Thompson 1933). How many places there are is
    drawn too, and is the declared share of them on average.
    """
    made = Drawn([], [], [])
    uniform = min(_count(tuning.uniform, limit, seed, "uniform"), limit, len(scores))
    if uniform:
        made.places.extend(_first(names, np.zeros(len(names)), uniform, seed, "drawn").tolist())
        made.odds.extend([1.0 / len(names)] * uniform)
        made.sources.extend(["chance"] * uniform)
    promising = min(_count(tuning.promise, limit, seed, "promise"), limit - uniform)
    if promising:
        spread = 1.0 / np.sqrt(1.0 + met)
        hopeful = np.argsort(-(scores + 2.0 * spread), kind="stable")[: _POOL + uniform]
        pool = hopeful[~np.isin(hopeful, made.places)][:_POOL]
        for turn in range(min(promising, len(pool))):
            odds = matched(scores[pool], spread[pool])
            with np.errstate(divide="ignore"):
                at = int(_first(names[pool], np.log(odds), 1, seed, "best", turn)[0])
            made.places.append(int(pool[at]))
            made.odds.append(float(odds[at]))
            made.sources.append("promise")
            pool = np.delete(pool, at)
    return made


def without(drawn: Drawn, gone: npt.NDArray[np.bool_]) -> Drawn:
    """What was drawn less what some rule does not leave to chance, bool[n] by candidate. The odds of the others stay.

    >>> without(Drawn([1, 0], [0.5, 0.5], ["chance", "chance"]), np.array([True, False])).places
    [1]
    """
    kept = [at for at, place in enumerate(drawn.places) if not gone[place]]
    places, odds, sources = drawn
    return Drawn([places[at] for at in kept], [odds[at] for at in kept], [sources[at] for at in kept])


def matched(means: F64, spreads: F64) -> F64:
    """How likely each is to be the greatest, where each is logistic around ``means`` with ``spreads``: f64[n], sum 1.

    By quadrature; since the draw is made by these very numbers, they are its odds however coarse the grid is.

    >>> matched(np.array([0.0, 0.0]), np.array([1.0, 1.0])).round(3).tolist()
    [0.5, 0.5]
    >>> matched(np.array([0.0, 2.0]), np.array([0.1, 0.1])).round(3).tolist()
    [0.0, 1.0]
    """
    scale = spreads * _LOGISTIC
    low, high = (means - _SPREADS * spreads).max(), (means + _SPREADS * spreads).max()
    z = (np.linspace(low, high, _GRID)[:, None] - means) / scale
    below = -np.logaddexp(0.0, -z)
    density = -np.expm1(below) / scale * np.exp(below.sum(axis=1))[:, None]
    total = density.sum(axis=0)
    result: F64 = total / total.sum()
    return result


def placed(
    shown: Sequence[int],
    drawn: Drawn,
    kinds: npt.NDArray[Any],
    limit: int,
    before: Sequence[int],
    seed: int,
    first: int = 0,
) -> list[int]:
    """``shown``, a slate of up to ``limit`` places without what was drawn, with it: at most ``limit``.

    Each drawn one stands at a place that the seed picks, or at the next one where neither neighbour is of its kind;
    where there is none it is not shown. ``kinds`` [n, k] are what neighbours may not share, as their creator, 0 where
    there is none; ``before`` [k] are those of what stood just before the slate. The ``first`` places stay as they are.

    >>> kinds = np.array([[0], [9], [0], [0], [0], [1], [2], [3]])
    >>> placed([5, 6, 7], Drawn([1], [0.1], ["chance"]), kinds, limit=3, before=[0], seed=1)
    [5, 1, 6]
    """
    wanted = min(len(drawn.places), limit - first)
    made, rest = list(shown[: limit - wanted]), list(shown[limit - wanted :])
    looked = [*shown, *drawn.places]
    of = {place: set(own) - {0} for place, own in zip(looked, kinds[looked].tolist(), strict=True)}
    last = set(before) - {0}
    waiting, tried = list(enumerate(drawn.places[:wanted])), 0
    # Who finds no place may find one when others have theirs.
    while waiting and tried < len(waiting):
        turn, place = waiting.pop(0)
        gaps = len(made) + 1 - first
        start, tried = int(unit(seed, "place", turn) * gaps), tried + 1
        for gap in (first + (start + step) % gaps for step in range(gaps)):
            left = of[made[gap - 1]] if gap else last
            right = of[made[gap]] if gap < len(made) else set()
            if of[place].isdisjoint(left | right):
                made.insert(gap, place)
                tried = 0
                break
        else:
            waiting.append((turn, place))
    for place in rest:
        if len(made) < limit and of[place].isdisjoint(of[made[-1]] if made else last):
            made.append(place)
    return made


def _count(share: float, limit: int, seed: int, kind: str) -> int:
    return int(share * limit + unit(seed, kind)) if share else 0


def _first(names: U64, weights: F64, count: int, *seed: object) -> I64:
    """``count`` places drawn without replacement with log ``weights`` f64[n], by seed and names alone, int64[count].

    The greatest of Gumbel draws around log weights are such a sample.
    """
    salt = np.full(len(names), hash64("\0".join(map(str, seed))), dtype=np.uint64)
    drawn = ((pair(names, salt) >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    result: I64 = np.argsort(np.log(-np.log(drawn)) - weights, kind="stable")[:count]
    return result
