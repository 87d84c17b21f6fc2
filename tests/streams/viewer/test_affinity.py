"""Laws of affinity: like-minded viewers are those who liked the same, and a video keeps its latest likers."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.shards.changes import PAIR
from streams.video.catalogue import Catalogue
from streams.video.videos import VideoTable
from streams.viewer.affinity import Peers, liked_rows
from streams.viewer.viewers import ViewerTable
from tests.streams.states_of_viewers import Users, fold, known, made_event

NOW_MS = 10**9
DAY_MS = 86_400_000


def liked(table: VideoTable, *likes: tuple[str, int, float]) -> None:
    """Positives (viewer, ms, +1 or -1) of video row 0."""
    pairs = np.zeros(len(likes), dtype=PAIR)
    for at, (viewer, ts_ms, weight) in enumerate(likes):
        low = int(hash_all([viewer])[0]) & 0xFFFFFFFF
        pairs[at] = (at, 0, -1, weight, ts_ms, low, 5)
    table.pair(np.zeros(len(likes), np.int64), np.zeros(len(likes), np.uint64), pairs)


@pytest.fixture
def table() -> VideoTable:
    made = VideoTable()
    made.take(1)
    return made


def test_beyond_so_many_likers_the_oldest_falls_out(table: VideoTable) -> None:
    liked(table, *((f"u{at}", 1_000 + at, 1.0) for at in range(limits.LIKERS + 3)))
    kept = hash_all(f"u{at}" for at in range(3, limits.LIKERS + 3)).astype(np.uint32)
    assert set(table.likers[0].tolist()) == set(kept.tolist())
    liked(table, ("old", 500, 1.0))
    assert set(table.likers[0].tolist()) == set(kept.tolist()), "older than all that are kept"


def test_a_like_taken_back_leaves_no_liker(table: VideoTable) -> None:
    liked(table, ("ann", 1_000, 1.0), ("bob", 2_000, 1.0))
    before = {name: getattr(table, name)[0].copy() for name in ("likers", "liker_ms", "liker_w")}
    liked(table, ("cay", 3_000, 1.0))
    liked(table, ("cay", 3_000, -1.0))
    for name, array in before.items():
        assert getattr(table, name)[0].tolist() == array.tolist()


def test_a_liker_said_again_has_one_place(table: VideoTable) -> None:
    liked(table, ("ann", 1_000, 1.0), ("ann", 2_000, 1.0))
    assert (table.likers[0] != 0).sum() == 1
    assert table.liker_ms[0].max() == 2_000
    assert table.liker_w[0].max() == pytest.approx(1 / 3)


def world(seed: int) -> tuple[Catalogue, ViewerTable]:
    rng = np.random.default_rng(seed)
    catalogue, viewers = Catalogue(), ViewerTable()
    users = [f"u{at}" for at in range(12)]
    viewers.rows(users)
    rows = catalogue.intern([f"v{at}" for at in range(30)])
    packed = catalogue.pack(rows)
    packed["near_mass"] = rng.exponential(5.0, (30, 2))
    for row in packed:
        count = int(rng.integers(0, 9))
        row["likers"][:count] = rng.permutation(viewers.hash[:12].astype(np.uint32))[:count]
        row["liker_ms"][:count] = NOW_MS - rng.integers(0, 3 * DAY_MS, count)
        row["liker_w"][:count] = rng.uniform(0.1, 0.5, count)
    catalogue.unpack(rows, packed)
    for viewer in range(12):
        count = int(rng.integers(0, 6))
        viewers.recent[viewer, :count] = catalogue.hash[rng.permutation(30)[:count]]
        viewers.recent_ms[viewer, :count] = 1 + np.arange(count)
    return catalogue, viewers


@pytest.mark.parametrize("seed", range(4))
def test_sums_over_like_minded_viewers_equal_those_counted_one_by_one(seed: int) -> None:
    catalogue, viewers = world(seed)
    peers, rows = Peers(), np.arange(30)
    for viewer in range(12):
        alike: dict[int, float] = {}
        own = int(viewers.hash[viewer]) & 0xFFFFFFFF
        names = [name for name in viewers.recent[viewer].tolist() if name]
        for name in names:
            row = catalogue.row_of_hash[name]
            rare = 1.0 / np.sqrt(catalogue.near_mass[row, 0] + 1.0)
            for liker, weight in zip(catalogue.likers[row].tolist(), catalogue.liker_w[row].tolist(), strict=True):
                if liker and liker != own:
                    alike[liker] = alike.get(liker, 0.0) + weight * rare
        wanted = np.zeros((30, 3))
        for row in rows.tolist():
            for liker, ts_ms in zip(catalogue.likers[row].tolist(), catalogue.liker_ms[row].tolist(), strict=True):
                likeness = alike.get(liker, 0.0)
                wanted[row, :2] += likeness * 2.0 ** (-(NOW_MS - ts_ms) / DAY_MS), likeness
        wanted[:, 2] = bool(names)
        liked = liked_rows(catalogue, viewers, np.array([viewer]))[0]
        found = peers.sums(catalogue, liked, int(viewers.hash[viewer]), rows, catalogue.likers[rows], NOW_MS)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_likes_of_tastes_that_drifted_go_together_with_no_later_one():
    users = Users()
    users.shard.catalogue = deepcopy(known())  # the one that is known is shared
    users.shard.catalogue.drift_ms = 5_000
    fold(users, [made_event("like", "ann", "v1", 4_000), made_event("like", "ann", "v2", 6_000)])
    fold(users, [made_event("like", "ann", "v3", 7_000)])
    near = {
        name: {int(other) for other in users.videos.table.near[users.videos.row_of[name]] if other}
        for name in ("v1", "v2", "v3")
    }
    assert near == {"v1": set(), "v2": {hash64("v3")}, "v3": {hash64("v2")}}
