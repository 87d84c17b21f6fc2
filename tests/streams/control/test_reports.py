"""What came of a campaign is counted once a viewer, follows the outcomes, and is bounded."""

from __future__ import annotations

import itertools

import numpy as np

from streams import limits
from streams.arrays.hashing import hash64
from streams.control.promotions import NO_CAMPAIGNS
from streams.control.reports import REPORT_KEY, Reports
from streams.shards.columns import columns
from streams.signals.outcomes import OutcomeTable
from tests.streams.control.test_promotions import DAY_MS, campaign, opened, promoted, served
from tests.streams.ranking.test_ranking import NOW_MS, made
from tests.streams.states_of_viewers import made_event


def test_what_came_of_a_campaign_is_counted_once_a_viewer_and_survives_a_restart():
    desk = opened(made(200), 3)
    shard, steering = desk._shard, desk._steering
    shard._steering = steering
    steering.promote("c", campaign("v7", impressions=1_000))
    now_ms = NOW_MS + DAY_MS // 2
    assert promoted(served(desk, 0, now_ms))
    offsets = itertools.count()

    def do(verb: str, who: str, **more) -> None:
        topic, event = made_event(verb, who, "v7", now_ms, **more)
        shard.apply(columns(topic, [event], [next(offsets)]), next(offsets))

    do("impression", "u0", batch_id="b", position=0)
    assert shard.reports.counts == {"c": [1, 0, 0]}
    do("watch", "u0", impression_id="b", watch_ms=2_000, duration_ms=20_000)
    do("impression", "u0", batch_id="b", position=0)
    assert shard.reports.counts == {"c": [1, 0, 0]}
    do("watch", "u0", impression_id="b", watch_ms=3_000, duration_ms=20_000)
    do("action", "u0", kind="click")
    do("action", "u0", kind="click")
    assert shard.reports.counts == {"c": [1, 1, 1]}
    do("watch", "u1", impression_id="x", watch_ms=9_000, duration_ms=20_000)
    assert shard.reports.counts == {"c": [1, 1, 1]}, "nobody paid for that"
    saved = shard.checkpoint()
    back = Reports()
    back.decode(saved.values[saved.keys.index(REPORT_KEY)])
    assert back.counts == {"c": [1, 1, 1]}
    assert REPORT_KEY not in shard.checkpoint().keys
    after = opened(made(200), 3)
    after.resume(desk.pacer.encode(steering.campaigns), saved.values[saved.keys.index(REPORT_KEY)])
    assert after._shard.reports.counts == {"c": [1, 1, 1]}
    assert after.pacer.spent == {"c": 1}
    steering.promote("c", None)
    assert shard.reports.counts == {"c": [1, 1, 1]}, "what came of it is still told when it has ended"


def test_a_video_shorter_than_three_seconds_is_viewed_when_it_was_seen_to_its_end():
    desk = opened(made(200), 1)
    desk._shard._steering = desk._steering
    desk._steering.promote("c", campaign("v7", impressions=1_000))
    assert promoted(served(desk, 0, NOW_MS + DAY_MS // 2))
    topic, event = made_event("watch", "u0", "v7", NOW_MS, impression_id="b", watch_ms=1_900, duration_ms=1_900)
    desk._shard.apply(columns(topic, [event], [1]), 2)
    assert desk._shard.reports.counts == {"c": [1, 1, 0]}


def test_so_many_reports_are_kept(monkeypatch):
    monkeypatch.setattr(limits, "REPORTS", 2)
    reports, outcomes = Reports(), OutcomeTable()
    rows = outcomes.take(4)
    names = [f"v{at}" for at in range(4)]
    outcomes.video[rows] = np.array([hash64(name) for name in names], dtype=np.uint64).view(np.int64)
    campaigns = NO_CAMPAIGNS
    for at, name in enumerate(names):
        campaigns = campaigns.put(f"c{at}", campaign(name))
    reports.count(campaigns, outcomes, rows, np.zeros((4, 3), bool), np.ones((4, 3), bool))
    assert reports.counts == {"c2": [1, 1, 1], "c3": [1, 1, 1]}
