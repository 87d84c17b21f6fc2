"""The flow of a made-up load: the same for a seed, as late and as often twice as asked, and counted story by story."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.errors import Stop
from agents.judge.tally import Tally
from agents.loadgen.closed_loop import events_a_second
from agents.loadgen.expected import Expectation, Expected, read_expectation
from agents.loadgen.flow import Act, Crowd, Flow
from agents.loadgen.report import Report
from agents.world.stories import DRAWS, EVENTS_A_STORY, story

CROWD = Crowd("x-", viewers=40, videos=60, duplicates=0.1, disorder_s=3.0)


def acts(count: int = 3_000, seed: int = 3, crowd: Crowd = CROWD) -> list[Act]:
    return list(islice(Flow(seed, crowd, rate=100.0), count))


def test_the_same_seed_makes_the_same_flow_and_another_another() -> None:
    first, again = acts(400), acts(400)
    assert [one.event for one in first] == [one.event for one in again]
    assert [one.event for one in first] != [one.event for one in acts(400, seed=4)]


def test_so_many_come_twice_and_each_after_its_first() -> None:
    flow = acts(5_000)
    seen: set[str] = set()
    for act in flow:
        assert act.again == (act.event["event_id"] in seen)
        seen.add(act.event["event_id"])
    assert sum(act.again for act in flow) / len(flow) == pytest.approx(0.1 / 1.1, abs=0.02)
    assert not any(act.again for act in acts(1_000, crowd=CROWD._replace(duplicates=0.0)))


def test_without_disorder_events_come_in_order_of_time_and_with_it_not() -> None:
    """The times of a flow are those of its own clock until it is sent."""
    times = [act.event["ts_ms"] for act in acts(2_000, crowd=CROWD._replace(duplicates=0.0, disorder_s=0.0))]
    assert times == sorted(times)
    late = acts(2_000)
    assert [act.event["ts_ms"] for act in late] != sorted(act.event["ts_ms"] for act in late)
    assert max(act.late_s for act in late) == pytest.approx(3.0, abs=0.1)


def test_a_viewer_meets_a_video_in_one_story_and_nothing_of_it_comes_after_its_last_event() -> None:
    pairs: dict[tuple[str, str], set[int]] = {}
    ended: set[int] = set()
    for act in acts():
        pairs.setdefault((act.event["user_id"], act.event["video_id"]), set()).add(act.story)
        if not act.again:
            assert act.story not in ended
            ended |= {act.story} if act.last else set()
    assert all(len(stories) == 1 for stories in pairs.values())
    assert len(ended) > 100


def test_a_story_has_as_many_events_as_the_rate_is_made_of() -> None:
    draws = np.random.default_rng(1).random((8_000, DRAWS)).tolist()
    count = sum(len(list(story("u", "v", 0, draw))) for draw in draws)
    assert count / len(draws) == pytest.approx(EVENTS_A_STORY, rel=0.03)


def test_counts_by_the_story_are_the_judges_counts_of_all_events() -> None:
    expected, tally = Expected(), Tally()
    for act in acts():
        expected.sent(act)
        tally.add(act.topic, act.event)
    found = expected.expectation("x-", 3, 3_000)
    assert found.counts == tally.counts()
    assert found.certain() == found.counts


def test_videos_of_events_that_were_not_confirmed_are_left_out(tmp_path: Path) -> None:
    expected, flow = Expected(), acts(50)
    for act in flow:
        expected.sent(act)
    expected.doubt(flow[7])
    path = tmp_path / "tally.json"
    expected.expectation("x-", 3, 50).write(path)
    found = read_expectation(path)
    assert flow[7].event["video_id"] in found.counts
    assert flow[7].event["video_id"] not in found.certain()


@pytest.mark.parametrize("text", [b"no json", b"{}", orjson.dumps({"name": "x", "seed": 1, "events": 1, "format": 9,
                                                                  "counts": {}})])  # fmt: skip
def test_a_file_that_is_no_tally_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "tally.json"
    path.write_bytes(text)
    with pytest.raises(Stop, match=r"tally\.json is (no tally|a tally of another version)"):
        read_expectation(path)


def test_a_tally_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"cannot be written to .*: No such file or directory; name another file"):
        Expectation("x", 1, 0, {}).write(tmp_path / "no" / "tally.json")


def test_more_videos_than_a_viewer_can_be_counted_on_are_refused() -> None:
    with pytest.raises(Stop, match="are 234 videos for each of 40 viewers, who may meet 30 of 60: use more"):
        CROWD.check(50_000)
    CROWD.check(1_000)
    with pytest.raises(Stop, match="who may meet 512 of 1,000,000"):
        CROWD._replace(videos=1_000_000).check(1e6)
    small = Crowd("x-", viewers=1, videos=2, duplicates=0.0)
    with pytest.raises(Stop, match="a viewer has met all 2 videos"):
        acts(1_000, crowd=small)


def test_a_report_says_what_was_late_in_words() -> None:
    report = Report(loop="open", sent=200, delivered=199, refused=1, duplicates=3, seconds=2.0, asked_per_s=110.0,
                    achieved_per_s=100.0, late=20, handed_p99_ms=75.0, handed_max_ms=90.0, delivered_p50_ms=1.5,
                    delivered_p99_ms=80.0)  # fmt: skip
    assert report.lines() == [
        "sent       200 events, 3 of them for the second time",
        "delivered  199, refused 1",
        "rate       100 events/s of 110 over 2.0 s",
        "late       20 (10.0%) by more than 50 ms: p99 75 ms, at worst 90 ms after they were due",
        "to Kafka   p50 1.5 ms, p99 80 ms after they were due",
    ]


def test_a_viewer_of_the_world_makes_an_event_every_few_seconds() -> None:
    assert 0.1 < events_a_second(1) < 1.0
