"""Beyond: videos that a viewer's interests would not bring, yet good by themselves, so that a feed closes no bubble.

A video lies beyond the interests where its leading tag is none that the viewer has met much or likes. Of each such tag
the best video by itself may come, so that a second taste is found though nothing ever hinted at it. The more a viewer
skips in a row, the more places are given to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from streams.arrays.hashing import U64, shuffled
from streams.arrays.tables import I64, segments
from streams.slate.slate import TAG, U32
from streams.video.catalogue import Catalogue
from streams.viewer.pace import BORED, run_of
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["beyond", "beyond_share", "leaders"]

_OFFERED: Final = 12
_EACH: Final = 2  # the first of a tag may have come by its score
_MET: Final = 0.5  # videos met with a tag, decayed, from which on it is no news
_SURE: Final = 4.0  # from which on its liking is known well enough
_LIKED: Final = 0.1  # worth beyond the usual
_LEADING: Final = 2_000
_OF_A_TAG: Final = 4
_LEADERS: Final = 160


def beyond_share(viewers: ViewerTable, request: Request) -> float:
    """Share of places for what lies beyond; it grows with each of the latest showings that was passed over."""
    tuning = request.tuning.slate
    if not tuning.bored or not viewers.personalize[request.viewer]:
        return tuning.beyond
    run = run_of(viewers, request.viewer, request.now_ms)
    return max(tuning.beyond, tuning.bored * min(1.0, run / BORED))


def leaders(catalogue: Catalogue) -> I64:
    """Of each leading tag the few best candidates by ``base``, int64[m]: what any viewer may find beyond the own
    interests where there are too many candidates to look at them all.
    """
    rows = catalogue.candidates()
    if len(rows) > _LEADING:
        rows = rows[np.argpartition(-catalogue.base[rows], _LEADING)[:_LEADING]]
    rows = rows[np.lexsort((catalogue.hash[rows], -catalogue.base[rows]))]
    tags = catalogue.marks[rows, TAG]
    order = np.argsort(tags, kind="stable")
    nth = np.empty(len(rows), dtype=np.int64)
    nth[order] = segments(tags[order])[1]
    result: I64 = rows[(nth < _OF_A_TAG) & (tags != 0)][:_LEADERS]
    return result


def beyond(viewers: ViewerTable, request: Request, rows: I64, marks: U32, names: U64) -> I64:
    """Those of the ``rows`` i64[n], best first, that lie beyond the interests: a few, the first of each leading tag in
    an order drawn by the request's seed, then the second ones. ``marks`` u32[n, 4] and ``names`` u64[n] are theirs.

    Tags that were met a few times only and liked come first: a new interest is followed up until it carries itself.
    Others that were offered lately have had their chance. Empty where nothing is known of the viewer.
    """
    known, rising = _tags(viewers, request.viewer)
    if not len(known) or not len(rows) or not (request.tuning.slate.beyond or request.tuning.slate.bored):
        return rows[:0]
    tags = marks[:, TAG]
    at = np.minimum(np.searchsorted(known, tags), len(known) - 1)
    far = np.flatnonzero((known[at] != tags) & (tags != 0))
    held: dict[int, list[int]] = {}
    for place, tag in zip(far.tolist(), tags[far].tolist(), strict=True):
        if len(own := held.setdefault(tag, [])) < _EACH:
            own.append(place)
    had = set(request.lately[:, TAG].tolist()) - rising
    new = {tag: own for tag, own in held.items() if tag not in had} or held
    turns = [(turn, place) for own in list(new.values())[:_OFFERED] for turn, place in enumerate(own)]
    turn, some = np.array(turns, dtype=np.int64).reshape(-1, 2).T
    mixed = shuffled(names[some], request.seed)
    later = np.array([tag not in rising for tag in tags[some].tolist()], dtype=bool)
    result: I64 = rows[some[np.lexsort((mixed, turn, later))]]
    return result


def _tags(viewers: ViewerTable, viewer: int) -> tuple[U32, set[int]]:
    """Tags that are no news to a viewer, sorted u32[n], none where nothing is known; and those that rise in liking."""
    if not viewers.personalize[viewer]:
        return np.empty(0, dtype=np.uint32), set()
    names, worth, met = viewers.tags[viewer], viewers.tag_w[viewer, :, 0], viewers.tag_w[viewer, :, 2]
    rises = (worth > _LIKED) & (met < _SURE)
    kept = (met >= _MET) & ~rises
    own = np.concatenate((names[kept], viewers.picked[viewer])).astype(np.uint32)
    return np.sort(own[own != 0]), set(names[rises].astype(np.uint32).tolist())
