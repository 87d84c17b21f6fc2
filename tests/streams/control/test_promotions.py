"""Promotions: for whom, how fast, how marked, and that nothing they earn counts as earned."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from schemas.control import Promotion, Target
from streams import limits
from streams.arrays.hashing import hash64
from streams.control.promotions import NO_CAMPAIGNS, Pacer
from streams.control.steering import Steering
from streams.ranking.desk import Desk
from streams.ranking.ranking import Model, rank, rank_many
from streams.shards.columns import columns
from streams.shards.user_shard import UserShard
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import crowds_of
from streams.viewer.viewers import ViewerTable
from tests.streams.ranking.test_ranking import NOW_MS, made
from tests.streams.states_of_viewers import made_event

DAY_MS = 86_400_000


def campaign(video_id="v7", impressions=100, from_ms=NOW_MS, to_ms=NOW_MS + DAY_MS, **target):
    return Promotion(
        v=1,
        video_id=video_id,
        impressions=impressions,
        from_ms=from_ms,
        to_ms=to_ms,
        target=Target(**target) if target else None,
    )


def opened(catalogue: Catalogue, viewers: int) -> Desk:
    shard = UserShard(0, catalogue, learn=False)
    shard.viewers.rows(f"u{at}" for at in range(viewers))
    return Desk(shard, "token", steering=Steering())


def served(desk: Desk, row: int, now_ms: int, limit: int = 20):
    request = desk.own(row, now_ms, limit)
    ranked = rank(desk._shard.catalogue, desk._shard.viewers, request, Model())
    return desk.made(row, ranked, {}, "m", "near_end", now_ms)


def promoted(batch):
    return [item for item in batch.items if item.source == "promoted"]


def due(promotion: Promotion, viewers: ViewerTable, country: int = 0, now_ms: int = NOW_MS + 1, row: int = 0) -> bool:
    catalogue = Catalogue()
    catalogue.tag_names = {hash64(name): name for name in ("pets", "travel")}
    tags = np.zeros((1, limits.SEGMENT_TAGS), np.uint64)
    tags[0, :2] = hash64("pets"), hash64("travel")
    catalogue.crowds = crowds_of({
        "centroids": np.eye(1, limits.DIM, dtype=np.float32), "size": np.ones(1, np.float32), "tags": tags,
        "key": np.zeros(1, np.uint64), "videos": np.zeros((1, limits.CROWD_VIDEOS), np.uint64),
        "weight": np.zeros((1, limits.CROWD_VIDEOS), np.float32), "mass": np.zeros(1, np.float32),
    })  # fmt: skip
    return bool(Pacer().due(NO_CAMPAIGNS.put("c", promotion), catalogue, viewers, row, country, now_ms))


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["ann"])
    table.slow[0, 0], table.mass[0, 1] = 4.0, 5.0
    table.tags[0, :2], table.tag_w[0, :2, 0] = [hash64("cats"), hash64("cars")], [1.0, -1.0]
    return table


@pytest.mark.parametrize("count", [200, limits.FULL_RANK + 300])
def test_a_promoted_video_is_labelled_comes_once_to_each_viewer_and_never_as_neighbour_of_another(count):
    desk = opened(made(count), 3)
    for at in range(30):
        desk._steering.promote(f"c{at}", campaign(f"v{at}", impressions=1_000))
    now_ms = NOW_MS + DAY_MS // 2
    shown = [item for _ in range(5) for item in served(desk, 0, now_ms, limit=30).items]
    paid = [item for item in shown if item.source == "promoted"]
    assert 14 <= len(paid) <= 15, "one in ten, where the place before is not paid for"
    assert all(item.campaign_id == f"c{item.video_id[1:]}" and item.reasons[0] == "promoted" for item in paid)
    assert all(item.campaign_id is None for item in shown if item.source != "promoted")
    assert len({item.video_id for item in shown}) == len(shown)
    assert not any(one.source == other.source == "promoted" for one, other in itertools.pairwise(shown))


def test_what_is_promoted_may_be_shown_or_is_not():
    desk = opened(made(200), 2)
    desk._steering.promote("c", campaign(impressions=1_000))
    desk._steering.take("rule.one", {"do": "take_down", "video": "v7"})
    assert not promoted(served(desk, 0, NOW_MS + DAY_MS // 2))
    desk._steering.take("rule.one", None)
    desk._steering.take("tuning.slate.promoted", 0.0)
    assert not promoted(served(desk, 0, NOW_MS + DAY_MS // 2))
    desk._steering.take("tuning.slate.promoted", None)
    assert promoted(served(desk, 0, NOW_MS + DAY_MS // 2))
    desk._steering.promote("c", None)
    assert not promoted(served(desk, 1, NOW_MS + DAY_MS // 2))


@pytest.mark.parametrize(
    ("target", "country", "hit"),
    [
        ({}, "", True),
        ({"tags": ["cats", "dogs"]}, "", True),
        ({"tags": ["cars"]}, "", False),
        ({"countries": ["SE"]}, "SE", True),
        ({"countries": ["SE"]}, "NO", False),
        ({"countries": ["SE"]}, "", False),
        ({"countries": ["SE"], "tags": ["cats"]}, "SE", True),
        ({"segments": ["evening"]}, "", False),
        ({"segments": ["evening", "pets"]}, "", True),
        ({"segments": ["pets, travel"]}, "", True),
        ({"segments": ["heavy"]}, "", False),
        ({"segments": ["new"]}, "", True),
        ({"segments": ["pets"], "countries": ["NO"]}, "SE", False),
    ],
)
def test_a_campaign_is_for_whom_it_is_meant(target, country, hit, viewers):
    assert due(campaign(**target), viewers, hash64(country) if country else 0) == hit


def test_who_turned_personalisation_off_is_matched_by_no_taste(viewers):
    viewers.personalize[0] = False
    assert not due(campaign(tags=["cats"]), viewers)
    assert not due(campaign(segments=["pets", "new"]), viewers)
    assert due(campaign(), viewers)


def test_a_campaign_has_its_time(viewers):
    one = campaign()
    assert [due(one, viewers, now_ms=NOW_MS + at) for at in (-1, 1, DAY_MS - 1, DAY_MS)] == [False, True, True, False]


@pytest.mark.parametrize("impressions", [1, 3, 100, 1_001])
def test_the_parts_of_the_shards_are_the_plan(impressions, viewers):
    campaigns, total = NO_CAMPAIGNS.put("c", campaign(impressions=impressions)), 0
    for number in range(4):
        pacer = Pacer(number, 4)
        while pacer.due(campaigns, Catalogue(), viewers, 0, 0, NOW_MS + DAY_MS - 1):
            pacer.settle(0, ["c"])
        total += pacer.spent["c"]
    assert total == impressions


def test_what_is_promised_to_requests_ranked_together_is_not_served_beyond_the_plan():
    desk = opened(made(200), 40)
    desk._steering.promote("c", campaign(impressions=10))
    now_ms = NOW_MS + DAY_MS // 2
    asked = [desk.own(row, now_ms, 20) for row in range(40)]
    ranked = rank_many(desk._shard.catalogue, desk._shard.viewers, asked, Model())
    batches = [desk.made(row, one, {}, "m", "near_end", now_ms) for row, one in enumerate(ranked)]
    assert sum(len(promoted(batch)) for batch in batches) == 5
    assert not desk.pacer.promised
    before = desk.pacer.spent.copy()
    desk.own(7, now_ms, 20, pure=True)
    assert (desk.pacer.spent, desk.pacer.promised) == (before, {})


def test_what_was_spent_outlives_the_owner_of_the_shard():
    desk = opened(made(200), 5)
    desk._steering.promote("c", campaign(impressions=4))
    for row in range(5):
        served(desk, row, NOW_MS + DAY_MS // 2)
    keys, values = desk.ledgers([0])
    assert keys == [b"f:u0", b"p:spent"]
    assert desk.ledgers([0])[0] == [b"f:u0"], "only when it changed"
    back = opened(made(200), 5)
    back.pacer.decode(values[1])
    assert back.pacer.spent == desk.pacer.spent == {"c": 2}
    with pytest.raises(ValueError, match="format 146"):
        back.pacer.decode(b"\x92\xcc\x92\x80")


def test_what_a_promoted_video_earns_counts_exactly_and_is_no_signal():
    desk = opened(made(200), 2)
    desk._steering.promote("c", campaign(impressions=1_000))
    now_ms = NOW_MS + DAY_MS // 2
    batch, shard = served(desk, 0, now_ms), desk._shard

    def liked(name):
        """Change rows and pairs that follow from a like."""
        start = shard.offsets.get("events.like", 0)
        shard.apply(columns("events.like", [made_event("like", "u0", name, now_ms)[1]], [start]), start + 1)
        return [(len(changed.rows), len(changed.pairs)) for changed in shard.changes.drain(0)]

    desk.decode(0, desk.encode(0))
    assert liked(promoted(batch)[0].video_id) == [(1, 0)], "the count alone"
    assert shard.viewers.mass[0, 0] > 0, "the viewer's own interest all the same"
    ((count, pairs),) = liked(next(item.video_id for item in batch.items if item.source != "promoted"))
    assert count > 1
    assert pairs > 0


def test_so_many_promoted_videos_are_remembered(monkeypatch):
    monkeypatch.setattr(limits, "PROMOTED", 3)
    desk = opened(made(200), 1)
    for at in range(9):
        desk._steering.promote(f"c{at}", campaign(f"v{at}", impressions=1_000))
    names = [hash64(item.video_id) for _ in range(3) for item in promoted(served(desk, 0, NOW_MS + DAY_MS // 2, 20))]
    assert len(names) > 3
    assert list(desk._shard.viewers.promoted[0]) == names[-3:]
    desk._shard.viewers.drop(np.array([0]))
    assert not desk._shard.viewers.promoted


def test_a_campaign_that_cannot_be_is_refused_in_a_sentence(monkeypatch):
    with pytest.raises(ValueError, match="campaign c ends at 5, not after it begins: 5"):
        NO_CAMPAIGNS.put("c", campaign(from_ms=5, to_ms=5))
    monkeypatch.setattr(limits, "CAMPAIGNS", 1)
    one = NO_CAMPAIGNS.put("c", campaign())
    with pytest.raises(ValueError, match="campaign d: there are 1 campaigns already; end one first"):
        one.put("d", campaign())
    assert one.put("c", campaign(impressions=7)).named["c"].impressions == 7
