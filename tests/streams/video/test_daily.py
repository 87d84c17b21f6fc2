"""Views by the day: each in its own day, once, over the latest thirty, whatever comes first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from streams import limits
from streams.shards.changes import PAIR, ROW, Batch
from streams.shards.columns import IMPRESSION, LIKE, WATCH
from streams.shards.video_shard import VideoShard, decode_state
from streams.video.daily import views_since
from tests.streams.states_of_viewers import Users, fold, made_event

DAY = limits.DAY_MS
TODAY = 19_675


def told(*changes: tuple[int, int, int]) -> VideoShard:
    """A shard that heard of one video's changes, (day, kind, n), one after the other."""
    shard = VideoShard(0, 10**13, 100)
    for at, (day, kind, n) in enumerate(changes):
        rows = np.array([(at, 0, day * DAY + 5, kind, n, 0, (0, 0, 0, 0))], dtype=ROW)
        shard.apply(Batch("events.watch", 0, ["v"], rows, np.empty(0, PAIR)))
    return shard


def views(shard: VideoShard, first_day: int = TODAY - limits.VIEW_DAYS + 1) -> int:
    row = shard.row_of["v"]
    shard._touch(np.array([row]))
    return views_since(decode_state(shard.checkpoint().values[0]).views, first_day)


def test_a_view_is_a_watch_and_counts_from_its_day_on():
    shard = told((TODAY - 2, WATCH, 1), (TODAY, WATCH, 1), (TODAY, IMPRESSION, 1), (TODAY, LIKE, 1))
    assert [views(shard, day) for day in (TODAY - 2, TODAY - 1, TODAY, TODAY + 1)] == [2, 1, 1, 0]


def test_views_are_kept_over_so_many_days_and_no_longer_whatever_comes_first():
    days = (TODAY, TODAY - limits.VIEW_DAYS + 1, TODAY - limits.VIEW_DAYS)
    for order in itertools.permutations(days):
        shard = told(*((day, WATCH, 1) for day in order))
        assert views(shard, 0) == 2, order


@pytest.mark.parametrize("gap", [1, limits.VIEW_DAYS - 1, limits.VIEW_DAYS, 3 * limits.VIEW_DAYS + 7])
def test_a_later_day_lets_go_of_what_is_too_old_by_then(gap):
    shard = told((TODAY - gap, WATCH, 1), (TODAY, WATCH, 1))
    assert views(shard, 0) == (2 if gap < limits.VIEW_DAYS else 1)


def test_days_survive_a_restart_and_are_not_broadcast():
    shard = told((TODAY, WATCH, 1))
    value = shard.checkpoint().values[0]
    back = VideoShard(0, 10**13, 100)
    back.load(["v", "unseen"], [value, told((TODAY, LIKE, 1)).checkpoint().values[0]])
    assert (views(back), back.table.views[back.row_of["unseen"]].any()) == (1, False)
    (state,) = shard._encode(np.array([0]))
    assert decode_state(shard.encode(0, state)).views == b""
    assert len(value) - len(shard.encode(0, state)) < 8 + 4 * limits.VIEW_DAYS + 16


def test_a_row_stored_before_there_were_days_has_no_views():
    shard = told((TODAY, WATCH, 1))
    (state,) = shard._encode(np.array([0]))
    back = VideoShard(0, 10**13, 100)
    back.load(["v"], [shard.encode(0, state)])
    assert (views(back), back.table.counts[0].sum()) == (0, 1)


def test_what_is_told_again_or_late_is_one_view_of_its_impression():
    users = Users()
    start = TODAY * DAY
    watched = [
        made_event("watch", "u", "v", start + at, impression_id=name, watch_ms=1_000 + at, duration_ms=9_000)
        for name, at in (("a", 0), ("a", 5), ("b", 9), ("a", DAY + 7), ("a", 0))
    ]
    for one in watched:
        fold(users, [one])
    row = users.videos.row_of["v"]
    assert [views(users.videos, day) for day in (TODAY, TODAY + 1)] == [2, 0], "the day of what was heard first"
    assert users.videos.table.views[row].sum() == 2
