"""Crowds: groups of viewers, by language, country and interest, and what each likes.

The learner finds the groups and counts; here is what ranking reads of it. A viewer's segment is the nearest centroid at
the moment it is asked for, so nothing of it is kept with the viewer. While little is known of somebody, what the own
crowds like stands in for it, and fades with every like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import F32, I64
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

__all__ = [
    "ACTIVITIES",
    "COUNTRY",
    "LANGUAGE",
    "SEGMENT",
    "Crowds",
    "activity_of",
    "coldness",
    "crowd_features",
    "crowd_keys",
    "crowds_of",
    "groups_of",
    "segment_names",
    "segment_of",
    "segments_of",
    "unfit",
]  # fmt: skip

LANGUAGE, COUNTRY, SEGMENT = (np.uint64(hash64(f"crowd:{name}")) for name in ("language", "country", "segment"))
"""Kinds of crowds."""
ACTIVITIES: Final = ("new", "casual", "heavy", "fading")
"""Classes of viewers by how much they watch: hardly anything yet; some; very much; nothing for days."""
_MET: Final = (10.0, 500.0)  # videos met, decayed over weeks, from which on one is casual, heavy
_AWAY_MS: Final = 3 * limits.DAY_MS  # who was away for so long is fading
_KNOWN_BY: Final = np.float32(10.0)  # likes after which the own taste is all that counts
_SOME: Final = np.float32(0.3)  # worth of liked videos from which on a taste can be told
_CALM: Final = np.float32(20.0)  # likes of a crowd after which its shares count for half
_FLOOR: Final = np.float32(1e-3)  # a share below this is next to none
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


class Crowds(NamedTuple):
    """Segments: unit ``centroids`` f32[K, DIM] (zeros: no segment), the ``size`` of each as a share of all f32[K],
    ``tags`` u64[K, T], the most telling first. Crowds by ``key`` (``crowd_keys``): the ``videos`` each likes u64[C, M],
    what each video weighs f32[C, M], and the ``mass`` of all likes of the crowd f32[C].
    """

    centroids: F32
    size: F32
    tags: U64
    row_of: Mapping[int, int]
    videos: U64
    weight: F32
    mass: F32


def unfit(arrays: Mapping[str, npt.NDArray[Any]]) -> str | None:
    """The first array of a snapshot (the learner's ``crowds``) that is missing or has another shape, None: none."""
    segments, crowds = len(arrays.get("centroids", ())), len(arrays.get("key", ()))
    wanted = {
        "centroids": (segments, limits.DIM), "size": (segments,), "tags": (segments, limits.SEGMENT_TAGS),
        "key": (crowds,), "videos": (crowds, limits.CROWD_VIDEOS), "weight": (crowds, limits.CROWD_VIDEOS),
        "mass": (crowds,),
    }  # fmt: skip
    wrong = (name for name, shape in wanted.items() if name not in arrays or arrays[name].shape != shape)
    return next(wrong, None)


def crowds_of(arrays: Mapping[str, npt.NDArray[Any]]) -> Crowds:
    """From the arrays of a snapshot, which fit."""
    row_of = {key: row for row, key in enumerate(arrays["key"].tolist()) if key}
    return Crowds(row_of=row_of, **{name: arrays[name] for name in Crowds._fields if name != "row_of"})


def crowd_keys(kind: np.uint64, names: U64) -> U64:
    """Keys of the crowds of a ``kind`` (LANGUAGE, COUNTRY, SEGMENT) and ``names`` u64[n]; 0 where the name is 0.

    >>> crowd_keys(LANGUAGE, np.array([0, 7], np.uint64)).tolist()[0]
    0
    """
    return np.where(names == 0, np.uint64(0), (names ^ kind) * _GOLDEN | np.uint64(1))


def segment_of(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> I64:
    """The segment of each viewer by the taste of weeks, else by what was picked at sign-up, int64[n]; -1: none."""
    crowds: Crowds | None = catalogue.crowds
    out = np.full(len(viewer), -1, dtype=np.int64)
    if crowds is None or not crowds.size.any():
        return out
    told = (viewers.mass[viewer, 1] >= _SOME) & ~viewers.mixed(viewer, catalogue.drift_ms)
    likeness = viewers.slow[viewer] @ crowds.centroids.T
    likeness[:, crowds.size <= 0] = -np.inf
    out[told] = likeness[told].argmax(axis=1)
    for at in np.flatnonzero(~told & (viewers.picked[viewer] != 0).any(axis=1)).tolist():
        picked = viewers.picked[viewer[at]]
        named = np.isin(crowds.tags[:, :2], picked[picked != 0]).any(axis=1) & (crowds.size > 0)
        if named.any():
            out[at] = int((named * crowds.size).argmax())
    out[~viewers.personalize[viewer]] = -1
    return out


def segment_names(catalogue: Catalogue) -> list[str]:
    """What each segment is called, by the two tags that tell it from the others; empty where there is none."""
    crowds: Crowds | None = catalogue.crowds
    if crowds is None:
        return []
    held = zip(crowds.tags[:, :2].tolist(), crowds.size.tolist(), strict=True)
    return [", ".join(catalogue.tag_names.get(tag, "?") for tag in tags if tag) if size else "" for tags, size in held]


def groups_of(catalogue: Catalogue, viewers: ViewerTable, viewer: int, now_ms: int) -> dict[str, str]:
    """Groups that a viewer is in: ``activity``, one of ACTIVITIES, and ``segment``, by interest, if there is one."""
    row = np.array([viewer])
    found = {"activity": activity_of(viewers, row, now_ms)[0]}
    if (segment := int(segment_of(catalogue, viewers, row)[0])) >= 0:
        found["segment"] = segment_names(catalogue)[segment]
    return found


def segments_of(catalogue: Catalogue, viewers: ViewerTable, viewer: int, now_ms: int) -> frozenset[str]:
    """What the groups of a viewer are called, by each of a segment's two tags too. None of who turned personalisation
    off.
    """
    if not viewers.personalize[viewer]:
        return frozenset()
    names = groups_of(catalogue, viewers, viewer, now_ms).values()
    return frozenset(names).union(*(name.split(", ") for name in names))


def activity_of(viewers: ViewerTable, viewer: I64, now_ms: int) -> list[str]:
    """The class of ACTIVITIES of each viewer at ``now_ms``."""
    age_s = np.maximum(now_ms - viewers.at_ms[viewer], 0) / 1_000.0
    met = viewers.judged[viewer, 2] * np.exp2(-age_s / limits.SLOW_HALF_LIFE_S)
    level = np.digitize(met, _MET)
    level[(level > 0) & (now_ms - viewers.last_ms[viewer] > _AWAY_MS)] = ACTIVITIES.index("fading")
    return [ACTIVITIES[at] for at in level.tolist()]


def coldness(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> F32:
    """How little is known of each viewer's taste, float32[n]: 1 before the first like, 0 from the tenth on."""
    likes = viewers.counting(viewer, catalogue.drift_ms).sum(axis=1).astype(np.float32)
    result: F32 = np.maximum(1.0 - likes / _KNOWN_BY, 0.0)
    return result


def crowd_features(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, counts: Sequence[int], rows: I64) -> F32:
    """How much videos ``rows`` are liked in each viewer's language and country, and segment, float32[n, 2].

    The logarithm of a video's share in what the crowd likes, over next to none, times ``coldness``; 0 where nothing is
    known. ``viewer`` int64[g] are distinct; the first ``counts[0]`` of ``rows`` are for the first, and so on.
    """
    out = np.zeros((len(rows), 2), dtype=np.float32)
    crowds: Crowds | None = catalogue.crowds
    cold = coldness(catalogue, viewers, viewer) * viewers.personalize[viewer]
    if crowds is None or not cold.any():
        return out
    segment = segment_of(catalogue, viewers, viewer)
    keys = np.stack(
        (
            crowd_keys(LANGUAGE, viewers.lang[viewer]),
            crowd_keys(COUNTRY, viewers.country[viewer]),
            crowd_keys(SEGMENT, (segment + 1).view(np.uint64)),
        ),
        axis=1,
    ).tolist()
    low = 0
    for at, count in enumerate(counts):
        part, low = slice(low, low + count), low + count
        if cold[at] > 0:
            for column, wanted in ((0, keys[at][:2]), (1, keys[at][2:])):
                found = [row for key in wanted if (row := crowds.row_of.get(key)) is not None]
                for row in found:
                    out[part, column] += _liked(catalogue, crowds, row, rows[part]) * (cold[at] / len(found))
    return out


def _liked(catalogue: Catalogue, crowds: Crowds, crowd: int, rows: I64) -> F32:
    """Logarithm of the share of videos ``rows`` in what a crowd likes, over next to none, float32[n]."""
    held = catalogue.rows_of_hashes(crowds.videos[crowd])
    order = np.argsort(held)
    held = held[order]
    share = crowds.weight[crowd][order] / (crowds.mass[crowd] + _CALM)
    at = np.minimum(np.searchsorted(held, rows), len(held) - 1)
    result: F32 = np.log1p(np.where(held[at] == rows, np.maximum(share[at], 0.0), 0.0) / _FLOOR).astype(np.float32)
    return result
