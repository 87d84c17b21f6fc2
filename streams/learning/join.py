"""The join: features as served meet what became of them, in event time.

An example opens with its features, closes a declared window after the viewer first saw the video, and is learnt then. A
positive that comes later corrects it: what was learnt is taken back and the truth learnt instead. Served and never
seen, or seen in vain through no doing of the viewer's, an example is dropped.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from streams import limits
from streams.arrays.hashing import U64, pair, uniform
from streams.arrays.tables import F32, F64, I64, Table
from streams.shards.columns import ABSENT
from streams.signals import objective
from streams.signals.objective import Bits

__all__ = ["Closed", "Corrected", "ExampleJoin"]

_WAITING, _CLOSED = 0, 1
_COLUMNS: Final = (
    "pair", "opened_ms", "seen_ms", "x", "weight", "bits", "learnt", "watch_ms", "duration_ms", "stage",
)  # fmt: skip


class Closed(NamedTuple):
    """Examples to learn: features float32[n, F], bits u16[n], weights float64[n], and whose they are, pair hashes.

    Of all that closed, learnt or not: how long each was watched (ABSENT: not at all) of how long a video, i64[m].
    """

    x: F32
    bits: Bits
    weight: F64
    pair: U64
    watch_ms: I64
    duration_ms: I64

    def examples(self) -> tuple[F32, Bits, F64]:
        """What is learnt of them."""
        return self.x, self.bits, self.weight


class Corrected(NamedTuple):
    """Examples learnt with other bits than became true: features, bits as learnt, bits now, weights."""

    x: F32
    learnt: Bits
    true: Bits
    weight: F64

    def examples(self) -> tuple[F32, Bits, F64]:
        """What puts it right: each as it was learnt, taken back by a negative weight, and as it is true."""
        weight = np.concatenate((-self.weight, self.weight))
        return np.concatenate((self.x, self.x)), np.concatenate((self.learnt, self.true)), weight


class ExampleJoin:
    """Examples waiting for their outcome, and closed ones waiting for a correction.

    ``keep`` is the share of examples without any positive that is learnt, each weighing 1 / keep: the estimate stays
    unbiased. At most ``limits.JOINED`` are held; the oldest beyond it are dropped and counted.
    """

    def __init__(self, features: int, window_ms: int, keep: float = 1.0) -> None:
        columns: dict[str, tuple[Any, tuple[int, ...], Any]] = {
            "pair": (np.uint64, (), 0),
            "opened_ms": (np.int64, (), 0),
            "seen_ms": (np.int64, (), 0),
            "x": (np.float16, (features,), 0.0),
            "weight": (np.float32, (), 1.0),
            "bits": (np.uint16, (), 0),
            "learnt": (np.uint16, (), 0),
            "watch_ms": (np.int64, (), ABSENT),
            "duration_ms": (np.int64, (), 0),
            "stage": (np.int8, (), -1),
        }
        self.table = Table(columns)
        self.row_of: dict[int, int] = {}
        self.watermark_ms = 0
        self.overflows = 0
        self.window_ms = window_ms
        self.keep = keep

    def opened(self, names: U64, ts_ms: I64, x: Any, weight: F32) -> None:
        """Open examples by pair hash; one already open stays as it was first served."""
        if not len(names):
            return
        _, first = np.unique(names, return_index=True)
        fresh = np.array([at for at in np.sort(first).tolist() if int(names[at]) not in self.row_of], dtype=np.int64)
        if not len(fresh):
            return
        rows, table = self.table.take(len(fresh)), self.table.__dict__
        table["pair"][rows], table["opened_ms"][rows] = names[fresh], ts_ms[fresh]
        table["x"][rows], table["weight"][rows], table["stage"][rows] = x[fresh], weight[fresh], _WAITING
        self.row_of.update(zip(names[fresh].tolist(), rows.tolist(), strict=True))
        self.watermark_ms = max(self.watermark_ms, int(ts_ms.max()))

    def labels(self, names: U64, ts_ms: I64, bits: Bits, watch_ms: I64, duration_ms: I64) -> Corrected:
        """Take over what became of pairs; returns corrections of those already closed. Watch times only grow."""
        table = self.table.__dict__
        found = [(at, row) for at, name in enumerate(names.tolist()) if (row := self.row_of.get(name)) is not None]
        if len(names):
            self.watermark_ms = max(self.watermark_ms, int(ts_ms.max()))
        for at, row in found:
            table["bits"][row] = bits[at]
            if table["seen_ms"][row] == 0 and bits[at] & objective.SEEN:
                table["seen_ms"][row] = ts_ms[at]
        if found:
            at, rows = np.array(found, dtype=np.int64).T
            np.maximum.at(table["watch_ms"], rows, watch_ms[at])
            np.maximum.at(table["duration_ms"], rows, duration_ms[at])
        rows = np.array(list(dict.fromkeys(row for _, row in found)), dtype=np.int64)
        late = rows[(table["stage"][rows] == _CLOSED) & (table["bits"][rows] != table["learnt"][rows])]
        learnt, true = table["learnt"][late].copy(), table["bits"][late].copy()
        table["learnt"][late] = true
        return Corrected(table["x"][late].astype(np.float32), learnt, true, table["weight"][late].astype(np.float64))

    def forget(self, names: U64) -> None:
        """Drop examples by pair hash: whose they are asked for it."""
        rows = [row for name in names.tolist() if (row := self.row_of.get(name)) is not None]
        self._drop(np.array(rows, dtype=np.int64))
        self.table.__dict__["pair"][rows] = 0

    def close(self) -> Closed:
        """Examples whose window has passed, to be learnt now."""
        table, high = self.table.__dict__, self.table.high
        stage, seen_ms = table["stage"][:high], table["seen_ms"][:high]
        due = (stage == _WAITING) & (seen_ms > 0) & (seen_ms + self.window_ms <= self.watermark_ms)
        rows = np.flatnonzero(due)
        vain = ~(table["bits"][rows] & objective.SEEN).astype(bool)
        self._drop(rows[vain])
        rows = rows[~vain]
        watched = table["watch_ms"][rows], table["duration_ms"][rows]
        table["stage"][rows], table["learnt"][rows] = _CLOSED, table["bits"][rows]
        idle = ~(table["bits"][rows] & (objective.POSITIVE | objective.LONG_VIEW)).astype(bool)
        drawn = uniform(pair(table["pair"][rows], np.full(len(rows), 77, dtype=np.uint64))) < self.keep
        table["weight"][rows[idle]] /= self.keep
        learn, skip = rows[drawn | ~idle], rows[idle & ~drawn]
        self._drop(skip)
        x, weight = table["x"][learn].astype(np.float32), table["weight"][learn].astype(np.float64)
        closed = Closed(x, table["bits"][learn].copy(), weight, table["pair"][learn].copy(), *watched)
        self._expire()
        return closed

    def state(self) -> dict[str, Any]:
        """Everything held, as arrays."""
        rows = np.array(sorted(self.row_of.values()), dtype=np.int64)
        arrays = {f"join.{name}": self.table.__dict__[name][rows] for name in _COLUMNS}
        return arrays | {"join.rest": np.array([float(self.watermark_ms), float(self.overflows)])}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        rows = self.table.take(len(arrays["join.pair"]))
        for name in _COLUMNS:
            self.table.__dict__[name][rows] = arrays[f"join.{name}"]
        self.row_of = dict(zip(arrays["join.pair"].tolist(), rows.tolist(), strict=True))
        self.watermark_ms, self.overflows = (int(number) for number in arrays["join.rest"])

    def _expire(self) -> None:
        """Drop what was never seen, what is too old to be corrected, and the oldest beyond the bound."""
        table, high = self.table.__dict__, self.table.high
        stage, opened_ms = table["stage"][:high], table["opened_ms"][:high]
        unseen = (stage == _WAITING) & (table["seen_ms"][:high] == 0)
        old = unseen & (opened_ms + 6 * self.window_ms < self.watermark_ms)
        old |= (stage == _CLOSED) & (opened_ms + limits.CORRECT_MS < self.watermark_ms)
        self._drop(np.flatnonzero(old))
        over = len(self.row_of) - limits.JOINED
        if over > 0:
            rows = np.array(list(self.row_of.values())[:over], dtype=np.int64)
            self.overflows += over
            self._drop(rows)

    def _drop(self, rows: I64) -> None:
        for name in self.table.__dict__["pair"][rows].tolist():
            self.row_of.pop(name, None)
        self.table.__dict__["stage"][rows] = -1
        self.table.give(rows)
