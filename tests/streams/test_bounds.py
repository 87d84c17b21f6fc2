"""Every bound of streams/limits.py is reached by a test, and what lies beyond it does what the bound says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from schemas.catalogue import User
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.arrays.tables import add_top
from streams.learning.heads import Heads
from streams.learning.ranker import SoftmaxRanker
from streams.ranking.features import FEATURES, pair_features
from streams.shards.columns import columns
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import VideoShard
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable
from streams.viewer.wishes import FOLLOWS, NOTHING, put
from tests.streams.states import video
from tests.streams.states_of_viewers import Users, fold, made_event

TESTS = Path(__file__).parents[1]
NO_BOUND = {
    "DAY_MS": "a unit",
    "DIM": "a width, in every shape",
    "FACTORS": "a width, in every shape",
    "DURATIONS": "a width, in every shape",
    "QUANTILES": "a width, in every shape",
    "FAST_HALF_LIFE_S": "a rate, in test_decayed_sums",
    "SLOW_HALF_LIFE_S": "a rate, in test_decayed_sums",
    "NEGATIVE_HALF_LIFE_S": "a rate, in test_decayed_sums",
    "NEIGHBOUR_HALF_LIVES_S": "a rate, in states_of_videos",
    "LIFT_HALF_LIVES_S": "a rate, in test_estimators",
    "PRODUCER_RECORDS": "librdkafka's own queue holds it; test_producer fills one",
    "PRODUCER_KIB": "librdkafka's own queue holds it; test_producer fills one",
    "PRODUCER_RECORD_BYTES": "the client's own; a snapshot never comes near",
    "FRESH_MET": "a threshold of ranking",
    "SHORTLIST": "in test_ranking, by way of FULL_RANK",
    "NEAREST": "in test_ranking, by way of FULL_RANK",
    "BASE_MS": "an age, in test_ranking",
    "GATEWAY_BACKLOG": "the kernel's own holds it: connections that wait to be taken",
    "GATEWAY_IDLE_S": "made small in test_door, where an idle connection ends",
    "GATEWAY_WRITE_S": "made small in test_door, where a client reads nothing",
    "GATEWAY_LINGER_S": "made small in test_door; aiohttp's own, after an answer to a body that goes on",
    "STREAM_PING_S": "made small in test_door, where a stream is silent",
    "RECORDS": "functools.lru_cache holds it",
    "WORDS": "functools.lru_cache holds it",
    "MEANINGS": "functools.lru_cache holds it",
    "TEXT": "a width, in every shape",
}


def test_every_bound_is_reached_by_a_test():
    body = ast.parse(Path(limits.__file__).read_text()).body
    bounds = {node.target.id for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    text = "\n".join(path.read_text() for path in TESTS.rglob("*.py"))
    reached = {name for name in bounds if re.search(rf"limits\.{name}\b|limits, \"{name}\"", text)}
    assert bounds - reached == NO_BOUND.keys() - reached


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["u"])
    return table


def test_beyond_so_many_met_videos_the_oldest_is_forgotten(viewers):
    names = np.arange(1, limits.MET + 11, dtype=np.uint64)
    assert viewers.remember(0, names[: limits.MET]) == 0
    assert viewers.remember(0, names[limits.MET :]) == 10
    assert viewers.met[0].tolist() == names[10:].tolist()
    assert viewers.met_count[0] == limits.MET


def test_beyond_so_many_hidden_names_those_named_longest_ago_fall_out():
    held = put(NOTHING, [(0, at + 1, 2 * at) for at in range(limits.HIDDEN + 4)])
    assert held["name"].tolist() == list(range(5, limits.HIDDEN + 5))
    assert put(held, [(0, 3, 1)]).tolist() == held.tolist(), "older than all that is kept"
    many = Users()
    fold(many, [made_event("follow", "u", "v1", at, creator_id=f"m{at}") for at in range(limits.FOLLOWED + 2)])
    assert len(many.shard.viewers.follows[0]) == limits.FOLLOWED


def test_beyond_so_many_latest_positives_the_oldest_falls_out():
    users = Users()
    fold(users, [made_event("like", "u", f"x{at}", 1_000 + at) for at in range(limits.RECENT + 3)])
    recent = users.shard.viewers.recent[0]
    assert set(recent.tolist()) == set(hash_all(f"x{at}" for at in range(3, limits.RECENT + 3)).tolist())
    old = int(hash64("older"))
    fold(users, [made_event("like", "u", "older", 500)])
    assert old not in users.shard.viewers.recent[0], "older than all that is kept"
    fold(users, [made_event("like", "u", "x7", 9_000, op="remove"), made_event("like", "u", "newer", 8_000)])
    assert int(hash64("newer")) in users.shard.viewers.recent[0], "an undo makes room"


TASTES = [
    ("tags", "tag_w", limits.TAGS),
    ("creators", "creator_w", limits.CREATORS),
    ("sounds", "sound_w", limits.SOUNDS),
]


@pytest.mark.parametrize(("names", "weights", "bound"), TASTES)
def test_beyond_so_many_tastes_the_weakest_falls_out(viewers, names, weights, bound):
    kept, weight = getattr(viewers, names), getattr(viewers, weights)
    wide = weight[0, 0].size

    def add(name: int, amount: float) -> None:
        add_top(kept, weight, np.array([0]), np.array([name], np.uint64), np.full((1, wide), amount))

    for at in range(1, bound + 1):
        add(at, float(at))
    add(500, 0.5)
    assert 500 not in kept[0], "weaker than all that is kept"
    add(501, 1.5)
    assert sorted(kept[0].tolist()) == [*range(2, bound + 1), 501]


def test_further_picked_categories_are_ignored():
    shard = UserShard(0, Catalogue())
    picked = [f"c{at}" for at in range(limits.PICKED + 3)]
    shard.apply_users([("u", User(v=1, user_id="u", interests=picked))], 1)
    assert shard.viewers.picked[0].tolist() == hash_all(picked[: limits.PICKED]).tolist()


def test_further_tags_and_countries_of_a_video_do_not_count():
    tags, countries = (
        [f"t{at}" for at in range(limits.VIDEO_TAGS + 3)],
        [f"C{at}" for at in range(limits.COUNTRIES + 3)],
    )
    shard, catalogue = VideoShard(0, 10**13, 10), Catalogue()
    shard.apply_videos([("v", video("v", tags=tags, countries=countries))])
    catalogue.take_states(shard.states())
    assert catalogue.tags[0].tolist() == hash_all(tags[: limits.VIDEO_TAGS]).tolist()
    assert catalogue.countries[0].tolist() == hash_all(countries[: limits.COUNTRIES]).tolist()


def test_further_effects_of_a_video_do_not_count():
    names = [f"e{at}" for at in range(limits.VIDEO_EFFECTS + 3)]
    shard, catalogue = VideoShard(0, 10**13, 10), Catalogue()
    shard.apply_videos([("v", video("v", effect_ids=names))])
    catalogue.take_states(shard.states())
    known = [catalogue.id_of_tag[int(name)] for name in hash_all(names[: limits.VIDEO_EFFECTS])]
    assert catalogue.effect_ids[0].tolist() == known


def test_a_positive_is_paired_with_so_many_latest_ones_and_a_video_keeps_so_many_neighbours():
    count = limits.NEIGHBOURS + 20
    records = [video(f"v{at}") for at in range(count)]
    shard, catalogue = VideoShard(0, 10**13, 10**6), Catalogue()
    shard.apply_videos([(record.video_id, record) for record in records])
    catalogue.take_states(shard.states())
    users = UserShard(0, catalogue, learn=False)
    for at in range(limits.PAIRED + 4):
        users.apply(columns("events.like", [made_event("like", "u", f"v{at}", 1_000 + at)[1]], [at]), at + 1)
    last = users.changes.drain(0)[0].pairs
    paired = last[(last["offset"] == limits.PAIRED + 3) & (last["other"] >= 0)]
    assert len(paired) == 2 * limits.PAIRED, "each way"
    rows = shard._rows(["v0"] * count)
    names = hash_all(f"v{at}" for at in range(1, count + 1))
    pairs = np.zeros(count, dtype=last.dtype)
    pairs["weight"], pairs["ts_ms"] = np.arange(1, count + 1), 1_000
    shard.table.pair(rows, names, pairs)
    assert (shard.table.near[rows[0]] != 0).all()
    assert names[-1] in shard.table.near[rows[0]]
    assert names[0] not in shard.table.near[rows[0]], "the weakest falls out"


def test_beyond_so_many_owed_outcomes_a_video_announced_later_teaches_with_its_next_event(monkeypatch):
    monkeypatch.setattr(limits, "OWED", 2)
    users = Users()
    for at in range(5):
        fold(users, [made_event("like", "u", f"new{at}", 1_000 + at)])
    assert set(users.shard._owed) == {hash64("new0"), hash64("new1")}


def test_one_absurd_row_moves_a_model_no_more_than_the_clipped_one():
    absurd = np.array([[[1e30], [-1e30]]])
    clipped = np.array([[[limits.FEATURE_CLIP], [-limits.FEATURE_CLIP]]])
    one, other = (SoftmaxRanker(np.zeros(1)).learn_many(groups) for groups in (absurd, clipped))
    assert one.weights.tolist() == other.weights.tolist() != [0.0]
    heads, twin = Heads(["a"]), Heads(["a"])
    for model, x in ((heads, 1e30), (twin, limits.FEATURE_CLIP)):
        model.learn_many(np.array([[x], [0.0]], np.float32), np.array([4, 0], np.uint16))
    assert heads.arrays()[0].tolist() == twin.arrays()[0].tolist()


def test_of_more_uploads_or_friends_than_count_the_latest_do():
    own = [video(f"mine{at}", creator_id="ann", created_ms=at, tags=["old" if at < 4 else "new"])
           for at in range(limits.OWN_UPLOADS + 4)]  # fmt: skip
    others = [video("other0", tags=["old"]), video("other1", tags=["new"]), video("other2", tags=["none"])]
    shard, catalogue, viewers = VideoShard(0, 10**13, 10**6), Catalogue(), ViewerTable()
    shard.apply_videos([(record.video_id, record) for record in [*own, *others]])
    catalogue.take_states(shard.states())
    viewers.rows(["ann"])
    viewers.follows[0] = put(NOTHING, [(FOLLOWS, hash64(f"f{at}"), 2 * at) for at in range(limits.FRIENDS + 1)], 10_000)
    rows = catalogue.rows(["other0", "other1", "other2"])
    for row, friend in zip(rows.tolist(), ("f0", f"f{limits.FRIENDS}", "nobody"), strict=True):
        catalogue.likers[row, 0] = hash64(friend) & 0xFFFFFFFF
    x = pair_features(catalogue, viewers, np.zeros(3, np.int64), rows, np.full(3, 1_000))
    assert (x[:, FEATURES.index("uploads")] > 0).tolist() == [False, True, False]
    assert (x[:, FEATURES.index("friends")] > 0).tolist() == [False, True, False]
