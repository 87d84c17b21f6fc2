"""The slate: from scored candidates to the order in which they are shown.

No two neighbours by one creator, sound or template, so many of a kind at most among the latest served, and some places
for pools that bring in what the scores alone would not. Nothing random: the same scores, viewer and sequence number
give the same slate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F64, I64
from streams.control.tuning import Slate

__all__ = [
    "CREATOR", "MARKS", "NOTHING", "PROMOTED", "SOUND", "TAG", "TEMPLATE", "U32", "Chosen", "Pool", "best", "slate",
    "spread",
]  # fmt: skip

U32 = npt.NDArray[np.uint32]
CREATOR, SOUND, TEMPLATE, TAG = range(4)
"""Columns of marks: the lower halves of hashes, 0 where there is none; TAG is the leading one."""
MARKS: Final = 5
"""Width of what is kept of a served item: its marks and, in ``PROMOTED``, 1 where it was promoted."""
PROMOTED: Final = 4
NOTHING: Final[U32] = np.empty((0, MARKS), dtype=np.uint32)
_CAPPED: Final = (CREATOR, SOUND, TAG)


class Pool(NamedTuple):
    """Places that may take some slots: ``name`` is what their items give as their source, ``places`` i64[n] are in
    order of preference, ``slots`` says of each slot whether it is open to them;
    one that cannot be taken is made up for by the next.
    """

    name: str
    places: I64
    slots: Sequence[bool]


class Chosen(NamedTuple):
    """``places`` i64[n] to show; ``pools`` names the pool that each came from, empty where it came by its score;
    ``eased`` where a cap had to yield or places ran out.
    """

    places: I64
    pools: list[str]
    eased: bool


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


def spread(share: float, limit: int, phase: int) -> Sequence[bool]:
    """Slots of a ``share`` of all places, evenly apart; ``phase`` says where the first of them stands.

    >>> [at for at, turn in enumerate(spread(0.1, 30, 0)) if turn]
    [9, 19, 29]
    """
    return _spread(share, limit, phase % 1_000)


@lru_cache(4_096)
def _spread(share: float, limit: int, phase: int) -> tuple[bool, ...]:
    places = (np.arange(limit + 1) + phase) * share
    return tuple((np.diff(np.floor(places + 1e-9)) > 0).tolist())


def slate(
    order: I64,
    marks: U32,
    limit: int,
    pools: Sequence[Pool] = (),
    lately: U32 = NOTHING,
    caps: Slate | None = None,
    *,
    strict: bool = True,
    besides: U32 | None = None,
) -> Chosen:
    """What to show of places best first in ``order`` (more than ``limit`` if there are); O(limit) where kinds differ.

    ``marks`` u32[n, 4] by place; ``lately`` u32[m, MARKS] is what was served before, the latest last. Where only what
    a cap keeps out is left, the cap yields; where only neighbours of one kind are left, fewer come out, or, if not
    ``strict``, those. ``caps`` None: no caps. ``besides`` u32[k, 4] are the marks of what is put in afterwards: it
    counts against the caps already.

    >>> marks = np.array([[7, 0, 0, 0], [7, 0, 0, 0], [8, 0, 0, 0]], np.uint32)
    >>> slate(np.arange(3), marks, 3).places.tolist()
    [0, 2, 1]
    """
    look = np.concatenate((order, *(pool.places for pool in pools)))
    own = marks[look].T.tolist()
    kinds = dict(zip(look.tolist(), zip(*own, strict=True), strict=True))
    waiting = order.tolist()
    spare = [(pool.name, pool.places.tolist(), pool.slots) for pool in pools]
    owed = [0] * len(pools)
    rules = _began(lately, own, caps, [[]] * MARKS if besides is None else besides.T.tolist())
    chosen: list[int] = []
    came: list[str] = []
    used: set[int] = set()
    eased = False
    while len(chosen) < limit:
        pick, came_from = -1, ""
        for at, (name, places, slots) in enumerate(spare):
            owed[at] += slots[len(chosen)]
            if pick < 0 < owed[at] and not (rules.promoted and name == "promoted"):
                pick = _next(places, kinds, used, rules)
                if pick >= 0:
                    owed[at], came_from = owed[at] - 1, name
        if pick < 0:
            pick = _next(waiting, kinds, used, rules)
        if pick < 0:
            eased = True
            pick = _next(waiting, kinds, used, rules, capped=False)
        if pick < 0 and not strict:
            pick = next((place for place in waiting if place not in used), -1)
        if pick < 0:
            break
        used.add(pick)
        chosen.append(pick)
        came.append(came_from)
        rules.note(kinds[pick], came_from == "promoted")
    return Chosen(np.array(chosen, dtype=np.int64), came, eased)


@dataclass(slots=True)
class _Rules:
    """What the next place has to keep to: the marks before it, and what there is enough of in the window.

    ``last`` has -1 where there was none. Names are marks with their kind in the low bits, so that a creator and a sound
    of one name are two. ``counts`` holds those that may reach their cap, ``full`` those that have; ``window`` is a ring
    with its oldest at ``oldest``.
    """

    last: tuple[int, ...]
    promoted: bool
    caps: tuple[int, ...]
    window: list[tuple[int, ...]]
    counts: dict[int, int]
    full: set[int]
    oldest: int = 0

    def note(self, own: tuple[int, int, int, int], promoted: bool) -> None:
        """An item was put in its place."""
        creator, sound, template, tag = own
        self.last, self.promoted = (creator or -1, sound or -1, template or -1), promoted
        counts = self.counts
        if not counts:
            return
        names = creator << 2, sound << 2 | 1, tag << 2 | 2
        for name in names:
            if name in counts:
                counts[name] += 1
                if counts[name] >= self.caps[name & 3]:
                    self.full.add(name)
        if len(self.window) < limits.LATELY - 1:
            self.window.append(names)
            return
        old, self.window[self.oldest] = self.window[self.oldest], names
        self.oldest = (self.oldest + 1) % len(self.window)
        for name in old:
            if name in counts:
                counts[name] -= 1
                if counts[name] < self.caps[name & 3]:
                    self.full.discard(name)


def _began(lately: U32, own: Sequence[list[int]], caps: Slate | None, besides: Sequence[list[int]]) -> _Rules:
    """The rules after ``lately``, for items with the marks ``own`` to choose from and ``besides``, by kind both."""
    last = lately[-1].tolist() if len(lately) else [0] * MARKS
    rules = _Rules(tuple(kind or -1 for kind in last[:TAG]), bool(last[PROMOTED]), (), [], {}, set())
    if caps is None:
        return rules
    rules.caps = caps.creator_cap, caps.sound_cap, caps.tag_cap
    window = lately[max(0, len(lately) - limits.LATELY + 1) :].T.tolist()
    for low, kind in enumerate(_CAPPED):
        found, cap = Counter(window[kind] + own[kind] + besides[kind]), rules.caps[low]
        if max(found.values(), default=0) < cap:
            continue
        for name, count in found.items():
            if count >= cap and name:
                rules.counts[name << 2 | low] = now = window[kind].count(name) + besides[kind].count(name)
                if now >= cap:
                    rules.full.add(name << 2 | low)
    if rules.counts:
        names = ([name << 2 | low for name in window[kind]] for low, kind in enumerate(_CAPPED))
        rules.window = list(zip(*names, strict=True))
    return rules


def _next(
    waiting: list[int],
    kinds: Mapping[int, tuple[int, int, int, int]],
    used: set[int],
    rules: _Rules,
    *,
    capped: bool = True,
) -> int:
    """The first place not used that keeps to the rules, taken out of ``waiting``; -1 if there is none."""
    last_creator, last_sound, last_template = rules.last
    full = rules.full if capped else None
    for at, place in enumerate(waiting):
        creator, sound, template, tag = kinds[place]
        if creator == last_creator or sound == last_sound or template == last_template or place in used:
            continue
        if full and (creator << 2 in full or sound << 2 | 1 in full or tag << 2 | 2 in full):
            continue
        del waiting[at]
        return place
    return -1
