"""Laws of ranking: what may be shown, in what order, and why."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest

from schemas.catalogue import Safety, Video
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.ranking.features import FEATURES, PRIOR
from streams.ranking.filters import allowed
from streams.ranking.ranking import Model, Request, rank, rank_many, serve
from streams.ranking.shortlist import shortlists
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import LEVELS, ViewerTable

NOW_MS = 1_700_000_000_000


def made(count: int, **fields: object) -> Catalogue:
    """A catalogue of ``count`` videos by a tenth as many creators, each with some likes."""
    catalogue = Catalogue()
    ids = [f"v{number}" for number in range(count)]
    rows = catalogue.intern(ids)
    rng = np.random.default_rng(1)
    packed = catalogue.pack(rows)
    packed["sums"] = rng.exponential(30.0, (count, 1, 1)) * np.ones(packed["sums"].shape[1:])
    packed["sums_ms"] = packed["near_ms"] = NOW_MS - 1_000
    videos = [
        Video(
            v=1,
            video_id=name,
            creator_id=f"c{at % max(count // 10, 3)}",
            created_ms=NOW_MS - 10_000,
            duration_ms=20_000,
            tags=[f"t{at % 10}"],
            **fields,
        )
        for at, name in enumerate(ids)
    ]
    catalogue.update(rows, packed, videos, [True] * count)
    return catalogue


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["ann", "bob"])
    table.safety_level[:] = 0
    return table


def change(catalogue: Catalogue, row: int, **fields: object) -> None:
    video = msgspec.structs.replace(catalogue.videos[row], **fields)
    rows = np.array([row])
    catalogue.update(rows, catalogue.pack(rows), [video], [True])


def stand(catalogue: Catalogue, rows: object, **numbers: object) -> None:
    """Set numbers of rows as if their states had come."""
    at = np.asarray(rows, dtype=np.int64)
    packed = catalogue.pack(at)
    for name, value in numbers.items():
        packed[name] = value
    catalogue.update(at, packed, [catalogue.videos[row] for row in at.tolist()], [True] * len(at))


@pytest.mark.parametrize("count", [200, limits.FULL_RANK + 500])
def test_what_must_not_be_shown_is_not(count, viewers):
    catalogue = made(count)
    best = rank(catalogue, viewers, Request(0, NOW_MS, limit=8, pure=True), Model()).rows.tolist()
    change(catalogue, best[0], safety=Safety(level=2))
    change(catalogue, best[1], countries=["FR"])
    change(catalogue, best[2], recommendable=False)
    change(catalogue, best[3], visibility="followers")
    change(catalogue, best[4], creator_id="ann", tags=[])  # tags of own uploads would be liked
    change(catalogue, best[5], duplicate_of="v1")
    viewers.met[0] = catalogue.hash[[best[6]]]
    viewers.served[0] = catalogue.hash[[best[7]]]
    for pure in (False, True):
        shown = rank(catalogue, viewers, Request(0, NOW_MS, limit=50, pure=pure), Model()).rows.tolist()
        assert len(shown) == 50
        assert not set(shown) & set(best[:7])
        assert (best[7] in shown) == pure
    in_france = Request(0, NOW_MS, limit=50, pure=True, country=hash64("FR"))
    assert best[1] in rank(catalogue, viewers, in_france, Model()).rows.tolist()
    elsewhere = rank(catalogue, viewers, Request(1, NOW_MS, limit=50, pure=True), Model()).rows.tolist()
    assert {best[4], best[6], best[7]} <= set(elsewhere)


def test_only_asked_for_candidates_come_less_the_excluded(viewers):
    catalogue = made(100)
    request = Request(0, NOW_MS, pure=True, candidates=hash_all(["v3", "v5", "nobody"]), exclude=hash_all(["v5"]))
    assert [catalogue.video_ids[row] for row in rank(catalogue, viewers, request, Model()).rows] == ["v3"]
    assert allowed(catalogue, viewers, request).sum() == 1


def test_a_preview_is_every_candidate_best_first(viewers):
    catalogue = made(150)
    ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=200, pure=True), Model())
    assert sorted(ranked.rows.tolist()) == list(range(150))
    assert (np.diff(ranked.scores) <= 0).all()


def test_no_two_neighbours_by_one_creator_across_batches_too(viewers):
    catalogue = made(300)
    last = int(catalogue.creator[0])
    lately = np.array([[last & 0xFFFFFFFF, 0, 0, 0, 0]], dtype=np.uint32)
    ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=50, lately=lately), Model())
    creators = [last, *catalogue.creator[ranked.rows].tolist()]
    assert len(ranked.rows) == 50
    assert all(a != b for a, b in itertools.pairwise(creators))


def test_a_shortlist_finds_what_ranking_everything_finds(viewers, monkeypatch):
    catalogue = made(limits.FULL_RANK + 4_000)
    rng = np.random.default_rng(2)
    viewers.slow[:2], viewers.mass[:2] = rng.normal(size=(2, limits.DIM)), 1.0
    requests = [Request(row, NOW_MS, limit=20, seed=row) for row in (0, 1)]
    short = rank_many(catalogue, viewers, requests, Model())
    monkeypatch.setattr(limits, "FULL_RANK", 10**9)
    for one, whole in zip(short, rank_many(catalogue, viewers, requests, Model()), strict=True):
        assert len(set(one.rows.tolist()) & set(whole.rows.tolist())) >= 18


def test_a_shortlist_sees_what_changed_at_once(viewers):
    catalogue = made(limits.FULL_RANK + 500)
    request = Request(0, NOW_MS, limit=20)
    first = rank(catalogue, viewers, request, Model())
    loser = int(np.flatnonzero(~np.isin(np.arange(catalogue.high), first.rows))[7])
    packed = catalogue.pack(np.array([loser]))
    packed["sums"][:, 2] = 10_000.0
    catalogue.update(np.array([loser]), packed, [catalogue.videos[loser]], [True])
    assert rank(catalogue, viewers, request, Model()).rows[0] == loser
    catalogue.take_states([(catalogue.video_ids[loser], None)])
    assert loser not in rank(catalogue, viewers, request, Model()).rows


def test_a_shortlist_holds_what_is_liked_after_the_latest_like(viewers):
    catalogue = made(limits.FULL_RANK + 500)
    request = Request(0, NOW_MS, limit=20)
    found = [row.rows for row in shortlists(catalogue, viewers, [request], PRIOR, [np.empty(0, np.int64)])]
    loser, liked = np.setdiff1d(np.arange(catalogue.high), found[0])[:2].tolist()
    viewers.push_recent(0, int(catalogue.hash[liked]), NOW_MS - 1_000, np.zeros(LEVELS, np.int8))
    names, none = catalogue.hash[[loser]], np.zeros(limits.AFTER - 1, np.uint64)
    weight = np.eye(1, limits.AFTER, dtype=np.float32) * 3.0
    catalogue.place_after(catalogue.hash[[liked]], np.append(names, none)[None], weight, weight.sum(axis=1))
    ranked = rank(catalogue, viewers, request, Model(PRIOR + 30.0 * (np.array(FEATURES) == "after")))
    assert ranked.rows[0] == loser
    assert ranked.sources[0] == "next"


def test_ranking_together_is_ranking_alone(viewers):
    catalogue = made(limits.FULL_RANK + 500)
    requests = [Request(row, NOW_MS, limit=20, seed=5) for row in (0, 1)]
    together = rank_many(catalogue, viewers, requests, Model())
    for one, request in zip(together, requests, strict=True):
        assert one.rows.tolist() == rank(catalogue, viewers, request, Model()).rows.tolist()
        serve(catalogue, viewers, one, NOW_MS, request.tuning)


def test_a_cold_viewer_gets_what_was_picked_first(viewers):
    catalogue = made(200)
    viewers.picked[0, 0] = hash64("t3")
    ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=10), Model())
    tagged = [hash64("t3") in catalogue.tags[row].tolist() for row in ranked.rows]
    assert sum(tagged) >= 5
    assert "tag:t3" in {reason for reasons in ranked.reasons for reason in reasons}


def test_every_item_says_why(viewers):
    catalogue = made(200)
    ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=20), Model())
    assert len(ranked.reasons) == len(ranked.sources) == len(ranked.rows) == 20
    assert all(ranked.reasons)


def test_nothing_to_show_is_an_empty_slate(viewers):
    assert not len(rank(Catalogue(), viewers, Request(0, NOW_MS), Model()).rows)
