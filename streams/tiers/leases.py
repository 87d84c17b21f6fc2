"""Lent: places that one shard's viewers were given for exploration, and of which no exposure was told of yet.

Numbers of a video come back seconds after its places were given, and many viewers are ranked meanwhile, by several
processes. So each shard may only lend its part of what a tier has left, and what it lent counts as spent for a while.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import U64
from streams.arrays.tables import I64, Table

__all__ = ["Lent"]

_COLUMNS: Final[dict[str, tuple[Any, tuple[int, ...], Any]]] = {
    "video": (np.uint64, (), 0),
    "turn": (np.int64, (), 0),
    "now": (np.int64, (), 0),
    "before": (np.int64, (), 0),
}


class Lent(Table):
    """By row of the catalogue, how many places of a video wait: those lent within this lease and the one ``before``.

    A lease ends one to two times its length after a place was given. ``shards`` is among how many what is left is
    divided. Rows of the catalogue change hands, so each says whose it is.

    >>> lent, names = Lent(), np.array([7], np.uint64)
    >>> lent.lend(np.array([0]), names, 0, 600.0)
    >>> lent.waiting(np.array([0]), names, 1_199_999, 600.0), lent.waiting(np.array([0]), names, 1_200_000, 600.0)
    (array([1]), array([0]))
    """

    video: U64
    turn: I64
    now: I64
    before: I64

    def __init__(self) -> None:
        super().__init__(_COLUMNS)
        self.shards = 1

    def waiting(self, rows: I64, names: U64, now_ms: int, lease_s: float) -> I64:
        """Places of the videos ``names`` (hashes) in catalogue ``rows`` that still count as spent, int64[n]."""
        if not len(rows):
            return np.empty(0, dtype=np.int64)
        self._reach(int(rows.max()))
        age = _turn(now_ms, lease_s) - self.turn[rows]
        near = (self.video[rows] == names) & (np.abs(age) <= 1)
        result: I64 = np.where(near, self.now[rows] + np.where(age <= 0, self.before[rows], 0), 0)
        return result

    def lend(self, rows: I64, names: U64, now_ms: int, lease_s: float) -> None:
        """Lend a place of each video."""
        if not len(rows):
            return
        self._reach(int(rows.max()))
        turn = _turn(now_ms, lease_s)
        # A clock that is off by more than a lease starts anew: one request from afar does not bind a video for long.
        age = np.where(self.video[rows] == names, turn - self.turn[rows], 2)
        same = (age == 0) | (age == -1)
        now, before = self.now[rows], self.before[rows]
        self.before[rows] = np.where(same, before, np.where(age == 1, now, 0))
        self.now[rows] = np.where(same, now, 0) + 1
        self.video[rows], self.turn[rows] = names, np.where(age == -1, turn + 1, turn)

    def held(self, rows: I64) -> list[npt.NDArray[Any]]:
        """What is known of ``rows`` now, for ``restore``."""
        if len(rows):
            self._reach(int(rows.max()))
        return [getattr(self, name)[rows] for name in _COLUMNS]

    def restore(self, rows: I64, held: list[npt.NDArray[Any]]) -> None:
        """Take back what was lent of ``rows`` since ``held``."""
        for name, column in zip(_COLUMNS, held, strict=True):
            getattr(self, name)[rows] = column

    def _reach(self, row: int) -> None:
        if row >= self.high:
            self.take(row + 1 - self.high)


def _turn(now_ms: int, lease_s: float) -> int:
    return int(now_ms // (lease_s * 1_000.0))
