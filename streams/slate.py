"""The slate: from scored candidates to the order in which they are shown.

No two neighbours by one creator, a fresh video at some places, nothing random: the same scores, viewer and
sequence number give the same slate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streams.hashing import U64
from streams.tables import F64, I64

__all__ = ["best", "slate"]


def best(scores: F64, names: U64, count: int) -> I64:
    """Places of the ``count`` best, best first; ties by hash, so that no order of arrival shows. int64[<= count].

    >>> best(np.array([1.0, 3.0, 2.0]), np.array([1, 2, 3], np.uint64), 2).tolist()
    [1, 2]
    """
    if count < len(scores):
        cut = np.partition(-scores, count - 1)[count - 1]
        near = np.flatnonzero(-scores <= cut)
    else:
        near = np.arange(len(scores))
    return near[np.lexsort((names[near], -scores[near]))][:count]


def slate(
    order: I64,
    creators: U64,
    fresh: I64,
    limit: int,
    before: int,
    explore: Sequence[bool],
    *,
    strict: bool = True,
) -> tuple[I64, list[bool]]:
    """Places to show, and which of them explored.

    ``order`` are places best first (more than ``limit`` if there are), ``creators`` u64 by place, ``fresh`` places
    that may take one of the slots that ``explore`` (bool by slot), ``before`` the creator of what stood just before (0
    nothing). Where creators run out fewer come out, or, if not ``strict``, neighbours by one creator.

    >>> slate(np.array([0, 1, 2]), np.array([7, 7, 8], np.uint64), np.empty(0, np.int64), 3, 0, [False] * 3)[0].tolist()
    [0, 2, 1]
    """
    waiting = order.tolist()
    spare = fresh.tolist()
    chosen: list[int] = []
    explored: list[bool] = []
    used: set[int] = set()
    makers = creators.tolist()
    previous = before
    while len(chosen) < limit:
        pick = _next(spare, makers, used, previous) if explore[len(chosen)] else -1
        explored_now = pick >= 0
        if pick < 0:
            pick = _next(waiting, makers, used, previous)
        if pick < 0 and not strict:
            pick = _next(waiting, makers, used, None)
        if pick < 0:
            break
        used.add(pick)
        chosen.append(pick)
        explored.append(explored_now)
        previous = makers[pick]
    return np.array(chosen, dtype=np.int64), explored


def _next(waiting: list[int], makers: list[int], used: set[int], previous: int | None) -> int:
    """The first place not used whose creator is not ``previous``, taken out of ``waiting``; -1 if there is none."""
    for at, place in enumerate(waiting):
        if place not in used and makers[place] != previous:
            del waiting[at]
            return place
    return -1
