"""Ranking: candidates, filters, scores and the slate of each request.

Small catalogues give every candidate the full features; large ones a shortlist per viewer from one matrix product for
all viewers of the batch. Whoever is never to be shown (met, served, own, unsafe, wrong region) is filtered before
anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.catalogue import Catalogue
from streams.features import FEATURES, PRIOR, candidate_features, popular_features, taste_vectors
from streams.hashing import U64
from streams.slate import best, slate
from streams.tables import F32, F64, I64
from streams.viewers import ViewerTable

__all__ = ["Model", "Ranked", "Request", "rank", "rank_many"]

_AT: Final = {name: at for at, name in enumerate(FEATURES)}
_FAMILIES: Final = {
    "similar": [_AT["near_slow"], _AT["near_fast"], _AT["factors"]],
    "interest": [
        _AT[name] for name in ("content_fast", "content_slow", "content_negative", "tags", "picked", "duration")
    ],
    "creator": [_AT["creator"], _AT["sound"]],
    "popular": [at for name, at in _AT.items() if name.startswith(("positive_", "long_", "negative_", "log_"))],
}


class Model(NamedTuple):
    """What serving needs of the models: one weight a feature, float64[F], the version it came from, and the heads'
    weights float64[heads, F] and intercepts, if there are any yet.
    """

    weights: F64 = PRIOR
    version: str = "prior"
    heads: tuple[F64, F64] | None = None


class Request(NamedTuple):
    """One ranking to make. ``pure``: a preview, no exploration and no diversity, what was only served may come."""

    viewer: int
    now_ms: int
    limit: int = 20
    pure: bool = False
    seed: int = 0
    last_creator: int = 0
    country: int = 0
    candidates: U64 | None = None
    exclude: U64 | None = None


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
    """A slate for each request; viewers are batched where the catalogue is large."""
    pool = catalogue.candidates()
    large = [at for at, request in enumerate(requests) if len(pool) > limits.FULL_RANK and _short(request)]
    short = dict(zip(large, _shortlists(catalogue, viewers, [requests[at] for at in large], pool, model), strict=True))
    return [rank(catalogue, viewers, request, model, short.get(at, pool)) for at, request in enumerate(requests)]


def rank(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, pool: I64 | None = None) -> Ranked:
    """The slate of one request from ``pool`` (rows; default all candidates)."""
    rows = catalogue.candidates() if pool is None else pool
    rows = rows[allowed(catalogue, viewers, request, rows)]
    if not len(rows):
        return Ranked(rows, np.empty(0), [], [], np.empty((0, len(FEATURES)), np.float32))
    x = candidate_features(catalogue, viewers, request.viewer, rows, request.now_ms)
    scores = x @ model.weights
    names = catalogue.hash[rows]
    if request.pure:
        order, explored = best(scores, names, request.limit), [False] * request.limit
    else:
        order = best(scores, names, request.limit * 4)
        fresh = _fresh(catalogue, rows, scores, names, request)
        order, explored = slate(
            order, catalogue.creator[rows], fresh, request.limit, request.last_creator, request.seed
        )
    mean = x.mean(axis=0)
    sources, reasons = _explain(catalogue, viewers, request, rows[order], (x[order] - mean) * model.weights, explored)
    return Ranked(rows[order], scores[order], sources, reasons, x[order])


def allowed(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64) -> npt.NDArray[np.bool_]:
    """Which of ``rows`` may be shown at all, bool[n]."""
    viewer = request.viewer
    hidden = np.zeros(catalogue.high, dtype=bool)
    for names in (viewers.met[viewer], viewers.served[viewer] if not request.pure else None, request.exclude):
        if names is not None and len(names):
            found = catalogue.rows_of_hashes(names)
            hidden[found[found >= 0]] = True
    if request.candidates is not None:
        wanted = catalogue.rows_of_hashes(request.candidates)
        others = np.ones(catalogue.high, dtype=bool)
        others[wanted[wanted >= 0]] = False
        hidden |= others
    fine: npt.NDArray[np.bool_] = ~hidden[rows] & (catalogue.creator[rows] != viewers.hash[viewer])
    fine &= catalogue.safety[rows] <= viewers.safety_level[viewer]
    bound = catalogue.countries[rows]
    if bound.any():
        country = np.uint64(request.country or int(viewers.country[viewer]))
        fine &= (bound[:, 0] == 0) | ((bound == country) & (country != 0)).any(axis=1)
    return fine


def _short(request: Request) -> bool:
    return not request.pure and request.candidates is None


def _shortlists(
    catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], pool: I64, model: Model
) -> list[I64]:
    """The rows that deserve full features, for each request: one matrix product over viewers and candidates."""
    if not requests:
        return []
    weights = model.weights.astype(np.float32)
    wide = _AT["near_slow"]
    base = popular_features(catalogue, pool, max(request.now_ms for request in requests)) @ weights[:wide]
    who = np.array([request.viewer for request in requests], dtype=np.int64)
    mass = np.maximum(viewers.mass[who], 0.0) + 1.0
    vector = sum(
        sums[who] * (weights[_AT[name]] / mass[:, at])[:, None]
        for at, (name, sums) in enumerate(
            (
                ("content_fast", viewers.fast),
                ("content_slow", viewers.slow),
                ("content_negative", viewers.negative),
            )
        )
    )
    both = np.concatenate((vector, taste_vectors(catalogue, viewers, who) * weights[_AT["factors"]]), axis=1)
    item = np.concatenate((catalogue.content[pool], catalogue.factors[pool]), axis=1)
    scores = both.astype(np.float32) @ item.T
    scores += base
    lists = []
    for request, row in zip(requests, scores, strict=True):
        count = limits.SHORTLIST + len(viewers.met[request.viewer]) + len(viewers.served[request.viewer])
        top = pool[np.argpartition(row, -count)[-count:]] if count < len(pool) else pool
        liked = viewers.recent[request.viewer]
        known = catalogue.rows_of_hashes(liked[liked != 0])
        near = catalogue.rows_of_hashes(catalogue.near[known[known >= 0]].ravel())
        near = near[near >= 0]
        lists.append(np.union1d(top, near[catalogue.candidate[near]]))
    return lists


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
    catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64, parts: F64, explored: list[bool]
) -> tuple[list[str], list[list[str]]]:
    """Where each item came from and why, from the parts of its score against the mean candidate."""
    totals = {name: parts[:, columns].sum(axis=1).tolist() for name, columns in _FAMILIES.items()}
    liked = _liked_tags(viewers, request.viewer)
    sources, reasons = [], []
    for at, row in enumerate(rows.tolist()):
        ranked = sorted(((total[at], name) for name, total in totals.items()), reverse=True)
        source = "fresh" if explored[at] else ranked[0][1]
        why = ["fresh"] if explored[at] else []
        for amount, name in ranked[:2]:
            if amount > 0:
                why.append(_reason(catalogue, liked, row, name))
        sources.append(source)
        reasons.append(why or ["popular"])
    return sources, reasons


def _liked_tags(viewers: ViewerTable, viewer: int) -> dict[int, float]:
    picked = {tag: 1.0 for tag in viewers.picked[viewer].tolist() if tag}
    kept = zip(viewers.tags[viewer].tolist(), viewers.tag_w[viewer].tolist(), strict=True)
    return picked | {tag: weight for tag, weight in kept if tag and weight > 0}


def _reason(catalogue: Catalogue, liked: dict[int, float], row: int, family: str) -> str:
    if family == "interest" and liked:
        tags = [tag for tag in catalogue.tags[row].tolist() if tag in liked]
        if tags:
            return "tag:" + catalogue.tag_names.get(max(tags, key=liked.__getitem__), "?")
    video = catalogue.videos[row]
    if family == "creator" and video is not None:
        return f"creator:{video.creator_id}"
    return family
