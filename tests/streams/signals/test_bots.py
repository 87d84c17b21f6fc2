"""Bots: whom nobody vouches for moves no ranking, whatever is counted; what was put in is what is taken out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.scenarios.bots import an_attack_moves_little
from schemas.topics import COUNTS
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.control.steering import Steering
from streams.control.tuning import DEFAULT, changed
from streams.shards.video_shard import FORMAT, VideoShard, decode_state
from streams.signals.doubt import ALL, BARRED, DOUBTED, EXCUSED, TRUSTED, odds_of, vouched
from streams.video.catalogue import Catalogue
from streams.video.videos import BEFORE, NUMBERS, POSITIVE
from streams.viewer.viewers import ViewerTable
from tests.streams.states import video
from tests.streams.states_of_viewers import Users, fold, known, made_event

MINUTE_MS = 60_000
HOW = DEFAULT.bots


@pytest.fixture(autouse=True)
def trusting_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubt is rare in the catalogue that all viewers here share."""
    monkeypatch.setattr(known(), "odds", 0.1)


def judged(users: Users, user: str, name: str) -> int:
    """How the outcome of a viewer with a video was judged."""
    viewer, held = users.shard.viewers.row_of[user], users.shard.outcomes
    rows = np.array(list(held.row_of.values()))
    mine = rows[(held.viewer[rows] == viewer) & (held.video[rows].view(np.uint64) == np.uint64(hash64(name)))]
    return int(held.doubt[mine[0]])


def meet(users: Users, user: str, count: int, ts_ms: int = 1_000, every_ms: int = 10_000, prefix: str = "x") -> None:
    fold(users, [made_event("impression", user, f"{prefix}{at}", ts_ms + at * every_ms) for at in range(count)])


def sums(users: Users, name: str, kind: str = "sums") -> float:
    """Positives of a video over three days."""
    row = users.videos.row_of.get(name)
    return 0.0 if row is None else float(getattr(users.videos.table, kind)[row, POSITIVE, -1])


def likes(users: Users, name: str) -> int:
    return int(users.videos.table.counts[users.videos.row_of[name], COUNTS.index("likes")])


def test_who_has_met_some_videos_is_trusted_and_who_has_not_is_doubted():
    users = Users()
    meet(users, "old", HOW.history)
    fold(users, [made_event("like", user, "v1", 90_000) for user in ("old", "new")])
    assert [judged(users, user, "v1") for user in ("old", "new")] == [TRUSTED, DOUBTED]
    assert sums(users, "v1") == pytest.approx(1.0)
    assert sums(users, "v1", "doubted") == pytest.approx(1.0)
    assert likes(users, "v1") == 2


def test_a_judgement_stands_so_an_undo_takes_out_what_was_put_in():
    """However much history the viewer has by then."""
    users = Users()
    fold(users, [made_event("like", "new", "v1", 1_000)])
    meet(users, "new", 50)
    assert sums(users, "v1", "doubted") == pytest.approx(1.0)
    fold(users, [made_event("like", "new", "v1", 2_000_000, op="remove")])
    assert judged(users, "new", "v1") == DOUBTED
    assert sums(users, "v1", "doubted") == pytest.approx(0.0, abs=1e-6)
    assert sums(users, "v1") == 0.0
    assert likes(users, "v1") == 0


def test_doubted_likes_pair_with_nothing_and_teach_their_own_viewer_all_the_same():
    users = Users()
    fold(users, [made_event("like", "new", name, 1_000 + at) for at, name in enumerate(("v1", "v2"))])
    table = users.videos.table
    assert not table.near[users.videos.row_of["v1"]].any()
    assert not table.likers[users.videos.row_of["v1"]].any()
    viewers = users.shard.viewers
    row = viewers.row_of["new"]
    assert viewers.mass[row, 0] > 0
    assert viewers.positives[row] == 2
    assert set(viewers.recent[row][:2].tolist()) == set(hash_all(["v1", "v2"]).tolist())


def test_what_was_never_served_is_doubted_where_the_viewer_lives_on_our_feed():
    users = Users()
    users.shard.viewers.rows(["ann"])
    users.shard.viewers.served[0] = hash_all(f"x{at}" for at in range(limits.FED))
    fold(users, [made_event("impression", "ann", "elsewhere", 500)])
    meet(users, "ann", limits.FED)
    assert int(users.shard.viewers.fed[0]) == limits.FED
    fold(users, [made_event("like", "ann", "v1", 200_000)])
    assert [judged(users, "ann", name) for name in ("x0", "v1")] == [TRUSTED, DOUBTED]
    bob = Users()
    meet(bob, "bob", 2 * limits.FED)
    fold(bob, [made_event("like", "bob", "v1", 200_000)])
    assert judged(bob, "bob", "v1") == TRUSTED, "nobody serves him"


@pytest.mark.parametrize(("every_ms", "expected"), [(200, BARRED), (2_000, TRUSTED)])
def test_more_videos_a_minute_than_anybody_can_meet_bar_a_viewer_for_a_day(every_ms, expected):
    users = Users()
    for step in range(6):
        meet(users, "bot", 100, 1_000 + step * 100 * every_ms, every_ms, f"x{step}.")
    after_ms = 1_000 + 600 * every_ms
    fold(users, [made_event("like", "bot", "v1", after_ms + 60_000)])
    assert judged(users, "bot", "v1") == expected
    assert (sums(users, "v1") > 0) == (expected == TRUSTED)
    assert likes(users, "v1") == 1
    fold(users, [made_event("like", "bot", "v2", after_ms + int((HOW.barred_h + 1) * 60) * MINUTE_MS)])
    assert judged(users, "bot", "v2") == TRUSTED


@pytest.mark.parametrize(("ahead", "expected"), [(0.9, TRUSTED), (5.0, BARRED)])
def test_watching_for_longer_than_time_passes_bars_a_viewer(ahead, expected):
    users, minutes = Users(), 20
    watched = [
        made_event("watch", "bot", f"x{at}", at * MINUTE_MS, watch_ms=int(ahead * MINUTE_MS), duration_ms=0)
        for at in range(1, minutes + 1)
    ]
    for one in watched:
        fold(users, [one])
    fold(users, [made_event("like", "bot", "v1", minutes * MINUTE_MS + 1)])
    assert judged(users, "bot", "v1") == expected


def test_topics_read_one_after_the_other_bar_nobody():
    """A backlog comes topic by topic: impressions of a day, then its watches."""
    users, count = Users(), 300
    meet(users, "ann", count, every_ms=MINUTE_MS)
    watch = [
        made_event("watch", "ann", f"x{at}", 1_000 + at * MINUTE_MS, watch_ms=50_000, duration_ms=60_000)
        for at in range(count)
    ]
    for low in range(0, count, 100):
        fold(users, watch[low : low + 100])
    assert users.shard.viewers.odd_ms[0] == 0


def test_where_most_is_doubtful_newcomers_are_excused_for_good(monkeypatch):
    monkeypatch.setattr(known(), "odds", ALL)
    users = Users()
    fold(users, [made_event("like", "new", name, 1_000 + at) for at, name in enumerate(("v1", "v2"))])
    monkeypatch.setattr(known(), "odds", 0.1)
    assert judged(users, "new", "v1") == EXCUSED
    assert sums(users, "v1", "doubted") == pytest.approx(1.0)
    row = users.videos.row_of["v1"]
    assert users.videos.table.near[row].any()
    assert users.videos.table.near_mass[row, 0] == pytest.approx(1.0)
    fold(users, [made_event("like", "new", "v1", 2_000, op="remove")])
    assert sums(users, "v1", "doubted") == pytest.approx(0.0, abs=1e-6)
    assert users.videos.table.near_mass[row, 0] == pytest.approx(0.0, abs=1e-6)


def test_switched_off_nobody_is_judged():
    users = Users()
    users.shard._steering = Steering(changed(DEFAULT, {"bots.on": False}))
    fold(users, [made_event("like", "new", "v1", 1_000)])
    assert judged(users, "new", "v1") == TRUSTED


def test_a_crowd_multiplies_what_a_video_has_by_a_bounded_factor():
    trusted = np.array([0.0, 1.0, 7.5])
    for odds in (limits.DOUBTED_ODDS, 0.4, 1.0):
        counted = vouched(trusted, np.full(3, 10_000.0), odds)
        assert counted.tolist() == (trusted * (1 + limits.DOUBTED_TIMES * odds)).tolist()
    rare = trusted * (1 + limits.DOUBTED_TIMES * limits.DOUBTED_ODDS)
    assert vouched(trusted, np.full(3, 10_000.0), 0.0).tolist() == rare.tolist(), "some are usual anywhere"
    assert vouched(trusted, np.full(3, 0.1), 1.0).tolist() == [0.0, *(trusted[1:] + 0.1)], "what is usual counts"


def test_where_most_is_doubtful_doubt_says_nothing():
    below, beyond = limits.DOUBTED_SHARE - 0.01, limits.DOUBTED_SHARE + 0.01
    assert odds_of(np.full(9, below, np.float32)) < 1.0
    assert odds_of(np.full(9, beyond, np.float32)) == ALL
    assert odds_of(np.array([1.0] * 4 + [0.0] * 5, np.float32)) == 0.0, "a few videos do not move the middle"


def test_the_catalogue_holds_what_counts_and_the_shard_both_apart():
    users = Users()
    for at in range(9):
        meet(users, f"old{at}", HOW.history)
        meet(users, f"old{at}", 3, 50_000, prefix="y")
    fold(users, [made_event("like", f"old{at}", "v1", 90_000) for at in range(9)])
    fold(users, [made_event("like", f"bot{at}", "v1", 90_000) for at in range(200)])
    users.videos.apply_videos([("v1", video("v1"))])
    users.videos.apply_videos([(f"y{at}", video(f"y{at}")) for at in range(3)])
    catalogue = Catalogue()
    catalogue.take_states(users.videos.states())
    assert sums(users, "v1", "doubted") == pytest.approx(200.0)
    row = catalogue.row_of["v1"]
    assert catalogue.doubt[row] == pytest.approx(200 / 209)
    usual = limits.DOUBTED_TIMES * limits.DOUBTED_ODDS
    assert catalogue.sums[row, POSITIVE, -1] == pytest.approx(9.0 * (1 + usual))


def test_accounts_that_act_together_move_their_target_by_less_than_15_percent_of_the_ranking():
    """Five hundred here; ten thousand count as much, since what counts of them is bounded."""
    assert abs(an_attack_moves_little(0, DEFAULT)) < 0.15


def test_rows_of_the_formats_before_are_read():
    shard = VideoShard(0, 10**13, 10)
    shard.apply_videos([("v", video("v"))])
    (state,) = [state for _, state in shard.states()]
    new = shard.encode(0, state)
    numbers = np.zeros(1, dtype=NUMBERS)
    numbers["counts"] = 7
    old = new.replace(state.numbers, numbers.tobytes()[: BEFORE[1]]).replace(
        b"\xc5" + NUMBERS.itemsize.to_bytes(2, "big"), b"\xc5" + BEFORE[1].to_bytes(2, "big")
    )
    old = old.replace(b"\xa6format" + bytes([FORMAT]), b"\xa6format\x01")
    back: Any = np.frombuffer(decode_state(old).numbers, dtype=NUMBERS)[0]
    assert back["counts"].tolist() == [7] * len(COUNTS)
    assert not back["doubted"].any()
    viewers = ViewerTable()
    viewers.rows(["ann"])
    viewers.remember(0, hash_all(["a", "b"]))
    value = viewers.encode(np.array([0]))[0]
    from streams.viewer.viewers import _ROW, _ROWS, met_of  # noqa: PLC0415  # the layout of stored bytes

    before = np.zeros(1, dtype=_ROWS[1])
    for name in _ROWS[1].names or ():
        before[name] = np.frombuffer(value, dtype=_ROW, count=1, offset=1)[name]
    aged = b"\x01" + before.tobytes() + value[1 + _ROW.itemsize :]
    assert met_of(aged).tolist() == hash_all(["a", "b"]).tolist()
    again = ViewerTable()
    again.decode(["ann", "bob"], [aged, value])
    assert again.met[0].tolist() == again.met[1].tolist() == hash_all(["a", "b"]).tolist()
