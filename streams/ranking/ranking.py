"""Ranking: candidates, filters, scores and the slate of each request.

Small catalogues give every candidate the full features; large ones a shortlist per viewer from one matrix product for
all viewers of the batch. Whoever is never to be shown (met, served, own, unsafe, wrong region) is filtered before
anything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import NO_NAMES, U64, shuffled
from streams.arrays.tables import F32, F64, I64, NO_ROWS
from streams.control.rules import NO_RULES, Rules, ordered
from streams.control.tuning import DEFAULT, Tuning
from streams.ranking.adjust import adjustments
from streams.ranking.cold import foreign_rows, homely
from streams.ranking.features import FEATURES, POPULAR, PRIOR, group_of, grouped_features
from streams.ranking.filters import allowed
from streams.ranking.gains import geared
from streams.ranking.ports import NO_PORTS, Ports
from streams.ranking.shortlist import shortlists
from streams.ranking.sources import narrowed, source_of
from streams.ranking.tilt import tilt
from streams.slate.beyond import beyond, beyond_share
from streams.slate.chance import Drawn, draws, placed, without
from streams.slate.exploring import to_explore
from streams.slate.slate import NOTHING, SOUND, TAG, TEMPLATE, U32, Pool, best, slate, spread
from streams.trends.rising import places
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable
from streams.why.explain import parts_of, reasons_of
from streams.words.bending import bent

__all__ = [
    "Considered",
    "Model",
    "Ranked",
    "Request",
    "Scored",
    "considered",
    "drawn",
    "rank",
    "rank_many",
    "scored",
    "serve",
    "slated",
]

_TOLD: Final = frozenset({"promoted", "pinned"})
"""Pools that others have filled: what they hold is shown in any language."""


class Model(NamedTuple):
    """What serving needs of the models: one weight a feature, float64[F], the version it came from, and the heads'
    weights float64[heads, F] and intercepts, if there are any yet (see ``tilt.HEADS`` for their order). ``ports`` are
    the operator's own functions.
    """

    weights: F64 = PRIOR
    version: str = "prior"
    heads: tuple[F64, F64] | None = None
    ports: Ports = NO_PORTS


class Request(NamedTuple):
    """One ranking to make. ``pure``: a preview, no exploration and no diversity, what was only served may come.

    ``lately`` u32[m, MARKS] is what was served before, the latest last (see ``streams.slate.slate``), of which the last
    ``unseen`` are not shown yet. ``source`` for_you, following or trending; ``like`` the hash of the video that all are
    to be like, 0 none. ``query`` is what is asked for in words. ``tuning`` is what holds for this viewer, ``rules`` are
    the operators', ``promoted`` u64[n] hashes of videos whose campaigns are due; ``explain``: hand out the parts of
    each score.
    """

    viewer: int
    now_ms: int
    limit: int = 20
    pure: bool = False
    seed: int = 0
    lately: U32 = NOTHING
    unseen: int = 0
    country: int = 0
    candidates: U64 | None = None
    exclude: U64 | None = None
    source: str = "for_you"
    like: int = 0
    query: str = ""
    tuning: Tuning = DEFAULT
    rules: Rules = NO_RULES
    promoted: U64 = NO_NAMES
    explain: bool = False


class Ranked(NamedTuple):
    """A slate, best first: catalogue ``rows`` i64[n], ``scores`` f64[n], ``sources`` and ``reasons``, features f32[n,
    F], the ``parts`` of each score where they were asked for, from which pool each came (empty: by its score), and by
    place the ``odds`` of what was drawn.
    """

    rows: I64
    scores: F64
    sources: list[str]
    reasons: list[list[str]]
    x: F32
    parts: list[dict[str, float]] | None = None
    explored: Sequence[str] = ()
    odds: Mapping[int, float] = MappingProxyType({})


class Considered(NamedTuple):
    """What is ranked for one request: ``rows`` i64[n] and their features ``x`` f32[n, F].

    ``only`` are those that nothing found but the operator's own source, ``far`` some that lie beyond the viewer's
    interests, ``liked`` i64[RECENT] what the viewer liked (a row of ``affinity.liked_rows``).
    """

    rows: I64
    x: F32
    liked: I64
    only: I64 = NO_ROWS
    far: I64 = NO_ROWS


class Scored(NamedTuple):
    """Scores f64[n] of what is considered, and what is ``added`` in them to the features' own, f64[n] by name."""

    scores: F64
    added: dict[str, F64]


def rank_many(catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], model: Model) -> list[Ranked]:
    """A slate for each request; where the catalogue is large, what can be is computed for all viewers at once.

    No viewer may come twice. Places to explore that one of them is given are lent while the others are ranked, so that
    together they do not overspend a budget; who serves the slates lends them for good (``serve``).
    """
    made: dict[int, Ranked] = {}
    lent: list[tuple[I64, list[npt.NDArray[Any]]]] = []
    for at, one in considered(catalogue, viewers, requests, model):
        made[at] = found = slated(catalogue, viewers, requests[at], model, one)
        if len(requests) > 1 and any(found.explored):
            tried = _tried(found)
            lent.append((tried, viewers.lent.held(tried)))
            serve(catalogue, viewers, found, requests[at].now_ms, requests[at].tuning)
    for rows, held in reversed(lent):
        viewers.lent.restore(rows, held)
    return [made[at] for at in range(len(requests))]


def serve(catalogue: Catalogue, viewers: ViewerTable, ranked: Ranked, now_ms: int, tuning: Tuning) -> None:
    """Lend the places to explore of a slate that goes out."""
    tried = _tried(ranked)
    viewers.lent.lend(tried, catalogue.hash[tried], now_ms, tuning.tiers.lease_s)


def _tried(ranked: Ranked) -> I64:
    """Rows of a slate that took a place kept for fresh videos."""
    return ranked.rows[[pool == "fresh" for pool in ranked.explored]]


def rank(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model) -> Ranked:
    """The slate of one request."""
    return rank_many(catalogue, viewers, [request], model)[0]


def considered(
    catalogue: Catalogue, viewers: ViewerTable, requests: Sequence[Request], model: Model
) -> Iterator[tuple[int, Considered]]:
    """What is ranked for each request, with the request's place; those of a large catalogue come first."""
    large = [at for at, request in enumerate(requests) if drawn(catalogue, request)]
    waiting, ports = iter(large), model.ports
    named = [ports.named(catalogue, viewers, requests[at].viewer, requests[at].now_ms) for at in large]
    for block in shortlists(catalogue, viewers, [requests[at] for at in large], model.weights, named):
        popular = catalogue.popular[block.rows]
        x, low = grouped_features(catalogue, viewers, block.group, block.counts, block.rows, popular), 0
        for count, liked, only, far in zip(block.counts, block.group.liked, block.only, block.far, strict=True):
            part, low, at = slice(low, low + count), low + count, next(waiting)
            yield at, Considered(block.rows[part], x[part], liked, only, far)
    for at in sorted(set(range(len(requests))) - set(large)):
        yield at, _whole(catalogue, viewers, requests[at], model)


def drawn(catalogue: Catalogue, request: Request) -> bool:
    """Whether a shortlist is drawn for a request, or everything that may be shown is considered."""
    whole = request.pure or request.candidates is not None or source_of(request) is not None
    return not whole and len(catalogue.candidates()) > limits.FULL_RANK


def scored(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, one: Considered) -> Scored:
    """The scores of what is considered: linear in the features, and what is added to that."""
    added: dict[str, F64] = {}
    tuning = request.tuning
    tilted = tilt(one.x, model.heads, tuning.objective) + geared(one.x, model.weights, tuning.persona)
    if isinstance(tilted, np.ndarray):
        added["objective"] = tilted
    added |= bent(catalogue, viewers, request, one.rows, model.weights)
    if model.ports.scorer is not None:
        added["own"] = model.ports.scores(catalogue, viewers, request.viewer, request.now_ms, one.rows, one.x)
    if not request.pure:
        added |= adjustments(catalogue, viewers, request, one.rows)
    return Scored(sum(added.values(), one.x @ model.weights), added)


def _whole(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model) -> Considered:
    """Everything that may be shown."""
    rows = catalogue.candidates()
    rows = narrowed(catalogue, viewers, request, rows[allowed(catalogue, viewers, request)[rows]])
    group = group_of(catalogue, viewers, np.array([request.viewer]), np.array([request.now_ms]))
    x = grouped_features(catalogue, viewers, group, [len(rows)], rows)
    if request.pure or source_of(request) is not None or not len(rows):
        return Considered(rows, x, group.liked[0])
    good = rows[best(x[:, :POPULAR] @ model.weights[:POPULAR], catalogue.hash[rows], len(rows))]
    far = beyond(viewers, request, good, catalogue.marks[good], catalogue.hash[good])
    return Considered(rows, x, group.liked[0], far=far)


def slated(catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, one: Considered) -> Ranked:
    """From what is considered to what is shown."""
    rows, x = one.rows, one.x
    if not len(rows):
        return Ranked(rows, np.empty(0), [], [], np.empty((0, len(FEATURES)), np.float32))
    scores, added = scored(catalogue, viewers, request, model, one)
    came: dict[int, str] = {}
    chances: dict[int, float] = {}
    if request.pure:
        order = best(scores, catalogue.hash[rows], request.limit)
    else:
        order, came, chances = _assembled(catalogue, viewers, request, model, one, scores)
    shown, parts = rows[order], parts_of(x, model.weights, added, order)
    pools = [came.get(place, "") for place in order.tolist()]
    marks = {name: [pool == name for pool in pools] for name in sorted(set(pools)) if name}
    if len(one.only):
        marks = {"own": np.isin(shown, one.only).tolist(), **marks}
    sources, reasons = reasons_of(catalogue, viewers, request, shown, parts, marks, one.liked)
    if (source := source_of(request)) is not None:
        sources = [source] * len(sources)
    odds = {at: chances[place] for at, place in enumerate(order.tolist()) if place in chances}
    published = parts.published(scores[order]) if request.explain else None
    return Ranked(shown, scores[order], sources, reasons, x[order], published, pools, odds)


def _assembled(
    catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, one: Considered, scores: F64
) -> tuple[I64, dict[int, str], dict[int, float]]:
    """Places of the slate, the pool or draw that each came from, and the odds of what was drawn; these by place."""
    names, marks, chance = catalogue.hash[one.rows], catalogue.marks[one.rows], Drawn([], [], [])
    if request.candidates is None and source_of(request) is None and not request.query:
        met = catalogue.sums[one.rows, 0, -1]
        chance = draws(scores, met, names, request.limit, request.seed, request.tuning.explore)
    bound = request.tuning.persona.foreign
    foreign = foreign_rows(catalogue, viewers, request.viewer, one.rows, bound)
    pools = _pools(catalogue, viewers, request, model, one, scores)
    pools = [pool if pool.name in _TOLD else _less(pool, pool.places[foreign[pool.places]]) for pool in pools]
    if chance.places:
        kept = foreign.copy()
        kept[[place for pool in pools if pool.name == "pinned" for place in pool.places.tolist()]] = True
        chance = without(chance, kept)
    pools = [_less(pool, chance.places) for pool in pools]
    # Who asks for something gets it, with one sound after the other; who asks for a few creators alone, these too.
    asked, strict = bool(source_of(request) or request.query), request.source != "following"
    caps = None if asked else request.tuning.slate
    if asked:
        marks[:, [SOUND, TEMPLATE]] = 0
    for count in (request.limit * 2 + 10, len(scores)):
        order = homely(best(scores, names, len(scores) if foreign.any() else count), foreign, bound, count)
        order = order[~np.isin(order, chance.places)] if chance.places else order
        drawn = marks[chance.places]
        found = slate(order, marks, request.limit, pools, request.lately, caps, strict=strict, besides=drawn)
        if not found.eased or count >= len(scores):
            break
    came = dict(zip(found.places.tolist(), found.pools, strict=True))
    if not chance.places:
        return found.places, came, {}
    before = request.lately[-1, :TAG].tolist() if len(request.lately) else [0] * TAG
    pinned = found.pools.count("pinned")
    made = placed(found.places.tolist(), chance, marks[:, :TAG], request.limit, before, request.seed, pinned)
    came |= dict(zip(chance.places, chance.sources, strict=True))
    return np.array(made, dtype=np.int64), came, dict(zip(chance.places, chance.odds, strict=True))


def _less(pool: Pool, gone: I64 | Sequence[int]) -> Pool:
    return pool._replace(places=pool.places[~np.isin(pool.places, gone)]) if len(gone) else pool


def _pools(
    catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, one: Considered, scores: F64
) -> list[Pool]:
    """What may take places of the slate beside the best scores; whoever comes first is asked first."""
    tuning, limit, seed, rows = request.tuning.slate, request.limit, request.seed, one.rows
    names = catalogue.hash[rows]
    order = best(scores, names, limit) if len(catalogue.rising) else NO_ROWS
    rising = places(catalogue, rows, scores, names, order, request)
    pools = [Pool("rising", rising, spread(request.tuning.trends.share, limit, seed // 1_000))]
    if request.query:
        return pools
    slots = spread(tuning.fresh, limit, seed)
    if request.tuning.tiers.on:
        fresh = to_explore(catalogue, viewers, request, rows, one.x, model.weights, sum(slots))
    else:
        fresh = _fresh(catalogue, rows, scores, names, request)
    pools.insert(0, Pool("fresh", fresh, slots))
    if source_of(request) is not None:
        return pools
    if len(one.far):
        share = beyond_share(viewers, request)
        pools.append(Pool("beyond", np.searchsorted(rows, one.far), spread(share, limit, seed + 5)))
    if len(request.promoted):
        turn = request.promoted.tolist()
        paid = np.flatnonzero(np.isin(names, request.promoted))
        paid = paid[np.argsort([turn.index(name) for name in names[paid].tolist()], kind="stable")]
        pools.insert(0, Pool("promoted", paid, spread(tuning.promoted, limit, seed + 8)))
    if len(pinned := ordered(catalogue, viewers, request).pinned):
        first = np.flatnonzero(np.isin(rows, pinned))
        pools.insert(0, Pool("pinned", first, [at < len(first) for at in range(limit)]))
    return pools


def _fresh(catalogue: Catalogue, rows: I64, scores: F64, names: U64, request: Request) -> I64:
    """Places of fresh videos that may take an exploration slot, a few, drawn by the request's seed among the best
    half.
    """
    few = np.flatnonzero(catalogue.sums[rows, 0, -1] < limits.FRESH_MET)
    if not len(few):
        return few
    few = few[best(scores[few], names[few], max(8, len(few) // 2))]
    return few[np.argsort(shuffled(names[few], request.seed), kind="stable")][:8]
