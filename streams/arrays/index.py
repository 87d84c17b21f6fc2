"""Index: from 64-bit hashes to rows, whole arrays at a time.

Open addressing with linear probing in two arrays, since a dictionary costs a microsecond for every ten names and a
ranking asks for a thousand. It never iterates in an order that depends on anything but what was put in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import U64
from streams.arrays.tables import I64

__all__ = ["HashIndex"]

_EMPTY, _GONE = -1, -2


class HashIndex:
    """uint64 names to rows; a name of 0 is never found.

    >>> index = HashIndex()
    >>> index.put(np.array([7, 9], np.uint64), np.array([0, 1]))
    >>> index.find(np.array([[9, 8, 7]], np.uint64)).tolist()
    [[1, -1, 0]]
    >>> index.drop(np.array([9], np.uint64)); index.find(np.array([9, 7], np.uint64)).tolist()
    [-1, 0]
    """

    def __init__(self, capacity: int = 1_024) -> None:
        self._clear(capacity)

    def __len__(self) -> int:
        return int((self._rows >= 0).sum())

    def find(self, names: U64) -> I64:
        """Row of each name, -1 where there is none; int64 of the shape of ``names``. About 30 ns a name."""
        if not names.size:
            return np.empty(names.shape, dtype=np.int64)
        flat = np.ascontiguousarray(names).ravel()
        at = self._home(flat)
        rows = self._rows[at]
        hit = (self._names[at] == flat) & (flat != 0)  # what is empty or gone has no name
        out = np.where(hit, rows, np.int64(_EMPTY))
        waiting = np.flatnonzero(~hit & (rows != _EMPTY) & (flat != 0))
        at = at[waiting]
        while len(waiting):
            at = (at + 1) & self._mask
            rows = self._rows[at]
            hit = (self._names[at] == flat[waiting]) & (rows >= 0)
            out[waiting[hit]] = rows[hit]
            more = ~hit & (rows != _EMPTY)
            waiting, at = waiting[more], at[more]
        return out.reshape(names.shape)

    def put(self, names: U64, rows: I64) -> None:
        """Add distinct names that are not held yet."""
        if 2 * (self._used + len(names)) > len(self._rows):
            held = self._rows >= 0
            kept = self._names[held], self._rows[held].astype(np.int64)
            self._clear(1 << int(4 * (len(kept[0]) + len(names))).bit_length())
            self._place(*kept)
        self._place(names, rows)

    def drop(self, names: U64) -> None:
        """Forget distinct names that are held."""
        at = self._home(names)
        for home, name in zip(at.tolist(), names.tolist(), strict=True):
            place = home
            while int(self._names[place]) != name or self._rows[place] < 0:
                place = (place + 1) & self._mask
            self._rows[place], self._names[place] = _GONE, 0

    def _clear(self, capacity: int) -> None:
        self._mask = capacity - 1
        self._names: U64 = np.zeros(capacity, dtype=np.uint64)
        self._rows: npt.NDArray[np.int32] = np.full(capacity, _EMPTY, dtype=np.int32)
        self._used = 0

    def _home(self, names: U64) -> I64:
        return (names & np.uint64(self._mask)).astype(np.int64)

    def _place(self, names: U64, rows: I64) -> None:
        self._used += len(names)
        at = self._home(names)
        while len(names):
            free = np.flatnonzero(self._rows[at] == _EMPTY)
            slots, first = np.unique(at[free], return_index=True)
            won = free[first]
            self._names[slots], self._rows[slots] = names[won], rows[won]
            lost = np.ones(len(names), dtype=bool)
            lost[won] = False
            names, rows, at = names[lost], rows[lost], (at[lost] + 1) & self._mask
