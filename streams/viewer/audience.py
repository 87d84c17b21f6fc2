"""Audience: who follows a creator and who met the creator's videos, counted over stored viewers' rows.

Nothing of it is kept: a creator's page asks for it now and then, and what would answer sooner would cost every follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import U64, hash_all
from streams.arrays.tables import I64
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import ACTIVITIES, activity_of, segment_names, segment_of
from streams.viewer.following import followers
from streams.viewer.viewers import ViewerTable, follows_of, met_of

__all__ = ["Audience", "audience_of"]


class Audience(NamedTuple):
    """``followers`` of a creator, and ``viewers`` who met an upload. Of these, how many are in each of the ``segments``
    by what it is called, and of each class of ACTIVITIES, the most first; who is in no segment is in none of them.
    """

    followers: int
    viewers: int
    segments: dict[str, int]
    activity: dict[str, int]


class _Part(NamedTuple):
    """Viewers of one page who follow or met: hashes, bool[n] each, and places of segment and activity, i64[n]."""

    names: U64
    follows: npt.NDArray[np.bool_]
    met: npt.NDArray[np.bool_]
    segment: I64
    activity: I64


def audience_of(
    pages: Iterable[Sequence[tuple[str, bytes]]], creator: int, uploads: U64, catalogue: Catalogue, now_ms: int
) -> Audience:
    """The audience of ``creator`` (a hash), whose videos have the hashes ``uploads`` u64[m]; a viewer whose row comes
    twice counts once.

    ``pages`` are viewers' ids with stored rows; ``catalogue`` may be without videos but for what the learner told.
    Exact are followers, among the ``FOLLOWED`` latest creators of each viewer, and viewers, among the ``MET`` latest
    videos of each. A segment is the nearest one to a viewer's taste now. Memory: a page, and 26 bytes a viewer counted.
    """
    parts = [_part(page, creator, uploads, catalogue, now_ms) for page in pages if page]
    if not parts:
        return Audience(0, 0, {}, {})
    names, follows, met, segment, activity = (np.concatenate(column) for column in zip(*parts, strict=True))
    first = np.unique(names, return_index=True)[1]
    seen = first[met[first]]
    called = segment_names(catalogue)
    return Audience(
        int(follows[first].sum()),
        len(seen),
        _tallied(called[at] for at in segment[seen].tolist() if at >= 0),
        _tallied(ACTIVITIES[at] for at in activity[seen].tolist()),
    )


def _part(page: Sequence[tuple[str, bytes]], creator: int, uploads: U64, catalogue: Catalogue, now_ms: int) -> _Part:
    values = [value for _, value in page]
    entries, place = _joined([follows_of(value) for value in values])
    follows = followers(entries, place, len(page), creator, uploads)
    videos, place = _joined([met_of(value) for value in values])
    met = np.zeros(len(page), dtype=bool)
    met[place[np.isin(videos, uploads)]] = True
    counted = np.flatnonzero(follows | met).tolist()
    users = [page[at][0] for at in counted]
    table = ViewerTable()
    table.decode(users, [values[at] for at in counted])
    rows = np.array(table.rows(users), dtype=np.int64)
    activity = np.array([ACTIVITIES.index(name) for name in activity_of(table, rows, now_ms)], dtype=np.int64)
    return _Part(hash_all(users), follows[counted], met[counted], segment_of(catalogue, table, rows), activity)


def _joined(parts: Sequence[npt.NDArray[np.void] | U64]) -> tuple[npt.NDArray[np.void], I64]:
    """Arrays one after the other, and which of them each element came from, i64."""
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _tallied(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda one: (-one[1], one[0])))
