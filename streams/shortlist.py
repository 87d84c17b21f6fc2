"""The shortlist: which of very many candidates deserve their full features, for many viewers at once.

One matrix product of viewers and videos over content and collaborative vectors, on top of a score of each video alone
that is kept and refreshed where a video changed. What may not be shown is left out first, so a shortlist never runs dry
before the catalogue does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.affinity import Near, liked_rows, near_of, taste_vectors
from streams.catalogue import Catalogue
from streams.features import FEATURES, POPULAR
from streams.hidden import hidden_rows
from streams.popular import popular_features
from streams.tables import F32, F64, I64
from streams.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking import Request

__all__ = ["allowed", "shortlists"]

_AT: Final = {name: at for at, name in enumerate(FEATURES)}
_BLOCK: Final = 64
_SAMPLE: Final = 16
_MARGIN: Final = 1.5


def allowed(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> npt.NDArray[np.bool_]:
    """Which rows of the catalogue may be shown to the viewer, candidates or not, bool[high]."""
    fine: npt.NDArray[np.bool_] = catalogue.safety[: catalogue.high] <= viewers.safety_level[request.viewer]
    for names in (
        viewers.met[request.viewer],
        None if request.pure else viewers.served[request.viewer],
        request.exclude,
    ):
        if names is not None and len(names):
            found = catalogue.rows_of_hashes(names)
            fine[found[found >= 0]] = False
    fine &= catalogue.creator[: catalogue.high] != viewers.hash[request.viewer]
    if (hidden := hidden_rows(catalogue, viewers.hidden[request.viewer])) is not None:
        fine &= ~hidden
    bound = catalogue.bound()
    if len(bound):
        country = np.uint64(request.country or int(viewers.country[request.viewer]))
        fine[bound] &= ((catalogue.countries[bound] == country) & (country != 0)).any(axis=1)
    if request.candidates is not None:
        wanted = catalogue.rows_of_hashes(request.candidates)
        only = np.zeros(catalogue.high, dtype=bool)
        only[wanted[wanted >= 0]] = True
        fine &= only
    return fine


def shortlists(
    catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], weights: F64
) -> list[tuple[I64, Near]]:
    """Rows of candidates that may be shown and deserve full features, in order, and what is near, for each request."""
    lists: list[tuple[I64, Near]] = []
    if not requests:
        return lists
    light = weights.astype(np.float32)
    base = _base(catalogue, light, max(request.now_ms for request in requests))
    for low in range(0, len(requests), _BLOCK):
        part = requests[low : low + _BLOCK]
        who = np.array([request.viewer for request in part], dtype=np.int64)
        read = viewers.personalize[who][:, None]  # nobody else's profile is
        scores = (_interest(viewers, who, light) * read) @ catalogue.content[: catalogue.high].T
        liked = np.where(read, liked_rows(catalogue, viewers, who), -1)
        taste = taste_vectors(catalogue, liked) * light[_AT["factors"]]
        scores += taste @ catalogue.factors[: catalogue.high].T
        scores += base
        for at, (request, row) in enumerate(zip(part, scores, strict=True)):
            row[~allowed(catalogue, viewers, request)] = -np.inf
            near = near_of(catalogue, liked[at : at + 1], np.array([request.now_ms]))
            lists.append((np.union1d(_greatest(row, limits.SHORTLIST), _nearest(near, row)), near))
    return lists


def _base(catalogue: Catalogue, weights: F32, now_ms: int) -> F32:
    """Score of each video alone, float32[high], -inf for what is no candidate; at most ``BASE_MS`` old for videos that
    did not change.
    """
    key = weights[:POPULAR].tobytes()
    due = abs(now_ms - catalogue.base_ms) > limits.BASE_MS or key != catalogue.base_key
    rows = np.arange(catalogue.high) if due else np.flatnonzero(catalogue.stale[: catalogue.high])
    if due:
        catalogue.base_ms, catalogue.base_key = now_ms, key
    catalogue.stale[rows] = False
    catalogue.base[rows] = -np.inf
    rows = rows[catalogue.candidate[rows]]
    for low in range(0, len(rows), 8_192):
        part = rows[low : low + 8_192]
        catalogue.base[part] = popular_features(catalogue, part, now_ms) @ weights[:POPULAR]
    return catalogue.base[: catalogue.high]


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
        found = np.flatnonzero(scores >= bar) if bar > -np.inf else np.empty(0, np.int64)
        if count <= len(found) <= 8 * count:
            return found[np.argpartition(scores[found], len(found) - count)[len(found) - count :]]
    found = np.flatnonzero(scores > -np.inf)
    return found if len(found) <= count else found[np.argpartition(scores[found], len(found) - count)[-count:]]


def _nearest(near: Near, scores: F32) -> I64:
    """The strongest neighbours of the viewer's latest positives that may be shown."""
    rows: I64 = near.keys & 0xFFFFFFFF
    fine = scores[rows] > -np.inf
    rows, weight = rows[fine], near.sums[fine].sum(axis=1)
    return rows if len(rows) <= limits.NEAREST else rows[np.argpartition(-weight, limits.NEAREST)[: limits.NEAREST]]
