"""Terms: which tags are watched after words were asked for, so that words mean what viewers mean by them.

Of each term the tags of the videos that got a positive (or a long view, which weighs less) soon after somebody asked
for it, and how many there were; both fade. What is usual for a tag is not kept: whoever reads it knows the candidates.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from river import base

from streams import limits
from streams.arrays.hashing import U64, hash_all
from streams.arrays.tables import F32, F64, I64, add_top, forward
from streams.learning.item_table import ItemTable
from streams.learning.training import Training
from streams.signals import objective
from streams.signals.outcomes import OutcomeTable
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable
from streams.words.asks import SEARCH
from streams.words.meaning import terms

__all__ = ["TermTags", "teach_terms"]

_HALF_LIFE_MS: Final = 1_000.0 * limits.TERM_HALF_LIFE_S


class TermTags(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Tags of each term, rows by hash64 of the term, ``max_items`` at most; see ``ItemTable``.

    >>> learnt = TermTags()
    >>> for _ in range(3): _ = learnt.learn_one({"term": 5, "tags": [7], "ms": 0}, 1.0)
    >>> learnt.predict_one({"term": 5, "tag": 7}), learnt.predict_one({"term": 6, "tag": 7})
    (1.0, 0.0)
    """

    def __init__(self, max_items: int = limits.TERMS) -> None:
        self.max_items = max_items
        columns: dict[str, tuple[Any, tuple[int, ...], Any]] = {
            "tags": (np.uint64, (limits.TERM_TAGS,), 0),
            "weights": (np.float32, (limits.TERM_TAGS,), 0.0),
            "mass": (np.float32, (), 0.0),
            "at_ms": (np.int64, (), 0),
        }
        self.table = ItemTable(columns, max_items)

    def learn_many(self, names: U64, tags: U64, weight: F32, ms: I64) -> TermTags:
        """Positives after terms: ``names`` u64[n], tags of the video u64[n, T] (0 none), worth f32[n], when i64[n]."""
        rows, _ = self.table.rows_for(names)
        kept = rows >= 0
        if not kept.any():
            return self
        rows, tags, weight, ms, table = rows[kept], tags[kept], weight[kept], ms[kept], self.table
        moved = forward(table.at_ms, rows, ms)
        faded = _fade(moved.aged).astype(np.float32)
        table.weights[moved.rows] *= faded[:, None]
        table.mass[moved.rows] *= faded
        worth = weight * _fade(moved.behind)
        np.add.at(table.mass, rows, worth.astype(np.float32))
        wide = tags.shape[1]
        add_top(table.tags, table.weights, np.repeat(rows, wide), tags.ravel(), np.repeat(worth, wide))
        table.mark(moved.rows)
        return self

    def learn_one(self, x: dict[str, Any], y: float) -> TermTags:
        """One positive worth ``y`` with ``x["tags"]`` after ``x["term"]`` at ``x["ms"]``; hashes."""
        tags = np.array([x["tags"]], np.uint64)
        return self.learn_many(np.array([x["term"]], np.uint64), tags, np.array([y], np.float32), np.array([x["ms"]]))

    def predict_one(self, x: dict[str, Any]) -> float:
        """The share of what followed ``x["term"]`` that had ``x["tag"]``; unknown ids are 0 and allocate nothing."""
        row = self.table.row_of.get(x["term"])
        if row is None or not self.table.mass[row]:
            return 0.0
        held = self.table.tags[row] == np.uint64(x["tag"])
        return float(self.table.weights[row][held].sum() / self.table.mass[row])

    def state(self) -> dict[str, Any]:
        """Everything a restored one needs to go on bit-equal."""
        return self.table.state()

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        self.table.restore(arrays)


def teach_terms(
    training: Training, catalogue: Catalogue, viewers: ViewerTable, outcomes: OutcomeTable, risen: I64, watched: I64
) -> None:
    """Tell of new positives (outcome rows ``risen``) and long views (``watched``) whose viewer has just asked for
    something in words. Of who turned personalisation off nothing is told.
    """
    for rows, worth in ((risen, 1.0), (watched, objective.WORTH.long_view)):
        viewer = outcomes.viewer[rows]
        since_ms = objective.reward_time(outcomes, rows) - viewers.asked_ms[viewer]
        due = (viewers.asked_ms[viewer] > 0) & (since_ms >= 0) & (since_ms <= limits.ASKED_MS)
        for row in rows[due & viewers.personalize[viewer]].tolist():
            if training.room["terms"] > 0:
                training.room["terms"] -= 1
                _tell(training, catalogue, viewers, outcomes, row, worth)


def _tell(
    training: Training, catalogue: Catalogue, viewers: ViewerTable, outcomes: OutcomeTable, row: int, worth: float
) -> None:
    """The terms of the viewer's latest search, each with the video's tags."""
    viewer, video = int(outcomes.viewer[row]), int(outcomes.video[row : row + 1].view(np.uint64)[0])
    known = catalogue.row_of_hash.get(video, -1)
    searches = [ask for ask in viewers.asks[viewer] if ask.kind == SEARCH and not ask.stamp & 1]
    if known < 0 or not catalogue.tags[known, 0] or not searches:
        return
    names = hash_all(terms(max(searches, key=lambda ask: (ask.stamp, ask.text)).text))
    count = len(names)
    training.add(
        term_name=names,
        term_tags=np.repeat(catalogue.tags[known][None], count, axis=0),
        term_w=np.full(count, worth, dtype=np.float32),
        term_ms=np.full(count, viewers.asked_ms[viewer]),
    )


def _fade(age_ms: I64) -> F64:
    result: F64 = np.exp2(-age_ms / _HALF_LIFE_MS)
    return result
