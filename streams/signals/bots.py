"""Bots: which outcomes are to move no ranking, judged from how their viewers behave.

Counts stay exact and a viewer's own interests work as ever: a judgement only keeps signals, co-occurrences and lessons
out of what is known of videos. Barred is what a viewer does within a day of what nobody can do: to meet far too many
videos a minute, or to watch for longer than time passed. Doubted is what was never served to a viewer who uses our
feeds, or who has no history yet.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import I64, forward, segments
from streams.control.tuning import Bots
from streams.shards.columns import WATCH, Columns
from streams.signals.doubt import ALL, BARRED, DOUBTED, EXCUSED, TRUSTED
from streams.signals.outcomes import Change, OutcomeTable
from streams.viewer.viewers import ViewerTable

__all__ = ["judge"]

_MINUTE_MS: Final = 60_000.0
_PER_MINUTE: Final = float(np.log(2))  # a steady one a minute sums up to 1 / ln 2


def judge(
    viewers: ViewerTable,
    outcomes: OutcomeTable,
    batch: Columns,
    viewer: I64,
    change: Change,
    created: I64,
    odds: float,
    how: Bots,
) -> None:
    """Judge the ``created`` outcome rows i64[m], in order of arrival, once and for all.

    ``viewer`` i64[n] are the rows of the batch's viewers, ``change`` is what its facts did. What a viewer was
    served and met must not hold the batch yet. ``odds`` are those of the catalogue: where most is doubtful, all who are
    doubted are excused.
    """
    if not how.on:
        return
    _note_watches(viewers, batch, viewer, change, how)
    if not len(created):
        return
    owner, when_ms = outcomes.viewer[created], outcomes.first_ms[created]
    _note_pace(viewers, owner, when_ms, how)
    served = _served(viewers, owner, outcomes.video[created].view(np.uint64))
    strange = (_met_before(viewers, owner) < how.history) | (viewers.fed[owner] >= limits.FED)
    doubt = np.where(strange & ~served, DOUBTED if odds < ALL else EXCUSED, TRUSTED)
    odd_ms = viewers.odd_ms[owner]
    barred = (odd_ms > 0) & (when_ms <= odd_ms + int(how.barred_h * 60 * _MINUTE_MS))
    outcomes.doubt[created] = np.where(barred, BARRED, doubt)
    np.add.at(viewers.fed, owner, served.astype(np.int32))


def _note_pace(viewers: ViewerTable, owner: I64, when_ms: I64, how: Bots) -> None:
    """Videos met a minute, a decayed sum; who meets too many is odd as of then."""
    moved = forward(viewers.pace_ms, owner, when_ms)
    viewers.pace[moved.rows] *= np.exp2(-moved.aged / _MINUTE_MS).astype(np.float32)
    np.add.at(viewers.pace, owner, np.exp2(-moved.behind / _MINUTE_MS).astype(np.float32))
    odd = moved.rows[viewers.pace[moved.rows] * _PER_MINUTE > how.per_minute]
    viewers.odd_ms[odd] = np.maximum(viewers.odd_ms[odd], viewers.pace_ms[odd])


def _note_watches(viewers: ViewerTable, batch: Columns, viewer: I64, change: Change, how: Bots) -> None:
    """How far watch time is ahead of the time that passed between watches; too far is odd.

    Only watches tell the time here: other topics may be read long before or after them.
    """
    at = np.flatnonzero(batch.kind == WATCH)
    if not len(at):
        return
    watched_ms = np.maximum(change.after[at] >> 2, 0) - np.maximum(change.before[at] >> 2, 0)
    distinct, inverse = np.unique(viewer[at], return_inverse=True)
    oldest, newest = np.full(len(distinct), 2**62), viewers.watched_ms[distinct]
    np.minimum.at(oldest, inverse, batch.ts_ms[at])
    np.maximum.at(newest, inverse, batch.ts_ms[at])
    since = np.where(viewers.watched_ms[distinct] > 0, viewers.watched_ms[distinct], oldest)
    ahead_ms = (
        viewers.ahead_ms[distinct] + np.bincount(inverse, watched_ms, len(distinct)) - how.watch * (newest - since)
    )
    viewers.ahead_ms[distinct] = np.maximum(ahead_ms, 0.0)
    viewers.watched_ms[distinct] = newest
    odd = ahead_ms > how.ahead_min * _MINUTE_MS
    viewers.odd_ms[distinct[odd]] = np.maximum(viewers.odd_ms[distinct[odd]], newest[odd])


def _met_before(viewers: ViewerTable, owner: I64) -> I64:
    """How many videos each viewer had met before each of these, i64[m]."""
    order = np.argsort(owner, kind="stable")
    nth = np.empty(len(owner), dtype=np.int64)
    nth[order] = segments(owner[order])[1]
    result: I64 = viewers.met_count[owner] + nth
    return result


def _served(viewers: ViewerTable, owner: I64, video: U64) -> npt.NDArray[np.bool_]:
    """Whether each video was served to its viewer, bool[m], or, where the ledger has been full, may have been."""
    found = np.zeros(len(owner), dtype=bool)
    order = np.argsort(owner, kind="stable")
    starts, _ = segments(owner[order])
    for mine in np.split(order, starts[1:]):
        ledger = viewers.served[int(owner[mine[0]])]
        if len(ledger):
            found[mine] = np.isin(video[mine], ledger) | (len(ledger) >= limits.SERVED)
    return found
