"""Features: what is known of a (viewer, video) pair, as numbers for one linear score.

Everything popular enters as a logarithm, so that a linear score multiplies personal affinity by decayed popularity.
``pair_features`` serves training (many viewers, one video each), ``candidate_features`` serves ranking (one viewer,
many videos); both read the same state and agree.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams import limits
from streams.catalogue import Catalogue
from streams.hashing import U64
from streams.tables import F32, F64, I64
from streams.videos import HALF_LIVES_S
from streams.viewers import ViewerTable

__all__ = [
    "FEATURES", "POPULAR", "PRIOR", "Near", "candidate_features", "latest", "near_sums", "pair_features",
    "popular_features", "taste_vectors",
]  # fmt: skip

_MET, _LONG, _POSITIVE, _NEGATIVE = range(4)
_RATE_NAMES = ("5m", "15m", "30m", "1h", "2h", "6h", "12h", "24h", "72h")
_SHARE_AT: Final = (4, 7, 8)
_FLOOR: Final = 0.03
_FLOORS: Final = (0.03, 0.03, 0.01, 0.01)
_STEP: Final = 0.8  # each older positive weighs so much less in ``near_latest``

FEATURES: Final = (
    *(f"positive_{name}" for name in _RATE_NAMES),
    *(f"positive_share_{_RATE_NAMES[at]}" for at in _SHARE_AT),
    "long_share_72h",
    "negative_share_72h",
    "log_age",
    "log_positives",
    "near_slow",
    "near_fast",
    "near_latest",
    "near_crowd",
    "factors",
    "content_fast",
    "content_slow",
    "content_negative",
    "tags",
    "creator",
    "sound",
    "picked",
    "lang",
    "duration",
)
"""Names of the columns, in order."""

_PRIORS: Final = {
    "positive_2h": 0.3,
    "positive_24h": 0.2,
    "positive_72h": 0.2,
    "positive_share_24h": 0.2,
    "negative_share_72h": -0.1,
    "near_slow": 0.5,
    "near_fast": 0.3,
    "near_latest": 0.2,
    "content_fast": 1.0,
    "content_slow": 1.5,
    "content_negative": -1.0,
    "tags": 1.0,
    "creator": 0.5,
    "sound": 0.2,
    "picked": 1.0,
    "lang": 0.5,
}
PRIOR: Final = np.array([_PRIORS.get(name, 0.0) for name in FEATURES], dtype=np.float64)
"""Weights before anything was learnt: sensible for a cold system."""
_PERSONAL: Final = FEATURES.index("content_fast")
POPULAR: Final = FEATURES.index("near_slow")
"""How many of the columns, the first ones, speak of the video alone."""


def popular_features(catalogue: Catalogue, rows: I64, now_ms: I64 | int) -> F32:
    """The features of the videos alone, float32[n, 16]: decayed rates and shares, age."""
    age_s = np.maximum(now_ms - catalogue.sums_ms[rows], 0) / 1_000.0
    fade = np.exp2(-age_s[:, None] / HALF_LIVES_S)
    sums = catalogue.sums[rows]
    positive = sums[:, _POSITIVE] * fade
    met = sums[:, _MET] * fade
    out = np.empty((len(rows), POPULAR), dtype=np.float32)
    wide = len(HALF_LIVES_S)
    out[:, :wide] = np.log(np.maximum(positive, 0.0) + _FLOOR)
    for column, at in enumerate(_SHARE_AT, wide):
        out[:, column] = np.log((positive[:, at] + 0.5) / (met[:, at] + 5.0))
    column = wide + len(_SHARE_AT)
    out[:, column] = np.log((sums[:, _LONG, -1] * fade[:, -1] + 2.0) / (met[:, -1] + 4.0))
    out[:, column + 1] = np.log((sums[:, _NEGATIVE, -1] * fade[:, -1] + 0.5) / (met[:, -1] + 5.0))
    age_h = np.maximum(now_ms - catalogue.created_ms[rows], 0) / 3.6e6
    out[:, column + 2] = np.log1p(age_h)
    out[:, column + 3] = np.log1p(np.maximum(catalogue.near_mass[rows, 0], 0.0))
    return out


def candidate_features(
    catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64, now_ms: int, near: Near | None = None
) -> F32:
    """Features of one viewer with many videos, float32[m, F]; ``near`` may hand in the viewer's ``near_sums``."""
    out = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    out[:, :POPULAR] = popular_features(catalogue, rows, now_ms)
    if near is None:
        near = near_sums(catalogue, latest(viewers, np.array([viewer]))[0], now_ms)
    sums = np.zeros((len(rows), 3))
    if len(near.rows):
        at = np.minimum(np.searchsorted(near.rows, rows), len(near.rows) - 1)
        sums = np.where((near.rows[at] == rows)[:, None], near.sums[at], 0.0)
    _near(catalogue, sums, rows, now_ms, out[:, POPULAR:_PERSONAL])
    taste = taste_vectors(catalogue, viewers, np.array([viewer]))
    out[:, _PERSONAL - 1] = catalogue.factors[rows] @ taste[0]
    one = np.full(len(rows), viewer, dtype=np.int64)
    _personal(catalogue, viewers, one, rows, out[:, _PERSONAL:])
    return out


def pair_features(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64, now_ms: I64) -> F32:
    """Features of many pairs, float32[n, F]; ``viewer``, ``rows`` and ``now_ms`` are int64[n]."""
    out = np.empty((len(rows), len(FEATURES)), dtype=np.float32)
    out[:, :POPULAR] = popular_features(catalogue, rows, now_ms)
    sums = _near_of_pairs(catalogue, viewers, viewer, rows, now_ms)
    _near(catalogue, sums, rows, now_ms, out[:, POPULAR:_PERSONAL])
    distinct, inverse = np.unique(viewer, return_inverse=True)
    taste = taste_vectors(catalogue, viewers, distinct)[inverse]
    out[:, _PERSONAL - 1] = (catalogue.factors[rows] * taste).sum(axis=1)
    _personal(catalogue, viewers, viewer, rows, out[:, _PERSONAL:])
    return out


class Near(NamedTuple):
    """What co-occurs with a viewer's latest positives: ``rows`` i64[n] in order, ``sums`` f64[n, 3] (slow, fast, fast
    with the latest positives heavier), before the division by each one's own mass.
    """

    rows: I64
    sums: F64


def latest(viewers: ViewerTable, viewer: I64) -> U64:
    """Hashes of the latest ``PAIRED`` positives of each viewer, latest first, uint64[n, PAIRED], 0 for none."""
    order = np.argsort(-viewers.recent_ms[viewer], axis=1, kind="stable")[:, : limits.PAIRED]
    return np.take_along_axis(viewers.recent[viewer], order, axis=1)


def _faded_near(catalogue: Catalogue, rows: I64, now_ms: int | I64) -> F64:
    age_ms = np.maximum(now_ms - catalogue.near_ms[rows], 0)
    result: F64 = np.exp2(-age_ms[..., None] / (1_000.0 * np.array(limits.NEIGHBOUR_HALF_LIVES_S)))
    return result


def near_sums(catalogue: Catalogue, names: U64, now_ms: int) -> Near:
    """What co-occurs with the videos ``names`` (hashes, latest first)."""
    liked = catalogue.rows_of_hashes(names)
    kept = np.flatnonzero((liked >= 0) & (names != 0))
    liked = liked[kept]
    others = catalogue.rows_of_hashes(catalogue.near[liked])
    weight = _weights(catalogue, liked, catalogue.near_w[liked], now_ms, kept)
    known = others >= 0
    rows, inverse = np.unique(others[known], return_inverse=True)
    sums = np.zeros((len(rows), 3))
    for at in range(3):
        sums[:, at] = np.bincount(inverse, weight[known, at], minlength=len(rows))
    return Near(rows, sums)


def _near_of_pairs(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64, now_ms: I64) -> F64:
    """The sums of ``Near`` for pairs, float64[n, 3]."""
    names = latest(viewers, viewer)
    liked = catalogue.rows_of_hashes(names)
    known = (liked >= 0) & (names != 0)
    safe = np.where(known, liked, 0)
    hit = (catalogue.near[safe] == catalogue.hash[rows][:, None, None]) & known[:, :, None]
    pair, nth, slot = np.nonzero(hit)
    out = np.zeros((len(rows), 3))
    if len(pair):
        source = safe[pair, nth]
        weight = _weights(catalogue, source, catalogue.near_w[source, slot][:, None], now_ms[pair], nth)[:, 0]
        for at in range(3):
            out[:, at] = np.bincount(pair, weight[:, at], minlength=len(rows))
    return out


def _weights(catalogue: Catalogue, liked: I64, near_w: F32, now_ms: int | I64, nth: I64) -> F64:
    """``near_w`` f32[n, k, 2] of the liked rows as of now, over the root of their own masses, float64[n, k, 3]; ``nth``
    i64[n] is how many positives are later.
    """
    fade = _faded_near(catalogue, liked, now_ms)
    fade /= np.sqrt(np.maximum(catalogue.near_mass[liked] * fade, 0.0) + 1.0)
    weight = np.empty((*near_w.shape[:2], 3))
    weight[:, :, :2] = near_w * fade[:, None, :]
    weight[:, :, 2] = weight[:, :, 1] * (_STEP**nth)[:, None]
    return weight


def _near(catalogue: Catalogue, sums: F64, rows: I64, now_ms: int | I64, out: F32) -> None:
    """Logarithms of co-occurrence into ``out`` float32[n, 4 or more], cosine-normalised but for the last."""
    mass = np.maximum(catalogue.near_mass[rows] * _faded_near(catalogue, rows, now_ms), 0.0)
    cosine = sums / np.sqrt(mass + 1.0)[:, [0, 1, 1]]
    for at, column in enumerate((cosine[:, 0], cosine[:, 1], cosine[:, 2], sums[:, 1])):
        out[:, at] = np.log(np.maximum(column, 0.0) + _FLOORS[at])


def taste_vectors(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> F32:
    """Mean collaborative vector of each viewer's latest positives, float32[n, FACTORS]."""
    names = latest(viewers, viewer)
    liked = catalogue.rows_of_hashes(names)
    known = (liked >= 0) & (names != 0)
    vectors = catalogue.factors[np.where(known, liked, 0)] * known[:, :, None]
    result: F32 = vectors.sum(axis=1) / np.sqrt(np.maximum(known.sum(axis=1), 1))[:, None].astype(np.float32)
    return result


def _personal(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64, out: F32) -> None:
    """Content, persona and locale features into ``out`` float32[n, 9]."""
    content = catalogue.content[rows]
    mass = np.maximum(viewers.mass[viewer], 0.0) + 1.0
    single = len(viewer) > 0 and bool((viewer == viewer[0]).all())
    for column, sums in enumerate((viewers.fast, viewers.slow, viewers.negative)):
        dot = content @ sums[viewer[0]] if single else np.einsum("nd,nd->n", content, sums[viewer])
        out[:, column] = dot / mass[:, column]
    if single:
        out[:, 3:7] = _overlaps_of_one(catalogue, viewers, int(viewer[0]), rows) / [*[mass[0, 1]] * 3, 1.0]
    else:
        out[:, 3:7] = _overlaps(catalogue, viewers, viewer, rows) / np.stack([mass[:, 1]] * 3 + [np.ones(len(rows))], 1)
    same = (viewers.lang[viewer] == catalogue.lang[rows]) & (catalogue.lang[rows] != 0)
    out[:, 7] = same
    heavy = viewers.duration_mass[viewer]
    mean = viewers.duration_sum[viewer] / np.maximum(heavy, 1e-6)
    off = np.abs(np.log1p(catalogue.duration_ms[rows] / 1_000.0) - mean)
    out[:, 8] = np.where(heavy > 0.5, -off, 0.0)


def _overlaps(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64) -> F32:
    """Weights of the tags, creator and sound that viewer and video share, and picked ones, float32[n, 4]."""
    out = np.zeros((len(rows), 4), dtype=np.float32)
    out[:, 0] = _overlap(viewers.tags[viewer], viewers.tag_w[viewer], catalogue.tags[rows])
    out[:, 1] = _overlap(viewers.creators[viewer], viewers.creator_w[viewer], catalogue.creator[rows, None])
    out[:, 2] = _overlap(viewers.sounds[viewer], viewers.sound_w[viewer], catalogue.sound[rows, None])
    picked = viewers.picked[viewer]
    if picked.any():
        out[:, 3] = _overlap(picked, np.ones(picked.shape, np.float32), catalogue.tags[rows])
    return out


def _overlaps_of_one(catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64) -> F32:
    """The same for one viewer: a weight for every tag there is, looked up by the videos' tag numbers."""
    out = np.zeros((len(rows), 4), dtype=np.float32)
    numbers = catalogue.id_of_tag
    ids = catalogue.tag_ids[rows]
    parts = (
        (viewers.tags[viewer], viewers.tag_w[viewer], ids[:, :-2]),
        (viewers.creators[viewer], viewers.creator_w[viewer], ids[:, -2:-1]),
        (viewers.sounds[viewer], viewers.sound_w[viewer], ids[:, -1:]),
        (viewers.picked[viewer], np.ones(limits.PICKED, dtype=np.float32), ids[:, :-2]),
    )
    for column, (names, weights, own) in enumerate(parts):
        kept = names != 0
        if not kept.any():
            continue
        table = np.zeros(len(numbers) + 1, dtype=np.float32)
        known = [numbers.get(name, 0) for name in names[kept].tolist()]
        np.add.at(table, known, weights[kept])
        table[0] = 0.0
        out[:, column] = table[own].sum(axis=1)
    return out


def _overlap(kept: U64, weight: F32, names: U64) -> F32:
    """Sum of the weights of the kept names that a video has, float32[n]: kept [n, K], names [n, T], 0 never matches."""
    total = np.zeros(len(names), dtype=np.float32)
    for at in range(names.shape[1]):
        name = names[:, at]
        if name.any():
            total += np.where((kept == name[:, None]) & (name != 0)[:, None], weight, 0.0).sum(axis=1, dtype=np.float32)
    return total
