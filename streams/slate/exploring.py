"""Exploring: which videos a slate tries on its viewer, among those whose tier has exposures left.

Half of the places go to uploads nobody has met, the rest to others of the lowest tier and to those that climb;
each to the viewers it suits best, so popularity has no say in it. Who follows the creator comes first, and in the
lowest tier who speaks the video's language. (What is bound to countries is shown there alone, in every tier.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import U64, shuffled
from streams.arrays.tables import F32, F64, I64
from streams.ranking.features import AFFINITY, FEATURES
from streams.tiers.tiers import budgets
from streams.video.catalogue import Catalogue
from streams.viewer.following import followed
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["Left", "Open", "closest", "left", "still_open", "to_explore"]

_FOLLOWED: Final = FEATURES.index("followed")
_TURNS: Final = ((0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1))
"""Which kind (not met yet, lowest tier, climbing) has the first say, second and third, by the seed."""
_HOME, _FOLLOWS = np.float32(1e3), np.float32(1e4)  # far beyond what any score differs by
_LATER, _TIES = 1e-12, 1e-28  # a year is 0.03 of a score, and the least difference of hashes nothing


class Left(NamedTuple):
    """Of n videos what this shard may still give, int64[n], below 1 nothing; and whether any of it was given."""

    places: I64
    unmet: npt.NDArray[np.bool_]


class Open(NamedTuple):
    """Rows of videos with something left: the first ``unmet`` of them nobody has met. Beside them what a block of
    viewers would look up again and again; ``lang`` is 0 where it does not matter.
    """

    rows: I64
    unmet: int
    base: F32
    lang: U64
    creator: U64


def left(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64) -> Left:
    """What is left of the open ``rows`` i64[n].

    What a tier has left is divided among the shards of viewers, rounded up, and what was lent of it is taken off. So
    the places given by all shards exceed a budget by less than one a shard, if they are looked at within a lease.
    """
    tiers, lent = request.tuning.tiers, viewers.lent
    spent = catalogue.spent[rows]
    waiting = lent.waiting(rows, catalogue.hash[rows], request.now_ms, tiers.lease_s)
    share = -((spent - budgets(tiers)[catalogue.tier[rows]]) // lent.shards)
    return Left(share - waiting, (spent + waiting == 0) & (catalogue.start[rows] == 0))


def still_open(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> Open:
    """The latest open videos with something left, at most ``limits.EXPLORED`` of them."""
    rows = catalogue.opened()
    found = left(catalogue, viewers, request, rows)
    unmet = rows[(found.places > 0) & found.unmet]
    rows = np.concatenate((unmet, rows[(found.places > 0) & ~found.unmet]))
    lang = np.where(catalogue.tier[rows] == 0, catalogue.lang[rows], 0).astype(np.uint64)
    return Open(rows, len(unmet), catalogue.base[rows], lang, catalogue.creator[rows])


def closest(catalogue: Catalogue, viewers: ViewerTable, viewer: int, held: Open, scores: F32) -> I64:
    """Rows of the pool that suit the viewer best by ``scores`` f32[high], their part of the video alone taken off;
    ``limits.TRIED`` of each kind, some of which ``scores`` may forbid.
    """
    match = scores[held.rows] - held.base
    if viewers.personalize[viewer]:
        own = viewers.lang[viewer]
        if own:
            match -= _HOME * ((held.lang != own) & (held.lang != 0))
        if makers := followed(catalogue, viewers.follows[viewer]):
            match += _FOLLOWS * np.isin(held.creator, np.array(makers, dtype=np.uint64))
    kinds = ((0, held.unmet), (held.unmet, len(held.rows)))
    found: I64 = held.rows[np.concatenate([low + _greatest(match[low:high]) for low, high in kinds])]
    return found


def to_explore(
    catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64, x: F32, weights: F64, count: int
) -> I64:
    """Places in ``rows`` i64[n] of videos to explore, best first; their features are ``x`` f32[n, F].

    At least twice the ``count`` asked for, if there are: neighbours by one creator stand in each other's way.
    """
    few = np.flatnonzero(catalogue.spent[rows] >= 0) if count else np.empty(0, np.int64)
    found = left(catalogue, viewers, request, rows[few])
    fine = np.flatnonzero(found.places > 0)
    if not len(fine):
        return fine
    few, unmet = few[fine], found.unmet[fine]
    held = rows[few]
    lowest = catalogue.tier[held] == 0
    mixed = shuffled(catalogue.hash[held], request.seed)
    follows = x[few, _FOLLOWED] > 0
    key = x[few, AFFINITY] @ weights[AFFINITY] + _FOLLOWS * request.tuning.persona.followed * follows + mixed * _TIES
    if own := int(viewers.lang[request.viewer]) * int(viewers.personalize[request.viewer]):
        lang = catalogue.lang[held]
        key -= _HOME * (lowest & (lang != 0) & (lang != np.uint64(own)))
    key += unmet * (catalogue.created_ms[held] - request.now_ms) * _LATER  # of two that suit equally the later one
    kinds, chosen = (unmet, lowest & ~unmet, ~lowest & ~unmet), few[:0]
    for at in _TURNS[request.seed % len(_TURNS)]:
        some = np.flatnonzero(kinds[at])
        near = some[_greatest(key[some])]
        # Who is met already comes in turns; what nobody met is not so any more after this.
        order = np.argsort(-key[near]) if at == 0 else np.lexsort((mixed[near], ~follows[near]))
        chosen = np.concatenate((chosen, few[near[order]]))
        if len(chosen) >= 2 * count:
            break
    return chosen


def _greatest(key: npt.NDArray[np.floating[Any]]) -> I64:
    """Places of the ``limits.TRIED`` greatest, in no order."""
    over = len(key) - limits.TRIED
    return np.arange(len(key)) if over <= 0 else np.argpartition(key, over)[over:]
