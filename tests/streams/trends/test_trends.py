"""Trends: a burst is seen within a minute, an evening is none, what is over is released, a fall has its cause."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from agents.scenarios.trends import Flow as Story
from schemas.codec import decode, encode
from schemas.lines import Line
from schemas.trends import Trend
from streams import limits
from streams.arrays.hashing import hash64
from streams.control.tuning import DEFAULT, changed
from streams.replay import Replay
from streams.shards.changes import PAIR, ROW, SOFT, Batch
from streams.shards.video_shard import VideoShard
from streams.trends.lookout import Lookout
from streams.trends.rising import Rising
from streams.trends.surge import HOUR, Flow, part_of
from streams.trends.trends import Reading, Trends
from streams.video.catalogue import Catalogue
from tests.streams.states import video
from tests.streams.states_of_trends import reading_of
from tests.streams.states_of_viewers import made_event
from tests.streams.test_replay import line, request
from tests.streams.viewer.test_hidden import library

T0 = 1_700_000_000_000
MINUTE_MS = 60_000
HOW = DEFAULT.trends


class Likes:
    """A video shard, a catalogue and a lookout, and likes of theirs by the second."""

    def __init__(self, videos: int = 30) -> None:
        self.shard, self.catalogue = VideoShard(0, 10**13, 10**6), Catalogue()
        self.lookout = Lookout(self.shard, self.catalogue, whole=True)
        self.ids = [f"v{at}" for at in range(videos)]
        words = [(f"t{at % 5}", f"s{at % 3}") if at < 30 else ("flash", "beat") for at in range(videos)]
        records = [video(name, tags=[tag], sound_id=sound) for name, (tag, sound) in zip(self.ids, words, strict=True)]
        self.shard.apply_videos(list(zip(self.ids, records, strict=True)))
        self._offset = 0

    def like(self, ts_ms: int, rows: list[int]) -> list[Any]:
        """One like each of videos at ``ts_ms``; what is new then."""
        self._offset += 1
        packed = np.zeros(len(rows), dtype=ROW)
        packed["offset"], packed["video"], packed["ts_ms"], packed["kind"] = self._offset, rows, ts_ms, SOFT
        packed["signal"] = (1, 1, 1, 0)
        self.shard.apply(Batch("likes", 0, self.ids, packed, np.empty(0, PAIR)))
        self.catalogue.take_states(self.shard.states())
        return [(one.kind, one.id, one.state) for one in self.lookout.look(HOW)]

    def hour(self, begin_ms: int, times: int = 1) -> list[Any]:
        """Each minute five of thirty videos are liked, in turn, or as many times more."""
        return [
            one
            for minute in range(60)
            for one in self.like(
                begin_ms + minute * MINUTE_MS, [(minute * 7 + at * 11) % 30 for at in range(5 * times)]
            )
        ]


def test_a_burst_is_seen_within_a_minute_and_released_when_it_cools():
    likes = Likes()
    assert likes.hour(T0) == [], "nothing rises where everything goes on"
    begin_ms, seen = T0 + 60 * MINUTE_MS, []
    for second in range(60):
        seen += [(second, *one) for one in likes.like(begin_ms + second * 1_000, [3])]
    assert [one[1:] for one in seen] == [("video", "v3", "rising")], "and not what carries its tags"
    assert seen[0][0] < 60
    later = likes.hour(begin_ms + MINUTE_MS)
    assert later == [("video", "v3", "cooling")]


def test_a_tag_and_a_sound_rise_by_many_videos_of_which_none_does():
    likes = Likes(60)
    likes.hour(T0)
    seen = [one for second in range(50) for one in likes.like(T0 + 60 * MINUTE_MS + second * 1_000, [30 + second % 30])]
    assert set(seen) == {("tag", "flash", "rising"), ("sound", "beat", "rising")}


def test_where_everything_rises_at_once_nothing_does():
    likes = Likes()
    assert likes.hour(T0) == []
    assert likes.hour(T0 + 60 * MINUTE_MS, times=6) == []


def test_what_was_found_comes_back_from_the_store_with_what_is_under_watch():
    likes = Likes()
    likes.hour(T0)
    for second in range(30):
        likes.like(T0 + 60 * MINUTE_MS + second * 1_000, [3])
    assert [one.id for one in likes.lookout.unsent] == ["v3"]
    assert likes.lookout.changed
    back = Lookout(likes.shard, likes.catalogue, whole=True)
    back.decode(likes.lookout.encode())
    assert encode(back.unsent[0]) == encode(likes.lookout.unsent[0]), "the same bytes go out again"
    assert back.encode() == likes.lookout.encode()
    likes.lookout = back
    assert likes.like(T0 + 61 * MINUTE_MS, [3]) == [], "it is known to rise"
    back.sent(back.unsent)
    assert not back.unsent
    with pytest.raises(ValueError, match="format 9"):
        back.decode(msgspec.msgpack.encode({"format": 9, "looked_ms": 0, "kinds": [], "unsent": []}))


def test_looks_are_some_seconds_of_event_time_apart():
    likes = Likes()
    likes.like(T0, [0])
    looked = []
    for second in range(20):
        before = likes.lookout._looked_ms
        likes.like(T0 + second * 1_000, [0])
        looked += [second] if likes.lookout._looked_ms > before else []
    assert np.diff(looked).tolist() == [limits.LOOK_MS // 1_000] * (len(looked) - 1)


def test_so_many_are_watched_and_those_that_rise_stay():
    trends = Trends("video")
    first = trends.look(reading_of({0: 60.0}), T0, HOW)
    assert [one.state for one in first] == ["rising"]
    trends.look(reading_of({at: 90.0 - at for at in range(3 * limits.WATCHED)} | {0: 20.0}), T0 + 10_000, HOW)
    assert len(trends) == limits.WATCHED
    assert "n0" in trends.rising()
    assert all(len(one.counts) == limits.WATCH_MINUTES for one in trends._held.values())


def test_what_falls_is_said_once_until_it_is_back():
    def reading(late: float) -> Reading:
        flow = Flow(np.array([late]), np.array([2_400.0]), (500.0, 12_000.0), part_of(HOUR))
        return Reading(np.array([7]), flow, "n{}".format, lambda name: int(name[1:]))

    trends = Trends("tag")
    said = [
        trends.look_down(reading(late), T0 + at, HOW, lambda _: "quality") for at, late in enumerate((100.0, 20, 20))
    ]
    assert [[(one.state, one.cause) for one in found] for found in said] == [[], [("falling", "quality")], []]
    trends.look_down(reading(100.0), T0 + 10, HOW, lambda _: "quality")
    assert len(trends.look_down(reading(20.0), T0 + 11, HOW, lambda _: "quality")) == 1


def test_each_planted_cause_is_named():
    story = Story(5)
    lookout = Lookout(story.shard, story.catalogue, whole=True)
    found = {}
    for minute in range(0, 9 * 60, 10):
        story.step(minute, fallen=minute >= 7 * 60)
        found |= {one.id: one.cause for one in lookout.look(HOW) if one.state == "falling"}
    assert found == {"tag0": "supply", "tag1": "exposure", "tag2": "interest", "tag3": "quality"}


def burst(users: int = 40, target: str = "v5") -> list[Line]:
    """An hour of this and that, then a like a second of one video."""
    calm = [line(*made_event("like", f"u{at % users}", f"v{at % 23 + 6}", T0 + at * 18_000)) for at in range(200)]
    return [*calm, *(line(*made_event("like", f"u{at}", target, T0 + 3_600_000 + at * 1_000)) for at in range(30))]


def test_what_rises_takes_its_share_of_a_feed_and_not_of_a_preview():
    later_ms = T0 + 3_632_000

    def items(**more: Any) -> list[Any]:
        engine = Replay(T0 + 10**9, tuning=changed(DEFAULT, {"trends.share": 0.5, "slate.fresh": 0.0}))
        asked = request("u35", 1, later_ms, limit=4, **more)
        found: list[Any] = msgspec.json.decode(encode([*engine.run([*library(), *burst(), asked])][-1]))["items"]
        assert [(one.kind, one.id, one.state) for one in engine.trends] == [("video", "v5", "rising")]
        return found

    names = [one["video_id"] for one in items()]
    assert "v5" in names
    assert [one["source"] for one in items(purpose="preview")].count("rising") == 0
    assert "v5" in [one["video_id"] for one in items(source="trending")]


def test_a_rise_whose_end_was_never_heard_of_ends():
    rising = Rising()
    rising.take(Trend(v=1, trend_id="t", kind="video", id="v5", state="rising", ts_ms=T0))
    assert rising.videos(T0 + limits.RISING_MS - 1).tolist() == [hash64("v5")]
    assert rising.videos(T0 + limits.RISING_MS).tolist() == []


def test_two_replays_see_the_same_trends_in_the_same_words():
    told = []
    for _ in range(2):
        engine = Replay(T0 + 10**9)
        list(engine.run([*library(), *burst()]))
        told.append([encode(one) for one in engine.trends])
    assert told[0] == told[1] != []
    for value in told[0]:
        assert decode("trends", msgspec.json.decode(value)["id"].encode(), value, T0 + 10**9).state == "rising"
