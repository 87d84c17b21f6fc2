"""Pace: whether a viewer stays with what is shown or swipes it away, one after the other.

Of the latest showings each viewer keeps when they were first met, and whether they held the viewer. From this follows
how many were passed over in a row. It is a soft signal: it decides how much of something else is offered, nothing that
is counted.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams import limits
from streams.arrays.tables import F32, I64, segments
from streams.signals.objective import USUAL_WORTH
from streams.viewer.viewers import ViewerTable

__all__ = ["BORED", "note_pace", "run_of", "skips"]

BORED: Final = 5
"""Showings passed over in a row from which on a viewer is bored."""
_WITHIN_MS: Final = 1_800_000  # of the latest one: what lies further back was another session
_LEFT: Final = -0.1  # worth below which a showing was passed over


def note_pace(viewers: ViewerTable, viewer: I64, was_ms: I64, met_ms: I64, worth: F32) -> I64:
    """Take over n changed outcomes: of ``viewer`` rows, first met at ``met_ms`` (before: ``was_ms``) and worth so much
    now. Returns the rows of viewers who have just become bored.

    What held the viewer once stays so; what is worth neither much nor less than nothing says nothing.
    """
    said = (worth >= USUAL_WORTH) | (worth < _LEFT)
    moved = np.flatnonzero(was_ms != met_ms)
    at, slot = np.nonzero(viewers.swipes[viewer[moved]] >> 1 == was_ms[moved, None])
    viewers.swipes[viewer[moved[at]], slot] = 0
    if not said.any():
        return viewer[:0]
    distinct, owner = np.unique(viewer[said], return_inverse=True)
    stamp = met_ms[said] * 2 + (worth[said] >= USUAL_WORTH)
    before = viewers.swipes[distinct]
    owner = np.concatenate((owner, np.repeat(np.arange(len(distinct)), limits.PACE)))
    stamp = np.concatenate((stamp, before.ravel()))
    order = np.lexsort((-stamp, owner))
    owner, stamp = owner[order], stamp[order]
    again = np.zeros(len(owner), dtype=bool)
    again[1:] = (owner[1:] == owner[:-1]) & (stamp[1:] >> 1 == stamp[:-1] >> 1)
    owner, stamp = owner[~again], stamp[~again]
    _, nth = segments(owner)
    kept = nth < limits.PACE
    after = np.zeros_like(before)
    after[owner[kept], nth[kept]] = stamp[kept]
    viewers.swipes[distinct] = after
    result: I64 = distinct[(skips(before) < BORED) & (skips(after) >= BORED)]
    return result


def run_of(viewers: ViewerTable, viewer: int, now_ms: int) -> int:
    """``skips`` of one viewer, in the half hour before ``now_ms``."""
    run = 0
    for stamp in viewers.swipes[viewer].tolist():
        if stamp & 1 or stamp >> 1 < now_ms - _WITHIN_MS or not stamp:
            break
        run += 1
    return run


def skips(swipes: I64) -> I64:
    """How many of the latest showings in a row were passed over, int64[n], of ``swipes`` i64[n, PACE], latest first; of
    those of one session only.

    >>> skips(np.array([[2 * 9_000, 2 * 8_000, 2 * 7_000 + 1, 2 * 6_000, 0, 0, 0, 0]])).tolist()
    [2]
    """
    passed = (swipes > 0) & (swipes & 1 == 0) & (swipes >> 1 >= (swipes[:, :1] >> 1) - _WITHIN_MS)
    result: I64 = np.cumprod(passed, axis=1).sum(axis=1)
    return result
