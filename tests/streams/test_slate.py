"""The slate: best first, no two neighbours by one creator, a fresh video at one place in ten, nothing random."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.slate import best, slate

NONE = np.empty(0, np.int64)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 70))
def test_the_best_are_those_a_full_sort_finds_and_ties_go_by_name(scores, count):
    names = np.random.default_rng(len(scores)).permutation(len(scores)).astype(np.uint64)
    wanted = sorted(range(len(scores)), key=lambda at: (-scores[at], names[at]))[:count]
    assert best(np.array(scores, dtype=np.float64), names, count).tolist() == wanted


@settings(max_examples=40)
@given(st.lists(st.integers(1, 4), max_size=40), st.integers(0, 4), st.integers(1, 50))
def test_no_two_neighbours_are_by_one_creator_and_none_comes_twice(creators, last, limit):
    order = np.arange(len(creators))
    chosen, explored = slate(order, np.array(creators, dtype=np.uint64), NONE, limit, last, [False] * limit)
    makers = [last, *(creators[at] for at in chosen.tolist())]
    assert all(a != b for a, b in itertools.pairwise(makers))
    assert len(set(chosen.tolist())) == len(chosen) == len(explored) <= limit
    left = [creators[at] for at in order.tolist() if at not in set(chosen.tolist())]
    assert len(chosen) == limit or all(maker == makers[-1] for maker in left), "it ends only where creators run out"


def test_where_creators_differ_the_order_is_the_scores():
    assert slate(np.array([3, 1, 2, 0]), np.arange(1, 5, dtype=np.uint64), NONE, 3, 0, [False] * 3)[0].tolist() == [
        3,
        1,
        2,
    ]


def test_the_places_that_explore_go_to_fresh_videos():
    creators, fresh = np.arange(1, 101, dtype=np.uint64), np.arange(90, 100)
    explore = [at in {0, 7, 23} for at in range(30)]
    chosen, explored = slate(np.arange(90), creators, fresh, 30, 0, explore)
    assert explored == explore
    assert chosen[[0, 7, 23]].tolist() == [90, 91, 92]


def test_where_nothing_is_fresh_nothing_explores():
    assert not any(slate(np.arange(20), np.arange(1, 21, dtype=np.uint64), NONE, 20, 0, [True] * 20)[1])
