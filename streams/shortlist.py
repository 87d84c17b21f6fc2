"""The shortlist: which of very many candidates deserve their full features, for many viewers at once.

One matrix product of viewers and videos over content and collaborative vectors, on top of a score of each video alone
that is kept and refreshed where a video changed. What may not be shown is left out first, so a shortlist never runs dry
before the catalogue does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.affinity import Near, taste_vectors
from streams.catalogue import Catalogue
from streams.features import FEATURES, POPULAR, Group, group_of
from streams.hidden import hidden_rows
from streams.popular import popular_features
from streams.tables import F32, F64, I64
from streams.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking import Request

__all__ = ["Shortlist", "allowed", "shortlists"]

_AT: Final = {name: at for at, name in enumerate(FEATURES)}
_BLOCK: Final = 64
_SAMPLE: Final = 16
_MARGIN: Final = 1.5
_NEVER: Final = np.float32(-1e30)  # what no score comes near, and a matrix product keeps finite
_BARRED: Final = _NEVER / 2  # up to here a score is a sum with _NEVER in it


class Shortlist(NamedTuple):
    """Of a block of requests: its ``group``, and one after the other ``counts`` candidates of each, ``rows`` i64[n]."""

    group: Group
    counts: list[int]
    rows: I64


def allowed(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> npt.NDArray[np.bool_]:
    """Which rows of the catalogue may be shown to the viewer, candidates or not, bool[high]."""
    fine = np.ones(catalogue.high, dtype=bool)
    fine[forbidden(catalogue, viewers, request)] = False
    if request.candidates is not None:
        wanted = catalogue.rows_of_hashes(request.candidates)
        only = np.zeros(catalogue.high, dtype=bool)
        only[wanted[wanted >= 0]] = True
        fine &= only
    return fine


def forbidden(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    """Rows of candidates that may not be shown to the viewer, int64[n]: met, served unless the request is a preview,
    excluded by it, own, too sensitive, of another region, hidden. Some rows come twice.
    """
    viewer = request.viewer
    listed = [viewers.met[viewer], *([] if request.pure else [viewers.served[viewer]])]
    listed += [] if request.exclude is None else [request.exclude]
    found = catalogue.rows_of_hashes(np.concatenate(listed))
    sensitive, bound = catalogue.sensitive(), catalogue.bound()
    parts = [found[found >= 0], catalogue.uploads(int(viewers.hash[viewer]))]
    parts.append(sensitive[catalogue.safety[sensitive] > viewers.safety_level[viewer]])
    if len(bound):
        country = np.uint64(request.country or int(viewers.country[viewer]))
        parts.append(bound[~((catalogue.countries[bound] == country) & (country != 0)).any(axis=1)])
    if (hidden := hidden_rows(catalogue, viewers.hidden[viewer])) is not None:
        parts.append(np.flatnonzero(hidden))
    return np.concatenate(parts)


def shortlists(
    catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], weights: F64
) -> Iterator[Shortlist]:
    """Rows of candidates that may be shown and deserve full features, in order, for blocks of the requests.

    Each viewer may come once only. ``catalogue.popular`` holds the popular features of them all afterwards.
    """
    light = weights.astype(np.float32)
    if requests:
        _refresh(catalogue, light, max(request.now_ms for request in requests))
    for low in range(0, len(requests), _BLOCK):
        block = requests[low : low + _BLOCK]
        who = np.array([request.viewer for request in block], dtype=np.int64)
        group = group_of(catalogue, viewers, who, np.array([request.now_ms for request in block]))
        taste = taste_vectors(catalogue, group.liked) * light[_AT["factors"]]
        interest = _interest(viewers, who, light) * viewers.personalize[who][:, None]
        joint = np.concatenate((interest, taste, np.ones((len(who), 1), dtype=np.float32)), axis=1)
        scores = joint @ catalogue.joint[: catalogue.high].T
        edges = np.searchsorted(group.near.keys, np.arange(len(who) + 1) << 32)
        found: list[I64] = []
        for at, (request, row) in enumerate(zip(block, scores, strict=True)):
            row[forbidden(catalogue, viewers, request)] = _NEVER
            part = slice(edges[at], edges[at + 1])
            near = Near(group.near.keys[part], group.near.sums[part])
            found.append(np.union1d(_greatest(row, limits.SHORTLIST), _nearest(near, row)))
        yield Shortlist(group, [len(rows) for rows in found], np.concatenate(found))


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


def _interest(viewers: ViewerTable, who: I64, weights: F32) -> F32:
    mass = np.maximum(viewers.mass[who], 0.0) + 1.0
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
        found = np.flatnonzero(scores >= bar) if bar > _BARRED else np.empty(0, np.int64)
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
