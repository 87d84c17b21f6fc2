"""Who asks to be forgotten is found nowhere: not by id, nor by the hash that stands for it, nor by half of that."""

from __future__ import annotations

import msgspec
import numpy as np

from agents.scenarios.privacy import marks_of, traces
from agents.world.loop import Loop
from agents.world.world import World
from schemas.lines import parse_line
from streams.shards.forgetting import KINDS
from tests.streams.states import video
from tests.streams.test_replay import SENT_MS, line, made_event, replayed, request


def gone(user: str) -> bytes:
    return msgspec.json.encode({"topic": "users", "key": user, "value": None})


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
    marks = marks_of(replay, user)
    pairs = [int.from_bytes(one, "little") for one in marks["pairs"]]
    before = traces(replay, marks)
    assert {"half in numbers of videos", "half in replica", "id in rows", "pairs in learner"} <= set(before)
    replay.line(parse_line(gone(user)))
    replay.flush()
    assert traces(replay, marks) == []
    assert all(replay.users.training.recall(name) is None for name in pairs)
    assert row not in replay.desk._tail, "the next viewer of this row inherits nothing"
    others = [marks_of(replay, one) for one in loop.world.tastes.user_ids if one != user]
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
