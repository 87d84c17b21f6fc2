"""A gateway process before a worker process: what any client sees, also when something is wrong."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from agents.embedded import Embedded
from agents.gateway.routes import OPERATE
from agents.settings import environment
from agents.testing.live import Live
from streams import limits

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="function")]
COUNT = itertools.count()
TAGS = ("cats", "cars", "food")


def now_ms() -> int:
    return int(time.time() * 1_000)


def event(verb: str, user: str, video: str | None, **more: Any) -> dict[str, Any]:
    told = {"type": verb, "event_id": f"e{next(COUNT)}", "user_id": user, "session_id": "s", "ts_ms": now_ms(), **more}
    return told | ({} if video is None else {"video_id": video})


class Client:
    """Calls of one gateway; answers are (status, body)."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def get(self, path: str, **params: Any) -> tuple[int, Any]:
        async with self.session.get(self.url + path, params=params) as got:
            return got.status, await got.json()

    async def post(self, *events: dict[str, Any], **headers: str) -> tuple[int, Any]:
        body = b"\n".join(map(orjson.dumps, events))
        told = {"Content-Type": "application/x-ndjson", **headers}
        async with self.session.post(self.url + "/v1/events", data=body, headers=told) as got:
            return got.status, await got.json()

    async def ids(self, user: str, **params: Any) -> list[str]:
        status, body = await self.get(f"/v1/feeds/{user}", **params)
        assert status == 200, body
        return [item["video_id"] for item in body["items"]]


@pytest_asyncio.fixture
async def client(live: Live, url: str) -> AsyncIterator[Client]:
    if not live.batches("prepared"):
        for at in range(60):
            live.send("videos", f"f{at}", {
                "v": 1, "video_id": f"f{at}", "creator_id": f"c{at % 20}", "created_ms": now_ms(),
                "duration_ms": 10_000, "tags": [TAGS[at % 3]], "lang": "en",
            })  # fmt: skip
        live.send("users", "prepared", {"v": 1, "user_id": "prepared"})
        live.batch("prepared")
    async with aiohttp.ClientSession() as session:
        made = Client(session, url)
        while len((await made.get("/v1/tags/cats", limit=200))[1]["videos"]) < 20:
            await asyncio.sleep(0.05)
        yield made


async def events_of(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """(event, data) of a stream of server-sent events."""
    name = ""
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, orjson.loads(line.removeprefix("data: "))


# --- producing and being served ---------------------------------------------------------------------------------------


async def test_a_like_is_in_the_next_batch_where_the_caller_waits_for_it(client: Client) -> None:
    first = await client.ids("ann", limit=10)
    assert len(first) == len(set(first)) == 10
    liked = next(name for name in first if int(name[1:]) % 3 == 0)
    status, told = await client.post(event("like", "ann", liked))
    assert (status, told["accepted"], told["rejected"]) == (202, 1, [])
    places = ",".join(
        f"{topic}:{number}:{offset}" for topic, held in told["positions"].items() for number, offset in held.items()
    )
    _, batch = await client.get("/v1/feeds/ann", as_of=places, limit=5)
    assert batch["reflects"]
    assert batch["fallback"] is None
    tags = [item["video"]["tags"][0] for item in batch["items"]]
    assert tags.count("cats") >= 3, "what is like the liked one comes first"
    assert all(reason["text"].startswith("because ") for item in batch["items"] for reason in item["reasons"])


async def test_a_cursor_gives_the_rest_and_then_the_next_batches_and_nothing_twice(client: Client) -> None:
    seen: list[str] = []
    _, body = await client.get("/v1/feeds/pager", limit=6)
    for _ in range(6):
        seen += [item["video_id"] for item in body["items"]]
        _, body = await client.get("/v1/feeds/pager", cursor=body["next_cursor"], limit=4)
    assert len(seen) == len(set(seen)) >= 20
    status, refused = await client.get("/v1/feeds/pager", cursor="nonsense")
    assert (status, refused["error"]["code"]) == (400, "cursor")


async def test_an_event_that_comes_again_changes_no_count(client: Client, live: Live) -> None:
    told = event("share", "twice", "f7", channel="link")
    for _ in range(3):
        status, answer = await client.post(told)
        assert (status, answer["accepted"]) == (202, 1)
    live.until_settled()
    while (await client.get("/v1/videos/f7"))[1]["counts"]["shares"] < 1:
        await asyncio.sleep(0.05)
    assert (await client.get("/v1/videos/f7"))[1]["counts"]["shares"] == 1


async def test_what_is_wrong_with_a_line_is_said_and_the_others_are_taken(client: Client) -> None:
    status, told = await client.post(
        event("like", "bob", "f1"), {"type": "nod"}, event("like", "bob", "f2", op="maybe")
    )
    assert (status, told["accepted"]) == (202, 1)
    assert [(one["line"], one["path"]) for one in told["rejected"]] == [(2, "$.type"), (3, "$.op")]
    status, told = await client.post({"type": "nod"}, {"type": "nod"})
    assert (status, told["accepted"]) == (400, 0)
    async with client.session.post(client.url + "/v1/events", json={"type": "like", "user_id": "bob"}) as got:
        assert (got.status, (await got.json())["error"]["code"]) == (400, "missing")


async def test_a_body_may_be_packed_and_one_that_is_broken_or_too_large_is_refused(client: Client) -> None:
    async def send(body: bytes | io.BytesIO, **headers: str) -> tuple[int, str]:
        told = {"Content-Type": "application/x-ndjson", **headers}
        async with client.session.post(client.url + "/v1/events", data=body, headers=told) as got:
            found = await got.json()
            return got.status, found["error"]["code"] if "error" in found else found["accepted"]

    packed = {"Content-Encoding": "gzip"}
    assert await send(gzip.compress(orjson.dumps(event("like", "zip", "f3"))), **packed) == (202, 1)
    assert (await send(b"no gzip at all", **packed))[0] == 400
    assert (await send(gzip.compress(b" " * (limits.GATEWAY_BODY_BYTES + 1)), **packed))[0] == 413
    assert (await send(io.BytesIO(b"x" * (limits.GATEWAY_BODY_BYTES + 1))))[0] == 413
    assert await send(b"{}", **{"Content-Type": "text/plain"}) == (415, "content_type")
    assert (await client.get("/ready"))[0] == 200, "and it goes on"


async def test_parameters_paths_and_methods_that_are_none_are_named(client: Client) -> None:
    for path, params, status, where in (
        ("/v1/feeds/ann", {"limit": "x"}, 400, "$.limit"), ("/v1/feeds/ann", {"limit": "201"}, 400, "$.limit"),
        ("/v1/feeds/ann", {"speed": "9"}, 400, "$.speed"), ("/v1/feeds/ann", {"as_of": "likes"}, 400, "$.as_of"),
        ("/v1/feeds/ann", {"source": "magic"}, 400, "$.source"), ("/v1/nothing", {}, 404, None),
        ("/v1/videos/unheard-of", {}, 404, None), ("/v1/users/unheard-of", {}, 404, None),
        ("/v1/events", {}, 405, None),
        (f"/v1/feeds/{'u' * 257}", {}, 400, None),
    ):  # fmt: skip
        got, body = await client.get(path, **params)
        assert (got, body["error"].get("path")) == (status, where)
        assert body["error"]["message"]


async def test_given_videos_are_ranked_and_what_is_like_one_is_found_and_nothing_is_kept(client: Client) -> None:
    body = {"candidates": ["f1", "f2", "unheard-of"], "limit": 5, "explain": True}
    async with client.session.post(client.url + "/v1/feeds/new/rank", json=body) as got:
        ranked = await got.json()
    assert {item["video_id"] for item in ranked["items"]} == {"f1", "f2"}
    assert ranked["items"][0]["score"] == pytest.approx(sum(ranked["items"][0]["parts"].values()), abs=1e-6)
    _, similar = await client.get("/v1/videos/f4/similar", limit=5)
    assert similar["items"][0]["source"] == "similar"
    assert similar["next_cursor"] is None
    assert (await client.get("/v1/users/new"))[0] == 404, "nothing is kept of who only looked"


async def test_a_request_in_words_is_answered_by_what_it_asks_for(client: Client) -> None:
    _, body = await client.get("/v1/feeds/worded", query="food", limit=6)
    assert [item["video"]["tags"] for item in body["items"]] == [["food"]] * 6
    assert body["items"][0]["reasons"][0]["code"] == "asked:food"


# --- acting at once ---------------------------------------------------------------------------------------------------


async def test_who_listens_gets_the_slate_then_what_a_block_takes_out_and_the_batch_after_it(client: Client) -> None:
    served = await client.ids("dora", limit=20)
    maker = f"c{int(served[5][1:]) % 20}"
    theirs = [name for name in served if f"c{int(name[1:]) % 20}" == maker]
    async with client.session.get(client.url + "/v1/feeds/dora/stream") as stream:
        assert stream.content_type == "text/event-stream"
        told = events_of(stream)
        name, batch = await anext(told)
        assert (name, [item["video_id"] for item in batch["items"]]) == ("batch", served)
        await client.post(event("feedback", "dora", None, kind="block", target=maker))
        found: dict[str, Any] = {}
        async with asyncio.timeout(30):
            async for name, data in told:
                found[name] = data
                if name == "batch":
                    break
    assert found["batch"]["trigger"] == "signal"
    assert not [one for one in found["batch"]["items"] if f"c{int(one['video_id'][1:]) % 20}" == maker]
    # The two topics are read side by side: a delta that comes after the batch has nothing to take out any more.
    assert found.get("delta", {"removed": theirs})["removed"] == theirs


async def test_what_is_hidden_or_taken_down_is_not_in_the_rest_of_what_was_served(client: Client, live: Live) -> None:
    live.send("videos", "doomed", {"v": 1, "video_id": "doomed", "creator_id": "cd", "created_ms": now_ms(),
                                   "duration_ms": 9_000, "tags": ["doom"]})  # fmt: skip
    while (await client.get("/v1/videos/doomed"))[0] != 200:
        await asyncio.sleep(0.05)
    while "doomed" not in await client.ids("looker", limit=30, query="doom", preview="1"):
        await asyncio.sleep(0.05)  # the worker may hear of it later than the gateway
    served = await client.ids("hider", limit=30, query="doom")
    assert "doomed" in served
    _, body = await client.get("/v1/feeds/hider", limit=1, query="doom")
    async with client.session.delete(client.url + "/v1/videos/doomed") as got:
        assert got.status == 202
    while (await client.get("/v1/videos/doomed"))[0] == 200:
        await asyncio.sleep(0.05)
    hidden = event("feedback", "hider", "f1", kind="hide_tag", target="cars")
    await client.post(hidden)
    rest: list[str] = []
    while body["next_cursor"] and len(rest) < 25:
        _, body = await client.get("/v1/feeds/hider", cursor=body["next_cursor"])
        rest += [item["video_id"] for item in body["items"]]
    assert "doomed" not in rest
    assert not [name for name in rest if int(name[1:]) % 3 == 1]


async def test_who_signs_up_gets_a_feed_of_what_was_picked_and_who_leaves_a_receipt(client: Client, live: Live) -> None:
    record = {"lang": "en", "country": "SE", "interests": ["cars"]}
    async with client.session.put(client.url + "/v1/users/newcomer", json=record) as got:
        assert got.status == 202
    first = live.batch("newcomer", trigger="first")
    shown = [item["video_id"] for item in first["items"]]
    assert sum(int(name[1:]) % 3 == 1 for name in shown if name[0] == "f") >= len(shown) / 2
    async with client.session.put(client.url + "/v1/users/newcomer", json={"lang": 5}) as got:
        assert (got.status, (await got.json())["error"]["path"]) == (400, "$.lang")
    async with client.session.delete(client.url + "/v1/users/newcomer") as got:
        assert got.status == 202
    live.until("a receipt", lambda: [one for one in live.records("receipts") if one.key() == b"newcomer"])


async def test_what_is_known_of_a_viewer_and_why_a_video_is_shown_or_not(client: Client, live: Live) -> None:
    for at in range(3):
        await client.post(event("like", "known", f"f{at * 3}"))
    live.until_settled()
    _, found = await client.get("/v1/users/known")
    assert found["persona"][0]["tag"] == "cats"
    _, why = await client.get("/v1/users/known/why/f0")
    assert why["code"] == "met"
    _, trends = await client.get("/v1/trends")
    assert isinstance(trends["trends"], list)


# --- when something is wrong ------------------------------------------------------------------------------------------


async def test_where_no_worker_answers_popular_videos_are_given_and_marked_and_the_met_left_out(
    embedded: Embedded, tmp_path: Path
) -> None:
    with Embedded() as apart, Live(apart.broker, apart.redis, tmp_path) as live:
        worker = live.start()
        for at in range(12):
            live.send("videos", f"g{at}", {"v": 1, "video_id": f"g{at}", "creator_id": f"c{at}", "created_ms": now_ms(),
                                           "duration_ms": 9_000, "tags": ["cats"]})  # fmt: skip
        _, url = live.gateway(gateway_timeout_s="0.7")
        async with aiohttp.ClientSession() as session:
            client = Client(session, url)
            while len((await client.get("/v1/tags/cats"))[1]["videos"]) < 12:
                await asyncio.sleep(0.05)
            met = event("watch", "ann", "g3", watch_ms=9_000, duration_ms=9_000)
            await client.post(met, event("feedback", "ann", None, kind="block", target="c4"))
            live.until_settled()
            worker.process.send_signal(signal.SIGSTOP)
            try:
                _, body = await client.get("/v1/feeds/ann")
                assert body["fallback"] == "popular"
                assert (body["batch_id"], body["next_cursor"], body["reflects"]) == (None, None, False)
                shown = {item["video_id"] for item in body["items"]}
                assert shown == {f"g{at}" for at in range(12) if at not in {3, 4}}
                await client.post(event("feedback", "ann", None, kind="block", target="c6"))
                _, body = await client.get("/v1/feeds/ann")
                shown = {item["video_id"] for item in body["items"]}
                assert shown == {f"g{at}" for at in range(12) if at not in {3, 4, 6}}, "no worker knows of it yet"
                status, told = await client.get("/v1/videos/g1/similar")
                assert (status, told["error"]["code"]) == (503, "no_worker")
                status, told = await client.post(event("like", "ann", "g5"))
                assert (status, told["accepted"]) == (202, 1), "events are taken all the same"
            finally:
                worker.process.send_signal(signal.SIGCONT)
            while (await client.get("/v1/feeds/ann", limit=2))[1].get("fallback", "an error") is not None:
                await asyncio.sleep(0.1)


async def test_keys_say_who_may_do_what_and_how_often(live: Live, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    keys = {"app": ('["produce"]', 0.0), "site": ('["read"]', 2.0), "ops": ('["operate"]', 0.0)}
    file.write_text("\n".join(
        f'[[key]]\nname = "{name}"\nsha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\nroles = {roles}\n'
        f"requests_per_s = {per_s}" for name, (roles, per_s) in keys.items()
    ))  # fmt: skip
    process, url = live.gateway(gateway_keys=str(file), gateway_secret="a secret of sixteen bytes", gateway_tokens="1")

    async def status(method: str, path: str, key: str | None, **more: Any) -> tuple[int, Any, Any]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with client.session.request(method, url + path, headers=headers, **more) as got:
            return got.status, await got.json(), got.headers

    like = event("like", "kay", "f1")
    assert (await status("GET", "/v1/feeds/kay", None))[0] == 401
    assert (await status("GET", "/v1/feeds/kay", "wrong"))[0] == 401
    assert (await status("GET", "/v1/feeds/kay", "app"))[0] == 403
    assert (await status("PUT", "/v1/videos/x", "app", json={}))[0] == 403
    assert (await status("GET", "/ready", None))[0] == 200
    for path in (route.path for route in OPERATE if "{" not in route.path):
        assert [(await status("GET", path, key))[0] for key in (None, "app", "ops")] == [401, 403, 200], path
    assert (await status("GET", "/v1/operate/now", "ops"))[1]["workers_set"] is False
    assert (await status("POST", "/v1/events", "app", json=like))[1]["error"]["code"] == "token"
    _, batch, _ = await status("GET", "/v1/feeds/kay", "site")
    first = batch["items"][0]
    told = event("like", "kay", first["video_id"], token=first["token"])
    assert (await status("POST", "/v1/events", "app", json=told))[0] == 202
    assert (await status("POST", "/v1/events", "app", json=told | {"user_id": "eve"}))[0] == 403
    answers = [await status("GET", "/v1/tags", "site") for _ in range(8)]
    assert 429 in {code for code, _, _ in answers}
    assert all(int(headers["Retry-After"]) >= 1 for code, _, headers in answers if code == 429)
    assert "app" not in process.said().replace('"app"', "") or "Bearer" not in process.said()
    live.stop(process)


async def test_pages_of_named_origins_may_call_and_others_may_not(live: Live, client: Client) -> None:
    process, url = live.gateway(gateway_origins="https://app.example")
    for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        for method in ("GET", "OPTIONS"):
            async with client.session.request(method, url + "/v1/tags", headers={"Origin": origin}) as got:
                assert got.headers.get("Access-Control-Allow-Origin") == allowed
    live.stop(process)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"gateway_host": "0.0.0.0"}, "others can reach, but there are no keys"),  # to be refused
        ({"gateway_keys": "/nowhere/keys.toml"}, "cannot be read"),
        ({"gateway_secret": "short"}, "too short"),
        ({"gateway_tokens": "1"}, "no FEEDSTREAM_GATEWAY_SECRET"),
        ({"broker": "kafka://127.0.0.1:1"}, "does not answer"),
        ({"broker": "embedded://"}, "feedstream up"),
    ],
)
async def test_what_is_set_wrongly_is_said_in_a_sentence(
    embedded: Embedded, settings: dict[str, str], says: str
) -> None:
    told = {"broker": embedded.broker, "redis": embedded.redis, "gateway_port": "0", **settings}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "feedstream", "gateway"], env=environment(**told), capture_output=True,
        timeout=90, check=False,
    )  # fmt: skip
    text = done.stderr.decode()
    assert done.returncode == 1
    assert says in text
    assert "Traceback" not in text
    assert "short" not in text.replace("too short", "")


async def test_a_port_that_is_taken_is_named(embedded: Embedded, url: str) -> None:
    told = {"broker": embedded.broker, "redis": embedded.redis, "gateway_port": url.rsplit(":", 1)[1]}
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "feedstream", "gateway"], env=environment(**told), capture_output=True,
        timeout=90, check=False,
    )  # fmt: skip
    assert (done.returncode, "cannot listen on" in done.stderr.decode()) == (1, True)
