"""Who follows a creator and who met the videos: exact over stored rows, each viewer once."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from schemas.catalogue import User, UserSettings
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.learning.likes import CrowdLikes
from streams.learning.segments import Segments
from streams.shards.keys import viewer_key
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import VideoShard
from streams.video.catalogue import Catalogue
from streams.viewer.audience import Audience, audience_of
from streams.viewer.crowds import crowds_of
from streams.viewer.following import followed
from streams.viewer.profile import describe
from streams.viewer.viewers import ViewerTable
from tests.streams.states import video
from tests.streams.states_of_viewers import Users, fold, made_event

NOW_MS = 100_000


def stored(users: Users) -> list[tuple[str, bytes]]:
    """Viewers' ids and rows, as the next checkpoint writes them."""
    saved = users.shard.checkpoint()
    prefix = viewer_key("")
    rows = zip(saved.keys, saved.values, strict=True)
    return [(key[len(prefix) :].decode(), value) for key, value in rows if key.startswith(prefix)]


def asked(rows: list[tuple[str, bytes]], creator: str, *uploads: str, catalogue: Catalogue | None = None) -> Audience:
    pages = [rows[low : low + 2] for low in range(0, len(rows), 2)]
    told = Catalogue() if catalogue is None else catalogue
    return audience_of(pages, hash64(creator), hash_all(uploads), told, NOW_MS)


def announced(catalogue: Catalogue) -> dict[str, list[str]]:
    """Uploads by creator, which the catalogue comes to know."""
    records = [video(f"v{at}", creator_id=f"c{at % 3}") for at in range(9)]
    shard = VideoShard(0, 10**13, 100)
    shard.apply_videos([(record.video_id, record) for record in records])
    catalogue.take_states(shard.states())
    return {maker: [one.video_id for one in records if one.creator_id == maker] for maker in ("c0", "c1", "c2")}


def follows(rng: random.Random) -> Any:
    at = rng.randrange(9)
    named = {"creator_id": f"c{at % 3}"} if rng.random() < 0.5 else {}
    op = rng.choice(["add", "remove"])
    return made_event("follow", f"u{rng.randrange(7)}", f"v{at}", rng.randrange(60_000), op=op, **named)


def test_followers_are_those_whom_ranking_takes_for_followers_however_the_creator_was_named() -> None:
    rng, users, catalogue = random.Random(4), Users(), Catalogue()
    users.shard = UserShard(0, catalogue, learn=False)
    for _ in range(20):
        fold(users, [follows(rng)])
    makers = announced(catalogue)
    for _ in range(20):
        fold(users, [follows(rng)])
    viewers, rows = users.shard.viewers, stored(users)
    found = {maker: asked(rows, maker, *uploads).followers for maker, uploads in makers.items()}
    standing = [followed(catalogue, viewers.follows[row]) for row in viewers.row_of.values()]
    assert found == {maker: sum(hash64(maker) in names for names in standing) for maker in makers}
    assert 0 < sum(found.values()) < 21
    assert found == {maker: asked(rows + rows[::-1], maker, *own).followers for maker, own in makers.items()}, "twice"


def test_a_follow_at_two_videos_is_one_and_an_undo_at_either_takes_it_back() -> None:
    users = Users()
    twice = [made_event("follow", "u0", name, at) for at, name in enumerate(("v0", "v3", "v0"), 10)]
    fold(users, [*twice, made_event("follow", "u1", "v0", 5), made_event("follow", "u1", "v3", 9, op="remove")])
    assert asked(stored(users), "c0", "v0", "v3").followers == 1


def test_viewers_are_those_who_met_an_upload_and_nobody_is_a_viewer_of_who_uploaded_nothing() -> None:
    users = Users()
    fold(users, [made_event("impression", "u0", "v0", 5), made_event("skip", "u1", "v1", 6, watch_ms=10),
                 made_event("like", "u2", "v3", 7)])  # fmt: skip
    rows = stored(users)
    found = asked(rows, "c0", "v0", "v3")
    assert (found.followers, found.viewers, found.segments, found.activity) == (0, 2, {}, {"new": 2})
    assert asked(rows, "c9") == asked([], "c9", "v0") == Audience(0, 0, {}, {})


def test_segments_are_counted_by_name_and_who_turned_personalisation_off_is_in_none() -> None:
    catalogue, segments = Catalogue(), Segments()
    catalogue.tag_names = {hash64(name): name for name in ("cats", "cars")}
    tastes = np.eye(limits.DIM, dtype=np.float32)[:2]
    segments.learn_many(tastes, np.ones(2, np.float32), hash_all(["cats", "cars"])[:, None])
    catalogue.crowds = crowds_of(segments.told() | CrowdLikes().told())
    table = ViewerTable()
    for at, user in enumerate(("a", "b", "c", "shy", "stranger")):
        row = table.rows([user])[0]
        table.slow[row], table.mass[row, 1] = tastes[at % 2], user != "stranger"
        table.remember(row, hash_all(["v0"]))
    describe(table, table.row_of["shy"], User(v=1, user_id="shy", settings=UserSettings(personalize=False)))
    rows = list(zip(table.row_of, table.encode(np.arange(5)), strict=True))
    found = asked(rows, "c0", "v0", catalogue=catalogue)
    assert (found.viewers, found.segments) == (5, {"cats": 2, "cars": 1})
    assert list(found.segments) == ["cats", "cars"], "the most first"
