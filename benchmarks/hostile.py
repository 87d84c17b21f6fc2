"""The gateway among clients that do everything wrong: what it answers, and that its memory stays flat.

    python -m benchmarks.hostile [--seconds S] [--streams N] [--slow N]

One gateway process and one worker on the embedded broker and store. While streams are open, slow clients drip headers
and bodies, some never read what they asked for, others are cut in their midst, and malformed bodies and forged tokens
come as fast as they are answered. Beside all of them one honest client sends events, each of which must be counted.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import click
import orjson
import psutil

from agents.embedded import Embedded
from agents.gateway.tokens import HOLDS_S, Tokens
from agents.testing.live import Live

__all__ = ["FLAT", "measure"]

FLAT: Final = 1.1
"""The gateway's memory after the last round over that after the one before: at most so much."""
_ROUNDS: Final = ("first", "second", "third", "fourth")
_SECRET: Final = "a secret of sixteen bytes"
_NUMBERS: Final = itertools.count()


def _token(at_s: float) -> str | None:
    return Tokens(_SECRET.encode()).sign("honest", "v", "1-a", 0, int(at_s))


def _event(**more: Any) -> bytes:
    number, now_ms = next(_NUMBERS), int(time.time() * 1_000)
    told = {"type": "share", "event_id": f"e{number}", "user_id": "honest", "session_id": "s", "video_id": "v"}
    return orjson.dumps(told | {"ts_ms": now_ms, "impression_id": f"i{number}", **more})


_BODIES: Final[tuple[tuple[str, bytes, dict[str, str]], ...]] = (
    ("no JSON", b"\0\xff" * 2_000, {}),
    ("deep JSON", b'{"type":"like","x":' + b"[" * 50_000, {}),
    ("a line too long", b'{"type":"like","x":"' + b"x" * 100_000 + b'"}', {}),
    ("too many lines", b"{}\n" * 10_001, {"Content-Type": "application/x-ndjson"}),
    ("a body too large", b"x" * (4 * 2**20 + 1), {}),
    ("a gzip bomb", gzip.compress(b" " * 64 * 2**20), {"Content-Encoding": "gzip"}),
    ("no gzip", b"no gzip", {"Content-Encoding": "gzip"}),
    ("a type that is none", b"{}", {"Content-Type": "text/html"}),
    ("a forged token", _event(token="forged"), {}),
    ("an expired token", _event(token=_token(time.time() - HOLDS_S - 60)), {}),
)


def measure(seconds: float = 15.0, streams: int = 1_000, slow: int = 300) -> dict[str, Any]:
    """Figures of one run; raises ``RuntimeError`` where memory grew or an event that was taken is not counted."""
    with (
        Embedded() as embedded,
        tempfile.TemporaryDirectory() as logs,
        Live(embedded.broker, embedded.redis, Path(logs)) as live,
    ):
        live.start()
        live.send("videos", "v", {"v": 1, "video_id": "v", "creator_id": "c", "created_ms": 1, "duration_ms": 9_000})
        process, url = live.gateway(gateway_secret=_SECRET, gateway_tokens="1")
        return asyncio.run(_Attack(url, psutil.Process(process.process.pid), seconds).run(streams, slow))


class _Attack:
    def __init__(self, url: str, gateway: psutil.Process, seconds: float) -> None:
        self.url, self.port = url, urlsplit(url).port
        self.gateway = gateway
        self.seconds, self.until_s = seconds, 0.0
        self.said: Counter[str] = Counter()
        self.taken: list[float] = []
        self.peak_mb = 0.0

    @property
    def rss_mb(self) -> float:
        """Memory of the gateway."""
        return float(self.gateway.memory_info().rss) / 2**20

    async def run(self, streams: int, slow: int) -> dict[str, Any]:
        """Rounds of the same attack; what was seen. What a later one adds is what would be added for ever."""
        forever = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=forever) as session:
            await self._like(session)
            found = {"start_mb": self.rss_mb}
            cpu_s = sum(self.gateway.cpu_times()[:2])
            for name in _ROUNDS:
                self.peak_mb = 0.0
                found[f"{name}_streams_mb"] = await self._round(session, streams, slow)
                found |= {f"{name}_peak_mb": self.peak_mb, f"{name}_after_mb": self.rss_mb}
            await self._counted(session)
            found["cpu_s"] = sum(self.gateway.cpu_times()[:2]) - cpu_s
        ratio = found[f"{_ROUNDS[-1]}_after_mb"] / found[f"{_ROUNDS[-2]}_after_mb"]
        if ratio > FLAT:
            raise RuntimeError(f"the gateway's memory grew {ratio:.2f} times: {found}")
        p99_ms = sorted(self.taken)[int(len(self.taken) * 0.99)] * 1_000
        more = {"ratio": ratio, "streams": streams, "slow": slow, "honest_events": len(self.taken)}
        return found | more | {"honest_p99_ms": p99_ms, "said": dict(self.said)}

    async def _round(self, session: aiohttp.ClientSession, streams: int, slow: int) -> float:
        """One attack, until everybody has left; the memory with all streams open."""
        opened = [await session.get(f"{self.url}/v1/feeds/listener-{at}/stream") for at in range(streams)]
        held_mb = self.rss_mb
        self.until_s = time.monotonic() + self.seconds
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(
            *(self._drip(at) for at in range(slow)),
            *(self._unread() for _ in range(slow // 3)),
            *(self._cut() for _ in range(8)),
            *(self._malformed(session, at) for at in range(4)),
            self._honest(session),
        )
        watching.cancel()
        for one in opened:
            one.close()
        until_s = time.monotonic() + 40.0
        while len(self.gateway.net_connections()) > 20 and time.monotonic() < until_s:
            await asyncio.sleep(0.5)
        return held_mb

    async def _watch(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, self.rss_mb)
            await asyncio.sleep(0.2)

    async def _like(self, session: aiohttp.ClientSession) -> None:
        began_s = time.perf_counter()
        body, headers = _event(token=_token(time.time())), {"Content-Type": "application/json"}
        async with session.post(f"{self.url}/v1/events", data=body, headers=headers) as got:
            if got.status != 202:
                raise RuntimeError(f"an honest event was not taken: {got.status} {await got.text()}")
        self.taken.append(time.perf_counter() - began_s)

    async def _honest(self, session: aiohttp.ClientSession) -> None:
        while time.monotonic() < self.until_s:
            await self._like(session)
            await asyncio.sleep(0.02)

    async def _counted(self, session: aiohttp.ClientSession) -> None:
        """Every event that was acknowledged is counted in the end."""
        for _ in range(300):
            async with session.get(f"{self.url}/v1/videos/v") as got:
                shares = (await got.json()).get("counts", {}).get("shares", 0)
            if shares == len(self.taken):
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"{len(self.taken)} events were acknowledged, {shares} are counted")

    async def _wrong(self, session: aiohttp.ClientSession, name: str, body: bytes, headers: dict[str, str]) -> None:
        told = {"Content-Type": "application/json", **headers}
        try:
            async with session.post(f"{self.url}/v1/events", data=body, headers=told) as got:
                self.said[f"{name}: {got.status} {(await got.json())['error']['code']}"] += 1
        except aiohttp.ClientError as error:  # it was answered and closed while the body was still being sent
            self.said[f"{name}: {type(error).__name__}"] += 1

    async def _malformed(self, session: aiohttp.ClientSession, first: int) -> None:
        for at in itertools.count(first):
            if time.monotonic() > self.until_s:
                return
            await self._wrong(session, *_BODIES[at % len(_BODIES)])

    async def _drip(self, at: int) -> None:
        """Headers or a body, a byte at a time."""
        head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
        while time.monotonic() < self.until_s:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with suppress(ConnectionError):
                writer.write(head if at % 2 else head + b"\r\n")
                answer = asyncio.create_task(reader.readline())
                while not answer.done() and time.monotonic() < self.until_s:
                    writer.write(b"x")
                    await asyncio.wait({answer}, timeout=1.0)
                if answer.done():
                    self.said[f"{'headers' if at % 2 else 'a body'} that drip: {answer.result()[9:12].decode()}"] += 1
                else:
                    answer.cancel()
            writer.close()

    async def _unread(self) -> None:
        """Asks again and again, and reads nothing."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.transport.pause_reading()
        with suppress(ConnectionError):
            while time.monotonic() < self.until_s and not writer.transport.is_closing():
                writer.write(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
                await asyncio.sleep(0.2)
        writer.transport.abort()

    async def _cut(self) -> None:
        """A body of which half comes."""
        while time.monotonic() < self.until_s:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000)
            with suppress(ConnectionError):
                await writer.drain()
            writer.transport.abort()
            self.said["a call cut in its midst"] += 1
            await asyncio.sleep(0.05)


@click.command()
@click.option("--seconds", default=15.0, show_default=True, help="Of each round.")
@click.option("--streams", default=1_000, show_default=True)
@click.option("--slow", default=300, show_default=True)
def main(seconds: float, streams: int, slow: int) -> None:
    """Print a table; exit code 1 where memory grew or something that was taken is lost."""
    try:
        found = measure(seconds, streams, slow)
    except RuntimeError as error:
        click.echo(f"hostile: {error}", err=True)
        sys.exit(1)
    for name in [name for name in found if name.endswith("_mb")]:
        click.echo(f"{found[name]:>10.0f} MB  {name.removesuffix('_mb').replace('_', ' ')}")
    for said, times in sorted(found.pop("said").items()):
        click.echo(f"{times:>10,} {said}")
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
