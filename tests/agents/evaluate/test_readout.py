"""Readouts: what was served is joined with what came of it, and viewers count once, when their window is over."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from agents.evaluate.journey import Journeys, journeys
from agents.evaluate.readout import DAY_MS, METRICS, gini, grouped, members, readout
from agents.scenarios.experiments import known, tried
from schemas.lines import Line, parse_line
from streams.control.tuning import DEFAULT

START_MS = 1_700_000_000_000


def line(topic: str, key: str, **value: Any) -> Line:
    record = msgspec.json.encode({"topic": topic, "key": key, "value": {"v": 1, **value}, "ts_ms": 0})
    return parse_line(record)


def batch(name: str, user: str, videos: list[str], ts_ms: int = START_MS, **more: Any) -> Line:
    items = [{"video_id": video, "position": at, "score": 0.0, "source": "similar" if at else "fresh", "reasons": []}
             for at, video in enumerate(videos)]  # fmt: skip
    told: dict[str, Any] = {"batch_id": name, "user_id": user, "seq": 1, "ts_ms": ts_ms, "trigger": "request"}
    return line("feeds", user, **(told | {"as_of": {}, "model": "m", "items": items} | more))


def event(verb: str, user: str, video: str, after_ms: int, **more: Any) -> Line:
    told: dict[str, Any] = {"event_id": f"{verb}{user}{video}{after_ms}", "user_id": user, "session_id": "s1"}
    return line(f"events.{verb}", user, **(told | {"video_id": video, "ts_ms": START_MS + after_ms} | more))


def watch(user: str, video: str, after_ms: int, watch_ms: int = 20_000, **more: Any) -> Line:
    return event("watch", user, video, after_ms, watch_ms=watch_ms, duration_ms=30_000, **more)


def test_events_meet_their_place_by_batch_or_else_by_the_latest_that_served_the_video():
    found = journeys([
        watch("ann", "x", 5, batch_id="b1"),
        event("like", "ann", "y", 70),
        event("like", "bob", "y", 70),
        event("impression", "ann", "z", 80),
        batch("b1", "ann", ["x", "y"]),
        batch("b2", "ann", ["x", "y"], START_MS + 60),
        batch("b2", "ann", ["x", "y"], START_MS + 60),
        batch("look", "ann", ["z"], trigger="preview"),
    ])  # fmt: skip
    assert [(place.video_id, place.ts_ms - START_MS, place.seen) for place in found.places] == [
        ("x", 0, True), ("y", 0, False), ("x", 60, False), ("y", 60, True),
    ]  # fmt: skip
    assert [place.positive for place in found.places] == [False, False, False, True]


def test_the_longest_report_counts_repeats_do_not_and_an_undo_takes_back():
    lines = [
        batch("b1", "ann", ["x"]),
        watch("ann", "x", 5, 4_000),
        watch("ann", "x", 9, 9_000),
        watch("ann", "x", 7, 6_000),
    ]
    lines += [event("like", "ann", "x", 6), event("like", "ann", "x", 8, op="remove"), event("like", "ann", "x", 6)]
    (place,) = journeys(lines + lines).places
    assert (place.watch_ms, place.did("like"), place.positive) == (9_000, False, False)


def test_groups_count_what_was_served_seen_and_done():
    found = journeys([
        batch("b1", "ann", ["x", "y", "z"]),
        watch("ann", "x", 5),
        event("feedback", "ann", "x", 6, kind="report"),
        watch("ann", "y", 9, 1_000),
        event("skip", "ann", "y", 9, watch_ms=1_000),
        line("videos", "x", video_id="x", creator_id="c", created_ms=0, duration_ms=1),
    ])  # fmt: skip
    rows = grouped(found, lambda place: place.source)
    assert list(rows) == ["fresh", "similar"]
    told = [rows["fresh"][name] for name in ("served", "seen", "long_view", "report", "watch_s")]
    assert told == [1, 1, 1.0, 1.0, 20.0]
    assert [rows["similar"][name] for name in ("served", "seen", "skip", "long_view")] == [2, 1, 1.0, 0.0]
    assert grouped(found, lambda place: place.tier or None) == {}


def test_a_viewer_counts_once_the_window_is_over_with_what_happened_within_it():
    arm = {"arms": {"x": "now"}}
    lines = [
        batch("b1", "ann", ["x"], **arm),
        watch("ann", "x", 1_000, 30_000),
        watch("ann", "x", 61_000, 30_000, session_id="s2", impression_id="again"),
        batch("b2", "ann", ["y"], START_MS + DAY_MS + 5_000, **arm),
        watch("ann", "y", DAY_MS + 6_000, session_id="s3"),
        batch("c1", "bob", ["x"], START_MS + 2 * DAY_MS, **arm),
        batch("d1", "cid", ["x"], **arm),
        batch("d2", "cid", ["y"], START_MS + 10, arms={"x": "then"}),
    ]
    inside, waiting, switched = members(journeys(lines), "x", DAY_MS)
    assert ([one.user_id for one in inside], waiting, switched) == (["ann"], 1, 1)
    values = inside[0].values
    assert (values["seen"], values["long_view"], values["watch_s"], values["session_s"]) == (1.0, 1.0, 30.0, 0.0)
    assert values["return"] == 1.0
    later = members(journeys(lines), "x", DAY_MS, from_ms=START_MS + 1)[0]
    assert [(one.user_id, one.arm) for one in later] == [("cid", "then")], "what was before does not count"
    early = members(journeys(lines[:4]), "x", DAY_MS)[0][0]
    assert np.isnan(early.values["return"]), "the day after is not over"


def test_arms_of_the_same_settings_do_not_differ_and_of_others_do():
    arms = {"as it is": {}, "chance": {"settings": {"explore.uniform": 1.0}}, "the same": {}}
    lines = tried(known(3, DEFAULT, viewers=120, shows=4_000), {"salt": "s", "arms": arms})
    read = readout(journeys(lines), "x", window_ms=60_000, metrics=["long_view"])
    assert read.base == "as it is"
    assert read.against["chance"]["long_view"].high < 0
    assert not any(one.found for one in read.against["the same"].values())
    assert set(read.means["chance"]) == set(METRICS)
    assert set(read.gini) == set(arms)


def test_without_a_batch_of_the_experiment_there_is_nothing_to_read():
    read = readout(journeys([batch("b1", "ann", ["x"])]), "x")
    assert (read.viewers, read.waiting, read.against) == ({}, 0, {})
    assert gini([]) == 0.0
    assert readout(Journeys(), "x").viewers == {}


@pytest.mark.parametrize("bad", [line("feeds", "ann", batch_id=7), line("events.like", "ann", op="maybe")])
def test_lines_that_cannot_be_read_are_passed_over(bad):
    assert len(journeys([bad, batch("b1", "ann", ["x"])]).places) == 1
