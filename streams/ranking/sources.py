"""Sources: the other shapes of a request. By whom the viewer follows, what is on the rise, or what is like one video.

Each narrows the candidates down; the ranking then orders what is left as it orders everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from streams import limits
from streams.arrays.tables import F32, I64
from streams.video.catalogue import Catalogue
from streams.video.videos import HALF_LIVES_S, positives
from streams.viewer.affinity import near_of
from streams.viewer.following import followed
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["narrowed", "source_of"]

_HOUR, _DAY = 3, 7  # places in HALF_LIVES_S
_FASTER: Final = 1.5  # how many times as fast as over the day
_LEAST: Final = 1.0  # positives of the last hour, decayed, below which nothing rises


def source_of(request: Request) -> str | None:
    """What items of a narrowed request give as their source; None where it is not narrowed."""
    if request.like:
        return "similar"
    return None if request.source == "for_you" else request.source


def narrowed(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64) -> I64:
    """Those of the candidates ``rows`` i64[n], in order, that the request is about."""
    if request.like:
        rows = _similar(catalogue, request, rows)
    if request.source == "following":
        makers = np.array(followed(catalogue, viewers.follows[request.viewer]), dtype=np.uint64)
        return rows[np.isin(catalogue.creator[rows], makers)]
    if request.source == "trending":
        return _rising(catalogue, rows, request.now_ms)
    return rows


def _rising(catalogue: Catalogue, rows: I64, now_ms: int) -> I64:
    """Videos known to rise, and those liked much faster within the last hour than over the last day, of these the ones
    of the steepest rise, int64[n].
    """
    half_lives_s = HALF_LIVES_S[[_HOUR, _DAY]]
    sums = positives(catalogue, rows, now_ms, (_HOUR, _DAY))
    rate = sums / half_lives_s
    # Much liking that is new: the square root lets a large video rise against a small one that has just begun.
    rise = rate[:, 0] / np.sqrt(rate[:, 1] + 1.0 / half_lives_s[1])
    fine = np.flatnonzero((sums[:, 0] >= _LEAST) & (rate[:, 0] > _FASTER * rate[:, 1]))
    known = np.flatnonzero(np.isin(catalogue.hash[rows], catalogue.rising.videos(now_ms)))
    best = np.union1d(known, fine[np.argsort(-rise[fine], kind="stable")[: limits.SHORTLIST]])
    result: I64 = rows[best]
    return result


def _similar(catalogue: Catalogue, request: Request, rows: I64) -> I64:
    """Videos liked by the same viewers as the seed, and those whose record and vectors are closest to it, int64[n]."""
    seed = catalogue.row_of_hash.get(request.like, -1)
    if seed < 0:
        return rows[:0]
    liked = np.full((1, limits.PAIRED), -1, dtype=np.int64)
    liked[0, 0] = seed
    near = near_of(catalogue, liked, np.array([request.now_ms]))
    others = near.keys & 0xFFFFFFFF
    together = others[np.argsort(-near.sums.sum(axis=1), kind="stable")[: limits.NEAREST]]
    alike = _cosine(catalogue.content, rows, seed) + _cosine(catalogue.factors, rows, seed)
    closest = rows[np.argsort(-alike, kind="stable")[: limits.NEAREST]]
    fine = np.isin(rows, together) | np.isin(rows, closest)
    result: I64 = rows[fine & (rows != seed)]
    return result


def _cosine(vectors: F32, rows: I64, seed: int) -> F32:
    size = np.linalg.norm(vectors[rows], axis=1) * np.linalg.norm(vectors[seed])
    result: F32 = (vectors[rows] @ vectors[seed]) / np.maximum(size, 1e-9)
    return result
