"""Causes: why fewer likes go to a tag than before, told apart by four factors whose product the likes are.

Likes are uploads by viewers an upload, by long views a viewer, by likes a long view. Each factor of late is held
against the day's, and against what it did for everything else; the one that lost most is the cause. So an evening, in
which everybody sees less, is no cause, and a tag that is shown as ever but opened less is told from one that is watched
and not liked.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from schemas.trends import Cause
from streams.arrays.tables import F64, I64
from streams.trends.surge import HOUR, LONG
from streams.video.catalogue import Catalogue
from streams.video.videos import HALF_LIVES_S, decayed

__all__ = ["cause_of"]

_FACTORS: Final[tuple[Cause, ...]] = ("supply", "exposure", "interest", "quality")
_PLACES: Final = [HOUR, LONG]
_PART: Final = float(HALF_LIVES_S[HOUR] / HALF_LIVES_S[LONG])
_PRIOR: Final = 1.0


def cause_of(catalogue: Catalogue, rows: I64, now_ms: int) -> Cause:
    """Why the videos ``rows`` i64[n] of the catalogue are liked less of late than others; O(candidates)."""
    own = _sums(catalogue, rows, now_ms)
    rest = _sums(catalogue, np.setdiff1d(catalogue.candidates(), rows), now_ms)
    change = _changes(own) - _changes(rest)
    # A few uploads more or less are chance: so much is not believed.
    chance = 1.0 / np.sqrt(np.minimum(own[:, 0], own[:, 1] * _PART) + _PRIOR)
    believed = np.sign(change) * np.maximum(np.abs(change) - chance, 0.0)
    return _FACTORS[int(np.diff(believed, prepend=0.0).argmin())]


def _sums(catalogue: Catalogue, rows: I64, now_ms: int) -> F64:
    """Uploads, viewers, long views and likes, of late and over the day, f64[4, 2]."""
    sums = np.maximum(decayed(catalogue.sums[rows], catalogue.sums_ms[rows], now_ms)[:, :3, _PLACES], 0.0).sum(axis=0)
    age_s = np.maximum(now_ms - catalogue.created_ms[rows], 0)[:, None] / 1_000.0
    uploads = np.exp2(-age_s / HALF_LIVES_S[_PLACES]).sum(axis=0)
    result: F64 = np.concatenate((uploads[None, :], sums))
    return result


def _changes(sums: F64) -> F64:
    """Logarithm of late over expected of each row, f64[4]."""
    result: F64 = np.log((sums[:, 0] + _PRIOR) / (sums[:, 1] * _PART + _PRIOR))
    return result
