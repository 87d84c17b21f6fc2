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
_OF_WEEKS: Final = [1, 3, 5, 6]  # columns of tastes that a session can contradict
_OF_SESSION: Final = [0, 4]
_TURN: Final = np.float32(3.0)  # how much more a session counts that contradicts the taste of weeks
_DOUBT: Final = np.float32(1.0)  # squared liking below which a session contradicts nothing


def personal(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, inverse: I64 | None, rows: I64, out: F32) -> None:
    """Content, persona and locale features into ``out`` float32[n, 10].

    ``viewer`` int64[g] are distinct viewers, ``inverse`` int64[n] says which of them each of ``rows`` is for; None: all
    for the only one. Columns: content against the fast, slow and negative interest; liking of tags (of weeks, of the
    session), creator and sound; categories picked at sign-up; same language; distance to the usual length, negative.
    """
    spread = np.zeros(1, dtype=np.int64) if inverse is None else inverse
    who = viewer[spread]
    content = catalogue.content[rows]
    mass = np.maximum(viewers.mass[who], 0.0) + 1.0
    for column, sums in enumerate((viewers.fast, viewers.slow, viewers.negative)):
        dot = content @ sums[viewer[0]] if inverse is None else np.einsum("nd,nd->n", content, sums[who])
        out[:, column] = dot / mass[:, column]
    ids = catalogue.tag_ids[rows]
    tags, makers, sounds = ids[:, :-2], ids[:, -2:-1], ids[:, -1:]
    root = np.sqrt(np.maximum((tags != 0).sum(axis=1), 1)).astype(np.float32)
    kept = _numbers(catalogue, viewers.tags[viewer])
    for column in (0, 1):
        out[:, 3 + column] = _found(catalogue, kept, _extra_worth(viewers, viewer, column), inverse, tags) / root
    makers_kept, sounds_kept = (
        _numbers(catalogue, viewers.creators[viewer]),
        _numbers(catalogue, viewers.sounds[viewer]),
    )
    out[:, 5] = _found(catalogue, makers_kept, _grown(viewers.creator_w[viewer]), inverse, makers)
    out[:, 6] = _found(catalogue, sounds_kept, _grown(viewers.sound_w[viewer]), inverse, sounds)
    agreed = agreement(viewers, viewer)[spread]
    out[:, _OF_WEEKS] *= agreed[:, None]
    out[:, _OF_SESSION] *= (1.0 + _TURN * (1.0 - agreed))[:, None]
    picked = viewers.picked[viewer]
    ones = np.ones(picked.shape, dtype=np.float32)
    out[:, 7] = _found(catalogue, _numbers(catalogue, picked), ones, inverse, tags) if picked.any() else 0.0
    out[:, 8] = (viewers.lang[who] == catalogue.lang[rows]) & (catalogue.lang[rows] != 0)
    heavy = viewers.duration_mass[who]
    mean = viewers.duration_sum[who] / np.maximum(heavy, 1e-6)
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


def _numbers(catalogue: Catalogue, refs: U64) -> npt.NDArray[np.int32]:
    """The catalogue's small numbers of kept names, int32 of the shape of ``refs``, 0 where there is none."""
    get = catalogue.id_of_tag.get
    flat = refs.ravel().tolist()
    return np.fromiter((get(name, 0) if name else 0 for name in flat), np.int32, len(flat)).reshape(refs.shape)


def _found(
    catalogue: Catalogue, kept: npt.NDArray[np.int32], weights: F32, inverse: I64 | None, own: npt.NDArray[np.int32]
) -> F32:
    """Sum of what the kept numbers i32[g, K] weigh over each video's own i32[n, T], float32[n]; 0 never matches."""
    if inverse is None:
        table = np.zeros(len(catalogue.id_of_tag) + 1, dtype=np.float32)
        table[kept[0]] = weights[0]
        table[0] = 0.0
        alone: F32 = table[own].sum(axis=1)
        return alone
    kept, weights = kept[inverse], weights[inverse]
    total = np.zeros(len(own), dtype=np.float32)
    for at in range(own.shape[1]):
        name = own[:, at]
        if name.any():
            same = (kept == name[:, None]) & (name != 0)[:, None]
            total += np.where(same, weights, 0.0).sum(axis=1, dtype=np.float32)
    return total


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
