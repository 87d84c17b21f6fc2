"""The load: what it promises of itself, and that the fold and its judge agree on it."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import orjson
import pytest

from agents.judge.tally import COUNTED, Tally, tally_lines
from agents.testing.load import bad_samples, load
from schemas.codec import BadRecord, decode
from schemas.lines import read_lines
from schemas.topics import COUNTS
from streams.replay import Replay

START_MS = 1_760_000_000_000


def test_the_judge_counts_the_nine_counts_of_the_wire() -> None:
    assert COUNTED == COUNTS


def test_a_load_repeats_one_event_in_twenty_and_keeps_within_ten_seconds_of_order() -> None:
    made = load(np.random.default_rng(1), 8_000, viewers=100, videos=200)
    assert made.events >= 8_000
    assert made.duplicates / made.events == pytest.approx(0.05, abs=0.01)
    events = [line for line in map(orjson.loads, made.lines) if line["topic"].startswith("events.")]
    assert len(events) == made.events
    assert made.events - len({line["value"]["event_id"] for line in events}) == made.duplicates
    latest_ms, most_late_ms, disorder = 0, 0, 0
    for line in events:
        most_late_ms = max(most_late_ms, latest_ms - line["ts_ms"])
        disorder += line["ts_ms"] < latest_ms
        latest_ms = max(latest_ms, line["ts_ms"])
    assert most_late_ms <= 10_000
    assert disorder > made.events / 10


def test_a_load_never_overflows_a_ring() -> None:
    made = load(np.random.default_rng(2), 8_000, viewers=100, videos=200)
    videos: dict[str, set[str]] = defaultdict(set)
    references: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for line in map(orjson.loads, made.lines):
        event = line["value"]
        if line["topic"].startswith("events."):
            videos[event["user_id"]].add(event["video_id"])
            name = event.get("comment_id") or event.get("impression_id") or event["session_id"]
            named = event["event_id"] if line["topic"] == "events.share" else name
            references[event["user_id"], event["video_id"], line["topic"]].add(named)
    assert max(map(len, videos.values())) <= 128
    assert max(map(len, references.values())) <= 8


def test_a_load_undoes_likes_and_removes_comments() -> None:
    made = load(np.random.default_rng(3), 8_000, viewers=100, videos=200)
    removed = Counter(line["topic"] for line in map(orjson.loads, made.lines) if line["value"].get("op") == "remove")
    assert removed.keys() >= {"events.like", "events.save", "events.follow", "events.comment", "events.feedback"}


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two = (load(np.random.default_rng(4), 3_000, viewers=50, videos=100).lines for _ in range(2))
    assert one == two


def test_more_events_than_the_rings_allow_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="use more viewers or videos"):
        load(np.random.default_rng(5), 100_000, viewers=10, videos=50)


def test_the_fold_agrees_with_the_judge_on_every_count_of_a_load() -> None:
    made = load(np.random.default_rng(6), 6_000, viewers=80, videos=150, start_ms=START_MS, asking=0.0)
    engine = Replay(START_MS + 3_600_000)
    for _ in engine.run(read_lines(made.lines)):
        pass
    wanted = tally_lines(made.lines).counts()
    table = engine.videos.table
    found = {
        video: dict(zip(COUNTS, table.counts[row].tolist(), strict=True))
        for video, row in engine.videos.row_of.items()
        if table.counts[row].any()
    }
    assert found == wanted
    assert engine.users.outcomes.overflows == 0


def test_every_bad_sample_is_bad_for_the_cause_it_names() -> None:
    for sample in bad_samples(START_MS):
        with pytest.raises(BadRecord) as caught:
            decode(sample.topic, sample.key, sample.value, START_MS)
        assert caught.value.cause == sample.cause


def test_at_equal_times_a_remove_wins_whatever_the_order() -> None:
    like = {"user_id": "ann", "video_id": "cat", "session_id": "s", "event_id": "e", "ts_ms": 5}
    for events in ([like, like | {"op": "remove"}], [like | {"op": "remove"}, like]):
        tally = Tally()
        for event in events:
            tally.add("events.like", event)
        assert tally.counts()["cat"]["likes"] == 0


def test_watch_time_is_the_largest_report_of_each_impression() -> None:
    watch = {"user_id": "ann", "video_id": "cat", "session_id": "s", "event_id": "e", "ts_ms": 5}
    tally = Tally()
    for impression, watch_ms in (("i", 500), ("i", 900), ("i", 700), (None, 50), (None, 60)):
        tally.add("events.watch", watch | {"impression_id": impression, "watch_ms": watch_ms})
    assert tally.counts()["cat"] == dict.fromkeys(COUNTED, 0) | {"watches": 2, "watch_ms": 960}
