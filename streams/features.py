"""Features: what is known of a (viewer, video) pair, as numbers for one linear score.

Everything popular enters as a logarithm, so that a linear score multiplies personal affinity by decayed popularity.
``pair_features`` serves training (many viewers, some videos each), ``candidate_features`` serves ranking (one viewer,
many videos); both read the same state and agree.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.affinity import Near, Peers, liked_rows, near_of, own_mass, taste_vectors
from streams.catalogue import Catalogue
from streams.passed import passed_by
from streams.persona import personal
from streams.popular import POPULAR_NAMES, levels_of, popular_features, standing
from streams.tables import F32, F64, I64, segments
from streams.viewers import LEVELS, ViewerTable

__all__ = ["FEATURES", "POPULAR", "PRIOR", "candidate_features", "pair_features"]

_DAY_AT: Final = POPULAR_NAMES.index("positive_24h")
_DAY_FLOOR: Final = 0.27  # with the floor that the rate has already, 0.3 likes
_FLOORS: Final = (0.03, 0.03, 0.01, 0.01)
_PEER_FLOOR: Final = 0.003

FEATURES: Final = (
    *POPULAR_NAMES,
    "near_slow",
    "near_fast",
    "near_latest",
    "near_crowd",
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
    "passed",
    *(f"own_{name}" for name in POPULAR_NAMES[:LEVELS]),
)
"""Names of the columns, in order."""

_PRIORS: Final = {
    "positive_share_24h": 0.5,
    "positive_share_72h": 0.5,
    "negative_share_72h": -0.2,
    "near_slow": 0.1,
    "content_fast": 1.0,
    "content_slow": 1.5,
    "content_negative": -1.0,
    "tags": 4.0,
    "tags_fast": 2.0,
    "creator": 0.5,
    "sound": 0.2,
    "picked": 1.0,
    "lang": 0.5,
}
PRIOR: Final = np.array([_PRIORS.get(name, 0.0) for name in FEATURES], dtype=np.float64)
"""Weights before anything was learnt: sensible for a cold system.

Counts alone have no weight: what was shown most has most of them, so that they would show it again.
"""
POPULAR: Final = FEATURES.index("near_slow")
"""How many of the columns, the first ones, speak of the video alone."""
_PEERS: Final = FEATURES.index("peers_24h")
_FACTORS: Final = FEATURES.index("factors")
_PASSED: Final = FEATURES.index("passed")
_OWN: Final = len(FEATURES) - LEVELS


def candidate_features(
    catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64, now_ms: int, near: Near | None = None
) -> F32:
    """Features of one viewer with many videos, float32[m, F]; ``near`` may hand in the viewer's ``near_of``."""
    one = np.array([viewer])
    out = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    out[:, :POPULAR] = popular_features(catalogue, rows, now_ms)
    liked = liked_rows(catalogue, viewers, one)
    if near is None:
        near = near_of(catalogue, liked, np.array([now_ms]))
    _cosines(catalogue, near.at(0, rows), rows, now_ms, out[:, POPULAR:_PEERS])
    peers = _PEER_TABLE.sums(catalogue, liked[0], int(viewers.hash[viewer]), rows, now_ms)
    _liked_alike(catalogue, peers, rows, out)
    out[:, _FACTORS] = catalogue.factors[rows] @ taste_vectors(catalogue, liked)[0]
    personal(catalogue, viewers, one, None, rows, out[:, _FACTORS + 1 : _PASSED])
    out[:, _PASSED] = passed_by(catalogue, viewers, one, None, rows, now_ms)
    out[:, _OWN:] = standing(catalogue, out[:, :POPULAR], now_ms) * levels_of(viewers, one)
    return out


def pair_features(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64, now_ms: I64) -> F32:
    """Features of many pairs, float32[n, F]; ``viewer``, ``rows`` and ``now_ms`` are int64[n].

    Pairs of one viewer are as of that viewer's first ``now_ms``. Cost: some 50 µs a viewer and 2 µs a pair.
    """
    if not len(rows):
        return np.empty((0, len(FEATURES)), dtype=np.float32)
    distinct, first, inverse = np.unique(viewer, return_index=True, return_inverse=True)
    if len(distinct) == 1 and now_ms[0] == now_ms[-1]:
        return candidate_features(catalogue, viewers, int(distinct[0]), rows, int(now_ms[0]))
    out = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    out[:, :POPULAR] = popular_features(catalogue, rows, now_ms)
    liked = liked_rows(catalogue, viewers, distinct)
    near = near_of(catalogue, liked, now_ms[first])
    _cosines(catalogue, near.at(inverse, rows), rows, now_ms, out[:, POPULAR:_PEERS])
    order = np.argsort(inverse, kind="stable")
    starts, _ = segments(inverse[order])
    peers = np.empty((len(rows), 3), dtype=np.float32)
    for at, part in enumerate(np.split(order, starts[1:])):
        own, when = int(viewers.hash[distinct[at]]), int(now_ms[part[0]])
        peers[part] = _PEER_TABLE.sums(catalogue, liked[at], own, rows[part], when)
    _liked_alike(catalogue, peers, rows, out)
    out[:, _FACTORS] = (catalogue.factors[rows] * taste_vectors(catalogue, liked)[inverse]).sum(axis=1)
    personal(catalogue, viewers, distinct, inverse, rows, out[:, _FACTORS + 1 : _PASSED])
    out[:, _PASSED] = passed_by(catalogue, viewers, distinct, inverse, rows, int(now_ms.max()))
    out[:, _OWN:] = standing(catalogue, out[:, :POPULAR], int(now_ms.max())) * levels_of(viewers, distinct)[inverse]
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
