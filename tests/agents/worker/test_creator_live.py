"""A creator's page, end to end on the embedded broker: followers, views and tiers equal what was sent and said."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.main import main
from agents.settings import Settings
from agents.testing.live import Live, Place
from agents.testing.servers import RealKafka, RealRedis
from agents.topics import Admin
from streams import limits
from tests.agents.worker.test_feeds_live import event, known_videos, now_ms, video

pytestmark = pytest.mark.timeout(180)
IDS = itertools.count()


def shown(live: Live, name: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Exit code and stdout of ``feedstream creator show NAME``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEEDSTREAM_REDIS", live.redis)
        patch.setenv("FEEDSTREAM_BROKER", live.broker)
        with pytest.raises(SystemExit) as left:
            main(["creator", "show", name, *options])
    return int(left.value.code or 0), capsys.readouterr().out


def told(live: Live, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    _, out = shown(live, name, capsys, "--json")
    assert out.count("\n") == 1
    found: dict[str, Any] = orjson.loads(out)
    return found


def follow(live: Live, user: str, video_id: str, **more: Any) -> Place:
    return live.send("events.follow", user, event(user, video_id, f"f{next(IDS)}", **more))


def watch(live: Live, user: str, video_id: str, days_ago: int, impression: str) -> Place:
    at_ms = now_ms() - days_ago * limits.DAY_MS
    more = {"ts_ms": at_ms, "impression_id": impression, "watch_ms": 9_000, "duration_ms": 10_000}
    return live.send("events.watch", user, event(user, video_id, f"w{next(IDS)}", **more))


def removed(live: Live, *names: str) -> None:
    """Others count on knowing every candidate."""
    for name in names:
        live.send("videos", name, None)
    live.until("no candidates", lambda: not {*names} & known_videos(live))


def _sums(found: dict[str, Any]) -> tuple[int, int]:
    return found["feed_views_30d"], sum(one["likes"] for one in found["uploads"])


def test_an_id_that_nobody_knows_is_an_empty_answer_and_exit_1(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = shown(live, "nobody", capsys, "--json")
    assert (code, orjson.loads(out)) == (
        1, {"creator_id": "nobody", "followers": 0, "feed_views_30d": 0, "uploads": []},
    )  # fmt: skip
    assert shown(live, "nobody", capsys)[0] == 1


def test_a_creator_is_shown_with_followers_views_uploads_and_tiers(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    _page(live, capsys)


@pytest.mark.kafka
@pytest.mark.redis
def test_it_is_so_on_real_servers(
    fresh_kafka: RealKafka, redis_server: RealRedis, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with Live(fresh_kafka.url, redis_server.url, tmp_path) as live:
        Admin(fresh_kafka.bootstrap, Settings.from_env({})).apply()
        live.start()
        _page(live, capsys)


def _page(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    early = follow(live, "cr-eve", "cr1")  # nobody has announced the video, or said whose it is
    live.until_applied(early)
    for at, maker in enumerate(("cr-maker", "cr-maker", "cr-other")):
        live.send("videos", f"cr{at}", video(f"cr{at}", maker, "crtag", created_ms=now_ms() + at))
    live.until("candidates", lambda: {"cr0", "cr1", "cr2"} <= known_videos(live))
    sent = [
        follow(live, "cr-ann", "cr0", creator_id="cr-maker"),
        follow(live, "cr-bob", "cr0"),
        follow(live, "cr-bob", "cr1"),
        follow(live, "cr-cal", "cr0"),
        follow(live, "cr-cal", "cr1", creator_id="cr-maker", op="remove", ts_ms=now_ms() + 1_000),
        follow(live, "cr-dan", "cr2"),
        watch(live, "cr-ann", "cr0", 0, "a"),
        watch(live, "cr-ann", "cr0", 0, "a"),
        watch(live, "cr-ann", "cr0", 0, "b"),
        watch(live, "cr-bob", "cr1", limits.VIEW_DAYS - 1, "c"),
        watch(live, "cr-bob", "cr1", limits.VIEW_DAYS + 1, "d"),
        watch(live, "cr-dan", "cr2", 0, "e"),
        live.send("events.like", "cr-fay", event("cr-fay", "cr1", "l")),
    ]
    live.until_applied(*sent)
    live.until("the second hop", lambda: _sums(told(live, "cr-maker", capsys)) == (3, 1))
    found = told(live, "cr-maker", capsys)
    assert found["followers"] == 3, "cr-ann, cr-bob and cr-eve"
    assert found["audience"]["viewers"] == 5, "and cr-cal and cr-fay, who met one"
    assert sum(found["audience"]["activity"].values()) == 5
    assert found["audience"]["approximate"] == ["segments", "activity"]
    told_of = ("video_id", "exposures", "likes", "feed_views_30d", "standing", "active")
    assert [[one[name] for name in told_of] for one in found["uploads"]] == [
        ["cr1", 2, 1, 1, "open", True],
        ["cr0", 2, 0, 2, "open", True],
    ]
    said = [orjson.loads(one.value()) for one in live.records("tiers") if one.key() in {b"cr0", b"cr1"}]
    wanted = {(one["video_id"], one["decision"], one["to"], one["ts_ms"]) for one in said}
    history = [(one["video_id"], one["decision"], one["to"], one["ts_ms"]) for one in found["tier_history"]]
    assert sorted(wanted) == sorted(history)
    assert {("cr0", "forecast"), ("cr1", "forecast")} <= {one[:2] for one in history}
    assert found["tier_decisions_gone"] == 0
    code, out = shown(live, "cr-maker", capsys)
    assert code == 0
    assert all(word in out for word in ("feed_views_30d", "(approximate)", "history of tiers", "forecast", "0 → 0"))
    live.until_applied(live.send("users", "cr-bob", None))
    live.until("one follower less", lambda: told(live, "cr-maker", capsys)["followers"] == 2)
    assert told(live, "cr-maker", capsys)["feed_views_30d"] == 3, "counts stay"
    removed(live, "cr0", "cr1", "cr2")


def test_an_audience_is_told_by_segments_named_by_tags(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"crs{at}" for at in range(40)]
    fans = [f"cr-fan{at}" for at in range(4)]
    for name in names:
        live.send("videos", name, video(name, "cr-seg", "crsail"))
    live.until("candidates", lambda: set(names) <= known_videos(live))
    start_ms = now_ms() - len(names) * 60_000  # a video a minute: who likes all at once is no viewer
    minutes = iter(range(len(names)))

    def named() -> bool:
        for minute in itertools.islice(minutes, 1):
            for at, fan in enumerate(fans):  # what others have met before is liked by choice
                like = event(fan, names[(minute + 10 * at) % len(names)], "l", ts_ms=start_ms + minute * 60_000)
                live.until_applied(live.send("events.like", fan, like))
        return any("crsail" in one for one in told(live, "cr-seg", capsys)["audience"]["segments"])

    live.until("a segment", named)
    found = told(live, "cr-seg", capsys)["audience"]
    assert 1 <= sum(found["segments"].values()) <= found["viewers"] == len(fans)
    removed(live, *names)
    assert told(live, "cr-seg", capsys)["uploads"] == [], "removed uploads are told of no more"
