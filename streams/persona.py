"""Persona: how a video's own record meets what is known of a viewer's tastes.

Liking of a tag, creator or sound is a sum that good outcomes raise and bad ones lower, so that showing more of
something does not by itself make it liked. What the viewer does in this session has a weight of its own; where it
contradicts the taste of weeks, the old taste counts less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from streams.catalogue import Catalogue
from streams.following import followed
from streams.hashing import U64
from streams.tables import F32, I64
from streams.viewers import ViewerTable

__all__ = ["agreement", "liked_tags", "personal"]

_HALF: Final = np.float32(0.5)  # liking, in units of worth, from which on it counts by its logarithm
_SURE: Final = np.float32(3.0)  # videos met with a tag after which their mean counts for half
_OF_WEEKS: Final = [1, 3, 5, 6]  # columns of tastes that a session can contradict
_OF_SESSION: Final = [0, 4]
_TURN: Final = np.float32(3.0)  # how much more a session counts that contradicts the taste of weeks
_DOUBT: Final = np.float32(1.0)  # squared liking below which a session contradicts nothing


def personal(
    catalogue: Catalogue, viewers: ViewerTable, viewer: I64, counts: Sequence[int], rows: I64, out: F32
) -> None:
    """Content, persona and locale features into ``out`` float32[n, 11].

    ``viewer`` int64[g] are distinct viewers; the first ``counts[0]`` of ``rows`` are for the first, and so on. Columns:
    content against the fast, slow and negative interest; liking of tags (of weeks, of the session), creator and sound;
    categories picked at sign-up; same language; distance to the usual length, negative; by a followed creator.
    """
    content, ids, lang = catalogue.content[rows], catalogue.tag_ids[rows], catalogue.lang[rows]
    creator = catalogue.creator[rows]
    length = np.log1p(catalogue.duration_ms[rows] / 1_000.0).astype(np.float32)
    root = np.sqrt(np.maximum((ids[:, :-2] != 0).sum(axis=1), 1)).astype(np.float32)
    mass = np.maximum(viewers.mass[viewer], 0.0) + 1.0
    kept = (
        (3, slice(0, -2), _numbers(catalogue, viewers.tags[viewer]), _extra_worth(viewers, viewer, 0)),
        (5, slice(-2, -1), _numbers(catalogue, viewers.creators[viewer]), _grown(viewers.creator_w[viewer])),
        (6, slice(-1, None), _numbers(catalogue, viewers.sounds[viewer]), _grown(viewers.sound_w[viewer])),
        (7, slice(0, -2), _numbers(catalogue, viewers.picked[viewer]), np.ones((len(viewer), 1), np.float32)),
    )
    session, agreed = _extra_worth(viewers, viewer, 1), agreement(viewers, viewer)
    heavy = viewers.duration_mass[viewer]
    mean = viewers.duration_sum[viewer] / np.maximum(heavy, 1e-6)
    low, table = 0, np.zeros(len(catalogue.id_of_tag) + 1, dtype=np.float32)
    for at, (row, count) in enumerate(zip(viewer.tolist(), counts, strict=True)):
        part, low = slice(low, low + count), low + count
        if not viewers.personalize[row]:
            out[part] = 0.0
            continue
        vectors = np.stack((viewers.fast[row], viewers.slow[row], viewers.negative[row]), axis=1)
        out[part, :3] = (content[part] @ vectors) / mass[at]
        for column, names, numbers, weights in kept:
            out[part, column] = _sums(table, numbers[at], weights[at], ids[part, names])
        out[part, 4] = _sums(table, kept[0][2][at], session[at], ids[part, :-2])
        out[part, 3:5] /= root[part, None]
        out[part, _OF_WEEKS] *= agreed[at]
        out[part, _OF_SESSION] *= 1.0 + _TURN * (1.0 - agreed[at])
        out[part, 8] = (lang[part] == viewers.lang[row]) & (lang[part] != 0)
        out[part, 9] = -np.abs(length[part] - mean[at]) if heavy[at] > 0.5 else 0.0
        makers = followed(catalogue, viewers.follows[row]) if len(viewers.follows[row]) else []
        out[part, 10] = np.isin(creator[part], np.array(makers, dtype=np.uint64)) if makers else 0.0


def liked_tags(catalogue: Catalogue, viewers: ViewerTable, viewer: int) -> tuple[npt.NDArray[np.int32], F32]:
    """The catalogue's numbers of the tags of a viewer, int32[TAGS] (0 none), and what ``personal`` takes each to be
    worth, over weeks and in this session, float32[TAGS, 2].
    """
    who = np.array([viewer])
    agreed = agreement(viewers, who)
    weeks, session = _extra_worth(viewers, who, 0) * agreed, _extra_worth(viewers, who, 1) * (1 + _TURN * (1 - agreed))
    return _numbers(catalogue, viewers.tags[viewer]), np.stack((weeks[0], session[0]), axis=1)


def _sums(table: F32, numbers: npt.NDArray[np.int32], weights: F32, own: npt.NDArray[np.int32]) -> F32:
    """Sum of what ``numbers`` i32[K] weigh over each video's ``own`` i32[n, T], float32[n]; 0 never matches.

    ``table`` is all zeros, before and after.
    """
    if not numbers.any():
        return np.zeros(len(own), dtype=np.float32)
    table[numbers] = weights
    table[0] = 0.0
    found: F32 = table[own].sum(axis=1)
    table[numbers] = 0.0
    return found


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
