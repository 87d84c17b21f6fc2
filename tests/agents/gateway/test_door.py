"""The door: clients that are slow, stop, cut off, send too much or no HTTP are told so, and cost nothing for long.

They speak to the true application over sockets, byte by byte. The bounds are made small, so that nothing waits long.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from agents.embedded import Embedded
from agents.gateway.access import Access, Key
from agents.gateway.app import application
from agents.gateway.door import opened
from agents.gateway.hub import Hub
from agents.gateway.tokens import HOLDS_S, Tokens
from agents.settings import Settings
from agents.worker.replica import Message
from schemas.codec import encode
from schemas.feeds import FeedBatch, FeedItem
from streams import limits

SECRET = "a secret of sixteen bytes"
LIKE = {"type": "like", "event_id": "e", "user_id": "ann", "session_id": "s", "video_id": "cat", "ts_ms": 5}
KEY = "Authorization: Bearer k\r\n"
KEYS = [
    Key(name="app", sha256=hashlib.sha256(b"k").hexdigest(), roles=["produce", "read", "operate"], streams=3),
]  # fmt: skip


class Gate:
    """A gateway in this process, and what it held before."""

    def __init__(self, hub: Hub, port: int) -> None:
        self.hub, self.port = hub, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to it."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def says(self, *parts: bytes, wait_s: float = 0.0) -> tuple[int, Any]:
        """Status and body of the answer to bytes, sent with pauses; asserts that the connection is closed then."""
        reader, writer = await self.connect()
        told = b""

        async def listen() -> None:
            nonlocal told
            with contextlib.suppress(ConnectionError):  # it is closed while we still talk
                while part := await reader.read(65_536):
                    told += part

        async with asyncio.timeout(20.0):
            listening = asyncio.create_task(listen())
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(wait_s)
            await listening
        writer.close()
        head, _, body = told.partition(b"\r\n\r\n")
        assert head.count(b"HTTP/1.") == 1, told
        assert b"application/json" in head, head
        return int(head.split()[1]), orjson.loads(body)

    async def post(self, body: bytes, *headers: str, path: str = "/v1/events") -> tuple[int, Any]:
        """What it answers to a whole call."""
        told = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", *headers, f"Content-Length: {len(body)}"]
        if not any(one.startswith("Content-Type") for one in headers):
            told.append("Content-Type: application/json")
        return await self.says("\r\n".join(told).encode() + b"\r\n" + KEY.encode() + b"\r\n" + body)

    async def next_like(self) -> int:
        """The offset that follows a like taken now: it says how many were taken before."""
        status, told = await self.post(orjson.dumps(LIKE | {"token": token()}))
        assert status == 202, told
        (offset,) = told["positions"]["events.like"].values()
        return int(offset)


def token(video: str = "cat", user: str = "ann", at_s: float = 0.0) -> str:
    made = Tokens(SECRET.encode()).sign(user, video, "1-a", 0, int(time.time() + at_s))
    assert made is not None
    return made


@pytest.fixture(scope="module")
def hub(embedded: Embedded) -> Iterator[Hub]:
    """What the gateways of all these tests share; no worker is there."""
    settings = Settings.from_env(
        {}, broker=embedded.broker, redis=embedded.redis, gateway_secret=SECRET, gateway_tokens=1, gateway_timeout_s=0.3
    )
    made = Hub(settings)
    yield made
    made.producer.close()
    made.store.close()


@pytest_asyncio.fixture
async def gate(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gate]:
    """The door with small bounds; keys and tokens are needed."""
    for name, value in (
        ("GATEWAY_HEADERS_S", 0.5), ("GATEWAY_BODY_S", 0.5), ("GATEWAY_WRITE_S", 0.5), ("GATEWAY_LINGER_S", 0.2),
        ("GATEWAY_CONNECTIONS", 20), ("STREAM_PING_S", 0.2), ("GATEWAY_IDLE_S", 0.8),
    ):  # fmt: skip
        monkeypatch.setattr(limits, name, value)
    runner = web.AppRunner(application(hub, Access(KEYS)), shutdown_timeout=0.1)
    await runner.setup()
    server = await opened(runner, "127.0.0.1", 0, logging.getLogger("quiet"))
    yield Gate(hub, server.sockets[0].getsockname()[1])
    server.close()
    await runner.cleanup()


HEAD = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{KEY}".encode()


# --- slow and cut -----------------------------------------------------------------------------------------------------


async def test_headers_that_do_not_end_in_time_are_told_so(gate: Gate) -> None:
    status, told = await gate.says(b"GET /live HTTP/1.1\r\n", *[b"X-A: b\r\n"] * 9, wait_s=0.1)
    assert (status, told["error"]["code"]) == (408, "slow")


async def test_a_connection_on_which_nothing_is_asked_is_closed(gate: Gate) -> None:
    assert (await gate.says())[0] == 408


async def test_a_connection_that_stands_idle_after_a_call_is_closed_and_a_second_call_may_not_drip_either(
    gate: Gate,
) -> None:
    first = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
    assert (await gate.says(first))[0] == 200
    assert (await gate.says(first, *[b"GET /live HTTP/1.1\r\nX-A: b\r\n", *[b"X-A: b\r\n"] * 12], wait_s=0.1))[0] == 200


async def test_a_body_that_drips_is_told_so_and_nothing_of_it_is_taken(gate: Gate) -> None:
    before = await gate.next_like()
    body = orjson.dumps(LIKE | {"token": token()})
    parts = [HEAD + b"Content-Length: %d\r\n\r\n" % len(body), *(body[at : at + 1] for at in range(12))]
    status, told = await gate.says(*parts, wait_s=0.06)
    assert (status, told["error"]["code"]) == (408, "slow")
    assert await gate.next_like() == before + 1


async def test_a_body_that_never_ends_is_refused_at_its_bound_and_held_no_longer(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GATEWAY_BODY_BYTES", 100_000)
    chunk = b"%x\r\n%s\r\n" % (50_000, b" " * 50_000)
    status, told = await gate.says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", chunk, chunk, chunk)
    assert (status, told["error"]["code"]) == (413, "size")
    status, told = await gate.post(gzip.compress(b" " * 100_001), "Content-Encoding: gzip")
    assert (status, told["error"]["code"]) == (413, "size")


async def test_all_bodies_together_are_bounded_and_give_their_room_back(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GATEWAY_BODY_S", 5.0)
    monkeypatch.setattr(limits, "GATEWAY_BODIES_BYTES", 49_950)
    _, writer = await gate.connect()
    writer.write(HEAD + b"Content-Length: 50000\r\n\r\n" + b" " * 49_900)
    await writer.drain()
    while (await gate.post(orjson.dumps(LIKE)))[0] != 503:
        await asyncio.sleep(0.01)
    _, told = await gate.post(orjson.dumps(LIKE))
    assert told["error"]["code"] == "bodies"
    writer.close()
    while (await gate.post(orjson.dumps(LIKE)))[0] == 503:
        await asyncio.sleep(0.01)
    await gate.next_like()


async def test_a_call_that_is_cut_in_its_midst_is_not_taken_and_what_was_acknowledged_stays(gate: Gate) -> None:
    before = await gate.next_like()
    body = orjson.dumps(LIKE | {"token": token()})
    for length in (0, 10, len(body) - 1):
        _, writer = await gate.connect()
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body[:length])
        await writer.drain()
        writer.transport.abort()
    assert await gate.next_like() == before + 1


async def test_whoever_stops_reading_a_stream_is_left_and_costs_nothing_more(gate: Gate) -> None:
    items = [
        FeedItem(video_id=f"v{at}" * 20, position=at, score=1.0, source="popular", reasons=["popular"])
        for at in range(200)
    ]

    def push(seq: int) -> None:
        batch = FeedBatch(
            v=1, batch_id=f"{seq}-x", user_id="ann", seq=seq, ts_ms=seq, trigger="signal", as_of={}, model="m",
            items=items,
        )  # fmt: skip
        gate.hub._take_feeds([Message("feeds", 0, 0, b"ann", encode(batch), seq)])

    reader, writer = await gate.connect()
    writer.write(f"GET /v1/feeds/ann/stream HTTP/1.1\r\nHost: x\r\n{KEY}\r\n".encode())
    assert b"200 OK" in await reader.readline()
    writer.transport.pause_reading()
    async with asyncio.timeout(20.0):
        seq = 0
        while gate.hub._listeners:
            seq += 1
            push(seq)
            await asyncio.sleep(0.005)
        while not (gate.hub._streams == 0 and reader.exception() is None):
            await asyncio.sleep(0.01)
    writer.transport.resume_reading()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(10**9), 5.0)
    writer.close()


# --- too many ---------------------------------------------------------------------------------------------------------


async def test_one_connection_more_than_there_is_room_for_is_told_to_come_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GATEWAY_HEADERS_S", 10.0)
    there = [await gate.connect() for _ in range(limits.GATEWAY_CONNECTIONS)]
    status, told = await gate.says()
    assert (status, told["error"]["code"]) == (503, "connections")
    for _, writer in there:
        writer.close()
        await writer.wait_closed()
    await gate.next_like()


async def test_a_key_has_so_many_streams_at_once_and_gets_another_when_one_ends(gate: Gate) -> None:
    ask = f"GET /v1/feeds/ann/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{KEY}\r\n".encode()
    there = []
    for _ in range(3):
        reader, writer = await gate.connect()
        writer.write(ask)
        assert b"200 OK" in await reader.readline()
        there.append(writer)
    status, told = await gate.says(ask)
    assert (status, told["error"]["message"]) == (429, "the key 'app' may have 3 streams open at once")
    there[0].close()
    async with asyncio.timeout(5.0):
        while True:
            reader, writer = await gate.connect()
            writer.write(ask)
            there.append(writer)
            if b"200 OK" in await reader.readline():
                break
    for one in there:
        one.close()


# --- malformed --------------------------------------------------------------------------------------------------------


SMUGGLED = {
    "two lengths": "Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "a length and chunks": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /live HTTP/1.1\r\n\r\n",
    "a length with a sign": "Content-Length: +4\r\n\r\nabcd",
    "a length in words": "Content-Length: four\r\n\r\nabcd",
    "chunks twice": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
    "a NUL in a header": "X-A: a\0b\r\n\r\n",
    "a header that is too long": f"X-A: {'b' * 20_000}\r\n\r\n",
    "too many headers": "X-A: b\r\n" * 300 + "\r\n",
    "a line that is no header": "no header at all\r\n\r\n",
}


@pytest.mark.parametrize("shape", SMUGGLED)
async def test_what_two_readers_might_read_differently_is_refused_once_and_the_connection_closed(
    gate: Gate, shape: str
) -> None:
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{KEY}"
    status, told = await gate.says((head + SMUGGLED[shape]).encode())
    assert status == 400
    assert told["error"]["code"] in {"http", "body"}


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET /live HTTP/9.9\r\n\r\n", 400),
        (b"G\0T /live HTTP/1.1\r\n\r\n", 400),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"BREW /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 400),
        (b"GET /v1/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \xff\xfe\r\n\r\n", 401),
        (b"GET /v1/tags?limit=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer k\r\n\r\n", 400),
        (b"GET /v1/videos/%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer k\r\n\r\n", 404),
        (
            b"GET /v1/feeds/a?as_of=t:\xc2\xb2:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer k\r\n\r\n",
            400,
        ),
        (
            b"GET /v1/feeds/a?as_of=t:1:" + b"9" * 5_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Authorization: Bearer k\r\n\r\n",
            400,
        ),
    ],
)
async def test_what_cannot_be_read_has_an_error_of_its_own(gate: Gate, line: bytes, status: int) -> None:
    got, told = await gate.says(line)
    assert (got, bool(told["error"]["message"])) == (status, True)


async def test_a_method_that_a_path_does_not_take_is_answered_with_those_it_takes(gate: Gate) -> None:
    reader, writer = await gate.connect()
    writer.write(b"TRACE /v1/tags HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    told = (await reader.read()).lower()
    assert told.startswith(b"http/1.1 405")
    assert b"\r\nallow: get" in told
    writer.close()


@pytest.mark.parametrize(
    ("path", "body", "kind", "status"),
    [
        ("/v1/events", b"\0\0\0", "application/json", 400),
        ("/v1/events", b'{"type":"like","user_id":"\xff\xfe"}', "application/json", 400),
        ("/v1/events", b'{"type":"like","user_id":"\\ud800"}', "application/json", 400),
        ("/v1/events", b"[" * 100_000, "application/x-ndjson", 400),
        ("/v1/events", b"{}", "text/html", 415),
        ("/v1/events", b"{}", "multipart/form-data; boundary=x", 415),
        ("/v1/feeds/ann/rank", b'{"candidates":' + b"[" * 100_000, "application/json", 400),
        ("/v1/feeds/ann/rank", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json", 400),
        ("/v1/feeds/ann/rank", b"\xff", "application/json", 400),
        ("/v1/feeds/ann/rank", b"", "application/json", 400),
    ],
)
async def test_bodies_that_are_none_are_refused_and_the_gateway_goes_on(
    gate: Gate, path: str, body: bytes, kind: str, status: int
) -> None:
    got, told = await gate.post(body, f"Content-Type: {kind}", path=path)
    assert got == status, told
    await gate.next_like()


async def test_tokens_that_are_forged_of_another_or_too_old_are_refused(gate: Gate) -> None:
    before = await gate.next_like()
    for wrong, code in (
        (token("dog"), "token"), (token(user="eve"), "token"), (token(at_s=-HOLDS_S - 5), "token_old"),
        ("x" * 5_000, "token"), ("\0", "token"), (None, "token"),
    ):  # fmt: skip
        status, told = await gate.post(orjson.dumps(LIKE | {"token": wrong}))
        assert (status, told["error"]["code"]) == (403, code)
    assert await gate.next_like() == before + 1
