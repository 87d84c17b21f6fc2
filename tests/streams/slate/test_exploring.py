"""Laws of exploration: budgets hold whoever ranks, and each upload is tried on whom it suits first."""

from __future__ import annotations

import numpy as np
import pytest

from streams import limits
from streams.arrays.hashing import hash64
from streams.control.tuning import DEFAULT, changed
from streams.ranking.features import FEATURES
from streams.ranking.ranking import Model, Request, rank, rank_many, serve
from streams.slate.exploring import closest, still_open, to_explore
from streams.tiers.leases import Lent
from streams.tiers.tiers import HELD, OPEN, STOPPED, TOP
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable
from streams.viewer.wishes import FOLLOWS, put
from tests.streams.ranking.test_ranking import NOW_MS, change, made, stand

SMALL = changed(DEFAULT, {"tiers.first": 5, "slate.fresh": 0.5})


def crowd(count: int, shards: int = 1) -> ViewerTable:
    table = ViewerTable()
    table.rows(f"u{at}" for at in range(count))
    table.lent.shards = shards
    return table


def tried(ranked: list) -> np.ndarray:
    found = [one.rows[np.array(one.sources) == "fresh"] for one in ranked]
    return np.bincount(np.concatenate(found), minlength=1)


def ask(catalogue: Catalogue, table: ViewerTable, now_ms: int = NOW_MS, tuning: object = SMALL) -> list:
    requests = [Request(row, now_ms, limit=10, seed=row * 7, tuning=tuning) for row in range(len(table))]
    found = rank_many(catalogue, table, requests, Model())
    for one in found:
        serve(catalogue, table, one, now_ms, tuning)
    return found


@pytest.mark.parametrize("count", [30, limits.FULL_RANK + 100])
def test_many_viewers_ranked_together_do_not_overspend(count):
    catalogue = made(count)
    stand(catalogue, np.arange(25, count), status=HELD)
    found = tried(ask(catalogue, crowd(90)))
    assert found.max() == 5, "25 videos with 5 places each, and 450 places for them"
    assert found[25:].sum() == 0


def test_shards_that_do_not_know_of_each_other_overspend_by_less_than_one_place_each():
    catalogue, total = made(20), np.zeros(20, dtype=np.int64)
    for _ in range(4):
        found = tried(ask(catalogue, crowd(60, shards=4)))
        total[: len(found)] += found
    assert 5 <= total.max() <= 5 + 4 - 1
    stand(catalogue, np.arange(20), counts=[5] + [0] * 8)
    assert tried(ask(catalogue, crowd(60, shards=4))).sum() == 0, "what was told of counts for all"


def test_a_place_nobody_looked_at_comes_back_after_its_lease():
    catalogue, table = made(6), crowd(40)
    lease_ms = int(SMALL.tiers.lease_s * 1_000)
    assert tried(ask(catalogue, table)).tolist() == [5] * 6
    assert tried(ask(catalogue, table, NOW_MS + lease_ms // 2)).sum() == 0
    assert tried(ask(catalogue, table, NOW_MS + 2 * lease_ms)).tolist() == [5] * 6


def test_a_request_with_a_wrong_clock_binds_nothing_for_long():
    lent, rows, names = Lent(), np.array([3]), np.array([7], np.uint64)
    lent.lend(rows, names, NOW_MS + limits.DAY_MS, 600.0)
    assert lent.waiting(rows, names, NOW_MS, 600.0).tolist() == [0]
    lent.lend(rows, names, NOW_MS, 600.0)
    lent.lend(rows, names, NOW_MS - 600_000, 600.0)
    assert lent.waiting(rows, names, NOW_MS, 600.0).tolist() == [2], "a little late counts with the others"
    assert lent.waiting(rows, np.array([8], np.uint64), NOW_MS, 600.0).tolist() == [0], "the row changed hands"


def test_what_spent_its_budget_or_stopped_or_reached_the_top_is_not_explored():
    catalogue, table = made(40), crowd(30)
    stand(catalogue, np.arange(10), status=HELD)
    stand(catalogue, np.arange(10, 20), tier=TOP)
    stand(catalogue, np.arange(20, 30), counts=[9, 0, 0, 0, 0, 0, 0, 0, 0], start=4)
    stand(catalogue, np.arange(30, 35), status=STOPPED)
    ranked = ask(catalogue, table)
    assert set(np.flatnonzero(tried(ranked)).tolist()) <= set(range(35, 40))
    shown = {row for one in ranked for row in one.rows.tolist()}
    assert not shown & set(range(30, 35))
    assert shown & set(range(30)), "it may still be found"


@pytest.mark.parametrize("count", [40, limits.FULL_RANK + 100])
def test_a_stopped_video_is_not_in_for_you_but_previews_and_other_sources_do_not_care(count):
    catalogue, table = made(count), crowd(1)
    best = rank(catalogue, table, Request(0, NOW_MS, limit=1, pure=True), Model()).rows
    stand(catalogue, best, status=STOPPED)
    row = int(best[0])
    assert row not in rank(catalogue, table, Request(0, NOW_MS, limit=40), Model()).rows
    assert rank(catalogue, table, Request(0, NOW_MS, limit=1, pure=True), Model()).rows.tolist() == [row]
    off = changed(DEFAULT, {"tiers.on": False})
    assert row in rank(catalogue, table, Request(0, NOW_MS, limit=40, tuning=off), Model()).rows
    following = Request(0, NOW_MS, limit=40, source="following", candidates=catalogue.hash[best])
    table.follows[0] = put(table.follows[0], [(FOLLOWS, int(catalogue.creator[row]), 2)])
    assert rank(catalogue, table, following, Model()).rows.tolist() == [row]


@pytest.mark.parametrize("pure", [True, False])
def test_only_what_is_served_is_lent(pure):
    catalogue, table = made(20), crowd(30)
    requests = [Request(row, NOW_MS, pure=pure, seed=row, tuning=SMALL) for row in range(30)]
    found = [one.rows.tolist() for one in rank_many(catalogue, table, requests, Model())]
    assert table.lent.waiting(np.arange(20), catalogue.hash[:20], NOW_MS, 600.0).tolist() == [0] * 20
    assert found == [one.rows.tolist() for one in rank_many(catalogue, table, requests, Model())]


def first(catalogue: Catalogue, table: ViewerTable, seed: int = 0) -> list[int]:
    rows = catalogue.candidates()
    x = np.zeros((len(rows), len(FEATURES)), dtype=np.float32)
    x[:, FEATURES.index("followed")] = np.isin(catalogue.creator[rows], table.follows[0]["name"])
    return rows[to_explore(catalogue, table, Request(0, NOW_MS, seed=seed), rows, x, Model().weights, 5)].tolist()


def test_followers_are_first_and_in_the_lowest_tier_who_speaks_the_language():
    catalogue, table = made(60), crowd(1)
    for row in range(50):
        change(catalogue, row, lang="de")
    table.lang[0] = hash64("en")
    assert set(first(catalogue, table)[:10]) == set(range(50, 60))
    table.follows[0] = put(table.follows[0], [(FOLLOWS, int(catalogue.creator[7]), 2)])
    followed = np.flatnonzero(catalogue.creator[:60] == catalogue.creator[7]).tolist()
    assert set(first(catalogue, table)[: len(followed)]) == set(followed)
    stand(catalogue, np.arange(60), tier=1, counts=[1] + [0] * 8)
    found = first(catalogue, table, seed=3)
    assert set(found[: len(followed)]) == set(followed)
    assert len(set(found) & set(range(50))) > limits.TRIED // 2, "a higher tier reaches wider"


def test_half_of_the_first_places_go_to_what_nobody_has_met():
    catalogue, table = made(30), crowd(1)
    stand(catalogue, np.arange(10), counts=[2] + [0] * 8)
    stand(catalogue, np.arange(10, 20), counts=[9] + [0] * 8, tier=1)
    kinds = [first(catalogue, table, seed)[0] // 10 for seed in range(400)]
    assert [kinds.count(kind) for kind in (0, 1, 2)] == [100, 100, 200]


def test_a_large_catalogue_looks_at_the_latest_open_uploads_and_at_the_closest_of_each_kind(monkeypatch):
    monkeypatch.setattr(limits, "EXPLORED", 50)
    catalogue, table = made(200), crowd(1)
    for row in range(150, 200):
        change(catalogue, row, created_ms=NOW_MS)
    assert catalogue.opened().tolist() == list(range(150, 200))
    held = still_open(catalogue, table, Request(0, NOW_MS))
    scores = np.zeros(catalogue.high, dtype=np.float32)
    scores[160:176] = 1.0
    assert sorted(closest(catalogue, table, 0, held, scores).tolist()) == list(range(160, 160 + limits.TRIED))
    stand(catalogue, [160], status=HELD)
    assert 160 not in catalogue.opened()


def test_an_upload_without_any_numbers_is_found_among_very_many():
    catalogue, table = made(limits.FULL_RANK + 500), crowd(1)
    stand(catalogue, np.arange(catalogue.high), status=HELD)
    stand(catalogue, [77], status=OPEN, sums=0.0)
    disliked = Model(Model().weights * 0.0 + np.array([name == "positive_24h" for name in FEATURES]))
    found = rank(catalogue, table, Request(0, NOW_MS, limit=10), disliked)
    assert 77 in found.rows
    assert found.sources[found.rows.tolist().index(77)] == "fresh"
