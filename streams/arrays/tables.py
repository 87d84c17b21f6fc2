"""Row tables: struct of arrays with free rows, and the top-k slots inside them.

A table keeps named columns of one length; rows are handed out and taken back, columns double when full. The top-k
update works on whole batches: many (row, reference, weight) triples at once, repeated ones included.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import U64

__all__ = [
    "F32", "F64", "I64", "NO_ROWS", "Moved", "Table", "add_top", "distinct", "forward", "ring_of", "segments",
]  # fmt: skip

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
NO_ROWS: I64 = np.empty(0, dtype=np.int64)


class Table:
    """Columns of equal length with a free list.

    ``columns`` maps a name to (dtype, shape of one row, fill). Each column is an attribute; a reference to one is
    stale after ``take``, which may grow it.

    >>> table = Table({"size": (np.int64, (), -1)})
    >>> rows = table.take(2); table.size[rows]
    array([-1, -1])
    """

    def __init__(self, columns: dict[str, tuple[Any, tuple[int, ...], Any]], capacity: int = 64) -> None:
        self._columns = columns
        self._free: list[int] = []
        self._next = 0
        self.capacity = capacity
        for name, (dtype, shape, fill) in columns.items():
            setattr(self, name, np.full((capacity, *shape), fill, dtype=dtype))

    def __getattr__(self, name: str) -> npt.NDArray[Any]:
        raise AttributeError(name)

    def __len__(self) -> int:
        return self._next - len(self._free)

    @property
    def high(self) -> int:
        """One past the highest row ever handed out."""
        return self._next

    def take(self, count: int) -> I64:
        """``count`` fresh rows, int64[count], every column at its fill."""
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        fresh = count - len(reused)
        if self._next + fresh > self.capacity:
            self._grow(self._next + fresh)
        rows = np.array([*reused, *range(self._next, self._next + fresh)], dtype=np.int64)
        self._next += fresh
        if reused:
            again = np.array(reused, dtype=np.int64)
            for name, (_, _, fill) in self._columns.items():
                getattr(self, name)[again] = fill
        return rows

    def give(self, rows: I64) -> None:
        """Take rows back; they may be handed out again."""
        self._free.extend(rows.tolist())

    def bytes_per_row(self) -> int:
        """Bytes that the columns hold for one row."""
        return sum(getattr(self, name)[:1].nbytes for name in self._columns)

    def _grow(self, need: int) -> None:
        capacity = max(need, self.capacity * 2)
        for name, (dtype, shape, fill) in self._columns.items():
            wider = np.full((capacity, *shape), fill, dtype=dtype)
            wider[: self.capacity] = getattr(self, name)
            setattr(self, name, wider)
        self.capacity = capacity


def distinct(values: I64) -> I64:
    """The different ``values`` i64[n] in order, int64[m]; ten times as fast as ``np.unique`` of numpy 2.4.

    >>> distinct(np.array([3, 1, 3])).tolist(), distinct(np.empty(0, np.int64)).tolist()
    ([1, 3], [])
    """
    ordered = np.sort(values)
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    result: I64 = ordered[first]
    return result


class Moved(NamedTuple):
    """What ``forward`` did: unique ``rows``, how far the landmark of each was moved (``aged``, i64[rows], ms), and how
    far each moment lies before the landmark of its row now (``behind``, i64[n], ms).
    """

    rows: I64
    aged: I64
    behind: I64


def forward(landmarks_ms: I64, rows: I64, ms: I64) -> Moved:
    """Move the landmarks of ``rows`` i64[n], in place, to the latest of the moments ``ms`` i64[n] where that is later.

    Sums that decay against a landmark (forward decay, Cormode et al. 2009) are to fade by ``aged``, and what is added
    by ``behind``: so the order in which moments come makes no difference but in rounding.

    >>> landmarks = np.array([50, 7]); forward(landmarks, np.array([0, 0]), np.array([40, 60]))
    Moved(rows=array([0]), aged=array([10]), behind=array([20,  0]))
    >>> landmarks.tolist()
    [60, 7]
    """
    touched, inverse = np.unique(rows, return_inverse=True)
    was, newest = landmarks_ms[touched], landmarks_ms[touched]
    np.maximum.at(newest, inverse, ms)
    landmarks_ms[touched] = newest
    return Moved(touched, newest - was, newest[inverse] - ms)


def ring_of(latest: I64 | int, size: int) -> I64:
    """Which moment each place of a ring of ``size`` moments stands for where ``latest`` is the latest, int64[…, size].

    >>> ring_of(25, 24)[[0, 1, 2]].tolist()
    [24, 25, 2]
    """
    last = np.asarray(latest, dtype=np.int64)[..., None]
    result: I64 = last - (last - np.arange(size)) % size
    return result


def segments(ordered: npt.NDArray[Any]) -> tuple[I64, I64]:
    """Starts of the runs of equal values in a sorted array, and each element's rank within its run.

    >>> starts, ranks = segments(np.array([3, 3, 5])); starts.tolist(), ranks.tolist()
    ([0, 2], [0, 1, 0])
    """
    size = len(ordered)
    if size == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first = np.empty(size, dtype=bool)
    first[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    ranks = np.arange(size) - np.repeat(starts, np.diff(np.append(starts, size)))
    return starts, ranks


def add_top(refs: U64, weights: F32, rows: I64, keys: U64, amounts: npt.NDArray[np.floating[Any]]) -> None:
    """Add ``amounts`` to the slots (row, key) of the top-k columns ``refs`` u64[n, K], ``weights`` f32[n, K] or [n,
    K, W].

    In place; ``amounts`` is [m] or [m, W], the first of W weights decides who stays. A key of 0 is skipped. A key not
    kept yet takes a free slot, else the slot of the smallest absolute weight, if its own is larger. Slots that cancel
    to nothing are freed, so adding and taking back leaves no trace.

    >>> refs, weights = np.zeros((1, 2), np.uint64), np.zeros((1, 2), np.float32)
    >>> add_top(refs, weights, np.array([0, 0]), np.array([7, 7], np.uint64), np.array([1.0, 0.5]))
    >>> refs.tolist(), weights.tolist()
    ([[7, 0]], [[1.5, 0.0]])
    """
    given = keys != 0
    if not given.any():
        return
    deep = weights if weights.ndim == 3 else weights[:, :, None]
    rows, keys, totals = _summed(rows[given], keys[given], np.asarray(amounts)[given].reshape(-1, deep.shape[2]))
    hit = refs[rows] == keys[:, None]
    found = hit.any(axis=1)
    at = hit.argmax(axis=1)
    if found.any():
        kept_rows, kept_at = rows[found], at[found]
        deep[kept_rows, kept_at] += totals[found].astype(np.float32)
        gone = np.abs(deep[kept_rows, kept_at, 0]) <= 1e-6 * np.abs(totals[found, 0])
        refs[kept_rows[gone], kept_at[gone]] = 0
        deep[kept_rows[gone], kept_at[gone]] = 0.0
    new = ~found
    if not new.any():
        return
    rows, keys, totals = rows[new], keys[new], totals[new]
    _, ranks = segments(rows)
    for rank in range(int(ranks.max()) + 1):
        chosen = ranks == rank
        _insert(refs, deep, rows[chosen], keys[chosen], totals[chosen])


def _insert(refs: U64, deep: F32, rows: I64, keys: U64, totals: F64) -> None:
    size = np.where(refs[rows] == 0, np.float32(-1.0), np.abs(deep[rows, :, 0]))
    at = size.argmin(axis=1)
    take = size[np.arange(len(rows)), at] < np.abs(totals[:, 0])
    refs[rows[take], at[take]] = keys[take]
    deep[rows[take], at[take]] = totals[take]


def _summed(rows: I64, keys: U64, amounts: npt.NDArray[Any]) -> tuple[I64, U64, F64]:
    order = np.lexsort((keys, rows))
    rows, keys, amounts = rows[order], keys[order], amounts[order].astype(np.float64)
    first = np.empty(len(rows), dtype=bool)
    first[0] = True
    np.logical_or(rows[1:] != rows[:-1], keys[1:] != keys[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    return rows[starts], keys[starts], np.add.reduceat(amounts, starts, axis=0)
