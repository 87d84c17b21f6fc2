"""Items: what models keep of each video, rows by hash, bounded.

Where the bound is reached, a tenth of the rows goes, those touched longest ago, so that a stream of ever new videos is
learnt for ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import I64, Table

__all__ = ["ItemTable"]


class ItemTable(Table):
    """Columns of ``Table`` beside ``name`` u64[n], hash64 of the video id, 0 in a free row.

    >>> table = ItemTable({"size": (np.int64, (), 0)}, most=10)
    >>> rows, made = table.rows_for(np.array([[7, 0], [9, 7]], np.uint64))
    >>> rows.tolist(), made.tolist()
    ([[0, -1], [1, 0]], [0, 1])
    """

    name: U64
    touched: I64

    def __init__(self, columns: dict[str, tuple[Any, tuple[int, ...], Any]], most: int) -> None:
        super().__init__(columns | {"name": (np.uint64, (), 0), "touched": (np.int64, (), 0)})
        self.most = most
        self.row_of: dict[int, int] = {}
        self.clock = 0
        self.fresh: set[int] = set()
        """Rows that changed, or were given up, since somebody cleared this."""

    def rows_for(self, names: U64) -> tuple[I64, I64]:
        """Row of each name, in the shape of ``names``, and the rows made for new ones; a name of 0 has -1.

        A call with more names than ``most`` leaves the last of them without a row.
        """
        self.clock += 1
        listed = names.ravel().tolist()
        missing = [name for name in dict.fromkeys(listed) if name and name not in self.row_of]
        get = self.row_of.get
        known = np.fromiter({row for name in listed if (row := get(name)) is not None}, np.int64)
        self.touched[known] = self.clock
        if len(self.row_of) + len(missing) > self.most:
            self._make_room(len(missing))
            missing = missing[: self.most - len(self.row_of)]
        made = self.take(len(missing))
        for name, row in zip(missing, made.tolist(), strict=True):
            self.row_of[name] = row
        self.name[made], self.touched[made] = np.array(missing, dtype=np.uint64), self.clock
        found = np.fromiter((get(name, -1) for name in listed), np.int64, len(listed))
        return found.reshape(names.shape), made

    def mark(self, rows: I64) -> None:
        """Note rows whose columns changed."""
        self.fresh.update(rows.tolist())

    def chunks(self) -> list[tuple[int, slice]]:
        """Numbers and rows of the chunks that hold fresh rows, in order; nothing is fresh any more."""
        size = limits.FACTOR_CHUNK
        numbers = sorted({row // size for row in self.fresh})
        self.fresh.clear()
        return [(number, slice(number * size, min((number + 1) * size, self.high))) for number in numbers]

    def drain(self) -> I64:
        """Fresh rows in order, int64[n]; nothing is fresh any more."""
        rows = np.array(sorted(self.fresh), dtype=np.int64)
        self.fresh.clear()
        return rows

    def state(self) -> dict[str, Any]:
        """Everything a restored table needs to go on bit-equal."""
        made: dict[str, Any] = {name: getattr(self, name)[: self.high] for name in self._columns}
        made["free"] = np.array(self._free, dtype=np.int64)
        made["fresh"] = np.array(sorted(self.fresh), dtype=np.int64)
        return made | {"clock": np.array([self.clock])}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``; the table must be fresh."""
        rows = self.take(len(arrays["name"]))
        for name in self._columns:
            getattr(self, name)[rows] = arrays[name]
        self._free = arrays["free"].tolist()
        used = np.flatnonzero(self.name[: self.high])
        self.row_of = dict(zip(self.name[used].tolist(), used.tolist(), strict=True))
        self.fresh, self.clock = set(arrays["fresh"].tolist()), int(arrays["clock"][0])

    def _make_room(self, wanted: int) -> None:
        """Give up the rows touched longest ago, but none that this call named."""
        rows = np.fromiter(self.row_of.values(), np.int64, len(self.row_of))
        rows = rows[self.touched[rows] < self.clock]
        count = min(len(rows), max(self.most // 10, len(self.row_of) + wanted - self.most))
        if not count:
            return
        gone = rows[np.lexsort((self.name[rows], self.touched[rows]))[:count]]
        for name in self.name[gone].tolist():
            del self.row_of[name]
        self.name[gone] = 0
        self.mark(gone)
        self.give(gone)
