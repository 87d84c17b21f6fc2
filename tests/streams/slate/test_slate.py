"""The slate: best first, no two neighbours alike, so many of a kind at most, some places for pools, nothing random."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import limits
from streams.control.tuning import Slate
from streams.slate.slate import CREATOR, NOTHING, PROMOTED, SOUND, TAG, TEMPLATE, Pool, best, slate, spread

KINDS = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2), st.integers(0, 3))
MARKS = st.lists(KINDS, max_size=40).map(lambda rows: np.array(rows, dtype=np.uint32).reshape(-1, 4))
CAPS = {CREATOR: 2, SOUND: 3, TAG: 4}
TIGHT = Slate(creator_cap=2, sound_cap=3, tag_cap=4)


def before(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.uint32).reshape(-1, 5)


def creators(*names: int) -> np.ndarray:
    return np.array([[name, 0, 0, 0] for name in names], dtype=np.uint32).reshape(-1, 4)


def alike(one: list[int], other: list[int]) -> bool:
    """Whether two items have what no two neighbours may have in common."""
    return any(one[kind] == other[kind] != 0 for kind in (CREATOR, SOUND, TEMPLATE))


@settings(max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 70))
def test_the_best_are_those_a_full_sort_finds_and_ties_go_by_name(scores, count):
    names = np.random.default_rng(len(scores)).permutation(len(scores)).astype(np.uint64)
    wanted = sorted(range(len(scores)), key=lambda at: (-scores[at], names[at]))[:count]
    assert best(np.array(scores, dtype=np.float64), names, count).tolist() == wanted


@settings(max_examples=100)
@given(MARKS, KINDS, st.integers(1, 50))
def test_no_two_neighbours_are_alike_and_none_comes_twice(marks, last, limit):
    chosen, _, eased = slate(np.arange(len(marks)), marks, limit, lately=before([*last, 0]))
    shown = [list(last), *marks[chosen].tolist()]
    assert not any(alike(one, other) for one, other in itertools.pairwise(shown))
    assert len(set(chosen.tolist())) == len(chosen) <= limit
    left = [marks[at].tolist() for at in range(len(marks)) if at not in set(chosen.tolist())]
    assert len(chosen) == limit or all(alike(own, shown[-1]) for own in left), "it ends where all are alike"
    assert eased == (len(chosen) < limit)


@settings(max_examples=100)
@given(MARKS, st.lists(KINDS, max_size=60), st.integers(1, 50))
def test_caps_hold_over_the_window_across_batches_while_anything_else_is_left(marks, earlier, limit):
    lately = before(*([*own, 0] for own in earlier))
    chosen, *_ = slate(np.arange(len(marks)), marks, limit, lately=lately, caps=TIGHT)
    shown = [*map(list, earlier), *marks[chosen].tolist()]

    def over(own: list[int], at: int) -> bool:
        """Whether an item would be one too many at a place."""
        window = shown[max(0, at - limits.LATELY + 1) : at]
        return any(own[kind] and Counter(one[kind] for one in window)[own[kind]] >= cap for kind, cap in CAPS.items())

    for at in range(len(earlier), len(shown)):
        if over(shown[at], at):
            rest = [
                marks[place].tolist() for place in set(range(len(marks))) - set(chosen[: at - len(earlier)].tolist())
            ]
            assert all(over(own, at) or alike(own, shown[at - 1]) for own in rest), "nothing else was left"


def test_a_cap_yields_before_the_list_runs_dry():
    marks = np.array([[name, 0, 0, 9] for name in range(1, 11)], dtype=np.uint32)
    found = slate(np.arange(10), marks, 10, caps=TIGHT)
    assert (len(found.places), found.eased) == (10, True)


def test_who_asks_for_a_few_gets_them_side_by_side():
    marks = creators(7, 7, 8)
    assert slate(np.arange(2), marks[:2], 3).places.tolist() == [0]
    assert slate(np.arange(3), marks, 3, strict=False).places.tolist() == [0, 2, 1]
    assert slate(np.arange(2), marks[:2], 3, strict=False).places.tolist() == [0, 1]


def test_where_creators_differ_the_order_is_the_scores():
    assert slate(np.array([3, 1, 2, 0]), creators(1, 2, 3, 4), 3).places.tolist() == [3, 1, 2]


def test_open_places_go_to_the_first_pool_that_has_something_fitting_and_the_other_gets_the_next():
    marks = creators(*range(1, 101))
    slots = [at in {0, 7, 23} for at in range(30)]
    pools = [Pool("fresh", np.arange(90, 92), slots), Pool("other", np.arange(92, 100), slots)]
    chosen, came, _ = slate(np.arange(90), marks, 30, pools)
    assert {at: name for at, name in enumerate(came) if name} == {
        0: "fresh", 1: "other", 7: "fresh", 8: "other", 23: "other",
    }  # fmt: skip
    assert chosen[[0, 1, 7, 8, 23]].tolist() == [90, 92, 91, 93, 94]


def test_an_empty_pool_leaves_its_places_to_the_scores():
    found = slate(np.arange(20), creators(*range(1, 21)), 20, [Pool("fresh", np.empty(0, np.int64), [True] * 20)])
    assert (found.places.tolist(), found.pools) == ([*range(20)], [""] * 20)


def test_no_two_promoted_ones_are_neighbours_across_batches_too():
    pool = Pool("promoted", np.arange(20, 40), [True] * 20)
    came = slate(np.arange(20), creators(*range(1, 41)), 20, [pool], before([0, 0, 0, 0, 1])).pools
    assert came == ["", "promoted"] * 10
    assert slate(np.arange(20), creators(*range(1, 41)), 20, [pool], NOTHING).pools[0] == "promoted"
    assert before([0, 0, 0, 0, 1])[0, PROMOTED] == 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 1.0])
def test_a_share_of_places_is_spread_evenly(share):
    slots = spread(share, 200, 1_234)
    assert abs(sum(slots) - 200 * share) <= 1
    apart = np.diff(np.flatnonzero(slots))
    assert not len(apart) or apart.max() - apart.min() <= 1
