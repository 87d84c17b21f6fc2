"""Affinity: what a viewer's latest positives point at, by two ways over other viewers.

Videos that co-occur with them, and viewers who liked the same ones: like-minded viewers are found among the latest
likers of each, so nothing is kept of pairs of viewers. Everything here is read from the catalogue and the viewer's list
of latest positives as they are now; no state of its own.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F32, F64, I64, NO_ROWS
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

__all__ = [
    "Near", "Peers", "after_latest", "latest", "liked_rows", "most_alike", "near_of", "next_of", "own_mass",
    "taste_vectors",
]  # fmt: skip

_STEP: Final = 0.8  # each older positive weighs so much less in the third sum
_HALF_LIVES_S: Final = np.array(limits.NEIGHBOUR_HALF_LIVES_S)
_SLOTS: Final = 1 << 18
_DAY_S: Final = np.float32(86_400.0)


class Near(NamedTuple):
    """What co-occurs with the latest positives of some viewers.

    ``keys`` i64[n] in order, the viewer's place * 2^32 + the video's row; ``sums`` f64[n, 3]: slow, fast, and fast with
    the latest positives heavier, before the division by each one's own mass.
    """

    keys: I64
    sums: F64

    def at(self, place: I64 | int, rows: I64) -> F64:
        """Sums of videos ``rows`` for the viewers at ``place``, float64[m, 3]; 0 where nothing co-occurs."""
        if not len(self.keys):
            return np.zeros((len(rows), 3))
        wanted = (np.asarray(place, dtype=np.int64) << 32) + rows
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((self.keys[at] == wanted)[:, None], self.sums[at], 0.0)


def latest(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, count: int = limits.PAIRED) -> U64:
    """Hashes of the latest ``count`` positives of each viewer, latest first, uint64[n, count], 0 for none.

    Those before the tastes drifted are none (``streams.learning.drift``).
    """
    order = np.argsort(-viewers.recent_ms[viewer], axis=1, kind="stable")[:, :count]
    names = np.where(viewers.counting(viewer, catalogue.drift_ms), viewers.recent[viewer], np.uint64(0))
    return np.take_along_axis(names, order, axis=1)


def liked_rows(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> I64:
    """Catalogue rows of the latest positives of each viewer, latest first, int64[g, RECENT], -1 for none or unknown."""
    names = latest(catalogue, viewers, viewer, limits.RECENT)
    return np.where(names != 0, catalogue.rows_of_hashes(names), -1)


def near_of(catalogue: Catalogue, liked: I64, now_ms: I64) -> Near:
    """What co-occurs with the latest ``PAIRED`` of ``liked`` (see ``liked_rows``), each as of ``now_ms`` i64[g]."""
    liked = liked[:, : limits.PAIRED]
    place, nth = np.nonzero(liked >= 0)
    liked = liked[place, nth]
    others = catalogue.rows_of_hashes(catalogue.near[liked])
    fade = _faded(catalogue, liked, now_ms[place])
    fade /= np.sqrt(np.maximum(catalogue.near_mass[liked] * fade, 0.0) + 1.0)
    known = others >= 0
    weight = (catalogue.near_w[liked] * fade[:, None, :])[known]
    source = np.nonzero(known)[0]
    keys, inverse = np.unique((place[source] << 32) + others[known], return_inverse=True)
    sums = np.zeros((len(keys), 3))
    recency = _STEP ** nth[source]
    for at, amount in enumerate((weight[:, 0], weight[:, 1], weight[:, 1] * recency)):
        sums[:, at] = np.bincount(inverse, amount, minlength=len(keys))
    return Near(keys, sums)


def after_latest(catalogue: Catalogue, liked: I64, rows: I64) -> F32:
    """How large a share of those who like what a viewer liked last like each of ``rows`` i64[n] next, float32[n].

    ``liked`` i64[RECENT] is the viewer's row of ``liked_rows``; who likes hardly anything next says little.
    """
    if liked[0] < 0:
        return np.zeros(len(rows), dtype=np.float32)
    names, weights = catalogue.after[liked[0]], catalogue.after_w[liked[0]]
    order = np.argsort(names, kind="stable")
    at = np.minimum(np.searchsorted(names[order], catalogue.hash[rows]), len(names) - 1)
    result: F32 = np.where(names[order][at] == catalogue.hash[rows], weights[order][at], np.float32(0.0))
    return result


def next_of(catalogue: Catalogue, liked: I64) -> I64:
    """Rows of what is liked right after what a viewer liked last, int64[m], for a row of ``liked_rows``."""
    if liked[0] < 0:
        return NO_ROWS
    rows = catalogue.rows_of_hashes(catalogue.after[liked[0]])
    result: I64 = rows[(rows >= 0) & (catalogue.after_w[liked[0]] > 0.0)]
    return result


def own_mass(catalogue: Catalogue, rows: I64, now_ms: I64 | int) -> F64:
    """Positives of videos themselves, slow and fast, float64[n, 2]: what cosines are divided by the root of."""
    result: F64 = np.maximum(catalogue.near_mass[rows] * _faded(catalogue, rows, now_ms), 0.0)
    return result


def most_alike(catalogue: Catalogue, liked: I64, rows: I64, now_ms: int) -> I64:
    """Which of the latest ``PAIRED`` of ``liked`` i64[RECENT] (one row of ``liked_rows``) each of ``rows`` i64[n] is
    most like, int64[n], -1 where it is like none: by co-occurrence, else by collaborative vectors.
    """
    liked = liked[: limits.PAIRED]
    liked = liked[liked >= 0]
    if not len(liked):
        return np.full(len(rows), -1, dtype=np.int64)
    fade = _faded(catalogue, liked, now_ms)[:, 0]
    fade /= np.sqrt(np.maximum(catalogue.near_mass[liked, 0] * fade, 0.0) + 1.0)
    together = catalogue.hash[rows][:, None, None] == catalogue.near[liked][None]
    alike = np.where(together, catalogue.near_w[liked, :, 0][None], np.float32(0.0)).sum(axis=2) * fade
    none = np.flatnonzero(alike.max(axis=1) <= 0.0)
    alike[none] = catalogue.factors[rows[none]] @ catalogue.factors[liked].T
    best = alike.argmax(axis=1)
    result: I64 = np.where(alike[np.arange(len(rows)), best] > 0.0, liked[best], -1)
    return result


def taste_vectors(catalogue: Catalogue, liked: I64) -> F32:
    """Mean collaborative vector of the latest ``PAIRED`` of ``liked`` (of ``liked_rows``), float32[g, FACTORS]."""
    liked = liked[:, : limits.PAIRED]
    known = liked >= 0
    vectors = catalogue.factors[np.where(known, liked, 0)] * known[:, :, None]
    result: F32 = vectors.sum(axis=1) / np.sqrt(np.maximum(known.sum(axis=1), 1))[:, None].astype(np.float32)
    return result


class Peers:
    """Like-minded viewers of one viewer at a time, in a table that is used again and again.

    Two viewers are alike by the videos that both liked, rare ones heavier, against how much the other likes at all. A
    viewer's place in the table is a few bits of the hash: at a thousand peers in 262,144 places, one look-up in 250
    meets a stranger.
    """

    def __init__(self) -> None:
        self._table: F32 = np.zeros(_SLOTS, dtype=np.float32)
        self._marks: npt.NDArray[np.bool_] = np.zeros(_SLOTS, dtype=bool)

    def sums(
        self, catalogue: Catalogue, liked: I64, own: int, rows: I64, likers: npt.NDArray[np.uint32], now_ms: int
    ) -> F32:
        """How much like-minded viewers liked videos ``rows``, float32[n, 3]: fading within a day, for good, and 1 where
        there are like-minded viewers at all.

        ``liked`` i64[RECENT] is the viewer's row of ``liked_rows``, ``own`` the viewer's hash, ``likers`` u32[n,
        LIKERS] those of ``rows``.
        """
        liked = liked[liked >= 0]
        out = np.zeros((len(rows), 3), dtype=np.float32)
        if not len(liked):
            return out
        peers = _places(catalogue.likers[liked])
        rare = (1.0 / np.sqrt(np.maximum(catalogue.near_mass[liked, :1], 0.0) + 1.0)).astype(np.float32)
        np.add.at(self._table, peers.ravel(), (catalogue.liker_w[liked] * rare).ravel())
        self._table[0] = self._table[own & (_SLOTS - 1)] = 0.0
        found = self._table.take(_places(likers))
        self._table[peers.ravel()] = 0.0
        out[:, 1], out[:, 2] = found.sum(axis=1), 1.0
        some = np.flatnonzero(out[:, 1])
        age_s = np.maximum(now_ms - catalogue.liker_ms[rows[some]], 0).astype(np.float32) / np.float32(1_000.0)
        out[some, 0] = (found[some] * np.exp2(-age_s / _DAY_S)).sum(axis=1)
        return out

    def befriended(self, names: npt.NDArray[np.uint32], weights: F32, likers: npt.NDArray[np.uint32]) -> F32:
        """What the people ``names`` (the low half of their hashes, in order) weigh together who are among ``likers``
        u32[n, LIKERS], float32[n].
        """
        places = _places(names)
        self._marks[places] = True
        self._marks[0] = False
        found = np.flatnonzero(self._marks.take(_places(likers)))
        self._marks[places] = False
        who = likers.ravel()[found]
        at = np.minimum(np.searchsorted(names, who), len(names) - 1)
        amount = np.where(names[at] == who, weights[at], np.float32(0.0))
        return np.bincount(found // likers.shape[1], amount, minlength=len(likers)).astype(np.float32)


def _places(likers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    return likers & np.uint32(_SLOTS - 1)


def _faded(catalogue: Catalogue, rows: I64, now_ms: int | I64) -> F64:
    age_ms = np.maximum(now_ms - catalogue.near_ms[rows], 0)
    result: F64 = np.exp2(-age_ms[..., None] / (1_000.0 * _HALF_LIVES_S))
    return result
