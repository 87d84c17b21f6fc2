"""The shortlist: which of very many candidates deserve their full features, for many viewers at once.

One matrix product of viewers and videos over content and collaborative vectors, on top of a score of each video alone
that is kept and refreshed where a video changed. What may not be shown is left out first, so a shortlist never runs dry
before the catalogue does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from streams import limits
from streams.arrays.tables import F32, F64, I64, NO_ROWS, distinct
from streams.control.rules import ordered
from streams.control.tuning import Tiers
from streams.ranking.features import FEATURES, POPULAR, Group, group_of
from streams.ranking.filters import forbidden
from streams.slate.beyond import beyond, leaders
from streams.slate.exploring import Open, closest, still_open
from streams.video.catalogue import Catalogue
from streams.video.popular import popular_features
from streams.viewer.affinity import Near, next_of, taste_vectors
from streams.viewer.viewers import ViewerTable
from streams.words.bending import bend, bends

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["Shortlist", "light_scores", "shortlists"]

_AT: Final = {name: at for at, name in enumerate(FEATURES)}
_BLOCK: Final = 64
_SAMPLE: Final = 16
_MARGIN: Final = 1.5
_NEVER: Final = np.float32(-1e30)  # what no score comes near, and a matrix product keeps finite
_BARRED: Final = _NEVER / 2  # up to here a score is a sum with _NEVER in it


class Shortlist(NamedTuple):
    """Of a block of requests: its ``group``, and one after the other ``counts`` candidates of each, ``rows`` i64[n].

    ``only`` holds of each the rows that came since they were named, ``far`` those beyond its viewer's interests,
    i64 both.
    """

    group: Group
    counts: list[int]
    rows: I64
    only: list[I64]
    far: list[I64]


def shortlists(
    catalogue: Catalogue,
    viewers: ViewerTable,
    requests: Sequence[Request],
    weights: F64,
    named: Sequence[I64],
) -> Iterator[Shortlist]:
    """Rows of candidates that may be shown and deserve full features, in order, for blocks of the requests.

    Each viewer may come once only. ``named`` are rows by request that come too, if they may. ``catalogue.popular``
    holds the popular features of them all afterwards.
    """
    for low in range(0, len(requests), _BLOCK):
        block = requests[low : low + _BLOCK]
        # What is due is refreshed as of the latest of all, so that no block ages another's.
        group, scores = light_scores(catalogue, viewers, block, weights, max(one.now_ms for one in requests))
        edges = np.searchsorted(group.near.keys, np.arange(len(block) + 1) << 32)
        rising = catalogue.rows_of_hashes(catalogue.rising.videos(int(group.now_ms.max())))
        rising = rising[rising >= 0]
        found: list[I64] = []
        only: list[I64] = []
        far: list[I64] = []
        pools: dict[Tiers, Open] = {}
        for at, (request, row) in enumerate(zip(block, scores, strict=True)):
            part = slice(edges[at], edges[at + 1])
            near = Near(group.near.keys[part], group.near.sums[part])
            lead = catalogue.leaders[row[catalogue.leaders] > _BARRED]
            far.append(beyond(viewers, request, lead, catalogue.marks[lead], catalogue.hash[lead]))
            told = np.concatenate((rising, next_of(catalogue, group.liked[at]), _told(catalogue, viewers, request)))
            joined = [_greatest(row, limits.SHORTLIST), _nearest(near, row), told[row[told] > _BARRED], far[-1]]
            joined.append(_tried(catalogue, viewers, request, row, pools))
            rows = distinct(np.concatenate(joined))
            own = named[low + at]
            only.append(np.setdiff1d(own[row[own] > _BARRED], rows) if len(own) else own)
            found.append(np.union1d(rows, only[-1]) if len(own) else rows)
        yield Shortlist(group, [len(rows) for rows in found], np.concatenate(found), only, far)


def light_scores(
    catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], weights: F64, now_ms: int
) -> tuple[Group, F32]:
    """What a shortlist is drawn by, float32[len(requests), high], far below any score where a video may not be shown.

    ``now_ms`` is as of when videos alone are scored. Each viewer may come once only.
    """
    light = weights.astype(np.float32)
    _refresh(catalogue, light, now_ms)
    who = np.array([request.viewer for request in requests], dtype=np.int64)
    group = group_of(catalogue, viewers, who, np.array([request.now_ms for request in requests]))
    taste = taste_vectors(catalogue, group.liked) * light[_AT["factors"]]
    interest = _interest(viewers, who, group.now_ms, light) * viewers.personalize[who][:, None]
    joint = np.concatenate((interest, taste, np.ones((len(who), 1), dtype=np.float32)), axis=1)
    scores: F32 = joint @ catalogue.joint[: catalogue.high].T
    for at, request in enumerate(requests):
        if bends(viewers, request):
            everything = slice(0, catalogue.high)
            scores[at] += bend(catalogue, viewers, request, everything, texts=bool(request.query))
        if (moves := ordered(catalogue, viewers, request).moves) is not None:
            scores[at, : len(moves)] += moves
        scores[at, forbidden(catalogue, viewers, request)] = _NEVER
    return group, scores


def _tried(catalogue: Catalogue, viewers: ViewerTable, request: Request, scores: F32, pools: dict[Tiers, Open]) -> I64:
    """Rows worth trying on the viewer, so that an upload without any numbers is looked at too; ``pools`` by settings
    are made once a block.
    """
    tuning = request.tuning
    if not tuning.tiers.on or not tuning.slate.fresh or request.query:
        return NO_ROWS
    if (held := pools.get(tuning.tiers)) is None:
        held = pools[tuning.tiers] = still_open(catalogue, viewers, request)
    rows = closest(catalogue, viewers, request.viewer, held, scores)
    return rows[scores[rows] > _BARRED]


def _refresh(catalogue: Catalogue, weights: F32, now_ms: int) -> None:
    """Popular features and score of each video alone, never for what is no candidate; at most ``BASE_MS`` old for
    videos that did not change.
    """
    key = weights[:POPULAR].tobytes()
    due = abs(now_ms - catalogue.base_ms) > limits.BASE_MS
    rows = np.arange(catalogue.high) if due else np.flatnonzero(catalogue.stale[: catalogue.high])
    scored = np.arange(catalogue.high) if key != catalogue.base_key else rows
    catalogue.base_ms, catalogue.base_key = now_ms if due else catalogue.base_ms, key
    catalogue.stale[rows] = False
    rows = rows[catalogue.candidate[rows]]
    for low in range(0, len(rows), 8_192):
        part = rows[low : low + 8_192]
        catalogue.popular[part] = popular_features(catalogue, part, now_ms)
    catalogue.base[scored] = _NEVER
    scored = scored[catalogue.candidate[scored]]
    catalogue.base[scored] = catalogue.popular[scored] @ weights[:POPULAR]
    if due or catalogue.leading != catalogue.version:
        catalogue.leaders, catalogue.leading = leaders(catalogue), catalogue.version


def _told(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    """Rows that operators pinned and promoted."""
    rows = np.concatenate((ordered(catalogue, viewers, request).pinned, catalogue.rows_of_hashes(request.promoted)))
    return rows[rows >= 0]


def _interest(viewers: ViewerTable, who: I64, now_ms: I64, weights: F32) -> F32:
    left = viewers.faded(who, now_ms)
    mass = (np.maximum(viewers.mass[who] * left, 0.0) + 1.0) / np.maximum(left, 1e-9)
    sums = (("content_fast", viewers.fast), ("content_slow", viewers.slow), ("content_negative", viewers.negative))
    total = np.zeros((len(who), limits.DIM), dtype=np.float32)
    for at, (name, vectors) in enumerate(sums):
        total += vectors[who] * (weights[_AT[name]] / mass[:, at])[:, None]
    return total


def _greatest(scores: F32, count: int) -> I64:
    """Places of about the ``count`` greatest finite scores, at least as many as there are up to that.

    A threshold from a regular sample saves sorting everything.
    """
    if len(scores) > 8 * _SAMPLE * count // 4:
        sample = scores[::_SAMPLE]
        keep = int(_MARGIN * count / _SAMPLE) + 8
        bar = np.partition(sample, len(sample) - keep)[len(sample) - keep]
        found = np.flatnonzero(scores >= bar) if bar > _BARRED else NO_ROWS
        if count <= len(found) <= 8 * count:
            return found[np.argpartition(scores[found], len(found) - count)[len(found) - count :]]
    found = np.flatnonzero(scores > _BARRED)
    return found if len(found) <= count else found[np.argpartition(scores[found], len(found) - count)[-count:]]


def _nearest(near: Near, scores: F32) -> I64:
    """The strongest neighbours of the viewer's latest positives that may be shown."""
    rows: I64 = near.keys & 0xFFFFFFFF
    fine = scores[rows] > _BARRED
    rows, weight = rows[fine], near.sums[fine].sum(axis=1)
    return rows if len(rows) <= limits.NEAREST else rows[np.argpartition(-weight, limits.NEAREST)[: limits.NEAREST]]
