"""Bubble control and pace: what lies beyond the interests, what tires, how exposure is shared, and who is bored."""

from __future__ import annotations

import random

import msgspec
import numpy as np
import pytest

from streams import limits
from streams.arrays.hashing import hash64
from streams.control.tuning import DEFAULT, Slate, changed
from streams.ranking.ranking import Model, Request, rank
from streams.slate.beyond import beyond, beyond_share
from streams.slate.fairness import exposure, fairness
from streams.slate.fatigue import fatigue
from streams.slate.slate import TAG
from streams.viewer.pace import note_pace, run_of, skips
from streams.viewer.viewers import _ROWS, ViewerTable
from tests.streams.ranking.test_ranking import NOW_MS, change, made
from tests.streams.states_of_viewers import Users, fold, made_event


@pytest.fixture
def viewers() -> ViewerTable:
    """Ann has met much of t0 and t1 and likes t0; Bob is not known."""
    table = ViewerTable()
    table.rows(["ann", "bob"])
    table.tags[0, :2] = [hash64("t0"), hash64("t1")]
    table.tag_w[0, :2, 0], table.tag_w[0, :2, 2] = [5.0, -2.0], 20.0
    return table


def tags_of(catalogue, rows):
    return [catalogue.videos[row].tags[0] for row in rows]


def far(catalogue, viewers, **more):
    request = Request(0, NOW_MS, **more)
    rows = catalogue.candidates()
    return beyond(viewers, request, rows, catalogue.marks[rows], catalogue.hash[rows])


# --- beyond the interests ---------------------------------------------------------------------------------------------


def test_what_lies_beyond_is_one_of_each_tag_that_is_neither_known_nor_picked(viewers):
    catalogue = made(100)
    viewers.picked[0, 0] = hash64("t5")
    wanted = ["t2", "t3", "t4", "t6", "t7", "t8", "t9"]
    found = tags_of(catalogue, far(catalogue, viewers))
    assert (sorted(found[:7]), sorted(found[7:])) == (wanted, wanted)


def test_a_tag_that_begins_to_be_liked_comes_first_until_it_is_known_well(viewers):
    catalogue = made(100)
    viewers.tags[0, 2], viewers.tag_w[0, 2, 0], viewers.tag_w[0, 2, 2] = hash64("t7"), 0.8, 1.0
    for seed in range(5):
        assert tags_of(catalogue, far(catalogue, viewers, seed=seed))[0] == "t7"
    viewers.tag_w[0, 2, 2] = 9.0
    assert "t7" not in tags_of(catalogue, far(catalogue, viewers))


def test_a_tag_that_was_offered_lately_waits_while_there_are_others(viewers):
    catalogue = made(100)
    lately = np.zeros((2, 5), dtype=np.uint32)
    lately[:, TAG] = [hash64(name) & 0xFFFFFFFF for name in ("t3", "t4")]
    assert not {"t3", "t4"} & set(tags_of(catalogue, far(catalogue, viewers, lately=lately)))


@pytest.mark.parametrize("count", [300, limits.FULL_RANK + 700])
def test_one_place_in_ten_goes_beyond_and_says_so(count, viewers):
    catalogue = made(count)
    ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=40), Model())
    places = [at for at, source in enumerate(ranked.sources) if source == "beyond"]
    assert 3 <= len(places) <= 4, "one may have come by its score before"
    assert all(ranked.reasons[at][0] == "beyond" for at in places)
    assert not {"t0", "t1"} & set(tags_of(catalogue, ranked.rows[places]))
    off = changed(DEFAULT, {"slate.beyond": 0.0})
    assert "beyond" not in rank(catalogue, viewers, Request(0, NOW_MS, limit=40, tuning=off), Model()).sources


def test_of_whom_nothing_is_known_or_may_be_read_nothing_lies_beyond(viewers):
    catalogue = made(300)
    viewers.personalize[0] = False
    for viewer in (0, 1):
        ranked = rank(catalogue, viewers, Request(viewer, NOW_MS, limit=40), Model())
        assert "beyond" not in ranked.sources


# --- pace -------------------------------------------------------------------------------------------------------------


def told(viewers, *showings):
    """Showings of ann as (ms, held) in one batch; the rows of who became bored."""
    count = len(showings)
    ms, held = np.array([ms for ms, _ in showings]), np.array([1.0 if held else -0.5 for _, held in showings])
    return note_pace(viewers, np.zeros(count, np.int64), np.full(count, 2**62), ms, held.astype(np.float32)).tolist()


def test_showings_passed_over_in_a_row_are_counted_in_any_order_and_batching():
    showings = [(1_000 * at, at in {2, 3, 9}) for at in range(1, 14)]
    wanted = None
    for seed in range(6):
        rng, table = random.Random(seed), ViewerTable()
        table.rows(["ann"])
        left = rng.sample(showings, len(showings)) + rng.sample(showings, 4)
        while left:
            size = rng.randint(1, 4)
            told(table, *left[:size])
            left = left[size:]
        assert run_of(table, 0, 14_000) == skips(table.swipes[:1])[0] == 4
        wanted = table.swipes[0].tolist() if wanted is None else wanted
        assert table.swipes[0].tolist() == wanted
    assert len(wanted) == limits.PACE, "older ones fall out"


def test_who_passes_over_the_fifth_in_a_row_has_become_bored_and_is_told_once(viewers):
    assert told(viewers, (1_000, True), *((1_000 * at, False) for at in range(2, 6))) == []
    assert told(viewers, (6_000, False)) == [0]
    assert told(viewers, (7_000, False)) == []
    assert told(viewers, (8_000, True)) == []
    assert run_of(viewers, 0, 8_000) == 0


def test_a_showing_that_holds_the_viewer_after_all_and_one_met_earlier_than_thought_count_once(viewers):
    told(viewers, (1_000, False), (2_000, False))
    told(viewers, (2_000, True))
    assert viewers.swipes[0, :2].tolist() == [4_001, 2_000]
    note_pace(viewers, np.array([0]), np.array([1_000]), np.array([900]), np.array([-0.5], np.float32))
    assert viewers.swipes[0, :3].tolist() == [4_001, 1_800, 0]


def test_another_session_is_another_run(viewers):
    told(viewers, *((1_000 * at, False) for at in range(1, 6)))
    assert run_of(viewers, 0, 1_800_000 + 4_000) == 2
    told(viewers, (10_000_000, False))
    assert skips(viewers.swipes[:1])[0] == 1


@pytest.mark.parametrize(("run", "share"), [(0, 0.1), (1, 0.1), (3, 0.3), (5, 0.5), (8, 0.5)])
def test_each_skip_gives_more_places_to_something_else(run, share, viewers):
    told(viewers, *((NOW_MS + at, False) for at in range(1, run + 1)))
    assert beyond_share(viewers, Request(0, NOW_MS + 100)) == pytest.approx(share)


def test_skips_and_long_views_as_events_make_the_pace():
    users = Users()
    fold(users, [made_event("watch", "u", "v0", 1_000, watch_ms=40_000, duration_ms=0, impression_id="i")])
    for at in range(1, 5):
        fold(users, [made_event("skip", "u", f"v{at}", 1_000 + at, watch_ms=300, impression_id=f"i{at}")])
    assert run_of(users.shard.viewers, 0, 2_000) == 4


def test_a_row_of_the_format_before_has_no_pace_and_all_else(viewers):
    told(viewers, (1_000, True))
    (new,) = viewers.encode(np.array([0]))
    now, old = np.frombuffer(new, _ROWS[3], 1, 1), np.zeros(1, _ROWS[2])
    for name in old.dtype.names:
        old[name] = now[name]
    back = ViewerTable()
    back.decode(["ann", "eve"], [bytes([2]) + old.tobytes() + new[1 + _ROWS[3].itemsize :], new])
    assert back.swipes[0].tolist() == [0] * limits.PACE
    assert back.swipes[1].tolist() == viewers.swipes[0].tolist()
    for row in (0, 1):
        assert back.tags[row].tolist() == viewers.tags[0].tolist()
        assert (back.tag_w[row] == viewers.tag_w[0]).all()


# --- fatigue ----------------------------------------------------------------------------------------------------------


def shown(catalogue, *tags):
    lately = np.zeros((len(tags), 5), dtype=np.uint32)
    lately[:, TAG] = [hash64(tag) & 0xFFFFFFFF for tag in tags]
    return lately


def tired(catalogue, viewers, lately, viewer=1, **more):
    found = fatigue(viewers, Request(viewer, NOW_MS, lately=lately, **more), catalogue.marks[catalogue.candidates()])
    return {} if found is None else dict(zip(tags_of(catalogue, catalogue.candidates()), found.tolist(), strict=True))


def test_what_was_shown_often_lately_tires_up_to_the_bound_and_what_holds_the_viewer_does_not(viewers):
    catalogue = made(50)
    viewers.last_ms[:2] = viewers.at_ms[:2] = NOW_MS
    often = tired(catalogue, viewers, shown(catalogue, *["t3"] * 30, "t4"))
    assert often["t3"] == pytest.approx(DEFAULT.slate.fatigue)
    assert 0 < often["t4"] < 0.2 * often["t3"]
    assert often["t5"] == 0.0
    viewers.tags[1, 0], viewers.tag_w[1, 0, 1] = hash64("t3"), 0.5
    assert tired(catalogue, viewers, shown(catalogue, *["t3"] * 30, "t4"))["t3"] == 0.0


def test_fatigue_fades_with_what_is_shown_since_and_while_the_viewer_is_away(viewers):
    catalogue = made(50)
    viewers.last_ms[:2] = NOW_MS
    some = ["t3"] * 4
    last, first = (
        tired(catalogue, viewers, shown(catalogue, *tags)) for tags in (["t5"] * 40 + some, some + ["t5"] * 40)
    )
    assert 0 < first["t3"] < last["t3"] / 2
    viewers.last_ms[:2] = NOW_MS - 6 * 3_600_000
    assert tired(catalogue, viewers, shown(catalogue, *["t5"] * 40, *some))["t3"] == pytest.approx(
        last["t3"] / 2, rel=1e-3
    )


def test_what_is_not_seen_yet_tires_nobody(viewers):
    catalogue = made(50)
    assert tired(catalogue, viewers, shown(catalogue, *["t3"] * 30), unseen=30) == {}


def test_who_is_not_known_to_us_by_own_wish_does_not_tire(viewers):
    catalogue = made(50)
    viewers.personalize[1] = False
    assert tired(catalogue, viewers, shown(catalogue, *["t3"] * 30)) == {}


# --- creators' shares -------------------------------------------------------------------------------------------------


def crowded():
    """A catalogue in which one creator of ten has nearly all of the exposure."""
    catalogue = made(100)
    rows = catalogue.candidates()
    catalogue.sums[rows, 0, -1] = np.where(catalogue.creator[rows] == np.uint64(hash64("c3")), 5_000.0, 10.0)
    catalogue.sums_ms[rows] = NOW_MS
    return catalogue


def test_exposure_beyond_the_target_is_worked_against_within_bounds():
    catalogue = crowded()
    shared = exposure(catalogue, NOW_MS)
    assert (shared.gini > 0.85, shared.top > 0.9) == (True, True)
    moved = fairness(catalogue, catalogue.candidates(), NOW_MS, Slate(creator_gini=0.3))
    own = catalogue.creator[catalogue.candidates()] == np.uint64(hash64("c3"))
    assert moved is not None
    assert (moved[own] == -1.0).all()
    assert (moved[~own] > 0.0).all()
    assert (moved <= 1.0).all()


def test_up_to_the_target_nothing_is_done_and_beyond_it_as_much_as_it_is_missed():
    catalogue = crowded()
    rows, shared = catalogue.candidates(), exposure(catalogue, NOW_MS)
    assert fairness(catalogue, rows, NOW_MS, Slate(creator_gini=1.0)) is None
    assert fairness(catalogue, rows, NOW_MS, Slate(creator_gini=shared.gini + 0.01)) is None
    some, more = (fairness(catalogue, rows, NOW_MS, Slate(creator_gini=shared.gini - by)) for by in (0.02, 0.04))
    small = np.abs(more) < 1.0
    assert np.allclose(2 * some[small], more[small])


def test_a_creator_who_came_since_is_not_held_back():
    catalogue = crowded()
    exposure(catalogue, NOW_MS)
    change(catalogue, 3, creator_id="new")
    moved = fairness(catalogue, np.array([3]), NOW_MS, Slate(creator_gini=0.3))
    assert moved is not None
    assert moved.tolist() == [0.0]


def test_a_preview_is_not_adjusted(viewers):
    catalogue = crowded()
    viewers.last_ms[:2] = NOW_MS
    lately = shown(catalogue, *["t3"] * 30)
    plain = rank(catalogue, viewers, Request(1, NOW_MS, limit=100, pure=True), Model())
    tuning = changed(DEFAULT, {"slate.creator_gini": 0.1})
    other = rank(catalogue, viewers, Request(1, NOW_MS, limit=100, pure=True, lately=lately, tuning=tuning), Model())
    assert msgspec.to_builtins(plain.scores.tolist()) == other.scores.tolist()
