"""Examples: which pairs of a batch the models learn from, with features as of before the batch.

Two kinds: a pair met without having been served opens an example for the heads; a pair's first strong positive makes a
group for the ranker, the positive against candidates drawn uniformly. Drawing is by hash, so the same batch draws the
same.
"""

from __future__ import annotations

import numpy as np

from streams.catalogue import Catalogue
from streams.features import latest, pair_features
from streams.hashing import U64, pair
from streams.outcomes import OutcomeTable
from streams.tables import I64
from streams.training import Training
from streams.viewers import ViewerTable

__all__ = ["draw", "open_pairs", "positives"]


def open_pairs(
    training: Training, catalogue: Catalogue, viewers: ViewerTable, outcomes: OutcomeTable, created: I64, now_ms: int
) -> None:
    """Open an example for each newly met pair (outcome rows ``created``) that was not served; served ones are open."""
    if not len(created):
        return
    viewer, video = outcomes.viewer[created], outcomes.video[created].view(np.uint64)
    row = catalogue.rows_of_hashes(video)
    fresh = row >= 0
    for at in np.flatnonzero(viewers.seq[viewer] > 0).tolist():
        fresh[at] &= not (viewers.served[int(viewer[at])] == video[at]).any()
    viewer, video, row = viewer[fresh], video[fresh], row[fresh]
    if not len(row):
        return
    when = np.full(len(row), now_ms)
    names, x = (
        pair(viewers.hash[viewer], video),
        pair_features(catalogue, viewers, viewer, row, when).astype(np.float16),
    )
    training.remember(names, x)
    training.add(
        opened_pair=names,
        opened_ms=when,
        opened_x=x,
        opened_w=np.ones(len(row), dtype=np.float32),
    )


def positives(
    training: Training,
    catalogue: Catalogue,
    viewers: ViewerTable,
    outcomes: OutcomeTable,
    chosen: I64,
    names: U64,
    now_ms: int,
) -> None:
    """A group for each outcome row of ``chosen`` (pair hashes ``names``): the positive first, then its negatives."""
    pool = catalogue.candidates()
    viewer, video = outcomes.viewer[chosen], outcomes.video[chosen].view(np.uint64)
    row = catalogue.rows_of_hashes(video)
    known = row >= 0
    viewer, row, names = viewer[known], row[known], names[known]
    if not len(row) or len(pool) < 2:
        return
    negatives = _unmet(catalogue, viewers, viewer, pool[draw(names, 2 * training.negatives, len(pool))], row)
    rows = np.concatenate((row[:, None], negatives), axis=1)
    wide = rows.shape[1]
    flat = np.repeat(viewer, wide)
    x = pair_features(catalogue, viewers, flat, rows.ravel(), np.full(rows.size, now_ms))
    x = x.reshape(len(row), wide, -1).astype(np.float16)
    for at, name in enumerate(names.tolist()):
        if (before := training.recall(name)) is not None:
            x[at, 0] = before
    training.add(
        group_w=np.ones(len(row), dtype=np.float32),
        group_x=x,
        emb_recent=latest(viewers, viewer),
        emb_positive=catalogue.hash[row],
        emb_negatives=catalogue.hash[negatives],
    )


def _unmet(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, drawn: I64, row: I64) -> I64:
    """The first half of the ``drawn`` rows i64[n, 2K] that each viewer has not met, int64[n, K]; who has met nearly
    everything keeps some that were met. The positive ``row`` itself comes last of all.
    """
    met = (drawn == row[:, None]) * 2
    names = catalogue.hash[drawn]
    for at, one in enumerate(viewer.tolist()):
        met[at] += np.isin(names[at], viewers.met[one])
    order = np.argsort(met, axis=1, kind="stable")[:, : drawn.shape[1] // 2]
    return np.take_along_axis(drawn, order, axis=1)


def draw(names: U64, count: int, size: int) -> I64:
    """``count`` places in [0, size) for each name, int64[n, count]: uniform, and the same for the same name.

    >>> draw(np.array([5], np.uint64), 3, 10).shape
    (1, 3)
    """
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = pair(np.broadcast_to(names[:, None], (len(names), count)), np.broadcast_to(steps, (len(names), count)))
    result: I64 = ((mixed >> np.uint64(11)).astype(np.float64) * (2.0**-53) * size).astype(np.int64)
    return result
