"""River's own checks on our estimators, and the laws of learning."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from river import base
from river.checks import common

from streams import limits
from streams.arrays.hashing import hash64
from streams.learning.embedding import ItemFactors
from streams.learning.lift import ItemLift
from streams.learning.likes import CrowdLikes
from streams.learning.logistic import NewtonLogistic
from streams.learning.ranker import SoftmaxRanker
from streams.learning.segments import Segments
from streams.learning.terms import TermTags
from streams.learning.watch_quality import WatchQuality
from streams.signals.watching import quality

MADE = (
    SoftmaxRanker(np.zeros(3)), ItemFactors(), ItemLift(), NewtonLogistic(), TermTags(), Segments(), CrowdLikes(),
    WatchQuality(),
)  # fmt: skip


ALONE = (
    common.check_clone_changes_memory_addresses,
    common.check_clone_is_idempotent,
    common.check_clone_same_class,
    common.check_clone_with_new_params_applies,
    common.check_doc,
    common.check_get_params_matches_signature,
    common.check_init_default_params_are_not_mutable,
    common.check_init_has_default_params_for_tests,
    common.check_mutable_attributes_exist,
    common.check_mutate_can_be_idempotent,
    common.check_pickling_supports_roundtrip,
    common.check_repr,
    common.check_repr_roundtrips_clone,
    common.check_str,
    common.check_tags,
)
"""River's checks that ask for nothing but an estimator."""
WITH_DATA = (
    common.check_bounded_memory_growth,
    common.check_clone_is_independent,
    common.check_learn_one,
    common.check_no_state_aliasing_with_input,
    common.check_pickling,
    common.check_predict_one_before_any_learn,
    common.check_predict_one_pure,
    common.check_seeding_is_idempotent,
    common.check_shuffle_features_no_impact,
)
"""River's checks over (x, y) pairs; those on plain feature dictionaries do not apply to ids."""


@pytest.mark.parametrize("model", MADE, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("check", ALONE, ids=lambda check: check.__name__)
def test_rivers_checks_pass(model, check):
    assert isinstance(model, base.Estimator)
    check(copy.deepcopy(model))


@pytest.mark.parametrize("check", WITH_DATA, ids=lambda check: check.__name__)
def test_rivers_checks_pass_over_pairs_of_ids(check):
    recent, positive, negatives = (part.tolist() for part in story(4, 60))
    pairs = [
        ({"recent": recent[at], "negatives": negatives[at], "item": negatives[at][0]}, positive[at]) for at in range(60)
    ]
    check(ItemFactors(), pairs)


def groups(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 9, 3))
    x[:, 0, 0] += 2.0
    return x


def test_a_clone_is_fresh_and_a_pickle_is_the_same():
    model = SoftmaxRanker(np.zeros(3)).learn_many(groups(1, 50))
    assert (model.clone().weights == 0).all()
    twin = pickle.loads(pickle.dumps(model))
    assert (twin.learn_many(groups(2, 9)).weights == model.learn_many(groups(2, 9)).weights).all()


def test_the_ranker_finds_what_positives_share():
    model = SoftmaxRanker(np.zeros(3)).learn_many(groups(1, 300))
    assert model.weights[0] > 1.0
    assert np.abs(model.weights[1:]).max() < 0.5


def test_a_restored_ranker_goes_on_bit_equal():
    model = SoftmaxRanker(np.zeros(3)).learn_many(groups(1, 50))
    other = SoftmaxRanker(np.zeros(3))
    other.restore(model.state())
    assert (other.learn_many(groups(2, 30)).weights == model.learn_many(groups(2, 30)).weights).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_poison_teaches_the_ranker_nothing(poison):
    model, twin = SoftmaxRanker(np.zeros(3)), SoftmaxRanker(np.zeros(3))
    bad = groups(3, 1)
    bad[0, 4, 1] = poison
    model.learn_many(bad)
    assert (model.weights == twin.weights).all()
    huge = groups(3, 1) * 1e30
    assert np.isfinite(model.learn_many(huge).weights).all()


def story(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Viewers of even videos like even ones, of odd ones odd ones."""
    rng = np.random.default_rng(seed)
    names = np.array([hash64(f"v{number}") for number in range(20)], dtype=np.uint64)
    side = rng.integers(0, 2, count)
    recent = names[2 * rng.integers(0, 10, (count, 5)) + side[:, None]]
    return recent, names[2 * rng.integers(0, 10, count) + side], names[rng.integers(0, 20, (count, 8))]


def test_vectors_learn_who_goes_together():
    model = ItemFactors().learn_many(*story(1, 3_000))
    names = [hash64(f"v{number}") for number in range(20)]
    even = [model.predict_one({"recent": names[0:6:2], "item": name}) for name in names]
    assert min(even[6::2]) > max(even[7::2])


def test_restored_vectors_go_on_bit_equal():
    model, other = ItemFactors().learn_many(*story(1, 200)), ItemFactors()
    other.restore(model.state())
    model.learn_many(*story(2, 50))
    other.learn_many(*story(2, 50))
    assert other.table.row_of == model.table.row_of
    assert (other.vectors[:20] == model.vectors[:20]).all()


def test_unknown_ids_are_predicted_as_nothing_and_allocate_nothing():
    model = ItemFactors()
    assert model.predict_one({"recent": [1, 2], "item": 3}) == 0.0
    assert not model.table.row_of


def test_beyond_the_bound_the_items_touched_longest_ago_make_room():
    model = ItemFactors(max_items=20)
    assert model.max_items < limits.ITEMS
    model.learn_many(*story(1, 100))
    assert len(model.table.row_of) == 20
    new = np.array([hash64("new")], dtype=np.uint64)
    model.learn_many(np.array([[hash64("v0")]], np.uint64), new, np.array([[hash64("v2")]], np.uint64))
    assert hash64("new") in model.table.row_of
    assert {hash64("v0"), hash64("v2")} <= model.table.row_of.keys()
    assert len(model.table.row_of) <= 20
    assert model.vectors.shape[1] == limits.FACTORS
    assert np.isfinite(model.vectors).all()


def shown(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Groups of v0 and seven others; v0, expected like any, is liked four times in five."""
    rng = np.random.default_rng(seed)
    names = np.array([hash64(f"v{number}") for number in range(8)], dtype=np.uint64)
    items = np.tile(names, (count, 1))
    other = np.flatnonzero(rng.random(count) > 0.8)
    items[other[:, None], [0, 1]] = items[other[:, None], [1, 0]]
    return items, np.full((count, 8), 1 / 8), np.arange(count) * 1_000


def test_lift_finds_who_is_liked_more_than_expected_and_forgets_it():
    items, share, ms = shown(1, 200)
    model = ItemLift().learn_many(items, share, np.ones(200), ms)
    now_ms = int(ms[-1])
    lift = [model.predict_one({"item": hash64(f"v{at}"), "ms": now_ms}) for at in range(8)]
    assert lift[0] > 1.5 > 0 > max(lift[2:])
    assert 0 < model.predict_one({"item": hash64("v0"), "ms": now_ms + 8 * 7_200_000}) < lift[0] / 2


def test_lift_is_the_same_in_any_order_and_pieces():
    items, share, ms = shown(2, 60)
    whole, pieces = ItemLift().learn_many(items, share, np.ones(60), ms), ItemLift()
    for part in np.array_split(np.random.default_rng(1).permutation(60), 7):
        pieces.learn_many(items[part], share[part], np.ones(len(part)), ms[part])
    for name, row in whole.table.row_of.items():
        assert pieces.table.sums[pieces.table.row_of[name]] == pytest.approx(whole.table.sums[row], rel=1e-4)


def test_lift_makes_no_row_of_what_was_hardly_expected_nor_of_poison():
    model, names = ItemLift(), np.array([[hash64("a"), hash64("b"), hash64("c")]], np.uint64)
    model.learn_many(names, np.array([[0.5, 1e-9, np.nan]]), np.ones(1), np.zeros(1, np.int64))
    assert list(model.table.row_of) == [hash64("a")]
    assert np.isfinite(model.table.sums).all()


@pytest.mark.parametrize(
    "check",
    [
        common.check_bounded_memory_growth,
        common.check_learn_one,
        common.check_no_state_aliasing_with_input,
        common.check_pickling,
        common.check_seeding_is_idempotent,
    ],
    ids=lambda check: check.__name__,
)
def test_rivers_checks_pass_over_rows_by_feature_name(check):
    rng = np.random.default_rng(5)
    rows = [({"a": rng.normal(), "b": rng.normal()}, bool(rng.random() < 0.4)) for _ in range(60)]
    check(NewtonLogistic(), rows)


def test_a_row_taken_back_pulls_the_other_way_and_few_rows_teach_much():
    rng = np.random.default_rng(6)
    x = rng.normal(size=(400, 3))
    y = rng.random(400) < 1 / (1 + np.exp(-2 * x[:, 0]))
    model = NewtonLogistic().learn_many(x, y)
    assert model.weights[1] > 1.0
    assert np.abs(model.weights[2:]).max() < 0.4
    before = model.probabilities(x[:1])[0]
    told = bool(y[0])
    for _ in range(20):
        model.learn_many(x[[0, 0]], np.array([told, not told]), np.array([-1.0, 1.0]))
    assert (model.probabilities(x[:1])[0] < before) == told


def test_more_features_than_before_start_at_nothing():
    model = NewtonLogistic().learn_many(np.array([[1.0]] * 50), [True] * 50)
    wide = model.probabilities(np.array([[1.0, 9.0]]))
    assert wide[0] == pytest.approx(model.probabilities(np.array([[1.0, -9.0]]))[0])


def watches(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Of longer videos more is watched, and a smaller share."""
    rng = np.random.default_rng(seed)
    duration_ms = np.exp(rng.uniform(np.log(4_000), np.log(300_000), count))
    watch_ms = np.minimum(20 * duration_ms**0.6 * np.exp(rng.normal(0, 1, count)), 1.5 * duration_ms)
    return watch_ms.astype(np.int64), duration_ms.astype(np.int64)


def test_a_quality_is_the_quantile_among_watches_of_videos_as_long():
    model, (watch_ms, duration_ms) = WatchQuality().learn_many(*watches(1, 30_000)), watches(2, 4_000)
    found = quality(model.usual(), watch_ms, duration_ms)
    for low in (5_000, 20_000, 80_000):
        near = (duration_ms > low) & (duration_ms < 1.15 * low)
        order = watch_ms[near].argsort().argsort() / near.sum()
        assert np.abs(found[near] - order).mean() < 0.08
    assert abs(np.corrcoef(found, np.log(duration_ms))[0, 1]) < 0.05
    assert np.corrcoef(quality(model.usual(), watch_ms, duration_ms, fair=False), np.log(duration_ms))[0, 1] < -0.3


def test_before_much_was_seen_a_quality_is_the_share_of_the_video():
    usual = WatchQuality().usual()
    assert quality(usual, np.array([5_000, 9_000, 30_000]), np.array([10_000, 0, 10_000])).tolist() == [0.5, 0.5, 1.0]


def test_what_is_usual_follows_what_has_become_usual_and_stays_bounded():
    model = WatchQuality(seen=1_000.0, bins=32)
    model.learn_many(np.full(5_000, 2_000), np.full(5_000, 10_000))
    watch_ms = np.random.default_rng(1).integers(6_000, 10_000, 5_000)
    model.learn_many(watch_ms, np.full(5_000, 10_000))
    assert quality(model.usual(), np.array([4_000]), np.array([10_000]))[0] < 0.1
    assert max(len(held) for held in model.histograms) <= 32 < limits.USUAL_BINS
    assert model.usual().seen.max() <= 1_000 < limits.USUAL_SEEN


def test_a_restored_watch_quality_goes_on_bit_equal():
    model, other = WatchQuality().learn_many(*watches(1, 500)), WatchQuality()
    other.restore(model.state())
    assert other.usual().points.tolist() == model.usual().points.tolist()
    for one in (model, other):
        one.learn_many(*watches(2, 300))
    assert other.usual().points.tolist() == model.usual().points.tolist()
    assert (other.state()["bins"] == model.state()["bins"]).all()
