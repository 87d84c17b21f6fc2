"""Forgetting: what is told to others when a viewer is forgotten, and what a receipt counts.

The shard drops its own rows. Beyond them a viewer is named, by the low half of the hash, among the latest likers of
videos, and by hashes of pairs among the examples of the learner. Both hear of it by the way that brought the names
there, so the deletion comes after whatever of the viewer is still on that way.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams import limits
from streams.arrays.hashing import U64, pair
from streams.learning.training import Training
from streams.shards.changes import PAIR, ROW, Changes
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

__all__ = ["KINDS", "told_of"]

KINDS: Final = ("outcomes", "met", "served", "tags", "hidden", "follows", "likes", "examples")
"""What a receipt counts."""
_SOURCE: Final = "users"


def told_of(
    changes: Changes, training: Training, catalogue: Catalogue, viewers: ViewerTable, row: int, offset: int, ts_ms: int
) -> dict[str, int]:
    """Tell the videos that a viewer met, and the learner, to let go of the viewer; how much there is of each of KINDS.

    ``offset`` is that of the record of ``users`` that asks for it. Only active videos have likers, and the catalogue
    knows all of those.
    """
    met: U64 = np.union1d(viewers.met[row], viewers.recent[row][viewers.recent[row] != 0])
    known = catalogue.rows_of_hashes(met)
    ids = [catalogue.video_ids[at] for at in known[known >= 0].tolist()]
    pairs = np.zeros(len(ids), dtype=PAIR)
    # A weight of 0 takes the name away and counts nothing: the like stays one, by nobody.
    pairs["offset"], pairs["ts_ms"], pairs["other"] = offset, ts_ms, -1
    pairs["video"], pairs["viewer"] = changes.index(ids), int(viewers.hash[row]) & 0xFFFFFFFF
    changes.add(_SOURCE, np.empty(0, ROW), pairs)
    shown = np.union1d(met, viewers.served[row])
    training.forget(pair(np.full(len(shown), viewers.hash[row]), shown))
    return _held(viewers, row) | {"likes": len(ids), "examples": len(shown)}


def _held(viewers: ViewerTable, row: int) -> dict[str, int]:
    """How much is known of a viewer, by kind."""
    met = len(viewers.met[row])
    return {
        "outcomes": min(met, limits.OUTCOMES),
        "met": met,
        "served": len(viewers.served[row]),
        "tags": int((viewers.tags[row] != 0).sum()),
        "hidden": len(viewers.hidden[row]),
        "follows": len(viewers.follows[row]),
    }
