"""Daily: how often each video was viewed on each of the latest thirty days (UTC).

A view is what counts as a watch among the nine counts, on the day of the report of it that was heard first. Days follow
the changes alone, as counts do: what is sent again, or cut otherwise, changes nothing, and whatever order it comes in,
days before the latest thirty are gone. No ranking reads them, so only a video's shard and the store may hold them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from streams import limits
from streams.arrays.tables import I64, Table, distinct, ring_of
from streams.shards.changes import Packed
from streams.shards.columns import WATCH

__all__ = ["DAILY", "load_views", "note_views", "saved_views", "views_by_day", "views_since"]

DAILY: Final[dict[str, tuple[Any, tuple[int, ...], Any]]] = {
    "views": (np.int32, (limits.VIEW_DAYS,), 0),
    "view_day": (np.int64, (), 0),
}
"""Columns of a table of videos. Views of day d (since 1970) stand in ``views[d % VIEW_DAYS]``; ``view_day`` is the
latest of them.
"""
_STORED: Final = np.dtype([("view_day", "<i8"), ("views", "<i4", limits.VIEW_DAYS)])


def note_views(table: Table, rows: I64, changes: Packed) -> None:
    """Add the views among ``changes`` (ROW) to ``rows`` i64[len(changes)] of a table with the columns ``DAILY``."""
    seen = np.flatnonzero((changes["kind"] == WATCH) & (changes["n"] != 0))
    if not len(seen):
        return
    rows, day = rows[seen], changes["ts_ms"][seen] // limits.DAY_MS
    later = day > table.view_day[rows]
    if later.any():
        moved = distinct(rows[later])
        was = table.view_day[moved]
        np.maximum.at(table.view_day, rows[later], day[later])
        stays = ring_of(table.view_day[moved], limits.VIEW_DAYS) <= was[:, None]
        table.views[moved] = np.where(stays, table.views[moved], 0)
    kept = day > table.view_day[rows] - limits.VIEW_DAYS
    count = changes["n"][seen][kept].astype(np.int32)
    np.add.at(table.views, (rows[kept], day[kept] % limits.VIEW_DAYS), count)


def saved_views(table: Table, rows: I64) -> list[bytes]:
    """Views of ``rows`` for the store, empty for a video without any."""
    packed = np.zeros(len(rows), dtype=_STORED)
    for name in DAILY:
        packed[name] = getattr(table, name)[rows]
    some = ((packed["view_day"] > 0) | packed["views"].any(axis=1)).tolist()
    raw, size = packed.tobytes(), _STORED.itemsize
    return [raw[at * size : (at + 1) * size] if any_ else b"" for at, any_ in enumerate(some)]


def load_views(table: Table, rows: I64, values: Sequence[bytes]) -> None:
    """Set fresh ``rows`` from stored views. A row stored by a version that kept no views has none."""
    some = np.array([bool(value) for value in values], dtype=bool)
    packed = np.frombuffer(b"".join(values), dtype=_STORED)
    for name in DAILY:
        getattr(table, name)[rows[some]] = packed[name]


def views_since(value: bytes, first_day: int) -> int:
    """How many of a video's stored views are of ``first_day`` (days since 1970) or later; exact over ``VIEW_DAYS``.

    >>> table = Table(DAILY); table.views[0, 3], table.view_day[0] = 7, 33
    >>> [views_since(saved_views(table, np.array([0]))[0], day) for day in (33, 34)], views_since(b"", 0)
    ([7, 0], 0)
    """
    total = 0
    for one in np.frombuffer(value, dtype=_STORED):
        total += int(one["views"][ring_of(int(one["view_day"]), limits.VIEW_DAYS) >= first_day].sum())
    return total


def views_by_day(value: bytes, day: int) -> list[int]:
    """A video's stored views on each of the ``VIEW_DAYS`` days up to ``day`` (days since 1970), that one last.

    >>> table = Table(DAILY); table.views[0, 3], table.view_day[0] = 7, 33
    >>> views_by_day(saved_views(table, np.array([0]))[0], 34)[-3:], sum(views_by_day(b"", 0))
    ([0, 7, 0], 0)
    """
    made = dict.fromkeys(range(day - limits.VIEW_DAYS + 1, day + 1), 0)
    for one in np.frombuffer(value, dtype=_STORED):
        days = ring_of(int(one["view_day"]), limits.VIEW_DAYS).tolist()
        made |= {at: count for at, count in zip(days, one["views"].tolist(), strict=True) if at in made}
    return list(made.values())
