"""A worker refuses a snapshot that it could not rank with, and goes on with the last one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.dead_letters import BadShare
from agents.settings import Settings
from agents.worker.broadcasts import take_states
from agents.worker.models import take_model
from agents.worker.shared import Shared
from schemas.catalogue import Video
from streams import limits
from streams.arrays.hashing import hash64
from streams.learning.snapshots import encode_snapshot, snapshot
from streams.ranking.features import FEATURES
from streams.ranking.tilt import HEADS
from streams.shards.video_shard import VideoShard
from streams.signals.watching import UNKNOWN

F, H = len(FEATURES), len(HEADS)
NAMES = list(FEATURES)


def shared() -> Shared:
    nothing: Any = None
    return Shared(settings=Settings.from_env({}), store=nothing, producer=nothing, bad=BadShare(0.5))


def made(model: str, arrays: dict[str, Any], names: list[str] = NAMES) -> bytes:
    return encode_snapshot(snapshot(model, 3, 0, arrays, {}, names))


def test_a_good_snapshot_is_swapped_in() -> None:
    ours = shared()
    take_model(ours, "ranker", made("ranker", {"weights": np.arange(F, dtype=np.float64)}))
    assert ours.model.version == "ranker-3"
    assert ours.model.weights.tolist() == list(range(F))
    take_model(ours, "heads", made("heads", {"w": np.ones((H, F)), "b": np.zeros(H)}))
    assert ours.model.heads is not None
    assert ours.model.version == "ranker-3"
    usual = {"points": UNKNOWN.points + 5, "seen": UNKNOWN.seen + 7}
    take_model(ours, "quality", made("quality", usual, []))
    assert (ours.catalogue.usual.points == 5).all()
    assert (ours.catalogue.usual.seen == 7).all()
    row = ours.catalogue.intern(["v"])
    told = {"videos": np.ones((1, limits.AFTER), np.uint64), "weight": np.full((1, limits.AFTER), 3.0, np.float32)}
    told |= {"names": ours.catalogue.hash[row], "mass": np.full(1, 5.0, np.float32)}
    take_model(ours, "after:0", made("after:0", told, []))
    assert ours.catalogue.after_w[row[0]].tolist() == [0.5] * limits.AFTER
    assert len(ours.kept["after"]) == 1
    take_model(ours, "drift", made("drift", {"since_ms": np.array([9])}, []))
    assert ours.catalogue.drift_ms == 9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ranker", b"\x00 no snapshot"),
        ("ranker", made("ranker", {"weights": np.full(F, np.nan)})),
        ("ranker", made("ranker", {"weights": np.r_[np.ones(F - 1), np.inf]})),
        ("ranker", made("ranker", {"weights": np.ones(F)}, [*NAMES[:-1], "other"])),
        ("ranker", made("ranker", {"weights": np.ones(F + 1)})),
        ("ranker", made("ranker", {"other": np.ones(F)})),
        ("heads", made("heads", {"w": np.ones((H, F + 1)), "b": np.zeros(H)})),
        ("heads", made("heads", {"w": np.ones((H - 1, F)), "b": np.zeros(H - 1)})),
        ("heads", made("heads", {"w": np.ones((H, F))})),
        ("quality", made("quality", {"points": UNKNOWN.points[1:], "seen": UNKNOWN.seen}, [])),
        ("quality", made("quality", {"points": UNKNOWN.points}, [])),
        ("drift", made("drift", {"since_ms": np.array([9, 9])}, [])),
        ("factors:0", made("factors:0", {"names": np.ones(2, np.uint64), "vectors": np.ones((2, 3))}, [])),
        ("factors:0", made("factors:0", {"names": np.ones(3, np.uint64), "vectors": np.ones((2, limits.FACTORS))}, [])),
        ("after:0", made("after:0", {"names": np.ones(2, np.uint64), "videos": np.ones((2, 3), np.uint64)}, [])),
        ("terms:0", made("terms:0", {"names": np.ones(2, np.uint64), "tags": np.ones((2, 3), np.uint64)}, [])),
        ("somebody's", made("somebody's", {"weights": np.ones(F)})),
        ("ranker", None),
    ],
)
def test_a_snapshot_one_cannot_rank_with_changes_nothing(name: str, value: bytes | None) -> None:
    ours = shared()
    before = ours.model
    take_model(ours, name, value)
    assert ours.model is before
    assert ours.catalogue.usual is UNKNOWN
    assert ours.catalogue.drift_ms == 0
    assert not ours.kept["factors"]


@pytest.mark.parametrize(
    ("model", "told", "column"),
    [
        ("factors:0", {"vectors": np.full((1, limits.FACTORS), 0.5, np.float32)}, "factors"),
        (
            "lift:0",
            {"sums": np.ones((1, len(limits.LIFT_HALF_LIVES_S), 2), np.float32), "at_ms": np.ones(1, np.int64)},
            "lift",
        ),
        (
            "after:0",
            {
                "videos": np.ones((1, limits.AFTER), np.uint64),
                "weight": np.ones((1, limits.AFTER), np.float32),
                "mass": np.ones(1, np.float32),
            },
            "after_w",
        ),
    ],
)
def test_what_was_learnt_of_a_video_waits_until_it_is_in_the_catalogue(
    model: str, told: dict[str, Any], column: str
) -> None:
    ours = shared()
    take_model(ours, model, made(model, {"names": np.array([hash64("v")], np.uint64)} | told, []))
    shard = VideoShard(0, 10**13, 100)
    shard.apply_videos([("v", Video(v=1, video_id="v", creator_id="c", created_ms=0, duration_ms=9_000))])
    take_states(ours, shard.states())
    row = ours.catalogue.row_of["v"]
    assert (getattr(ours.catalogue, column)[row] > 0).all()
