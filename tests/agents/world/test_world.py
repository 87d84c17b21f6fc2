"""The world: its mix is the one stated, its judges are fair, and a seed is all it needs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import orjson
import pytest

from agents.judge.tally import tally_lines
from agents.world.reactions import MIX
from agents.world.world import World
from schemas.codec import decode
from schemas.lines import read_lines
from streams.signals.watching import long_view

SHOWS = 30_000


def mix(world: World, best: bool) -> dict[str, float]:
    """Share of showings that end in each reaction, on random feeds or on the best there are."""
    rng = np.random.default_rng(9)
    seen: Counter[str] = Counter()
    viewers = len(world.tastes)
    for at in range(SHOWS // 20):
        viewer = at % viewers
        rows = np.argsort(-world.affinities(viewer))[:20] if best else rng.choice(len(world.videos), 20, replace=False)
        ids = [world.videos.records[row].video_id for row in rows.tolist()]
        events, _ = world.watch(viewer, ids, world.start_ms + at * 60_000)
        longest: dict[str, tuple[int, int]] = {}
        for topic, event in events:
            if getattr(event, "op", "add") == "add":
                seen[topic.removeprefix("events.")] += 1
            if topic == "events.watch":
                longest[event.video_id] = (event.watch_ms, event.duration_ms)  # type: ignore[attr-defined]
        watched, durations = np.array(list(longest.values())).T
        seen["long_view"] += int(long_view(watched, durations).sum())
    return {name: count / SHOWS for name, count in seen.items()}


def test_random_feeds_have_the_stated_mix() -> None:
    found = mix(World(1, viewers=150, videos=1_000), best=False)
    for name, rate in MIX.items():
        assert found[name] == pytest.approx(rate, abs=4 * (rate * (1 - rate) / SHOWS) ** 0.5 + 0.03 * rate), name
    assert found["impression"] == 1.0


def test_feeds_of_what_is_loved_have_a_better_mix() -> None:
    found = mix(World(1, viewers=150, videos=1_000), best=True)
    assert found["long_view"] > 0.75
    assert found["like"] > 4 * MIX["like"]
    assert found["skip"] < 0.06


def test_a_match_is_zero_for_random_videos_and_one_for_the_best() -> None:
    world = World(2, viewers=60, videos=1_000)
    rng = np.random.default_rng(3)
    ids = [video.video_id for video in world.videos.records]
    random = [world.match(viewer, rng.choice(ids, 20, replace=False).tolist()) for viewer in range(60)]
    best = [world.match(viewer, [ids[at] for at in np.argsort(-world.affinities(viewer))[:20]]) for viewer in range(60)]
    assert abs(float(np.mean(random))) < 0.05
    assert best == pytest.approx([1.0] * 60)
    assert world.match(0, []) == 0.0


def test_what_was_given_before_is_not_expected_again() -> None:
    world = World(2, viewers=2, videos=300)
    order = [world.videos.records[at].video_id for at in np.argsort(-world.affinities(0))]
    world.offer(0, order[:20])
    assert world.match(0, order[20:40]) == pytest.approx(1.0)
    assert world.match(1, order[20:40]) < 1.0


def test_the_same_seed_gives_the_same_log_and_another_seed_another() -> None:
    one, two, other = (list(World(seed, viewers=20, videos=200).log(600)) for seed in (4, 4, 5))
    assert one == two
    assert one != other


def test_every_line_of_a_log_is_good_and_the_tally_is_that_of_the_lines() -> None:
    world = World(6, viewers=20, videos=200)
    lines = list(world.log(1_200))
    for line in read_lines(lines):
        decode(line.topic, line.key_bytes, line.value_bytes, world.start_ms + 10**9)
    assert world.tally.counts() == tally_lines(lines).counts()


def test_a_preview_stands_before_all_that_is_told_of_a_showing_that_ends_in_a_like() -> None:
    lines = [orjson.loads(line) for line in World(7, viewers=20, videos=200).log(2_000)]
    likes = [line["value"] for line in lines if line["topic"] == "events.like" and "op" not in line["value"]]
    assert len(likes) > 20
    place: dict[str, int] = {}
    for at, line in enumerate(lines):
        place.setdefault(line["value"].get("impression_id", ""), at)
    for like in likes:
        asked = lines[place[like["impression_id"]] - 1]
        assert asked["topic"] == "feed.requests"
        assert asked["value"]["purpose"] == "preview"
        assert asked["key"] == like["user_id"]


def test_a_switched_taste_is_unlike_the_old_one_and_drift_is_small() -> None:
    world = World(8, viewers=40, videos=200)
    before = world.tastes.weights.copy()
    world.drift(0.02)
    assert (before * world.tastes.weights).sum(axis=1).min() > 0.99
    world.switch_tastes(range(20))
    likeness = (before * world.tastes.weights).sum(axis=1)
    assert likeness[:20].max() < 0.3
    assert likeness[20:].min() > 0.99


def test_uploads_can_be_watched_and_matched_at_once() -> None:
    world = World(9, viewers=5, videos=100)
    made = world.upload(3, world.start_ms)
    events, end_ms = world.watch(0, [video.video_id for video in made], world.start_ms)
    assert {event.video_id for _, event in events} == {video.video_id for video in made}
    assert end_ms > world.start_ms
    assert world.given.shape == (5, 103)


def test_hurry_shortens_the_time_and_not_what_is_told() -> None:
    slow, fast = World(10, viewers=3, videos=100), World(10, viewers=3, videos=100)
    ids = [video.video_id for video in slow.videos.records[:10]]
    told, slow_end = slow.watch(0, ids, slow.start_ms)
    hurried, fast_end = fast.watch(0, ids, fast.start_ms, hurry=10.0)
    assert (fast_end - fast.start_ms) * 10 == pytest.approx(slow_end - slow.start_ms, rel=0.01)
    reports = [[event.watch_ms for topic, event in some if topic == "events.watch"] for some in (told, hurried)]  # type: ignore[attr-defined]
    assert reports[0] == reports[1]
