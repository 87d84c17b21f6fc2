"""Lift: how much more a video is liked than the ranking expects.

Of every positive the ranking says how likely each of the candidates was; these shares add up to what was expected of a
video, the positives to what was observed. Where the two part, the video has something that no feature knows (an
observed-to-expected ratio, as in disease statistics). Both fade within hours, so the ratio is of today.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from river import base

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F64, I64, forward
from streams.learning.item_table import ItemTable
from streams.video.popular import lifts

__all__ = ["ItemLift"]

_HALF_LIVES_S: Final = np.array(limits.LIFT_HALF_LIVES_S)
_NOTHING: Final = 1e-4  # a share below this makes no row


class ItemLift(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Observed and expected positives of each video, rows by hash64 of its id, ``max_items`` at most.

    >>> lift = ItemLift()
    >>> group, share = np.array([[7, 9]], np.uint64), np.array([[0.25, 0.75]])
    >>> _ = lift.learn_many(group, share, np.ones(1), np.zeros(1, np.int64))
    >>> lift.predict_one({"item": 7, "ms": 0}) > 0 > lift.predict_one({"item": 9, "ms": 0})
    True
    """

    def __init__(self, max_items: int = limits.ITEMS) -> None:
        self.max_items = max_items
        self.table = ItemTable(
            {"sums": (np.float32, (len(_HALF_LIVES_S), 2), 0.0), "at_ms": (np.int64, (), 0)}, max_items
        )

    def learn_many(self, items: U64, share: F64, weight: F64, ms: I64) -> ItemLift:
        """Groups: ``items`` u64[g, 1 + K], the positive first, what was expected of each ``share`` f64[g, 1 + K], how
        many groups each stands for f64[g], and when they were, i64[g].
        """
        observed = np.zeros(share.shape)
        observed[:, 0] = 1.0
        use = (items != 0) & ((share > _NOTHING) | (observed > 0)) & np.isfinite(share)
        if not use.any():
            return self
        table = self.table
        rows, _ = table.rows_for(items[use])
        kept = rows >= 0
        rows, place = rows[kept], np.nonzero(use)[0][kept]
        amount = np.stack((observed[use][kept], share[use][kept]), axis=1) * weight[place, None]
        moved = forward(table.at_ms, rows, ms[place])
        table.sums[moved.rows] *= _fade(moved.aged)[:, :, None]
        add = amount[:, None, :] * _fade(moved.behind)[:, :, None]
        np.add.at(table.sums, rows, add.astype(np.float32))
        table.mark(moved.rows)
        return self

    def learn_one(self, x: dict[str, Any], y: float) -> ItemLift:
        """A group of one: ``y`` positives of ``x["item"]`` at ``x["ms"]``, ``x["share"]`` expected."""
        items, share = np.array([[0, x["item"]]], np.uint64), np.array([[0.0, x["share"]]])
        self.learn_many(items, share, np.ones(1), np.array([x["ms"]]))
        if y:
            positive = np.array([[x["item"]]], np.uint64)
            self.learn_many(positive, np.zeros((1, 1)), np.array([y]), np.array([x["ms"]]))
        return self

    def predict_one(self, x: dict[str, Any]) -> float:
        """Lift of ``x["item"]`` at ``x["ms"]`` over the shortest half-life; unknown ids are 0 and allocate nothing."""
        row = self.table.row_of.get(x["item"])
        if row is None:
            return 0.0
        return float(lifts(self.table.sums[[row]], self.table.at_ms[[row]], x["ms"])[0, 0])

    def state(self) -> dict[str, Any]:
        """Everything a restored lift needs to go on bit-equal."""
        return self.table.state()

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        self.table.restore(arrays)


def _fade(age_ms: I64) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = np.exp2(-age_ms[:, None] / (1_000.0 * _HALF_LIVES_S))
    return result
