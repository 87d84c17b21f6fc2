"""Negatives: candidates drawn to stand against a positive, and how many videos each stands for.

Half of the draws are uniform, half follow what is liked at the moment: the rivals that matter are met often, and the
softmax over all candidates is still estimated without bias, since each draw weighs by how unlikely it was (importance
sampling of the softmax, Bengio and Senécal 2008). Drawing is by hash, so the same batch draws the same.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams.arrays.hashing import U64, pair, uniform
from streams.arrays.tables import F32, F64, I64
from streams.video.catalogue import Catalogue
from streams.video.videos import positives
from streams.viewer.viewers import ViewerTable

__all__ = ["LEFT_OUT", "Negatives", "draw", "negatives"]

LEFT_OUT: Final = -30.0
"""Log of how many videos a place stands for that is not in the group at all."""
_HOT_AT: Final = (4, 7)  # 2 hours and 24 hours
_HOT_W: Final = np.array([1.0, 0.25])
_KEPT_MS: Final = 60_000


class Negatives(NamedTuple):
    """Catalogue ``rows`` i64[n, K], and ``offset`` f32[n, K]: the log of how many videos each stands for."""

    rows: I64
    offset: F32


class _Chances(NamedTuple):
    """What is drawn from: catalogue ``rows``, the chance of each, and their running sum."""

    made_ms: int
    version: int
    rows: I64
    chance: F64
    total: F64


def negatives(
    catalogue: Catalogue, viewers: ViewerTable, viewer: I64, row: I64, names: U64, count: int, now_ms: int
) -> Negatives:
    """``count`` videos against each positive ``row`` i64[n] of ``viewer`` i64[n], none of them met by the viewer.

    Who has met nearly everything has places that are LEFT_OUT. ``names`` u64[n] decide the draw.
    """
    chances = _chances(catalogue, now_ms)
    tries = 2 * count
    place = np.minimum(np.searchsorted(chances.total, draw(names, tries), side="right"), len(chances.rows) - 1)
    drawn = chances.rows[place]
    fine = drawn != row[:, None]
    found = catalogue.hash[drawn]
    for at, one in enumerate(viewer.tolist()):
        fine[at] &= ~np.isin(found[at], viewers.met[one])
    order = np.argsort(~fine, axis=1, kind="stable")[:, :count]
    taken = np.take_along_axis(fine, order, axis=1)
    # As many draws were needed as it took to find so many: what was refused makes the others likelier.
    used = np.where(taken[:, -1], order[:, -1] + 1, tries)
    likely = np.take_along_axis(chances.chance[place], order, axis=1)
    offset = np.where(taken, -np.log(likely * used[:, None]), LEFT_OUT)
    return Negatives(np.take_along_axis(drawn, order, axis=1), offset.astype(np.float32))


def draw(names: U64, count: int) -> F64:
    """``count`` numbers in [0, 1) for each name, float64[n, count]: uniform, and the same for the same name.

    >>> draw(np.array([5], np.uint64), 3).shape
    (1, 3)
    """
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = pair(np.broadcast_to(names[:, None], (len(names), count)), np.broadcast_to(steps, (len(names), count)))
    return uniform(mixed)


def _chances(catalogue: Catalogue, now_ms: int) -> _Chances:
    """As of the last minute of event time, or of the last change of the candidates."""
    kept: _Chances | None = catalogue.chances
    if kept is None or kept.version != catalogue.version or abs(now_ms - kept.made_ms) > _KEPT_MS:
        rows = catalogue.candidates()
        hot = positives(catalogue, rows, now_ms, _HOT_AT) @ _HOT_W
        total = hot.sum()
        even = np.full(len(rows), 1.0 / len(rows))
        chance = 0.5 * even + 0.5 * hot / total if total > 0 else even
        kept = catalogue.chances = _Chances(now_ms, catalogue.version, rows, chance, np.cumsum(chance))
    return kept
