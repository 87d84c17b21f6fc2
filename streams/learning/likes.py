"""Likes of crowds: which videos each language, country and segment of viewers likes lately.

Those whose latest like was one video are a crowd too: what they like is what is liked after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from river import base

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F64, I64, add_top, forward
from streams.learning.item_table import ItemTable

__all__ = ["CrowdLikes"]


class CrowdLikes(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Decayed likes by crowd (``crowds.crowd_keys``, or a video's hash) and video, ``max_crowds`` at most and ``kept``
    videos of each.

    >>> likes = CrowdLikes()
    >>> for video in (7, 7, 9): _ = likes.learn_one({"crowds": [5], "ms": 0}, video)
    >>> round(likes.predict_one({"crowd": 5, "item": 7}), 2)
    0.67
    """

    def __init__(
        self,
        max_crowds: int = limits.CROWDS,
        kept: int = limits.CROWD_VIDEOS,
        half_life_s: float = limits.CROWD_HALF_LIFE_S,
    ) -> None:
        self.max_crowds = max_crowds
        self.kept = kept
        self.half_life_s = half_life_s
        columns: dict[str, tuple[Any, tuple[int, ...], Any]] = {
            "videos": (np.uint64, (kept,), 0),
            "weight": (np.float32, (kept,), 0.0),
            "mass": (np.float32, (), 0.0),
            "at_ms": (np.int64, (), 0),
        }
        self.table = ItemTable(columns, max_crowds)

    def learn_one(self, x: dict[str, Any], y: int) -> CrowdLikes:
        """A like of video ``y`` at ``x["ms"]`` by somebody of the crowds ``x["crowds"]``."""
        crowds, videos = np.array([x["crowds"]], np.uint64), np.array([y], np.uint64)
        return self.learn_many(crowds, videos, np.ones(1), np.array([x["ms"]]))

    def learn_many(self, crowds: U64, videos: U64, weight: F64, ms: I64) -> CrowdLikes:
        """Likes of ``videos`` u64[n] by somebody of each of ``crowds`` u64[n, K] (0: none), what each weighs f64[n],
        and when it was i64[n].
        """
        place, nth = np.nonzero(crowds)
        rows, _ = self.table.rows_for(crowds[place, nth])
        rows, place = rows[rows >= 0], place[rows >= 0]
        if not len(rows):
            return self
        held = self.table.__dict__
        moved = forward(held["at_ms"], rows, ms[place])
        fade = self._fade(moved.aged).astype(np.float32)
        held["weight"][moved.rows] *= fade[:, None]
        held["mass"][moved.rows] *= fade
        amount = weight[place] * self._fade(moved.behind)
        np.add.at(held["mass"], rows, amount.astype(np.float32))
        add_top(held["videos"], held["weight"], rows, videos[place], amount)
        self.table.mark(moved.rows)
        return self

    def predict_one(self, x: dict[str, Any]) -> float:
        """The share of ``x["item"]`` in what the crowd ``x["crowd"]`` likes; unknown ones are 0, allocating nothing."""
        row = self.table.row_of.get(x["crowd"])
        if row is None:
            return 0.0
        held = self.table.__dict__
        at = held["videos"][row] == np.uint64(x["item"])
        return float(held["weight"][row][at].sum() / max(held["mass"][row], 1e-12))

    def told(self) -> dict[str, npt.NDArray[Any]]:
        """What ranking reads: ``key`` of each crowd (0: none), ``videos``, the ``weight`` of each, ``mass`` of all."""
        held, high = self.table.__dict__, self.table.high
        self.table.fresh.clear()
        return {"key": self.table.name[:high].copy()} | {
            name: held[name][:high].copy() for name in ("videos", "weight", "mass")
        }

    def state(self) -> dict[str, Any]:
        """Everything restored likes need to go on bit-equal."""
        return self.table.state()

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        self.table.restore(arrays)

    def _fade(self, age_ms: I64) -> F64:
        result: F64 = np.exp2(-age_ms / (1_000.0 * self.half_life_s))
        return result
