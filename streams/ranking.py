"""Ranking: candidates, filters, scores and the slate of each request.

Small catalogues give every candidate the full features; large ones a shortlist per viewer from one matrix product for
all viewers of the batch. Whoever is never to be shown (met, served, own, unsafe, wrong region) is filtered before
anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from streams import limits
from streams.catalogue import Catalogue
from streams.features import FEATURES, PRIOR, candidate_features, grouped_features
from streams.hashing import U64
from streams.shortlist import allowed, shortlists
from streams.slate import best, slate
from streams.sources import narrowed, source_of
from streams.tables import F32, F64, I64
from streams.tuning import DEFAULT, Tuning
from streams.viewers import ViewerTable
from streams.worth import tilt

__all__ = ["Model", "Ranked", "Request", "rank", "rank_many"]

_AT: Final = {name: at for at, name in enumerate(FEATURES)}
_FAMILIES: Final = {
    "similar": [_AT["near_slow"], _AT["near_fast"], _AT["near_latest"], _AT["near_crowd"], _AT["factors"]],
    "peers": [_AT["peers_24h"], _AT["peers"], _AT["peers_lift"], _AT["peers_cosine"]],
    "interest": [
        _AT[name]
        for name in ("content_fast", "content_slow", "content_negative", "tags", "tags_fast", "picked", "duration")
    ],
    "creator": [_AT["creator"], _AT["sound"], _AT["followed"]],
    "popular": [
        at for name, at in _AT.items() if name.startswith(("positive_", "long_", "negative_", "log_", "lift_", "own_"))
    ],
}
_INTEREST, _CREATOR = (list(_FAMILIES).index(name) for name in ("interest", "creator"))


class Model(NamedTuple):
    """What serving needs of the models: one weight a feature, float64[F], the version it came from, and the heads'
    weights float64[heads, F] and intercepts, if there are any yet (see ``worth.HEADS`` for their order).
    """

    weights: F64 = PRIOR
    version: str = "prior"
    heads: tuple[F64, F64] | None = None


class Request(NamedTuple):
    """One ranking to make. ``pure``: a preview, no exploration and no diversity, what was only served may come.

    ``source`` for_you, following or trending; ``like`` the hash of the video that all are to be like, 0 none.
    ``tuning`` is what holds for this viewer.
    """

    viewer: int
    now_ms: int
    limit: int = 20
    pure: bool = False
    seed: int = 0
    last_creator: int = 0
    country: int = 0
    candidates: U64 | None = None
    exclude: U64 | None = None
    source: str = "for_you"
    like: int = 0
    tuning: Tuning = DEFAULT


class Ranked(NamedTuple):
    """A slate, best first: catalogue ``rows`` i64[n], ``scores`` f64[n], ``sources`` and ``reasons``, features f32[n,
    F].
    """

    rows: I64
    scores: F64
    sources: list[str]
    reasons: list[list[str]]
    x: F32


def rank_many(catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], model: Model) -> list[Ranked]:
    """A slate for each request; where the catalogue is large, what can be is computed for all viewers at once.

    No viewer may come twice.
    """
    made: dict[int, Ranked] = {}
    large = [at for at, request in enumerate(requests) if _short(catalogue, request)]
    waiting = iter(large)
    for block in shortlists(catalogue, viewers, [requests[at] for at in large], model.weights):
        popular = catalogue.popular[block.rows]
        x = grouped_features(catalogue, viewers, block.group, block.counts, block.rows, popular)
        scores, low = x @ model.weights, 0
        for count in block.counts:
            part, low = slice(low, low + count), low + count
            at = next(waiting)
            made[at] = _slated(catalogue, viewers, requests[at], model, block.rows[part], x[part], scores[part])
    return [made[at] if at in made else _whole(catalogue, viewers, one, model) for at, one in enumerate(requests)]


def rank(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model) -> Ranked:
    """The slate of one request."""
    return rank_many(catalogue, viewers, [request], model)[0]


def _whole(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model) -> Ranked:
    """The slate of one request from everything that may be shown."""
    rows = catalogue.candidates()
    rows = narrowed(catalogue, viewers, request, rows[allowed(catalogue, viewers, request)[rows]])
    x = candidate_features(catalogue, viewers, request.viewer, rows, request.now_ms)
    return _slated(catalogue, viewers, request, model, rows, x, x @ model.weights)


def _slated(
    catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, rows: I64, x: F32, scores: F64
) -> Ranked:
    """From scored candidates to what is shown."""
    if not len(rows):
        return Ranked(rows, np.empty(0), [], [], np.empty((0, len(FEATURES)), np.float32))
    scores = scores + tilt(x, model.heads, request.tuning.objective)
    names = catalogue.hash[rows]
    if request.pure:
        order, explored = best(scores, names, request.limit), [False] * request.limit
    else:
        order = best(scores, names, request.limit * 4)
        fresh = _fresh(catalogue, rows, scores, names, request)
        makers, before = catalogue.creator[rows], request.last_creator
        # Who asks for a few creators alone gets them, also one after the other.
        order, explored = slate(
            order, makers, fresh, request.limit, before, _explores(request), strict=request.source != "following"
        )
    parts = (x[order] - x.mean(axis=0)) * model.weights
    sources, reasons = _explain(catalogue, viewers, request.viewer, rows[order], parts, explored)
    if (source := source_of(request)) is not None:
        sources = [source] * len(sources)
    return Ranked(rows[order], scores[order], sources, reasons, x[order])


def _short(catalogue: Catalogue, request: Request) -> bool:
    whole = request.pure or request.candidates is not None or source_of(request) is not None
    return not whole and len(catalogue.candidates()) > limits.FULL_RANK


def _explores(request: Request) -> list[bool]:
    """Which places of the slate go to fresh videos; the seed says where the first of them stands."""
    share = request.tuning.slate.fresh
    places = (np.arange(request.limit + 1) + request.seed % 1_000) * share
    return [bool(turn) for turn in np.diff(np.floor(places + 1e-9)) > 0]


def _fresh(catalogue: Catalogue, rows: I64, scores: F64, names: U64, request: Request) -> I64:
    """Places of fresh videos that may take an exploration slot, a few, drawn by the request's seed among the best
    half.
    """
    few = np.flatnonzero(catalogue.sums[rows, 0, -1] < limits.FRESH_MET)
    if not len(few):
        return few
    few = few[best(scores[few], names[few], max(8, len(few) // 2))]
    mixed = (names[few] ^ np.uint64(request.seed & 0xFFFFFFFF)) * np.uint64(0x9E3779B97F4A7C15)
    return few[np.argsort(mixed, kind="stable")][:8]


def _explain(
    catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64, parts: F64, explored: list[bool]
) -> tuple[list[str], list[list[str]]]:
    """Where each item came from and why, from the parts of its score against the mean candidate."""
    names = list(_FAMILIES)
    totals = np.stack([parts[:, columns].sum(axis=1) for columns in _FAMILIES.values()], axis=1)
    strongest = np.argsort(-totals, axis=1, kind="stable")[:, :2]
    speaks = np.take_along_axis(totals, strongest, axis=1) > 0
    words = [[name] * len(rows) for name in names]
    liked = _liked_tags(catalogue, viewers, viewer, rows)
    words[_INTEREST] = [f"tag:{tag}" if tag else "interest" for tag in liked]
    words[_CREATOR] = [_maker(catalogue, row) for row in rows.tolist()]
    sources = [names[first] for first in strongest[:, 0].tolist()]
    reasons = [
        [words[one][at] for one, says in zip(order, said, strict=True) if says]
        for at, (order, said) in enumerate(zip(strongest.tolist(), speaks.tolist(), strict=True))
    ]
    for at in np.flatnonzero(explored[: len(rows)]).tolist():
        sources[at] = "fresh"
        reasons[at].insert(0, "fresh")
    return sources, [why or ["popular"] for why in reasons]


def _liked_tags(catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64) -> list[str]:
    """The tag of each video that the viewer likes best, empty where there is none."""
    names = np.concatenate((viewers.picked[viewer], viewers.tags[viewer]))
    weights = np.concatenate((np.ones(limits.PICKED, dtype=np.float32), viewers.tag_w[viewer, :, 0]))
    kept = (names != 0) & (weights > 0) & viewers.personalize[viewer]
    if not kept.any():
        return [""] * len(rows)
    tags = catalogue.tags[rows]
    liked = np.where(tags[:, :, None] == names[kept], weights[kept], np.float32(0.0)).max(axis=2)
    best = liked.argmax(axis=1)[:, None]
    found = np.where(np.take_along_axis(liked, best, axis=1) > 0, np.take_along_axis(tags, best, axis=1), 0)[:, 0]
    return [catalogue.tag_names.get(name, "?") if name else "" for name in found.tolist()]


def _maker(catalogue: Catalogue, row: int) -> str:
    video = catalogue.videos[row]
    return "creator" if video is None else f"creator:{video.creator_id}"
