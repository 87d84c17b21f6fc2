"""Outcomes: the small record of each (viewer, video), from which everything else is a function of change.

A fact is a number in a cell, and merging an event is ``max``: idempotent, commutative, associative. So a duplicate
changes nothing, order does not matter, and an undo (a later operation) restores. Kinds with references (an impression,
a comment) keep a ring of the latest few; beyond it the oldest is frozen in the counts and the overflow is counted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.formats import check_format
from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F32, I64, Table, segments
from streams.shards.columns import (
    ABSENT,
    ACTION,
    COMMENT,
    FOLLOW,
    LIKE,
    MORE_LIKE,
    OPS,
    RINGS,
    SAVE,
    SHARE,
    SKIP,
    WATCH,
)

__all__ = ["UNJUDGED", "Change", "OutcomeTable", "standing"]

_RING_CELLS = RINGS * limits.RING
CELLS = _RING_CELLS + OPS
_BITS = 44  # a value is below 2^43: times in ms, times four, until the year 2039 and spans of 35 years
_FORMAT = 4
_DOUBT = [("doubt", "u1")]
_WATCH = [("watched_ms", "<i8"), ("quality", "u1"), ("gestures", "u1")]
_HEADS = {
    number: np.dtype(
        [("format", "u1"), ("fills", "u1", RINGS), ("bits", bits), ("reward", "<f4"), ("first_ms", "<i8")]
        + [("reward_ms", "<i8"), ("duration_ms", "<i8"), *more]
    )
    for number, bits, more in ((1, "u1", []), (2, "<u2", []), (3, "<u2", _DOUBT), (4, "<u2", _DOUBT + _WATCH))
}
"""By format: the first had fewer label bits; up to the second nobody was judged; up to the third less was known of a
watch, a skip and a comment. What follows from them is derived anew with the outcome's next event.
"""
_RENEWED = 4
"""The format since which values of facts are as they are now."""
_NAMES = ("bits", "reward", "first_ms", "reward_ms", "duration_ms", "doubt", "watched_ms", "quality", "gestures")
_HEAD = _HEADS[_FORMAT]
_FACT = np.dtype([("cell", "u1"), ("value", "<i8"), ("ref", "<u8")])
_OPS_FOR = (LIKE, SAVE, FOLLOW, MORE_LIKE)
_FOR = np.isin(np.arange(256), (SHARE, COMMENT, *_OPS_FOR))
"""Kinds that speak for a video."""


UNJUDGED = 255
"""``quality`` of what was not watched."""


class Change(NamedTuple):
    """What each fact of a batch did to its cell: values ``before`` and ``after`` i64[n], in order of arrival."""

    before: I64
    after: I64


def standing(values: I64) -> npt.NDArray[np.bool_]:
    """Whether the latest operation of each cell is an add.

    >>> standing(np.array([-1, 10, 11])).tolist()
    [False, True, False]
    """
    result: npt.NDArray[np.bool_] = (values >= 0) & (values % 2 == 0)
    return result


class OutcomeTable(Table):
    """Struct of arrays, one row a hot (viewer, video).

    ``cells`` i64[n, 46]: ``RING`` cells of each of the five kinds with references, then one per operation; ``refs``
    u64[n, 40]; ``fills`` i32[n, 5] references ever kept. ``reward`` and ``reward_ms``: the contribution now standing in
    the viewer's sums. ``bits``: labels last reported to the learner. ``doubt``: how it was judged
    (``streams.signals.doubt``). ``first_ms``: time of the earliest event, ``watched_ms`` of the latest watch report.
    ``gestures`` u8[n]: a bit for each of ``GESTURES`` that happened. ``quality`` u8[n]: how far it was watched, against
    what is usual for its length, in 254ths, as it was judged when the watch changed. ``said`` bool[n]: whether,
    before the latest batch in which the viewer spoke for the video, that was done already, taken back or not.
    """

    cells: I64
    refs: U64
    fills: npt.NDArray[np.int32]
    bits: npt.NDArray[np.uint16]
    reward: F32
    reward_ms: I64
    first_ms: I64
    duration_ms: I64
    doubt: npt.NDArray[np.uint8]
    watched_ms: I64
    quality: npt.NDArray[np.uint8]
    gestures: npt.NDArray[np.uint8]
    said: npt.NDArray[np.bool_]
    viewer: I64
    video: I64
    touched: I64

    def __init__(self) -> None:
        columns: dict[str, tuple[Any, tuple[int, ...], Any]] = {
            "cells": (np.int64, (CELLS,), ABSENT),
            "refs": (np.uint64, (_RING_CELLS,), 0),
            "fills": (np.int32, (RINGS,), 0),
            "bits": (np.uint16, (), 0),
            "reward": (np.float32, (), 0.0),
            "reward_ms": (np.int64, (), 0),
            "first_ms": (np.int64, (), 2**62),
            "duration_ms": (np.int64, (), 0),
            "doubt": (np.uint8, (), 0),
            "watched_ms": (np.int64, (), 0),
            "quality": (np.uint8, (), UNJUDGED),
            "gestures": (np.uint8, (), 0),
            "said": (np.bool_, (), False),
            "viewer": (np.int64, (), -1),
            "video": (np.int64, (), -1),
            "touched": (np.int64, (), 0),
        }
        super().__init__(columns)
        self.row_of: dict[int, int] = {}
        self.overflows = 0

    def apply(self, rows: I64, kind: npt.NDArray[np.uint8], ref: U64, value: I64) -> Change:
        """Merge facts into their cells; O(n log n), vectorised. ``ACTION`` changes nothing (before == after)."""
        self._note_said(rows[_FOR[kind]])
        cell = np.full(len(rows), -1, dtype=np.int64)
        is_op = (kind >= LIKE) & (kind < ACTION)
        cell[is_op] = rows[is_op] * CELLS + _RING_CELLS + (kind[is_op] - LIKE)
        change = Change(np.full(len(rows), ABSENT, np.int64), np.full(len(rows), ABSENT, np.int64))
        ring = np.flatnonzero(kind < LIKE)
        slow = self._place(ring, rows, kind, ref, cell) if len(ring) else ring
        known = np.flatnonzero(cell >= 0)
        change.before[known], change.after[known] = self._merge(cell[known], value[known])
        for at in slow.tolist():
            change.before[at], change.after[at] = self._one(int(rows[at]), int(kind[at]), ref[at], int(value[at]))
        return change

    def _note_said(self, rows: I64) -> None:
        """Before a batch in which viewers speak for the videos of ``rows``: whether they ever did."""
        comments = self.ring(rows, COMMENT)
        said = ((comments != ABSENT) & (comments & 3 != 2)).any(axis=1) | (self.shared_ms(rows) != ABSENT)
        for kind in _OPS_FOR:
            said |= self.operation(rows, kind) != ABSENT
        self.said[rows] = said

    def _place(self, ring: I64, rows: I64, kind: npt.NDArray[np.uint8], ref: U64, cell: I64) -> I64:
        """Find or make the ring cell of each fact; returns those whose ring would overflow, to be done one by one."""
        row, which, name = rows[ring], kind[ring].astype(np.int64), ref[ring]
        rings = row * RINGS + which
        base = self.refs.reshape(-1, limits.RING)[rings]
        hit = base == name[:, None]
        found = hit.any(axis=1)
        slot = hit.argmax(axis=1)
        new = np.flatnonzero(~found)
        slow_rings = np.empty(0, dtype=np.int64)
        if len(new):
            order = new[np.lexsort((new, name[new], rings[new]))]
            _, ranks = segments(rings[order].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ name[order])
            first = np.sort(order[ranks == 0])
            by_ring = first[np.argsort(rings[first], kind="stable")]
            _, nth = segments(rings[by_ring])
            at = self.fills.reshape(-1)[rings[by_ring]] + nth
            slow_rings = np.unique(rings[by_ring[at >= limits.RING]])
            fits = ~np.isin(rings[by_ring], slow_rings)
            by_ring, at = by_ring[fits], at[fits]
            self.refs.reshape(-1, limits.RING)[rings[by_ring], at] = name[by_ring]
            np.maximum.at(self.fills.reshape(-1), rings[by_ring], at.astype(np.int32) + 1)
            again = self.refs.reshape(-1, limits.RING)[rings[new]] == name[new, None]
            slot[new] = again.argmax(axis=1)
        fast = ~np.isin(rings, slow_rings) if len(slow_rings) else np.ones(len(ring), dtype=bool)
        cell[ring[fast]] = row[fast] * CELLS + which[fast] * limits.RING + slot[fast]
        result: I64 = ring[~fast]
        return result

    def _merge(self, cell: I64, value: I64) -> Change:
        """Running maximum of each cell in order of arrival."""
        order = np.argsort(cell, kind="stable")
        ordered, values = cell[order], value[order]
        starts, _ = segments(ordered)
        if len(starts) == 0:
            return Change(value, value)
        flat = self.cells.reshape(-1)
        sizes = np.diff(np.append(starts, len(ordered)))
        initial = flat[ordered[starts]]
        lifted = (np.repeat(np.arange(len(starts)), sizes) << _BITS) + 1
        running = np.maximum(values, np.repeat(initial, sizes)) + lifted
        after = np.maximum.accumulate(running) - lifted
        before = np.empty_like(after)
        before[1:] = after[:-1]
        before[starts] = initial
        flat[ordered[starts]] = after[np.append(starts[1:], len(ordered)) - 1]
        change = Change(np.empty_like(after), np.empty_like(after))
        change.before[order], change.after[order] = before, after
        return change

    def _one(self, row: int, kind: int, ref: np.uint64, value: int) -> tuple[int, int]:
        """The same for one fact whose ring is full: the oldest reference falls out, frozen in the counts."""
        low = kind * limits.RING
        names = self.refs[row, low : low + limits.RING]
        where = np.flatnonzero(names == ref)
        if len(where):
            cell = low + int(where[0])
        else:
            cell = low + int(self.fills[row, kind]) % limits.RING
            if self.fills[row, kind] >= limits.RING:
                self.overflows += 1
            self.fills[row, kind] += 1
            self.refs[row, cell] = ref
            self.cells[row, cell] = ABSENT
        before = int(self.cells[row, cell])
        self.cells[row, cell] = max(before, value)
        return before, max(before, value)

    def note(self, rows: I64, kind: npt.NDArray[np.uint8], value: I64, ts_ms: I64, duration_ms: I64) -> None:
        """Take over what is kept of facts beside their cells: times, durations, gestures. Idempotent, in any order."""
        np.minimum.at(self.first_ms, rows, ts_ms)
        np.maximum.at(self.duration_ms, rows, duration_ms)
        watch = kind == WATCH
        np.maximum.at(self.watched_ms, rows[watch], ts_ms[watch])
        gesture = kind == ACTION
        np.bitwise_or.at(self.gestures, rows[gesture], value[gesture].astype(np.uint8))

    def gestured(self, rows: I64) -> I64:
        """How many kinds of gestures each row has; to come back to a video is one, too; i64[n]."""
        back = self.fills[rows, WATCH] > 1
        result: I64 = np.bitwise_count(self.gestures[rows]).astype(np.int64) + back
        return result

    def refs_of(self, rows: I64, kind: int) -> U64:
        """References of one ring of each row, u64[n, RING]; 0 where there is none."""
        low = kind * limits.RING
        result: U64 = self.refs[rows, low : low + limits.RING]
        return result

    def ring(self, rows: I64, kind: int) -> I64:
        """Values of one ring of each row, i64[n, RING]."""
        low = kind * limits.RING
        result: I64 = self.cells[rows, low : low + limits.RING]
        return result

    def operation(self, rows: I64, kind: int) -> I64:
        """Value of one operation of each row, i64[n]."""
        result: I64 = self.cells[rows, _RING_CELLS + kind - LIKE]
        return result

    def best_watch(self, rows: I64) -> I64:
        """Largest reported watch time of each row in ms, ABSENT if it was never watched; i64[n]."""
        result: I64 = self.ring(rows, WATCH).max(axis=1) >> 2
        return result

    def shared_ms(self, rows: I64) -> I64:
        """Time of the latest share, ABSENT if none; i64[n]."""
        result: I64 = self.ring(rows, SHARE).max(axis=1)
        return result

    def commented_ms(self, rows: I64, harsh: bool = False) -> I64:
        """Time of the latest standing comment, clearly negative ones only if ``harsh``, ABSENT if none; i64[n]."""
        values = self.ring(rows, COMMENT)
        speaks = standing(values) & (harsh | (values & 2 == 0))
        result: I64 = np.where(speaks, values // 4, ABSENT).max(axis=1)
        return result

    def encode(self, rows: I64) -> list[bytes]:
        """One value a row for the store: a head, then 17 bytes a fact."""
        head = np.zeros(len(rows), dtype=_HEAD)
        head["format"] = _FORMAT
        fills = self.fills[rows]
        head["fills"] = np.where(fills < limits.RING, fills, limits.RING + fills % limits.RING)
        for name in _NAMES:
            head[name] = getattr(self, name)[rows]
        cells = self.cells[rows]
        at, cell = np.nonzero(cells != ABSENT)
        facts = np.empty(len(at), dtype=_FACT)
        facts["cell"], facts["value"] = cell, cells[at, cell]
        facts["ref"] = np.where(cell < _RING_CELLS, self.refs[rows[at], np.minimum(cell, _RING_CELLS - 1)], 0)
        ends = np.searchsorted(at, np.arange(len(rows)), side="right") * _FACT.itemsize
        heads, body, size, low = head.tobytes(), facts.tobytes(), _HEAD.itemsize, 0
        values = []
        for index, high in enumerate(ends.tolist()):
            values.append(heads[index * size : (index + 1) * size] + body[low:high])
            low = high
        return values

    def decode(self, rows: I64, values: list[bytes]) -> None:
        """Fill fresh ``rows`` from the store's values; raises ``ValueError`` for a format from elsewhere."""
        formats = np.array([value[0] for value in values])
        for number in np.unique(formats).tolist():
            check_format("an outcome row", number, _FORMAT)
            some = np.flatnonzero(formats == number)
            self._decode(rows[some], [values[at] for at in some.tolist()], number)

    def _decode(self, rows: I64, values: list[bytes], number: int) -> None:
        kind = _HEADS[number]
        size = kind.itemsize
        head = np.frombuffer(b"".join(value[:size] for value in values), dtype=kind)
        self.fills[rows] = head["fills"]
        for name in _NAMES:
            if name in (kind.names or ()):
                getattr(self, name)[rows] = head[name]
        counts = [(len(value) - size) // _FACT.itemsize for value in values]
        facts = np.frombuffer(b"".join(value[size:] for value in values), dtype=_FACT)
        at = np.repeat(rows, counts)
        self.cells[at, facts["cell"]] = facts["value"] if number >= _RENEWED else _renewed(facts)
        ring = facts["cell"] < _RING_CELLS
        self.refs[at[ring], facts["cell"][ring]] = facts["ref"][ring]


def _renewed(facts: npt.NDArray[np.void]) -> I64:
    """Values of facts of the formats before as they are now: a skip had its time and not how far it got."""
    kind, value = facts["cell"].astype(np.int64) // limits.RING, facts["value"].astype(np.int64)
    now = [4 * value, np.zeros_like(value), 2 * value + (value & 1)]
    result: I64 = np.select([kind == WATCH, kind == SKIP, kind == COMMENT], now, value)
    return result


def facts(value: bytes) -> list[tuple[int, int, int]]:
    """The facts of an encoded outcome as sorted (kind, ref, value): equal for equal facts, however they arrived."""
    rows = np.frombuffer(value, dtype=_FACT, offset=_HEADS[value[0]].itemsize)
    cell = rows["cell"].astype(np.int64)
    kind = np.where(cell < _RING_CELLS, cell // limits.RING, cell - _RING_CELLS + LIKE)
    return sorted(zip(kind.tolist(), rows["ref"].tolist(), rows["value"].tolist(), strict=True))
