"""Laws of the features: one viewer with many videos and many pairs read the same."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.catalogue import Video
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.ranking.features import FEATURES, group_of, grouped_features, pair_features
from streams.video.catalogue import Catalogue
from streams.viewer.affinity import latest
from streams.viewer.crowds import COUNTRY, LANGUAGE, SEGMENT, crowd_keys, crowds_of
from streams.viewer.viewers import LEVELS, ViewerTable
from streams.viewer.wishes import FOLLOWS, NOTHING, put

NOW_MS = 1_000_000_000


def features_of(catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: np.ndarray, now_ms: int) -> np.ndarray:
    """Features of one viewer with many videos, as a ranking makes them."""
    group = group_of(catalogue, viewers, np.array([viewer]), np.array([now_ms]))
    return grouped_features(catalogue, viewers, group, [len(rows)], rows)


@pytest.fixture
def world() -> tuple[Catalogue, ViewerTable]:
    """Sixty videos and eight viewers with everything set at random, some of it empty."""
    rng = np.random.default_rng(5)
    catalogue, viewers = Catalogue(), ViewerTable()
    ids = [f"v{number}" for number in range(60)]
    rows = catalogue.intern(ids)
    packed = catalogue.pack(rows)
    packed["sums"] = rng.exponential(2.0, packed["sums"].shape)
    packed["sums_ms"] = NOW_MS - rng.integers(0, 10**7, 60)
    packed["near"] = catalogue.hash[rng.integers(0, 60, packed["near"].shape)]
    packed["near"][:, 20:] = 0
    for row in packed["near"]:
        unique = np.unique(row[row != 0])
        row[:] = 0
        row[: len(unique)] = unique
    packed["near_w"] = rng.exponential(1.0, packed["near_w"].shape) * (packed["near"] != 0)[:, :, None]
    packed["near_mass"], packed["near_ms"] = rng.exponential(9.0, (60, 2)), NOW_MS - 5_000
    names = hash_all(f"u{number}" for number in range(8)).astype(np.uint32)
    for row in packed:
        count = int(rng.integers(0, 7))
        row["likers"][:count] = rng.permutation(names)[:count]
        row["liker_ms"][:count] = NOW_MS - rng.integers(1, 10**8, count)
        row["liker_w"][:count] = 0.3
        row["hours"], row["hour"] = rng.integers(0, 9, limits.HOURS), NOW_MS // 3_600_000
    videos = [
        Video(
            v=1,
            video_id=name,
            creator_id=f"c{at % 5}" if at < 55 else f"u{at - 55}",
            created_ms=at * 10**7,
            duration_ms=at * 1_000,
            tags=[f"t{at % 7}", f"t{at % 3}"],
            sound_id=f"s{at % 4}" if at % 2 else None,
            lang="en" if at % 3 else None,
        )
        for at, name in enumerate(ids)
    ]
    catalogue.update(rows, packed, videos, [True] * 60)
    catalogue.factors[rows] = rng.normal(size=(60, limits.FACTORS))
    lift = rng.exponential(2.0, size=(60, 3, 2)).astype(np.float32)
    catalogue.place_lift(catalogue.hash[rows], lift, NOW_MS - rng.integers(1, 10**7, 60))
    for row in viewers.rows([f"u{number}" for number in range(8)])[:7]:
        count = int(rng.integers(0, limits.RECENT))
        viewers.recent[row, :count] = catalogue.hash[rng.permutation(60)[:count]]
        viewers.recent_ms[row, :count] = NOW_MS - rng.integers(1, 10**8, count)
        viewers.levels[row, :count] = rng.integers(-90, 90, (count, LEVELS))
        viewers.fast[row], viewers.slow[row] = rng.normal(size=(2, limits.DIM))
        viewers.mass[row] = rng.exponential(3.0, 3)
        viewers.tags[row, :4], viewers.tag_w[row, :4] = np.unique(catalogue.tags[:60])[1:5], rng.exponential(1.0, 4)
        viewers.creators[row, :2], viewers.creator_w[row, :2] = np.unique(catalogue.creator[:60])[:2], 1.5
        viewers.sounds[row, 0], viewers.sound_w[row, 0] = catalogue.sound[1], 0.5
        viewers.picked[row, 0] = catalogue.tags[3, 0]
        viewers.follows[row] = put(NOTHING, [(FOLLOWS, int(catalogue.creator[2]), 2), (FOLLOWS, 5, 3),
                                              (FOLLOWS, hash64("u4"), 4)])  # fmt: skip
        viewers.lang[row] = catalogue.lang[1]
        viewers.duration_sum[row], viewers.duration_mass[row] = 6.0, 2.0
        viewers.hours[row], viewers.hour_mass[row] = rng.normal(size=viewers.hours.shape[1:]), 4.0
        viewers.country[row], viewers.tz_min[row], viewers.at_ms[row] = 9, 60, NOW_MS - 5_000
        viewers.recent[row, 5:], viewers.recent_ms[row, 5:] = 0, 0
    named = (LANGUAGE, int(catalogue.lang[1])), (COUNTRY, 9), (SEGMENT, 1), (SEGMENT, 2)
    keys = [int(crowd_keys(kind, np.array([name], np.uint64))[0]) for kind, name in named]
    liked = np.zeros((4, limits.CROWD_VIDEOS), np.uint64)
    liked[:, :20] = catalogue.hash[rng.permuted(np.tile(np.arange(60), (4, 1)), axis=1)[:, :20]]
    catalogue.crowds = crowds_of({
        "centroids": np.eye(2, limits.DIM, dtype=np.float32), "size": np.full(2, 0.5, np.float32),
        "tags": np.zeros((2, limits.SEGMENT_TAGS), np.uint64), "key": np.array(keys, np.uint64), "videos": liked,
        "weight": rng.exponential(3.0, liked.shape).astype(np.float32), "mass": np.full(4, 90.0, np.float32),
    })  # fmt: skip
    _follow_up(rng, catalogue)
    return catalogue, viewers


def _follow_up(rng: np.random.Generator, catalogue: Catalogue) -> None:
    """Some videos are liked after each."""
    after = catalogue.hash[rng.permuted(np.tile(np.arange(60), (60, 1)), axis=1)[:, : limits.AFTER]]
    weight = rng.exponential(2.0, after.shape).astype(np.float32)
    catalogue.place_after(catalogue.hash[:60], after, weight, weight.sum(axis=1))


def test_pairs_and_candidates_agree(world):
    catalogue, viewers = world
    rows = np.arange(60)
    for viewer in range(8):
        alone = features_of(catalogue, viewers, viewer, rows, NOW_MS)
        others = np.concatenate((np.full(60, viewer), np.full(60, (viewer + 1) % 8)))
        pairs = pair_features(catalogue, viewers, others, np.concatenate((rows, rows)), np.full(120, NOW_MS))
        assert alone.shape == (60, len(FEATURES))
        np.testing.assert_allclose(alone, pairs[:60], rtol=2e-4, atol=2e-5)


def test_every_feature_says_something_and_is_finite(world):
    catalogue, viewers = world
    x = np.concatenate([features_of(catalogue, viewers, viewer, np.arange(60), NOW_MS) for viewer in range(8)])
    assert np.isfinite(x).all()
    silent = [name for name, column in zip(FEATURES, x.T, strict=True) if np.ptp(column) == 0]
    assert silent == ["content_negative"]  # no viewer of this world disliked anything


def test_a_viewer_without_history_has_no_affinities(world):
    catalogue, viewers = world
    x = features_of(catalogue, viewers, 7, np.arange(60), NOW_MS)
    personal = x[:, FEATURES.index("near_slow") :]
    assert np.ptp(personal, axis=0).max() == 0


def test_the_latest_positives_come_first(world):
    catalogue, viewers = world
    for row in range(7):
        names = latest(catalogue, viewers, np.array([row]))[0]
        when = {int(name): int(at) for name, at in zip(viewers.recent[row], viewers.recent_ms[row], strict=True)}
        times = [when[int(name)] for name in names if name]
        assert times == sorted(times, reverse=True)
        assert len(times) == min(limits.PAIRED, int((viewers.recent[row] != 0).sum()))


def test_what_has_faded_counts_less_and_a_session_is_over_soon(world):
    catalogue, viewers = world
    rows, viewer, day_ms = np.arange(60), np.arange(7), 86_400_000
    viewers.at_ms[:7] = NOW_MS
    found = [
        pair_features(catalogue, viewers, np.repeat(viewer, 60), np.tile(rows, 7), np.full(420, NOW_MS + later))
        for later in (0, day_ms)
    ]
    spread = [np.abs(x[:, FEATURES.index("content_fast")]).mean() for x in found]
    weeks = [np.abs(x[:, FEATURES.index("content_slow")]).mean() for x in found]
    assert spread[1] < 1e-3 * spread[0]
    assert weeks[1] > 0.9 * weeks[0], "more, where the session contradicted it"


def test_of_who_turned_personalisation_off_nothing_is_read(world):
    catalogue, viewers = world
    viewers.personalize[:7] = False
    x = features_of(catalogue, viewers, 0, np.arange(60), NOW_MS)
    assert np.ptp(x[:, FEATURES.index("near_slow") :], axis=0).max() == 0


def test_once_tastes_drifted_a_viewer_is_known_by_the_later_likes_alone(world):
    """Of who liked one half before and one after, and of who liked the later half only, the same is known."""
    catalogue, viewers = world
    drifted, anew = viewers.rows(["drifted", "anew"])
    liked = catalogue.hash[[3, 9, 20, 31, 44, 50]]
    viewers.recent[drifted, :6], viewers.recent_ms[drifted, :6] = liked, NOW_MS - np.arange(6) * 1_000
    viewers.levels[drifted, :6] = np.arange(6)[:, None] * 10
    viewers.recent[anew, :3], viewers.recent_ms[anew, :3] = liked[:3], NOW_MS - np.arange(3) * 1_000
    viewers.levels[anew, :3] = viewers.levels[drifted, :3]
    viewers.slow[drifted], viewers.hours[drifted], viewers.duration_sum[drifted] = 1.0, 1.0, 30.0
    viewers.mass[drifted], viewers.hour_mass[drifted], viewers.duration_mass[drifted] = 6.0, 6.0, 6.0
    viewers.tags[drifted, :3], viewers.tag_w[drifted, :3, 0] = np.unique(catalogue.tags[:60])[1:4], 2.0
    viewers.creators[drifted, 0], viewers.creator_w[drifted, 0] = catalogue.creator[3], 2.0
    viewers.at_ms[[drifted, anew]] = NOW_MS
    viewers.hash[drifted] = viewers.hash[anew]
    before, drift_ms = features_of(catalogue, viewers, drifted, np.arange(60), NOW_MS), NOW_MS - 3_000
    catalogue.drift_ms = drift_ms
    x = features_of(catalogue, viewers, drifted, np.arange(60), NOW_MS)
    catalogue.drift_ms = 0
    other = features_of(catalogue, viewers, anew, np.arange(60), NOW_MS)
    same = [name for name, one, two in zip(FEATURES, x.T, other.T, strict=True) if np.array_equal(one, two)]
    # The hours of activity are no taste. Of who never changed, the sums say what here the likes themselves say.
    assert set(FEATURES) - set(same) == {"passed", "content_slow", "duration"}
    at = {name: FEATURES.index(name) for name in ("near_slow", "peers", "content_slow", "duration", "own_log_age")}
    for name, column in at.items():
        assert np.ptp(x[:, column]) > 0, name
        assert not np.allclose(x[:, column], before[:, column]), name
    liked_rows = np.array([3, 9, 20])
    mean = np.log1p(catalogue.duration_ms[liked_rows] / 1_000).mean()
    np.testing.assert_allclose(
        x[:, at["duration"]], -np.abs(np.log1p(catalogue.duration_ms[:60] / 1_000) - mean), rtol=1e-5, atol=1e-6
    )
    taste = catalogue.content[liked_rows].sum(axis=0) / 4
    np.testing.assert_allclose(x[:, at["content_slow"]], catalogue.content[:60] @ taste, rtol=1e-5, atol=1e-6)
