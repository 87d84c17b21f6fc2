"""What comes of what was served is counted once a stage, by source, tier and arm, and is bounded."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from streams import limits
from streams.arrays.hashing import pair
from streams.control.proceeds import Counted, Proceeds
from streams.ranking.desk import Desk
from streams.shards.columns import columns
from tests.streams.control.test_promotions import opened
from tests.streams.ranking.test_ranking import NOW_MS, made
from tests.streams.states_of_viewers import made_event


class Feed:
    """One viewer, u0, who was served three videos, and everything counted so far."""

    def __init__(self) -> None:
        self.desk: Desk = opened(made(20), 1)
        self.shard = self.desk._shard
        self.proceeds = Proceeds(1 << 10)
        self.proceeds.serve(self.names(0, 1, 2), ["similar", "fresh", "no such"], np.array([0, 5, 2]), {"e": "now"})
        self._offsets = itertools.count()

    def names(self, *rows: int) -> Any:
        return pair(self.shard.viewers.hash[[0] * len(rows)], self.shard.catalogue.hash[list(rows)])

    def do(self, verb: str, video: int, ts_ms: int = NOW_MS, **more: Any) -> Counted:
        topic, event = made_event(verb, "u0", f"v{video}", ts_ms, **more)
        applied = self.shard.apply(columns(topic, [event], [next(self._offsets)]), next(self._offsets))
        self.proceeds.note(self.shard.viewers, self.shard.outcomes, applied.touched)
        return self.proceeds.drain()


@pytest.fixture
def feed() -> Feed:
    return Feed()


def test_what_is_served_counts_by_source_tier_and_arm(feed: Feed) -> None:
    counted = feed.proceeds.drain()
    assert counted.items == {
        ("served", "similar", "0"): 1,
        ("served", "fresh", "5"): 1,
        ("served", "other", "2"): 1,
    }
    assert counted.arms == {("served", "e", "now"): 3}
    assert feed.proceeds.drain() == Counted({}, {})


def test_each_stage_of_an_item_counts_once_whatever_is_said_again_or_taken_back(feed: Feed) -> None:
    feed.proceeds.drain()
    watch = {"watch_ms": 19_000, "duration_ms": 20_000, "impression_id": "i"}
    assert feed.do("watch", 1, **watch).items == {("seen", "fresh", "5"): 1, ("long_view", "fresh", "5"): 1}
    assert feed.do("watch", 1, **watch) == Counted({}, {})
    assert feed.do("like", 1) == Counted({("positive", "fresh", "5"): 1}, {("positive", "e", "now"): 1})
    assert feed.do("like", 1, NOW_MS + 1, op="remove") == Counted({}, {})
    assert feed.do("like", 1, NOW_MS + 2) == Counted({}, {})
    assert feed.do("share", 1, NOW_MS + 3) == Counted({}, {})
    assert feed.do("skip", 0, watch_ms=300).items == {("seen", "similar", "0"): 1, ("skip", "similar", "0"): 1}
    assert feed.do("feedback", 0, kind="not_interested").items == {("negative", "similar", "0"): 1}


def test_what_was_not_served_by_this_process_is_not_counted(feed: Feed) -> None:
    feed.proceeds.drain()
    assert feed.do("like", 7) == Counted({}, {})


def test_what_is_served_anew_counts_anew(feed: Feed) -> None:
    feed.do("like", 0)
    feed.proceeds.serve(feed.names(0), ["popular"], np.array([1]), {})
    assert feed.do("like", 0, NOW_MS + 1, op="remove").items == {("served", "popular", "1"): 1}
    assert feed.do("like", 0, NOW_MS + 2).items == {("positive", "popular", "1"): 1}


def test_of_two_items_in_one_slot_the_later_is_counted_on(feed: Feed) -> None:
    one = Proceeds(1)
    for row, source in ((0, "similar"), (1, "fresh")):
        one.serve(feed.names(row), [source], np.array([0]), {})
    one.drain()
    feed.proceeds = one
    assert feed.do("like", 0) == Counted({}, {})
    assert feed.do("like", 1).items == {("positive", "fresh", "0"): 1}
    assert Proceeds()._name.size == limits.PROCEEDS


def test_arms_beyond_the_bound_are_counted_as_others() -> None:
    held = Proceeds(2)
    for at in range(limits.PROCEEDS_ARMS + 10):
        held.serve(np.array([1], dtype=np.uint64), ["fresh"], np.array([0]), {"e": f"arm{at}"})
    arms = held.drain().arms
    assert len(arms) == limits.PROCEEDS_ARMS
    assert arms["served", "other", "other"] == 11
    assert arms["served", "e", "arm0"] == 1


def test_slots_are_a_power_of_two() -> None:
    with pytest.raises(ValueError, match="3 slots are no power of two"):
        Proceeds(3)
