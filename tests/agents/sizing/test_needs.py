"""What a load needs follows from measured costs, and README shows the same costs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import orjson
import pytest

from agents.errors import Stop
from agents.settings import Settings
from agents.sizing.costs import COSTS, Costs, read_costs, shipped_costs
from agents.sizing.here import Reading, used
from agents.sizing.load import stated
from agents.sizing.needs import Needs, event_us, feed_us, needs
from agents.sizing.scaled import scaled
from benchmarks import readme
from benchmarks.costs import costs as costs_of
from streams import limits

ROOT = Path(__file__).parents[3]
DEFAULTS = Settings.from_env({})
MADE = Costs(**(dict.fromkeys(Costs.__struct_fields__, 1.0) | {
    "pipeline_us": 40.0, "flow_users_us": 30.0, "flow_videos_us": 10.0, "flow_learner_us": 10.0, "feed_us": 1_000.0,
    "batches_per_s": 500.0, "worker_base_bytes": 2.0**28, "viewer_memory_bytes": 3_000.0, "pipeline_redis_us": 10.0,
    "outcome_memory_bytes": 1_000.0, "gateway_event_us": 200.0, "gateway_feed_us": 4_000.0,
    "input_event_log_bytes": 100.0, "derived_event_log_bytes": 60.0, "state_event_log_bytes": 40.0,
    "feed_log_bytes": 1_000.0,
}))  # fmt: skip


def found(events: float = 10_000.0, viewers: int = 100_000, room: float = 0.5, **more: float) -> Needs:
    return needs(stated(events, viewers, **more), MADE, DEFAULTS, room)  # type: ignore[arg-type]


def test_every_cost_is_a_row_of_readme_with_the_same_figure() -> None:
    page = (ROOT / "README.md").read_text()
    rows = readme.ROWS | readme.GATEWAY_ROWS
    for name, value in msgspec.to_builtins(shipped_costs().costs).items():
        assert f"| {rows[name]} | {readme._number(value)} |" in page, name


def test_the_shipped_costs_say_where_they_are_from() -> None:
    assert [one.partition(" on ")[0] for one in shipped_costs().where] == ["make bench", "python -m benchmarks.gateway"]
    assert all(re.search(r" on \d{4}-\d\d-\d\d: .* cores, ", one) for one in shipped_costs().where)


def test_figures_that_were_not_measured_anew_stay() -> None:
    report = {"date": "2026-01-02", "machine": {"cpu": "M", "cores": 2, "memory_gb": 8}, "versions": {},
              "figures": {"pipeline_us": 7.0}}  # fmt: skip
    before = {"where": ["make bench on an old day", "another on a day"], "costs": {"pipeline_us": 9.0, "feed_us": 5.0}}
    made = costs_of({"make bench": report}, before)
    assert made["costs"] == {"pipeline_us": 7.0, "feed_us": 5.0}
    assert [one.partition(":")[0] for one in made["where"]] == ["another on a day", "make bench on 2026-01-02"]


def test_workers_are_the_work_over_what_room_leaves_of_a_core() -> None:
    assert event_us(MADE) == pytest.approx(32.0), "the learner's fifth is its own"
    need = found(events=10_000, feeds_per_s=100, active_videos=100_000)
    assert need["events_cores"] == pytest.approx(0.32)
    assert need["feeds_cores"] == pytest.approx(100 * (1_000 + 2_000) / 1e6)
    assert need["learner_cores"] == pytest.approx(0.08)
    assert need["workers"] == 2
    assert found(events=100_000, feeds_per_s=100)["workers"] == 7, "3.2 + 0.3 cores at half"
    assert found(events=100_000, feeds_per_s=100, room=0.0)["workers"] == 4


def test_partitions_leave_room_for_twice_the_workers() -> None:
    assert found(events=100_000, feeds_per_s=100)["partitions"] == 16
    assert found(events=10, feeds_per_s=1)["partitions"] == 4


def test_ranking_grows_with_the_catalogue_and_no_further_than_its_bound() -> None:
    assert feed_us(MADE, 50_000) == pytest.approx(2_000.0)
    small, large = found(active_videos=50_000), found(active_videos=10**6)
    assert large["feeds_cores"] == pytest.approx(found(active_videos=100_000)["feeds_cores"])
    assert small["feeds_cores"] < large["feeds_cores"]


def test_memory_is_what_settings_keep_of_who_comes_on_a_day() -> None:
    need = found(viewers=100_000, active_viewers=40_000, outcomes=10, events=1_000)
    rest = 2**28 + 100_000 / 2 + 100_000  # videos and candidates, of a byte each here
    assert need["worker_held_bytes"] == pytest.approx(rest + 20_000 * 3_000 + 200_000 * 1_000)
    assert need["worker_memory_bytes"] == pytest.approx(2 * need["worker_held_bytes"])
    crowd = found(viewers=10**9, outcomes=1_000, events=1_000)
    most = DEFAULTS.hot_viewers * 2 * 3_000 + DEFAULTS.hot_outcomes * 2 * 1_000
    assert crowd["worker_held_bytes"] == pytest.approx(rest + most), "beyond that they wait in Redis"


def test_kafka_holds_days_in_copies() -> None:
    need = found(events=250, feeds_per_s=25, peak=2.5, days=10, replicas=3, uploads_per_day=0, active_videos=1)
    assert need["kafka_bytes_per_day"] == pytest.approx((100 * 200 + 10 * 1_000) * 86_400)
    assert need["kafka_disk_bytes"] == pytest.approx((100 * 160 + 10 * 1_000) * 86_400 * 10 * 3 * 2, rel=1e-6)


def test_gateways_follow_calls_and_streams() -> None:
    assert found(events=20_000, feeds_per_s=100)["gateways"] == 9, "4.4 cores at half"
    assert found(events=20_000, feeds_per_s=100, http=0.0)["gateways"] == 0
    assert found(events=1, feeds_per_s=1, streams=4 * limits.STREAMS)["gateways"] == 8


def test_bounds_are_warned_of() -> None:
    calm = found(events=100, active_videos=1_000).warnings
    assert calm == []
    warned = " ".join(found(events=200_000, active_videos=300_000).warnings)
    assert "300,000 active videos are more than FEEDSTREAM_ACTIVE_VIDEOS=100,000" in warned
    assert "if one video takes half of all events, its partition needs 1.00 cores" in warned
    assert "the learner needs 1.60 cores and is one process" in warned
    assert "one Redis is not enough" in warned
    assert "set FEEDSTREAM_USER_PARTITIONS and FEEDSTREAM_VIDEO_PARTITIONS to " in warned


def test_a_load_that_cannot_be_is_refused() -> None:
    with pytest.raises(Stop, match="7 active viewers a day are more than 5 viewers: raise --viewers"):
        stated(1.0, 5, active_viewers=7)
    with pytest.raises(Stop, match="--outcomes is 2000: of a viewer the latest 1,024 are kept"):
        stated(1.0, 5, outcomes=2_000)


def test_costs_of_a_file_replace_those_of_the_release(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    path.write_bytes(orjson.dumps({"where": ["here"], "costs": {"feed_us": 9.0}, "figures": {}}))
    mine = read_costs(path)
    assert mine.costs == msgspec.structs.replace(shipped_costs().costs, feed_us=9.0)
    assert mine.where == ["here"]
    for wrong in ({}, {"where": [], "costs": {}}, {"where": [], "costs": {"feed_us": "much"}},
                  {"where": [], "costs": {"feed_us": 0.0}}):  # fmt: skip
        path.write_bytes(orjson.dumps(wrong))
        with pytest.raises(Stop, match=r"costs\.json holds no measured costs .*: use what `feedstream bench --json`"):
            read_costs(path)


def test_a_machine_half_as_fast_doubles_what_only_long_benchmarks_find() -> None:
    release = shipped_costs().costs
    made, where = scaled({"replay_us": 2 * release.replay_us, "batches_per_s": 300.0}, "today: M, 2 cores")
    assert made["pipeline_us"] == pytest.approx(2 * release.pipeline_us)
    assert made["gateway_feed_us"] == pytest.approx(2 * release.gateway_feed_us)
    assert made["batches_per_s"] == 300.0
    assert where[0] == "feedstream bench on today: M, 2 cores; other CPU costs are the release's x 2.00"
    assert COSTS.name == "costs.json"


READING = Reading(
    user_partitions=8, video_partitions=4, workers=2, seconds=5.0, events=50_000, feeds=500, lag=3,
    stored={"viewers": 1_000, "outcomes": 5_000, "videos": 100, "active videos": 100},
    redis_used_bytes=2**30, redis_max_bytes=4 * 2**30,
)  # fmt: skip


def test_what_runs_is_compared_with_what_it_could_do() -> None:
    use = used(READING, MADE, DEFAULTS)
    assert not use.due
    cores = (10_000 * 32.0 + 100 * (1_000 + 2)) / 1e6
    assert use.terms["work_cores"].value == pytest.approx(cores)
    assert use.terms["work_used"].value == pytest.approx(cores / 2)
    assert use.terms["next_worker_at"].value == pytest.approx(2 * 0.5 * 10_000 / cores)
    assert use.terms["partitions_end_at"].value == pytest.approx(4 * 0.5 * 10_000 / cores)
    assert use.steps[0].startswith("at 23,")
    assert use.steps[0].endswith(" events/s (now 10,000): start another worker")


@pytest.mark.parametrize(("changed", "step"), [
    ({"workers": 0}, "nobody owns a shard: start `feedstream worker`"),
    ({"events": 250_000}, "now: start 2 more workers, 50,000 events/s need 4"),
    ({"events": 2_500_000}, "now: 33 workers are needed and there are 4 partitions: see docs/scaling.md for more"),
    ({"redis_used_bytes": 3 * 2**30}, "now: Redis holds 3.0 GiB of 4.0 GiB: give it more memory, or use Redis Cluster"),
    ({"stored": {"active videos": 100_000}}, "now: 100,000 videos are active, the least engaged are no candidates"),
])  # fmt: skip
def test_a_step_that_is_due_is_said(changed: dict[str, object], step: str) -> None:
    use = used(replace(READING, **changed), MADE, DEFAULTS)  # type: ignore[arg-type]
    assert use.due
    assert any(one.startswith(step) for one in use.steps), use.steps
