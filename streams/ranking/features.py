"""Features: what is known of a (viewer, video) pair, as numbers for one linear score.

Everything popular enters as a logarithm, so that a linear score multiplies personal affinity by decayed popularity.
``pair_features`` serves training (many viewers, some videos each), ``grouped_features``
serve ranking (many videos a viewer); all are one path, so they agree. Of who turned personalisation off nothing is
read: the features are those of a viewer of whom nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from streams.arrays.tables import F32, F64, I64
from streams.video.catalogue import Catalogue
from streams.video.popular import POPULAR_NAMES, levels_of, popular_features, standing
from streams.viewer.affinity import Near, Peers, after_latest, liked_rows, near_of, own_mass, taste_vectors
from streams.viewer.crowds import crowd_features
from streams.viewer.passed_by import hours_at, passed_by, weights_of
from streams.viewer.persona import personal
from streams.viewer.viewers import LEVELS, ViewerTable

__all__ = [
    "AFFINITY", "FEATURES", "POPULAR", "PRIOR", "SILENT", "Group", "group_of",
    "grouped_features", "pair_features",
]  # fmt: skip

_DAY_AT: Final = POPULAR_NAMES.index("positive_24h")
_DAY_FLOOR: Final = 0.27  # with the floor that the rate has already, 0.3 likes
_FLOORS: Final = (0.03, 0.03, 0.01, 0.01)
_PEER_FLOOR: Final = 0.003
_AFTER_FLOOR: Final = 0.02

FEATURES: Final = (
    *POPULAR_NAMES,
    "near_slow",
    "near_fast",
    "near_latest",
    "near_crowd",
    "after",
    "peers_24h",
    "peers",
    "peers_lift",
    "peers_cosine",
    "factors",
    "content_fast",
    "content_slow",
    "content_negative",
    "tags",
    "tags_fast",
    "creator",
    "sound",
    "picked",
    "lang",
    "duration",
    "followed",
    "uploads",
    "friends",
    "hour",
    "locale",
    "segment",
    "passed",
    *(f"own_{name}" for name in POPULAR_NAMES[:LEVELS]),
)
"""Names of the columns, in order."""

SILENT: Final = ("log_age",)
"""Columns that no model weighs by themselves: how old a video is says, in a log, how the log was collected. It spread
the top ten over fewer videos and found no more likes. It stands here for the viewer's own level of it.
"""

_PRIORS: Final = {
    "positive_share_24h": 0.5,
    "positive_share_72h": 0.5,
    "negative_share_72h": -0.2,
    "near_slow": 0.1,
    "after": 0.3,
    "content_fast": 1.0,
    "content_slow": 1.5,
    "content_negative": -1.0,
    "tags": 4.0,
    "tags_fast": 2.0,
    "creator": 0.5,
    "sound": 0.2,
    "picked": 1.0,
    "lang": 0.5,
    "followed": 1.0,
    "uploads": 0.5,
    "friends": 1.0,
    "hour": 1.5,
    "locale": 0.3,
    "segment": 0.2,
}
PRIOR: Final = np.array([_PRIORS.get(name, 0.0) for name in FEATURES], dtype=np.float64)
"""Weights before anything was learnt: sensible for a cold system.

Counts alone have no weight: what was shown most has most of them, so that they would show it again.
"""
POPULAR: Final = FEATURES.index("near_slow")
"""How many of the columns, the first ones, speak of the video alone."""
_AFTER: Final = FEATURES.index("after")
_PEERS: Final = FEATURES.index("peers_24h")
_FACTORS: Final = FEATURES.index("factors")
_LOCALE: Final = FEATURES.index("locale")
_PASSED: Final = FEATURES.index("passed")
AFFINITY: Final = slice(POPULAR, _PASSED)
"""The columns that speak of how a viewer and a video fit."""
_OWN: Final = len(FEATURES) - LEVELS


class Group(NamedTuple):
    """Some viewers and what is looked up for each of them once.

    ``viewer`` and ``now_ms`` i64[g], ``liked`` i64[g, RECENT] of ``liked_rows``, and what is ``near`` to it.
    """

    viewer: I64
    now_ms: I64
    liked: I64
    near: Near


def group_of(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, now_ms: I64) -> Group:
    """The group of distinct ``viewer`` i64[g], each as of its ``now_ms`` i64[g]."""
    liked = np.where(viewers.personalize[viewer][:, None], liked_rows(catalogue, viewers, viewer), -1)
    return Group(viewer, now_ms, liked, near_of(catalogue, liked, now_ms))


def pair_features(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64, now_ms: I64) -> F32:
    """Features of many pairs, float32[n, F]; ``viewer``, ``rows`` and ``now_ms`` are int64[n].

    Pairs of one viewer are as of that viewer's first ``now_ms``. Cost: some 150 µs a viewer and 2 µs a pair.
    """
    if not len(rows):
        return np.empty((0, len(FEATURES)), dtype=np.float32)
    distinct, first, inverse, counts = np.unique(viewer, return_index=True, return_inverse=True, return_counts=True)
    group = group_of(catalogue, viewers, distinct, now_ms[first])
    order = np.argsort(inverse, kind="stable")
    out = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    out[order] = grouped_features(catalogue, viewers, group, counts.tolist(), rows[order])
    return out


def grouped_features(
    catalogue: Catalogue,
    viewers: ViewerTable,
    group: Group,
    counts: Sequence[int],
    rows: I64,
    popular: F32 | None = None,
) -> F32:
    """Features of the videos ``rows`` i64[n], float32[n, F]: the first ``counts[0]`` of them with the first viewer of
    the group, and so on. ``popular`` may hand in the ``popular_features`` of the rows.
    """
    out = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    place = np.repeat(np.arange(len(counts)), counts)
    now_ms = group.now_ms[place]
    out[:, :POPULAR] = popular_features(catalogue, rows, now_ms) if popular is None else popular
    _cosines(catalogue, group.near.at(place, rows), rows, now_ms, out[:, POPULAR:_AFTER])
    peers, taste = np.empty((len(rows), 3), dtype=np.float32), taste_vectors(catalogue, group.liked)
    factors, hours = catalogue.factors[rows], hours_at(catalogue, rows, int(group.now_ms.max()))
    likers = catalogue.likers[rows]
    heard = weights_of(catalogue, viewers, group.viewer)
    ends = np.cumsum(counts).tolist()
    for at, (high, count, when) in enumerate(zip(ends, counts, group.now_ms.tolist(), strict=True)):
        part = slice(high - count, high)
        own = int(viewers.hash[group.viewer[at]])
        peers[part] = _PEER_TABLE.sums(catalogue, group.liked[at], own, rows[part], likers[part], when)
        out[part, _AFTER] = np.log1p(after_latest(catalogue, group.liked[at], rows[part]) / _AFTER_FLOOR)
        out[part, _FACTORS] = factors[part] @ taste[at]
        out[part, _PASSED] = hours[part] @ heard[at]
    out[:, _PASSED] = passed_by(out[:, _PASSED])
    _liked_alike(catalogue, peers, rows, out)
    own_part, crowd_part = out[:, _FACTORS + 1 : _LOCALE], out[:, _LOCALE:_PASSED]
    personal(catalogue, viewers, group.viewer, counts, rows, group.now_ms, likers, own_part)
    crowd_part[:] = crowd_features(catalogue, viewers, group.viewer, counts, rows)
    level = levels_of(catalogue, viewers, group.viewer) * viewers.personalize[group.viewer][:, None]
    out[:, _OWN:] = standing(catalogue, out[:, :POPULAR], int(group.now_ms.max())) * level[place]
    return out


_PEER_TABLE: Final = Peers()


def _cosines(catalogue: Catalogue, sums: F64, rows: I64, now_ms: int | I64, out: F32) -> None:
    """Logarithms of co-occurrence into ``out`` float32[n, 4], cosine-normalised but for the last."""
    cosine = sums / np.sqrt(own_mass(catalogue, rows, now_ms) + 1.0)[:, [0, 1, 1]]
    for at, column in enumerate((cosine[:, 0], cosine[:, 1], cosine[:, 2], sums[:, 1])):
        out[:, at] = np.log(np.maximum(column, 0.0) + _FLOORS[at])


def _liked_alike(catalogue: Catalogue, peers: F32, rows: I64, out: F32) -> None:
    """Logarithms of what like-minded viewers liked: fading, for good, against the crowd's likes, and as a cosine.

    ``out`` float32[n, F] holds the decayed rates of the videos already.
    """
    fading, lasting = peers[:, 0] + _PEER_FLOOR, peers[:, 1] + _PEER_FLOOR
    out[:, _PEERS], out[:, _PEERS + 1] = np.log(fading), np.log(lasting)
    crowd = np.exp(out[:, _DAY_AT]) + _DAY_FLOOR
    out[:, _PEERS + 2] = (out[:, _PEERS] - np.log(crowd)) * peers[:, 2]
    mass = np.maximum(catalogue.near_mass[rows, 0], 0.0) + 1.0
    out[:, _PEERS + 3] = np.log(peers[:, 1] / np.sqrt(mass) + _PEER_FLOOR)
