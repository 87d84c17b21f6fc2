"""What operators are told over HTTP, by a gateway before a worker, on what a test put in."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from agents.embedded import Embedded, free_port
from agents.testing.live import Live, Worker
from streams import limits

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]
COUNT = itertools.count()
DOWN = "127.0.0.1:1"


def now_ms() -> int:
    return int(time.time() * 1_000)


class Deployment:
    """A worker, a gateway that asks it and one that is down, and 30 videos with likes."""

    def __init__(self, live: Live, worker: Worker, url: str, address: str) -> None:
        self.live, self.worker, self.url, self.address = live, worker, url, address

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path, params=params) as got:
            return got.status, await got.json()

    async def told(self, path: str, holds: Any, **params: Any) -> Any:
        """The answer of a call, once it ``holds``."""
        async with asyncio.timeout(90.0):
            while True:
                status, body = await self.get(path, **params)
                if status == 200 and holds(body):
                    return body
                await asyncio.sleep(0.1)

    def event(self, verb: str, user: str, video: str, **more: Any) -> None:
        told = {"v": 1, "event_id": f"e{next(COUNT)}", "user_id": user, "session_id": "s", "video_id": video}
        self.live.send(f"events.{verb}", user, {**told, "ts_ms": now_ms(), **more})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    with Embedded() as servers, Live(servers.broker, servers.redis, tmp_path_factory.mktemp("operate"),
                                     snapshot_s="0.5") as live:  # fmt: skip
        port = f"{free_port()}"
        worker = live.start(metrics_port=port)
        for at in range(30):
            live.send("videos", f"o{at}", {
                "v": 1, "video_id": f"o{at}", "creator_id": f"maker{at % 3}", "created_ms": now_ms(),
                "duration_ms": 10_000, "tags": [("cats", "cars")[at % 2]],
            })  # fmt: skip
        live.send("control", "experiment.two", {"v": 1, "key": "experiment.two", "value": {
            "salt": "two", "arms": {"now": {}, "more": {"settings": {"slate.fresh": 0.3}}},
        }})  # fmt: skip
        live.send("promotions", "sale", {
            "v": 1, "video_id": "o5", "impressions": 1_000, "from_ms": now_ms() - 60_000, "to_ms": now_ms() + 60_000,
        })  # fmt: skip
        _, url = live.gateway(workers=f"127.0.0.1:{port},{DOWN}")
        made = Deployment(live, worker, url, f"127.0.0.1:{port}")
        await made.told("/v1/operate/now", lambda now: now["videos"] == 30)
        for user in ("ann", "bob", "eve"):
            live.send("users", user, {"v": 1, "user_id": user})
            batch = live.batch(user)
            for item in batch["items"][:8]:
                made.event("watch", user, item["video_id"], watch_ms=10_000, duration_ms=10_000,
                           impression_id=item["video_id"], batch_id=batch["batch_id"])  # fmt: skip
            made.event("like", user, batch["items"][0]["video_id"], batch_id=batch["batch_id"])
        live.send("events.like", "ann", b"{no json")
        live.send("videos", "x", {"v": 1, "video_id": "x"})
        yield made


async def test_topics_shards_and_workers_are_told_also_one_that_is_down(run: Deployment) -> None:
    def settled(now: Any) -> bool:
        records = {one["topic"]: one["records"] for one in now["topics"]}
        waiting = sum(one["lag"] for one in now["shards"])
        return (records["events.like"], records["videos"], waiting) == (4, 31, 0)

    now = await run.told("/v1/operate/now", settled)
    assert now["problems"] == []
    topics = {one["topic"]: one for one in now["topics"]}
    assert topics["videos"]["lag"] == 0
    assert topics["feeds"]["lag"] is None
    assert {one["shard"][0] for one in now["shards"]} == {"u", "v", "l"}
    assert all(one["owner"] for one in now["shards"])
    assert now["workers_set"] is True
    up, down = sorted(now["workers"], key=lambda one: one["error"] is not None)
    assert (up["address"], up["ready"], up["error"]) == (run.address, True, None)
    assert up["roles"] == ["learner", "users", "videos"]
    assert up["memory_bytes"] > 1e7
    assert down["address"] == DOWN
    assert down["error"].startswith("nothing listens there")


async def test_curves_hold_what_flowed_and_later_questions_get_only_what_is_new(run: Deployment) -> None:
    whole = await run.told("/v1/operate/history", lambda all_: any(all_["series"].get("flow:events.watch", [])))
    assert all(len(curve) == len(whole["at_ms"]) for curve in whole["series"].values())
    last_ms = whole["at_ms"][-1]
    later = await run.told("/v1/operate/history", lambda new: new["at_ms"], after_ms=last_ms, name="lag:")
    assert later["at_ms"][0] > last_ms
    assert all(name.startswith("lag:") for name in later["series"])


async def test_what_came_of_feeds_is_told_by_source_tier_and_arm(run: Deployment) -> None:
    found = await run.told("/v1/operate/quality", lambda all_: sum(one["positive"] for one in all_["source"]) >= 3)
    for by in ("source", "tier", "arm"):
        assert sum(one["seen"] for one in found[by]) == 24
        assert sum(one["long_view"] for one in found[by]) == 24
        assert all(one["served"] >= one["seen"] >= one["positive"] for one in found[by])
    assert {one["name"] for one in found["arm"]} <= {"two: now", "two: more"}


async def test_models_are_told_with_their_gate(run: Deployment) -> None:
    found = await run.told("/v1/operate/models", lambda all_: all_["gate"] and all_["models"])
    assert {"heads", "ranker"} <= {one["model"] for one in found["models"]}
    assert found["in_use"].startswith("ranker-")
    assert (found["frozen"], found["rollback"]) == (False, None)
    assert all(one["published"] >= 1 for one in found["gate"] if one["model"] == "ranker")
    assert {one["head"] for one in found["heads"]} >= {"like", "skip", "long_view"}


async def test_experiments_are_told_with_their_arms_and_read_out(run: Deployment) -> None:
    found = await run.told("/v1/operate/experiments", lambda all_: all_["experiments"])
    (two,) = found["experiments"]
    assert (two["name"], two["when"], [arm["name"] for arm in two["arms"]]) == ("two", "running", ["now", "more"])
    read = (await run.get("/v1/operate/experiments/two", window_h=0.01))[1]
    assert (read["experiment"], read["base"], read["whole"], read["switched"]) == ("two", "now", True, 0)
    assert read["waiting"] + sum(read["viewers"].values()) == 3
    assert 24 < read["records"] <= limits.READOUT_RECORDS
    assert (await run.get("/v1/operate/experiments/none"))[0] == 404
    status, body = await run.get("/v1/operate/experiments/two", against="third")
    assert (status, body["error"]["message"]) == (400, "there is no arm 'third' (there are: now, more)")
    assert (await run.get("/v1/operate/experiments/two", window_h=0))[0] == 400


async def test_campaigns_are_told_with_what_came_of_them(run: Deployment) -> None:
    found = await run.told("/v1/operate/campaigns", lambda all_: all_["campaigns"])
    (sale,) = found["campaigns"]
    assert (sale["campaign_id"], sale["video_id"], sale["planned"], sale["when"]) == ("sale", "o5", 1_000, "running")
    assert sale["served"] >= sale["impressions"] >= sale["clicks"] == 0


async def test_dead_letters_are_told_by_cause_the_latest_first_and_no_more_than_asked_for(run: Deployment) -> None:
    found = await run.told("/v1/operate/dead-letters", lambda all_: all_["there"] == 2)
    assert {(one["cause"], one["topic"], one["count"]) for one in found["causes"]} == {
        ("json", "events.like", 1),
        ("missing", "videos", 1),
    }
    assert {one["text"] for one in found["recent"]} == {"{no json", '{"v":1,"video_id":"x"}'}
    assert found["read"] <= limits.LETTERS_READ
    assert len((await run.get("/v1/operate/dead-letters", limit=1))[1]["recent"]) == 1


async def test_a_videos_life_and_a_creators_page_are_told_and_who_is_unknown_is_said(run: Deployment) -> None:
    liked = run.live.batch("ann")["items"][0]["video_id"]
    life = await run.told(f"/v1/operate/videos/{liked}", lambda one: one["counts"]["likes"])
    assert life["video"]["creator_id"].startswith("maker")
    assert len(life["views"]) == limits.VIEW_DAYS
    assert sum(life["views"]) == life["views"][-1] == life["counts"]["watches"]
    assert life["tier"] == 0
    assert all(one["video_id"] == liked for one in life["tier_history"])
    page = await run.told("/v1/operate/creators/maker1", lambda one: one["uploads"])
    assert len(page["uploads"]) == 10
    for path, words in (
        ("videos/nobody", "nothing is known of a video 'nobody'"),
        ("creators/nobody", "nobody uploads as 'nobody' or follows them"),
    ):
        status, body = await run.get(f"/v1/operate/{path}")
        assert (status, body["error"]["message"]) == (404, words)


async def test_segments_are_told_once_the_learner_has_told_of_them(run: Deployment) -> None:
    status, body = await run.get("/v1/operate/segments")
    assert status == 200
    assert all(0.0 < one["share"] <= 1.0 and one["tags"] for one in body["segments"])


async def test_the_dashboard_and_its_files_are_served_under_the_policy_of_all_pages(run: Deployment) -> None:
    async with aiohttp.ClientSession() as session:
        for path, kind in (("/dashboard", "html"), ("/dashboard/main.js", "javascript"),
                           ("/dashboard/base.css", "css"), ("/phone/api.js", "javascript")):  # fmt: skip
            async with session.get(run.url + path) as got:
                assert (got.status, got.content_type.partition("/")[2]) == (200, kind)
                assert "script-src 'self'" in got.headers["Content-Security-Policy"]
