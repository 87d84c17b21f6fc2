"""Chance: draws happen as often as they say, bend to no rule, and cost a preview nothing."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from streams.arrays.hashing import hash64
from streams.control.rules import NO_RULES
from streams.control.tuning import DEFAULT, Explore, changed
from streams.ranking.ranking import Model, Request, rank
from streams.slate.chance import Drawn, draws, matched, placed
from streams.viewer.viewers import ViewerTable
from tests.streams.ranking.test_ranking import NOW_MS, change, made

RNG = np.random.default_rng(5)
COUNT = 24
NAMES = RNG.integers(1, 2**63, COUNT).astype(np.uint64)
SCORES, MET = RNG.normal(size=COUNT), RNG.exponential(1.0, COUNT)


def drawn(tuning: Explore, seeds: int, limit: int = 10) -> list[Drawn]:
    return [draws(SCORES, MET, NAMES, limit, seed, tuning) for seed in range(seeds)]


def test_every_candidate_is_drawn_as_often_as_its_odds_say():
    found = drawn(Explore(uniform=0.1, promise=0.0), 20_000)
    counts = Counter(place for one in found for place in one.places)
    expected = np.full(COUNT, len(found) / COUNT)
    assert {odds for one in found for odds in one.odds} == {1 / COUNT}
    assert chi_square(counts, expected) < 45  # 23 degrees of freedom: p = 0.004


def test_a_draw_by_promise_is_as_often_the_best_as_its_odds_say():
    found = drawn(Explore(uniform=0.0, promise=0.1), 20_000)
    odds = matched(SCORES, 1.0 / np.sqrt(1.0 + MET))
    counts = Counter(one.places[0] for one in found)
    assert all(one.odds[0] == pytest.approx(odds[one.places[0]]) for one in found)
    assert chi_square(counts, len(found) * odds) < 45
    posterior = SCORES + RNG.logistic(size=(50_000, COUNT)) * np.sqrt(3) / np.pi / np.sqrt(1.0 + MET)
    often = np.bincount(posterior.argmax(axis=1), minlength=COUNT) / 50_000
    np.testing.assert_allclose(odds, often, atol=0.01)


def test_weighing_by_the_odds_gives_back_the_mean_over_all_candidates():
    rewards = np.where(SCORES > 0, 1.0, 0.2)
    found = drawn(Explore(uniform=0.0, promise=0.1), 30_000)
    earned = np.array([rewards[one.places[0]] for one in found])
    odds = np.array([one.odds[0] for one in found])
    weighed = earned / odds / COUNT
    error = weighed.std() / np.sqrt(len(weighed))
    assert abs(weighed.mean() - rewards.mean()) < 3 * error < 0.1
    assert earned.mean() > rewards.mean() + 0.2, "without weights it would be far off"


def test_as_many_places_explore_as_declared_on_average():
    found = drawn(Explore(uniform=0.03, promise=0.14), 4_000)
    kinds = Counter(kind for one in found for kind in one.sources)
    assert kinds["chance"] / 40_000 == pytest.approx(0.03, abs=0.003)
    assert kinds["promise"] / 40_000 == pytest.approx(0.14, abs=0.005)
    assert all(len(set(one.places)) == len(one.places) for one in found), "none is drawn twice"


def test_less_known_videos_are_drawn_more_often_at_equal_scores():
    odds = matched(np.zeros(3), 1.0 / np.sqrt(1.0 + np.array([0.0, 3.0, 99.0])))
    assert odds[0] == pytest.approx(odds.max())
    assert (np.diff(matched(np.array([1.0, 0.0, 0.0]), np.array([0.1, 0.5, 2.0]))[1:]) > 0).all()


def test_all_places_may_be_drawn_and_a_small_catalogue_is_drawn_whole():
    one = draws(SCORES, MET, NAMES, 50, 3, Explore(uniform=1.0))
    assert sorted(one.places) == list(range(COUNT))
    assert draws(SCORES[:0], MET[:0], NAMES[:0], 50, 3, Explore(uniform=1.0, promise=1.0)).places == []
    both = draws(SCORES, MET, NAMES, 20, 3, Explore(uniform=0.5, promise=1.0))
    assert len(set(both.places)) == len(both.places) == 20


def test_what_is_drawn_stands_beside_nothing_by_its_creator_and_displaces_the_last():
    makers = np.array([[1], [2], [1], [2], [1], [2], [1], [3]])
    for seed in range(50):
        shown = placed([0, 1, 2, 3], Drawn([7, 6], [0.1, 0.1], ["chance"] * 2), makers, 4, [2], seed)
        assert len(shown) == 4
        assert 7 in shown
        assert all(a != b for a, b in itertools.pairwise([2, *makers[shown, 0].tolist()]))
    assert placed([0], Drawn([6], [0.1], ["chance"]), makers, 1, [1], 0) == [], "neither fits after its own creator"
    assert placed([1], Drawn([6], [0.1], ["chance"]), makers, 1, [1], 0) == [1], "what was ranked takes its place"


def test_what_is_first_stays_first():
    kinds = np.arange(1, 9)[:, None]
    for seed in range(30):
        shown = placed([0, 1, 2, 3], Drawn([6, 7], [0.1, 0.1], ["chance"] * 2), kinds, 4, [0], seed, first=2)
        assert shown[:2] == [0, 1]
        assert {6, 7} == set(shown[2:])
    assert placed([0, 1], Drawn([6, 7], [0.1, 0.1], ["chance"] * 2), kinds, 2, [0], 1, first=2) == [0, 1]


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["ann"])
    return table


def test_a_slate_says_what_was_drawn_by_what_odds_and_is_otherwise_ranked(viewers):
    catalogue = made(150)
    tuning = changed(DEFAULT, {"explore.uniform": 0.1, "explore.promise": 0.1})
    request = Request(0, NOW_MS, limit=20, seed=11, tuning=tuning)
    ranked = rank(catalogue, viewers, request, Model())
    kinds = Counter(ranked.sources)
    assert (len(ranked.rows), len(set(ranked.rows.tolist()))) == (20, 20)
    assert kinds["chance"] == kinds["promise"] == 2
    assert {ranked.sources[at] for at in ranked.odds} == {"chance", "promise"}
    assert all(ranked.odds[at] == 1 / 150 for at, source in enumerate(ranked.sources) if source == "chance")
    assert all(ranked.reasons[at][0] == ranked.sources[at] for at in ranked.odds)
    assert ranked.rows.tolist() == rank(catalogue, viewers, request, Model()).rows.tolist()
    places = [tuple(rank(catalogue, viewers, request._replace(seed=seed), Model()).odds) for seed in range(9)]
    assert len(set(places)) > 3, "where they stand is drawn too"


def test_what_is_pinned_stands_first_however_much_is_drawn(viewers):
    catalogue = made(60)
    tuning = changed(DEFAULT, {"explore.uniform": 1.0})
    rules = NO_RULES.put("one", {"do": "pin", "video": "v7"})
    for seed in range(9):
        ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=10, seed=seed, tuning=tuning, rules=rules), Model())
        assert (ranked.rows[0], ranked.sources[0]) == (7, "pinned")
        assert len(set(ranked.rows.tolist())) == 10
        assert ranked.sources.count("chance") >= 7


def test_chance_brings_nothing_in_a_language_that_a_new_viewer_is_to_see_little_of(viewers):
    catalogue = made(60)
    for row in range(30):
        change(catalogue, row, lang="ja")
    for row in range(30, 60):
        change(catalogue, row, lang="en")
    viewers.lang[0] = hash64("en")
    tuning = changed(DEFAULT, {"explore.uniform": 0.5, "persona.foreign": 0.0})
    for seed in range(9):
        ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=10, seed=seed, tuning=tuning), Model())
        assert ranked.rows.min() >= 30
        assert set(ranked.odds.values()) <= {1 / 60}


def test_only_a_plain_feed_explores(viewers):
    catalogue = made(150)
    tuning = changed(DEFAULT, {"explore.uniform": 0.5})
    request = Request(0, NOW_MS, limit=20, seed=11, tuning=tuning)
    assert rank(catalogue, viewers, request, Model()).odds
    for other in (
        {"pure": True},
        {"candidates": catalogue.hash[:40]},
        {"like": int(catalogue.hash[0])},
        {"query": "cats"},
    ):
        assert not rank(catalogue, viewers, request._replace(**other), Model()).odds


def chi_square(counts: Counter[int], expected: np.ndarray) -> float:
    often = expected >= 5
    seen = np.array([counts[at] for at in range(len(expected))])
    return float(((seen - expected) ** 2 / expected)[often].sum())
