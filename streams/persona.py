"""Persona: how a video's own record meets what is known of a viewer's tastes.

Liking of a tag, creator or sound is a sum that good outcomes raise and bad ones lower, so that showing more of
something does not by itself make it liked. What the viewer does in this session has a weight of its own; where it
contradicts the taste of weeks, the old taste counts less.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streams.catalogue import Catalogue
from streams.hashing import U64
from streams.tables import F32, I64
from streams.viewers import ViewerTable

__all__ = ["agreement", "personal"]

_HALF: Final = np.float32(0.5)  # liking, in units of worth, from which on it counts by its logarithm
_SURE: Final = np.float32(3.0)  # videos met with a tag after which their mean counts for half
_DOUBT: Final = np.float32(1.0)  # squared liking below which a session contradicts nothing


def personal(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, rows: I64, out: F32) -> None:
    """Content, persona and locale features into ``out`` float32[n, 10]; ``viewer`` int64[n], or int64[1] for all rows.

    Columns: content against the fast, slow and negative interest; liking of tags (of weeks, of the session), creator
    and sound; categories picked at sign-up; same language; distance to the usual length, negative.
    """
    content = catalogue.content[rows]
    mass = np.maximum(viewers.mass[viewer], 0.0) + 1.0
    single = len(viewer) == 1
    for column, sums in enumerate((viewers.fast, viewers.slow, viewers.negative)):
        dot = content @ sums[viewer[0]] if single else np.einsum("nd,nd->n", content, sums[viewer])
        out[:, column] = dot / mass[:, column]
    ids = catalogue.tag_ids[rows]
    kept = (
        (viewers.tags, _extra_worth(viewers, viewer, 0), slice(None, -2)),
        (viewers.tags, _extra_worth(viewers, viewer, 1), slice(None, -2)),
        (viewers.creators, _grown(viewers.creator_w[viewer]), slice(-2, -1)),
        (viewers.sounds, _grown(viewers.sound_w[viewer]), slice(-1, None)),
    )
    for column, (refs, weights, part) in enumerate(kept, 3):
        own = ids[:, part]
        count = np.sqrt(np.maximum((own != 0).sum(axis=1), 1)).astype(np.float32)
        out[:, column] = _weights(catalogue, refs[viewer], weights, own, single).sum(axis=1) / count
    out[:, 3] *= agreement(viewers, viewer)
    picked = viewers.picked[viewer]
    ones = np.ones(picked.shape, dtype=np.float32)
    out[:, 7] = _weights(catalogue, picked, ones, ids[:, :-2], single).sum(axis=1) if picked.any() else 0.0
    out[:, 8] = (viewers.lang[viewer] == catalogue.lang[rows]) & (catalogue.lang[rows] != 0)
    heavy = viewers.duration_mass[viewer]
    mean = viewers.duration_sum[viewer] / np.maximum(heavy, 1e-6)
    off = np.abs(np.log1p(catalogue.duration_ms[rows] / 1_000.0) - mean)
    out[:, 9] = np.where(heavy > 0.5, -off, 0.0)


def agreement(viewers: ViewerTable, viewer: I64) -> F32:
    """How far the session bears out the taste of weeks, float32[n] in [0.1, 1]: 1 where there is nothing to say.

    The cosine of the two likings over the kept tags, the session itself taken out of the weeks first.
    """
    session = viewers.tag_w[viewer, :, 1]
    weeks = viewers.tag_w[viewer, :, 0] - session
    dot = (session * weeks).sum(axis=1) + _DOUBT
    size = ((session * session).sum(axis=1) + _DOUBT) * ((weeks * weeks).sum(axis=1) + _DOUBT)
    result: F32 = np.clip(dot / np.sqrt(size), 0.1, 1.0)
    return result


def _weights(catalogue: Catalogue, refs: U64, weights: F32, own: npt.NDArray[np.int32], single: bool) -> F32:
    """What each viewer's kept names weigh for each of the videos' names ``own`` i32[n, T], float32[n, T]."""
    numbers = catalogue.id_of_tag
    if single:
        table = np.zeros(len(numbers) + 1, dtype=np.float32)
        names = refs[0].tolist()
        table[[numbers.get(name, 0) if name else 0 for name in names]] = weights[0]
        table[0] = 0.0
        found: F32 = table[own]
        return found
    get = numbers.get
    kept = np.fromiter((get(name, 0) if name else 0 for name in refs.ravel().tolist()), np.int32, refs.size)
    kept = kept.reshape(refs.shape)
    out = np.zeros(own.shape, dtype=np.float32)
    for at in range(own.shape[1]):
        name = own[:, at]
        if name.any():
            same = (kept == name[:, None]) & (name != 0)[:, None]
            out[:, at] = np.where(same, weights, 0.0).sum(axis=1, dtype=np.float32)
    return out


def _extra_worth(viewers: ViewerTable, viewer: I64, span: int) -> F32:
    """What each kept tag was worth beyond the viewer's own mean, shrunk towards 0 where little was met, f32[n, TAGS].

    ``span`` 0: over weeks, 1: over this session.
    """
    extra, met = viewers.tag_w[viewer, :, span], viewers.tag_w[viewer, :, span + 2]
    mean = viewers.judged[viewer, span] / (np.maximum(viewers.judged[viewer, span + 2], 0.0) + _SURE)
    result: F32 = (extra - mean[:, None] * met) / (np.maximum(met, 0.0) + _SURE)
    return result


def _grown(weight: F32) -> F32:
    """Liking by its logarithm."""
    result: F32 = np.sign(weight) * np.log1p(np.abs(weight) / _HALF)
    return result
