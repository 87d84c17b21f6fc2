"""Who asks to be forgotten is found nowhere: not by id, nor by the hash that stands for it, nor by half of that."""

from __future__ import annotations

import msgspec
import numpy as np

from agents.world.loop import Loop
from agents.world.world import World
from schemas.lines import parse_line
from streams.arrays.hashing import hash64, pair
from streams.learning.snapshots import encode_snapshot
from streams.replay import Replay
from streams.shards.forgetting import KINDS
from tests.streams.states import video
from tests.streams.test_replay import SENT_MS, line, made_event, replayed, request


def gone(user: str) -> bytes:
    return msgspec.json.encode({"topic": "users", "key": user, "value": None})


def marks(user: str) -> dict[str, bytes]:
    """What may stand for a viewer anywhere."""
    whole = hash64(user).to_bytes(8, "little")
    return {"id": user.encode(), "hash": whole, "half": whole[:4]}


def traces(replay: Replay, user: str) -> list[str]:
    """Where of everything that is stored, published or kept in memory a viewer can be found."""
    users, videos = replay.users, replay.videos
    users._dirty_viewers.update(users.viewers.row_of.values())
    users._dirty_outcomes.update(users.outcomes.row_of.values())
    saved, high = users.checkpoint(), videos.table.high
    found = {
        "rows of viewers and outcomes": b"".join([*saved.keys, *saved.values]),
        "numbers of videos": videos.table.pack(np.arange(high)).tobytes(),
        "replica": replay.catalogue.pack(np.arange(replay.catalogue.high)).tobytes(),
        "ledgers": b"".join(replay.desk.encode(row) for row in users.viewers.row_of.values()),
        "learner": replay.learner.to_bytes(),
        "snapshots": b"".join(encode_snapshot(one) for one in replay.learner.snapshots(0)),
    }
    return [f"{mark} in {where}" for mark, bytes_of in marks(user).items()
            for where, value in found.items() if bytes_of in value]  # fmt: skip


def busy() -> Loop:
    loop = Loop(World(3, viewers=6, videos=120))
    for _ in range(3):
        for viewer in range(6):
            loop.session(viewer)
    return loop


def test_no_byte_that_is_kept_tells_of_a_forgotten_viewer():
    loop = busy()
    user = loop.world.tastes.user_ids[2]
    replay = loop.replay
    row = replay.users.viewers.row_of[user]
    met = replay.users.viewers.met[row].copy()
    before = traces(replay, user)
    assert {"half in numbers of videos", "half in replica", "id in rows of viewers and outcomes"} <= set(before)
    pairs = set(pair(np.full(len(met), hash64(user), np.uint64), met).tolist())
    assert pairs & set(replay.learner.join.row_of)
    replay.line(parse_line(gone(user)))
    replay.flush()
    assert traces(replay, user) == []
    assert not pairs & set(replay.learner.join.row_of)
    assert all(replay.users.training.recall(name) is None for name in pairs)
    assert row not in replay.desk._tail, "the next viewer of this row inherits nothing"
    others = [one for one in loop.world.tastes.user_ids if one != user]
    assert any("half in numbers of videos" in traces(replay, one) for one in others), "nobody else is forgotten"


def test_a_receipt_counts_what_was_deleted_and_nothing_where_nothing_was():
    loop = busy()
    user = loop.world.tastes.user_ids[2]
    viewers = loop.replay.users.viewers
    row = viewers.row_of[user]
    met, served = len(viewers.met[row]), len(viewers.served[row])
    for name in (user, "nobody"):
        loop.replay.line(parse_line(gone(name)))
    loop.replay.flush()
    receipt, empty = loop.replay.users.forgotten[user], loop.replay.users.forgotten["nobody"]
    assert (receipt["outcomes"], receipt["met"], receipt["served"]) == (met, met, served)
    assert receipt["likes"] == met, "every video met is told"
    assert tuple(receipt) == tuple(empty) == KINDS
    assert not any(empty.values())


def test_counts_stay_and_a_like_stays_one_by_nobody():
    lines = [line("videos", video("v0")), *(line(*made_event("like", f"u{at}", "v0", 1_000 + at)) for at in range(3))]
    engine, plain = (replayed([*lines, *more])[1] for more in ([parse_line(gone("u1"))], []))
    row, same = engine.videos.row_of["v0"], plain.videos.row_of["v0"]
    assert engine.videos.table.counts[row].tolist() == plain.videos.table.counts[same].tolist()
    assert engine.videos.table.near_mass[row, 0] == np.float32(3.0)
    assert (engine.videos.table.likers[row] != 0).sum() == 2


def test_a_video_that_nobody_engages_with_any_more_forgets_who_liked_it():
    lines = [line("videos", video("v0")), line("videos", video("v1")), line(*made_event("like", "u0", "v0", 1_000)),
             line(*made_event("like", "u1", "v1", SENT_MS))]  # fmt: skip
    _, engine = replayed(lines, active_days=0.05)
    row = engine.videos.row_of["v0"]
    engine.videos.states()
    assert not engine.videos.active[row]
    assert not engine.videos.table.likers[row].any()
    assert engine.videos.table.counts[row].any()


def test_who_comes_back_is_somebody_new():
    lines = [*(line("videos", video(f"v{at}", tags=[f"t{at % 3}"])) for at in range(20)),
             *(line(*made_event("like", "u0", f"v{at}", 1_000 + at)) for at in range(0, 9, 3))]  # fmt: skip
    told, asked = {"purpose": "preview", "limit": 20}, ("u0", "u9")
    batches, _ = replayed([*lines, parse_line(gone("u0")), *(request(user, 1, **told) for user in asked)])
    mine, other = ([item["video_id"] for item in msgspec.json.decode(batch)["items"]] for batch in batches)
    assert mine == other
