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

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F32, I64
from streams.video.catalogue import Catalogue
from streams.viewer.affinity import Peers, liked_rows
from streams.viewer.context import scenes, turns
from streams.viewer.following import followed
from streams.viewer.viewers import ViewerTable

__all__ = ["agreement", "liked_tags", "personal"]

_HALF: Final = np.float32(0.5)  # liking, in units of worth, from which on it counts by its logarithm
_SURE: Final = np.float32(3.0)  # videos met with a tag after which their mean counts for half
_OF_WEEKS: Final = [1, 3, 5, 6]  # columns of tastes that a session can contradict
_OF_SESSION: Final = [0, 4]
_LASTING: Final = [1, 2, 3, 5, 6, 9, 13]  # columns of what is known for weeks; all of it is void if tastes drifted
_TURN: Final = np.float32(3.0)  # how much more a session counts that contradicts the taste of weeks
_CLOSE: Final = np.float32(1.0)  # worth of a creator's videos from which on the creator is somebody often met
_SCENE: Final = np.float32(0.5)  # what a fitting scene weighs against a taste that turns
_OFTEN: Final = np.float32(0.5)  # what somebody often met weighs against somebody followed
_DOUBT: Final = np.float32(1.0)  # squared liking below which a session contradicts nothing


def personal(
    catalogue: Catalogue,
    viewers: ViewerTable,
    viewer: I64,
    counts: Sequence[int],
    rows: I64,
    now_ms: I64,
    likers: npt.NDArray[np.uint32],
    out: F32,
) -> None:
    """Content, persona and locale features into ``out`` float32[n, 14]; ``likers`` u32[n, LIKERS] are the rows' own.

    ``viewer`` int64[g] are distinct viewers, each as of ``now_ms`` i64[g]; the first ``counts[0]`` of ``rows`` are for
    the first, and so on. Columns:
    content against the fast, slow and negative interest; liking of tags (of weeks, of the session), creator and sound;
    categories picked at sign-up; same language; distance to the usual length, negative; by a followed creator;
    tags of own uploads; liked by people followed or often met; fitting the hour.
    """
    content, ids, lang = catalogue.content[rows], catalogue.tag_ids[rows], catalogue.lang[rows]
    creator = catalogue.creator[rows]
    length = np.log1p(catalogue.duration_ms[rows] / 1_000.0).astype(np.float32)
    root = np.sqrt(np.maximum((ids[:, :-2] != 0).sum(axis=1), 1)).astype(np.float32)
    left = viewers.faded(viewer, now_ms)
    fast, slow = left[:, :1], left[:, 1:2]
    mass = np.maximum(viewers.mass[viewer] * left, 0.0) + 1.0
    kept = (
        (3, slice(0, -2), _numbers(catalogue, viewers.tags[viewer]), _extra_worth(viewers, viewer, 0, slow)),
        (5, slice(-2, -1), _numbers(catalogue, viewers.creators[viewer]), _grown(viewers.creator_w[viewer] * slow)),
        (6, slice(-1, None), _numbers(catalogue, viewers.sounds[viewer]), _grown(viewers.sound_w[viewer] * slow)),
        (7, slice(0, -2), _numbers(catalogue, viewers.picked[viewer]), np.ones((len(viewer), 1), np.float32)),
    )
    session, agreed = _extra_worth(viewers, viewer, 1, fast), agreement(viewers, viewer, left)
    drifted = viewers.mixed(viewer, catalogue.drift_ms)
    heavy = viewers.duration_mass[viewer]
    mean = viewers.duration_sum[viewer] / np.maximum(heavy, 1e-6)
    turn, scene = turns(viewers, viewer, now_ms), scenes(catalogue, viewers, viewer, now_ms)
    low, table = 0, np.zeros(len(catalogue.id_of_tag) + 1, dtype=np.float32)
    for at, (row, count) in enumerate(zip(viewer.tolist(), counts, strict=True)):
        part, low = slice(low, low + count), low + count
        if not viewers.personalize[row]:
            out[part] = 0.0
            continue
        vectors = np.stack((viewers.fast[row], viewers.slow[row], viewers.negative[row], turn[at]), axis=1)
        found = content[part] @ vectors
        out[part, :3], out[part, 13] = found[:, :3] * (left[at] / mass[at]), found[:, 3]
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
        out[part, 11] = _uploads(catalogue, table, int(viewers.hash[row]), ids[part, :-2]) / root[part]
        out[part, 12] = _friends(viewers, row, makers, likers[part])
        if scene[at]:
            out[part, 13] += _SCENE * (ids[part, :-2] == scene[at]).any(axis=1)
        if drifted[at]:
            out[part, _LASTING] = 0.0
            out[part, 1], out[part, 9] = _since_drift(catalogue, viewers, row, content[part], length[part])


def _since_drift(catalogue: Catalogue, viewers: ViewerTable, row: int, content: F32, length: F32) -> tuple[F32, F32]:
    """The columns of content against the taste of weeks and of length, f32[n], by what a viewer liked since the tastes
    drifted, alone.
    """
    liked = liked_rows(catalogue, viewers, np.array([row]))[0]
    liked = liked[liked >= 0]
    if not len(liked):
        return np.zeros(len(content), np.float32), np.zeros(len(content), np.float32)
    mean = np.log1p(catalogue.duration_ms[liked] / 1_000.0).astype(np.float32).mean()
    return content @ (catalogue.content[liked].sum(axis=0) / np.float32(len(liked) + 1)), -np.abs(length - mean)


def _uploads(catalogue: Catalogue, table: F32, own: int, ids: npt.NDArray[np.int32]) -> F32:
    """Liking of tags ``ids`` i32[n, T] by the tags of the latest own uploads, float32[n]; see ``_sums`` for ``table``.

    Who uploads the same again and again is hardly more interested in it.
    """
    made = catalogue.uploads(own)
    if not len(made):
        return np.zeros(len(ids), dtype=np.float32)
    made = made[np.argsort(-catalogue.created_ms[made], kind="stable")[: limits.OWN_UPLOADS]]
    numbers, times = np.unique(catalogue.tag_ids[made, :-2], return_counts=True)
    return _sums(table, numbers, np.log1p(times).astype(np.float32), ids)


def _friends(viewers: ViewerTable, row: int, makers: Sequence[int], likers: npt.NDArray[np.uint32]) -> F32:
    """How many friends of a viewer are among ``likers`` u32[n, LIKERS], float32[n]: the ``makers`` that the viewer
    follows, and, for less, those whose videos the viewer likes best.
    """
    close = viewers.creators[row][viewers.creator_w[row] >= _CLOSE]
    names = np.concatenate((np.array(makers[-limits.FRIENDS :], dtype=np.uint64), close)).astype(np.uint32)
    if not len(names):
        return np.zeros(len(likers), dtype=np.float32)
    weights = np.ones(len(names), dtype=np.float32)
    weights[len(names) - len(close) :] = _OFTEN
    order = names.argsort(kind="stable")  # of one who is both, whom one follows comes first
    result: F32 = np.log1p(_PEERS.befriended(names[order], weights[order], likers))
    return result


_PEERS: Final = Peers()


def liked_tags(
    catalogue: Catalogue, viewers: ViewerTable, viewer: int, now_ms: int
) -> tuple[npt.NDArray[np.int32], F32]:
    """The catalogue's numbers of the tags of a viewer, int32[TAGS] (0 none), and what ``personal`` takes each to be
    worth at ``now_ms``, over weeks and in this session, float32[TAGS, 2].
    """
    who = np.array([viewer])
    left = viewers.faded(who, np.array([now_ms]))
    agreed = agreement(viewers, who, left)
    weeks = _extra_worth(viewers, who, 0, left[:, 1:2]) * agreed
    session = _extra_worth(viewers, who, 1, left[:, :1]) * (1 + _TURN * (1 - agreed))
    return _numbers(catalogue, viewers.tags[viewer]), np.stack((weeks[0], session[0]), axis=1)


def _sums(table: F32, numbers: npt.NDArray[np.int32], weights: F32, own: npt.NDArray[np.int32]) -> F32:
    """Sum of what ``numbers`` i32[K] weigh over each video's ``own`` i32[n, T], float32[n]; 0 never matches.

    ``table`` is all zeros, before and after.
    """
    if not numbers.any():
        return np.zeros(len(own), dtype=np.float32)
    table[numbers] = weights
    table[0] = 0.0
    found: F32 = table.take(own).sum(axis=1)
    table[numbers] = 0.0
    return found


def agreement(viewers: ViewerTable, viewer: I64, left: F32) -> F32:
    """How far the session bears out the taste of weeks, float32[n] in [0.1, 1]: 1 where there is nothing to say.

    The cosine of the two likings over the kept tags, the session itself taken out of the weeks first; ``left``
    f32[n, 3] is what has not faded of either.
    """
    session = viewers.tag_w[viewer, :, 1] * left[:, :1]
    weeks = viewers.tag_w[viewer, :, 0] * left[:, 1:2] - session
    dot = (session * weeks).sum(axis=1) + _DOUBT
    size = ((session * session).sum(axis=1) + _DOUBT) * ((weeks * weeks).sum(axis=1) + _DOUBT)
    result: F32 = np.clip(dot / np.sqrt(size), 0.1, 1.0)
    return result


def _numbers(catalogue: Catalogue, refs: U64) -> npt.NDArray[np.int32]:
    """The catalogue's small numbers of kept names, int32 of the shape of ``refs``, 0 where there is none."""
    get = catalogue.id_of_tag.get
    flat = refs.ravel().tolist()
    return np.fromiter((get(name, 0) if name else 0 for name in flat), np.int32, len(flat)).reshape(refs.shape)


def _extra_worth(viewers: ViewerTable, viewer: I64, span: int, left: F32) -> F32:
    """What each kept tag was worth beyond the viewer's own mean, shrunk towards 0 where little was met, f32[n, TAGS].

    ``span`` 0: over weeks, 1: over this session; ``left`` f32[n, 1] is what has not faded of it.
    """
    extra, met = viewers.tag_w[viewer, :, span] * left, viewers.tag_w[viewer, :, span + 2] * left
    judged = viewers.judged[viewer] * left
    mean = judged[:, span] / (np.maximum(judged[:, span + 2], 0.0) + _SURE)
    result: F32 = (extra - mean[:, None] * met) / (np.maximum(met, 0.0) + _SURE)
    return result


def _grown(weight: F32) -> F32:
    """Liking by its logarithm."""
    result: F32 = np.sign(weight) * np.log1p(np.abs(weight) / _HALF)
    return result
