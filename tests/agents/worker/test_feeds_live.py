"""A worker process on the embedded broker and store: records in, batches and counts out, by the laws of the issue."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import orjson
import pytest

from agents.cli.main import main
from agents.judge.counts import compare_counts
from agents.testing.live import Live, Place
from agents.testing.load import load
from schemas.topics import COUNTS

pytestmark = pytest.mark.timeout(180)
VIDEOS = 60


def now_ms() -> int:
    return int(time.time() * 1_000)


def video(name: str, creator: str, *tags: str, **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "video_id": name, "creator_id": creator, "created_ms": now_ms(), "duration_ms": 10_000,
        "tags": list(tags), **more,
    }  # fmt: skip


def event(user: str, video_id: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "v": 1, "event_id": f"{user}.{video_id}.{name}", "user_id": user, "session_id": f"{user}.s",
        "video_id": video_id, "ts_ms": now_ms(), **more,
    }  # fmt: skip


def watch(live: Live, user: str, video_id: str, watch_ms: int = 9_000) -> Place:
    return live.send("events.watch", user, event(user, video_id, "w", watch_ms=watch_ms, duration_ms=10_000))


def ask(live: Live, user: str, name: str, stamp_ms: int | None = None, **more: Any) -> Place:
    request = {"v": 1, "request_id": f"{user}.{name}", "user_id": user, "ts_ms": now_ms(), **more}
    return live.send("feed.requests", user, request, stamp_ms)


def answer(live: Live, user: str, name: str, **more: Any) -> dict[str, Any]:
    ask(live, user, name, **more)
    return live.batch(user, request_id=f"{user}.{name}")


def ids(batch: dict[str, Any]) -> list[str]:
    return [item["video_id"] for item in batch["items"]]


def known_videos(live: Live, user: str = "looker") -> set[str]:
    """Every candidate of a viewer who met nothing, by a preview."""
    return set(ids(answer(live, user, f"look{time.monotonic_ns()}", purpose="preview", limit=200)))


@pytest.fixture(scope="module")
def world(live: Live) -> Live:
    """Sixty videos by twenty creators, known to the worker."""
    for at in range(VIDEOS):
        live.send("videos", f"f{at}", video(f"f{at}", f"fc{at % 20}", ("cats", "cars", "food")[at % 3]))
    wanted = {f"f{at}" for at in range(VIDEOS)}
    live.until("all candidates", lambda: wanted <= known_videos(live))
    return live


def shown(live: Live, what: str, name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of ``feedstream WHAT show NAME --json``; its stdout is one JSON line and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEEDSTREAM_REDIS", live.redis)
        with pytest.raises(SystemExit) as left:
            main([what, "show", name, "--json"])
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found: dict[str, Any] = orjson.loads(out)
    return int(left.value.code or 0), found


# --- acting at once ---------------------------------------------------------------------------------------------------


def deltas(live: Live, user: str) -> list[dict[str, Any]]:
    values = [orjson.loads(record.value()) for record in live.records("feed.delta") if record.key() == user.encode()]
    return list({value["delta_id"]: value for value in values}.values())


def test_what_a_viewer_blocks_is_withdrawn_at_once_and_not_in_the_next_batch(world: Live) -> None:
    served = ids(answer(world, "dora", "first", limit=20))
    maker = f"fc{int(served[7][1:]) % 20}"
    theirs = [name for name in served if f"fc{int(name[1:]) % 20}" == maker]
    block = {**event("dora", served[0], "b", kind="block", target=maker), "video_id": None}
    place = world.send("events.feedback", "dora", {name: value for name, value in block.items() if value is not None})
    world.until("the delta", lambda: deltas(world, "dora"))
    (delta,) = deltas(world, "dora")
    assert (delta["removed"], delta["reason"], delta["seq"]) == (theirs, "hidden", 1)
    assert place.covered(delta["as_of"])
    following = world.batch("dora", trigger="signal")
    assert place.covered(following["as_of"])
    assert not [name for name in ids(following) if f"fc{int(name[1:]) % 20}" == maker]


def test_a_video_that_is_taken_down_is_withdrawn_from_whoever_was_sent_it(world: Live) -> None:
    world.send("videos", "doomed", video("doomed", "fc77", "cats", "cars", "food"))
    world.until("a candidate", lambda: "doomed" in known_videos(world))
    assert ids(answer(world, "gina", "only", candidates=["doomed"])) == ["doomed"]
    world.send("videos", "doomed", None)
    world.until("the delta", lambda: deltas(world, "gina"))
    (delta,) = deltas(world, "gina")
    assert (delta["removed"], delta["reason"]) == (["doomed"], "taken_down")
    assert "doomed" not in known_videos(world)


def test_what_a_rule_takes_down_is_withdrawn_and_comes_no_more_until_the_rule_is_unset(world: Live) -> None:
    served = ids(answer(world, "rita", "before", limit=20))
    maker = f"fc{int(served[5][1:]) % 20}"
    world.send("control", "rule.poor", {"v": 1, "key": "rule.poor", "value": {"do": "take_down", "creator": maker}})
    world.until("the delta", lambda: deltas(world, "rita"))
    (delta,) = deltas(world, "rita")
    theirs = [name for name in served if f"fc{int(name[1:]) % 20}" == maker]
    assert (delta["removed"], delta["reason"]) == (theirs, "taken_down")
    following = ids(answer(world, "rita", "after", limit=100))
    assert not set(theirs) & {*following, *known_videos(world)}
    world.send("control", "rule.poor", None)
    world.until("their return", lambda: set(theirs) <= known_videos(world))


# --- counts -----------------------------------------------------------------------------------------------------------


def test_an_event_on_a_video_nobody_announced_counts_and_makes_no_candidate(
    world: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    world.until_applied(watch(world, "eve", "nobodys"))
    world.until("its count", lambda: shown(world, "video", "nobodys", capsys)[0] == 0)
    assert shown(world, "video", "nobodys", capsys)[1]["counts"]["watches"] == 1
    assert "nobodys" not in known_videos(world)


def test_an_unknown_id_is_an_empty_answer_and_exit_1(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(live, "user", "nobody", capsys) == (1, {"user_id": "nobody", "persona": []})
    zeros = dict.fromkeys(COUNTS, 0)
    assert shown(live, "video", "nothing", capsys) == (1, {"video_id": "nothing", "counts": zeros})


# --- requests ---------------------------------------------------------------------------------------------------------


def test_a_request_gets_one_batch_that_covers_what_was_applied_before_it_and_the_request(world: Live) -> None:
    seen = [watch(world, "ann", f"f{at}") for at in range(4)]
    seen.append(world.send("events.like", "ann", event("ann", "f1", "l")))
    world.until_applied(*seen)
    asked = ask(world, "ann", "r1", limit=7)
    batch = world.batch("ann", request_id="ann.r1")
    assert batch["trigger"] == "request"
    assert all(place.covered(batch["as_of"]) for place in (*seen, asked))
    assert len(ids(batch)) == 7
    assert not set(ids(batch)) & {f"f{at}" for at in range(4)}
    assert [item["position"] for item in batch["items"]] == list(range(7))
    assert all(item["reasons"] for item in batch["items"])
    later = answer(world, "ann", "r2", limit=7)
    assert later["seq"] == batch["seq"] + 1
    assert not set(ids(later)) & set(ids(batch))
    assert len(world.batches("ann", request_id="ann.r1")) == 1


def test_requests_of_one_viewer_sent_together_are_each_answered_once_and_never_serve_twice(world: Live) -> None:
    lines = [
        orjson.dumps({"topic": "feed.requests", "key": "bob", "value": {
            "v": 1, "request_id": f"bob.{at}", "user_id": "bob", "ts_ms": now_ms(), "limit": 5}})
        for at in range(8)
    ]  # fmt: skip
    world.send_lines(lines)
    wanted = {f"bob.{at}" for at in range(8)}
    world.until("eight answers", lambda: {one["request_id"] for one in world.batches("bob")} == wanted)
    batches = world.batches("bob")
    served = [name for batch in batches for name in ids(batch)]
    assert len(batches) == 8
    assert len(served) == len(set(served)) == 40
    assert sorted(batch["seq"] for batch in batches) == list(range(1, 9))


def test_a_preview_changes_no_seq_and_may_show_what_was_served(world: Live) -> None:
    first = answer(world, "cat", "r1", limit=10)
    look = answer(world, "cat", "p1", purpose="preview", limit=200)
    assert (look["trigger"], look["seq"]) == ("preview", first["seq"])
    assert set(ids(first)) <= set(ids(look))
    looks = [ids(look)]

    def alike() -> bool:  # what other viewers did may still be on its way into the catalogue, and move the order
        looks.append(ids(answer(world, "cat", f"p2.{len(looks)}", purpose="preview", limit=200)))
        assert set(looks[-1]) == set(looks[0])
        return looks[-1] == looks[-2]

    world.until("the same answer twice", alike)
    second = answer(world, "cat", "r2", limit=10)
    assert second["seq"] == first["seq"] + 1
    world.until_applied(watch(world, "cat", ids(first)[0]))
    met = answer(world, "cat", "p3", purpose="preview", limit=200)
    assert set(ids(look)) - set(ids(met)) == {ids(first)[0]}


def test_a_request_that_is_too_old_is_passed_over_and_the_next_is_answered(world: Live) -> None:
    old = ask(world, "old", "late", now_ms() - 400_000)
    answer(world, "old", "now")
    world.until("the old request done", lambda: old.covered(answer(world, "old", f"n{now_ms()}")["as_of"]))
    assert not world.batches("old", request_id="old.late")


# --- batches nobody asked for -----------------------------------------------------------------------------------------


def test_a_first_record_of_a_viewer_brings_a_first_batch_and_a_second_record_none(world: Live) -> None:
    place = world.send("users", "dan", {"v": 1, "user_id": "dan", "interests": ["cats"]})
    batch = world.batch("dan", trigger="first")
    assert batch["seq"] == 1
    assert place.covered(batch["as_of"])
    cats = {f"f{at}" for at in range(0, VIDEOS, 3)}
    assert len(cats.intersection(ids(batch)[:6])) >= 4
    world.until_applied(world.send("users", "dan", {"v": 1, "user_id": "dan", "interests": ["food"]}))
    answer(world, "dan", "r")
    assert [one["trigger"] for one in world.batches("dan")] == ["first", "request"]


def test_engaging_near_the_end_of_the_served_brings_the_next_batch(world: Live) -> None:
    batch = answer(world, "fay", "r", limit=12)
    watched = watch(world, "fay", ids(batch)[2])
    world.until_applied(watched)
    assert not world.batches("fay", trigger="near_end")
    # Six of twelve are left, five are not.
    close = watch(world, "fay", ids(batch)[6])
    following = world.batch("fay", trigger="near_end")
    assert close.covered(following["as_of"])
    assert following["seq"] == batch["seq"] + 1
    assert not set(ids(following)) & set(ids(batch))


def test_a_strong_signal_brings_a_batch_that_covers_it(world: Live) -> None:
    batch = answer(world, "gus", "r", limit=20)
    liked = world.send("events.like", "gus", event("gus", ids(batch)[0], "l"))
    following = world.batch("gus", trigger="signal")
    assert liked.covered(following["as_of"])
    assert not set(ids(following)) & set(ids(batch))


def test_of_two_strong_signals_at_once_the_second_is_in_a_batch_too(world: Live) -> None:
    first, second = ids(answer(world, "guy", "r", limit=20))[:2]
    world.send("events.like", "guy", event("guy", first, "l"))
    world.batch("guy", trigger="signal")
    liked = world.send("events.like", "guy", event("guy", second, "l"))
    world.until("a batch that covers it", lambda: any(
        liked.covered(batch["as_of"]) for batch in world.batches("guy", trigger="signal")))  # fmt: skip


# --- forgetting and removing ------------------------------------------------------------------------------------------


def test_a_forgotten_viewer_is_gone_and_comes_back_as_nobody(world: Live, capsys: pytest.CaptureFixture[str]) -> None:
    world.send("users", "hal", {"v": 1, "user_id": "hal", "interests": ["cats"]})
    world.batch("hal", trigger="first")
    world.until_applied(watch(world, "hal", "f9"))

    def served() -> int:
        return sum(len(ids(batch)) for batch in world.batches("hal"))

    # The watch brings a second batch, as soon as the first is a second old.
    world.until("what was served", lambda: shown(world, "user", "hal", capsys)[1]["served"] == served() >= 20)
    code, found = shown(world, "user", "hal", capsys)
    assert (code, found["met"]) == (0, 1)
    world.until_applied(world.send("users", "hal", None))
    assert shown(world, "user", "hal", capsys)[0] == 1
    assert not [key for shard in world.store.shards() for key, _ in world.store.scan(shard, b"") if b"hal" in key]
    back = answer(world, "hal", "back", limit=60)
    assert back["seq"] == 1
    assert len(ids(back)) > 50, "all but what would stand beside another of its creator"


def test_a_forgotten_viewer_who_acts_at_once_is_nobody_all_the_same(
    world: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(world, "ida", "r")
    world.until_applied(*(watch(world, "ida", f"f{at}") for at in range(3)))
    gone, seen = world.send("users", "ida", None), watch(world, "ida", "f20")
    world.until_applied(gone, seen)
    # Which of the two topics is read first is nobody's promise: one video met, or none.
    code, found = shown(world, "user", "ida", capsys)
    assert found.get("met", 0) <= 1
    assert code == (0 if found.get("met") else 1)


def test_the_next_viewer_inherits_nothing_of_a_forgotten_one(world: Live) -> None:
    served = ids(answer(world, "jim", "r", limit=20))
    world.until_applied(world.send("users", "jim", None))
    kin = [f"k{at}" for at in range(8)]
    for name in kin:
        answer(world, name, "p", purpose="preview")
        world.until_applied(watch(world, name, served[19]))
    answer(world, kin[-1], "q", purpose="preview")
    assert not [one for name in kin for one in world.batches(name) if one["trigger"] == "near_end"]


def test_a_removed_video_is_no_candidate_and_keeps_its_counts(world: Live, capsys: pytest.CaptureFixture[str]) -> None:
    world.send("videos", "brief", video("brief", "fc1", "cats"))
    world.until("the new candidate", lambda: "brief" in known_videos(world))
    world.until_applied(watch(world, "kim", "brief"))
    world.send("videos", "brief", None)
    world.until("its removal", lambda: "brief" not in known_videos(world))
    code, found = shown(world, "video", "brief", capsys)
    assert (code, found["counts"]["watches"], found["active"]) == (0, 1, False)


def test_what_came_of_a_campaign_is_told(world: Live, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(world, "campaign", "spring", capsys) == (
        1, {"campaign_id": "spring", "served": 0, "impressions": 0, "views": 0, "clicks": 0},
    )  # fmt: skip
    at, hour = now_ms(), 3_600_000
    plan = {"impressions": 1_000, "from_ms": at - hour, "to_ms": at + hour, "target": {"countries": ["FO"]}}
    world.send("promotions", "spring", {"v": 1, "video_id": "f33", **plan})
    paid: list[tuple[str, str]] = []

    def promoted() -> bool:
        kim = f"kim{time.monotonic_ns()}"  # whoever was served the video before its campaign was known gets it no more
        items = answer(world, kim, "p", limit=10, ctx={"country": "FO"})["items"]
        paid.extend((kim, item["video_id"]) for item in items if item.get("campaign_id") == "spring")
        return bool(paid)

    world.until("the campaign is served", promoted)
    ((kim, video),) = paid
    assert video == "f33"
    clicked = world.send("events.action", kim, event(kim, "f33", "click", kind="click"))
    world.until_applied(watch(world, kim, "f33"), clicked)
    wanted = {"campaign_id": "spring", "served": 1, "impressions": 1, "views": 1, "clicks": 1}
    world.until("the report is stored", lambda: shown(world, "campaign", "spring", capsys) == (0, wanted))
    world.send("promotions", "spring", None)


# --- a whole load -----------------------------------------------------------------------------------------------------


def test_every_count_is_the_judges_whatever_is_repeated_reordered_or_undone(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    made = load(np.random.default_rng(1), 4_000, viewers=80, videos=80, start_ms=now_ms() - 3_600_000)
    live.send_lines(made.lines)
    tally = made.tally()
    live.until("the judge's tally", lambda: not compare_counts(live.store, tally))
    for name, counts in list(tally.counts().items())[:10]:
        code, found = shown(live, "video", name, capsys)
        assert (code, found["video_id"], found["counts"]) == (0, name, counts)
        assert list(found["counts"]) == list(COUNTS)
