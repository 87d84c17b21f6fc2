"""The gateway among clients that do everything wrong: what it answers, and that its memory stays flat.

    python -m benchmarks.hostile [--seconds S] [--streams N] [--slow N]

One gateway process and one worker on the embedded broker and store. While streams are open, slow clients drip headers
and bodies, some never read what they asked for, others are cut in their midst, and malformed bodies and forged tokens
come as fast as they are answered. Beside all of them one honest client sends events, each of which must be counted.
What everybody was told goes to stderr, the figures to stdout and to ``benchmarks/out/hostile.json``, from which
``python -m benchmarks.readme`` fills the README.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable
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
from benchmarks import report

__all__ = ["measure"]

_OUT: Final = Path(__file__).parent / "out" / "hostile.json"
_ROUNDS: Final = 4
_SECRET: Final = "a secret of sixteen bytes"
_NUMBERS: Final = itertools.count()


def _token(at_s: float) -> str | None:
    return Tokens(_SECRET.encode()).sign("honest", "v", "1-a", 0, int(at_s))


def _event(**more: Any) -> bytes:
    number, now_ms = next(_NUMBERS), int(time.time() * 1_000)
    told = {"type": "share", "event_id": f"e{number}", "user_id": "honest", "session_id": "s", "video_id": "v"}
    return orjson.dumps(told | {"ts_ms": now_ms, "impression_id": f"i{number}", **more})


_Body = tuple[str, bytes, dict[str, str], str]
_BODIES: Final[tuple[_Body, ...]] = (
    ("no JSON", b"\0\xff" * 2_000, {}, "400 json"),
    ("deep JSON", b'{"type":"like","x":' + b"[" * 50_000, {}, "400 json"),
    ("a line too long", b'{"type":"like","x":"' + b"x" * 100_000 + b'"}', {}, "400 size"),
    ("too many lines", b"{}\n" * 10_001, {"Content-Type": "application/x-ndjson"}, "413 lines"),
    ("a body too large", b"x" * (4 * 2**20 + 1), {}, "413 size"),
    ("a gzip bomb", gzip.compress(b" " * 64 * 2**20), {"Content-Encoding": "gzip"}, "413 size"),
    ("no gzip", b"no gzip", {"Content-Encoding": "gzip"}, "400 body"),
    ("a type that is none", b"{}", {"Content-Type": "text/html"}, "415 content_type"),
    ("a forged token", _event(token="forged"), {}, "403 token"),
    ("an expired token", _event(token=_token(time.time() - HOLDS_S - 60)), {}, "403 token_old"),
)
"""What is wrong, the body, its headers, and what must be answered."""
_LATE: Final = "408"
"""What is answered to headers and bodies that drip."""


def measure(say: Callable[[str], None], seconds: float = 15.0, streams: int = 1_000, slow: int = 300) -> dict[str, Any]:
    """Figures of one run. Raises ``RuntimeError`` where an honest event was not taken or is not counted in the end."""
    with (
        Embedded() as embedded,
        tempfile.TemporaryDirectory() as logs,
        Live(embedded.broker, embedded.redis, Path(logs)) as live,
    ):
        live.start()
        live.send("videos", "v", {"v": 1, "video_id": "v", "creator_id": "c", "created_ms": 1, "duration_ms": 9_000})
        process, url = live.gateway(gateway_secret=_SECRET, gateway_tokens="1")
        return asyncio.run(_Attack(url, psutil.Process(process.process.pid), seconds, say).run(streams, slow))


class _Attack:
    def __init__(self, url: str, gateway: psutil.Process, seconds: float, say: Callable[[str], None]) -> None:
        self.url, self.port = url, urlsplit(url).port
        self.gateway, self.say = gateway, say
        self.seconds, self.until_s = seconds, 0.0
        self.said: Counter[str] = Counter()
        self.refused = self.cut = self.surprises = 0
        self.taken: list[float] = []
        self.peak_bytes = 0

    @property
    def rss_bytes(self) -> int:
        """Memory of the gateway."""
        return int(self.gateway.memory_info().rss)

    async def run(self, streams: int, slow: int) -> dict[str, Any]:
        """Rounds of the same attack; what was seen. What a later one adds is what would be added for ever."""
        forever = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=forever) as session:
            await self._like(session)
            after = [self.rss_bytes]
            for number in range(1, _ROUNDS + 1):
                self.peak_bytes = 0
                held_bytes = await self._round(session, streams, slow)
                after.append(self.rss_bytes)
                mb = [round(one / 2**20) for one in (held_bytes, self.peak_bytes, after[-1])]
                self.say(f"round {number}: {mb[0]} MB with all streams open, {mb[1]} at most, {mb[2]} after")
            await self._counted(session)
        for said, times in sorted(self.said.items()):
            self.say(f"{times:>10,} {said}")
        return {
            "hostile_streams": streams,
            "hostile_slow": slow,
            "hostile_cut": self.cut,
            "hostile_refused": self.refused,
            "hostile_surprises": self.surprises,
            "hostile_events": len(self.taken),
            "hostile_event_p99_ms": sorted(self.taken)[int(len(self.taken) * 0.99)] * 1_000,
            "hostile_memory_bytes": after[-1],
            "hostile_memory_ratio": after[-1] / after[-2],
        }

    async def _round(self, session: aiohttp.ClientSession, streams: int, slow: int) -> int:
        """One attack, until everybody has left; the memory with all streams open."""
        opened = [await session.get(f"{self.url}/v1/feeds/listener-{at}/stream") for at in range(streams)]
        held_bytes = self.rss_bytes
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
        return held_bytes

    async def _watch(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, self.rss_bytes)
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

    async def _wrong(self, session: aiohttp.ClientSession, wrong: _Body) -> None:
        name, body, headers, must = wrong
        told = {"Content-Type": "application/json", **headers}
        try:
            async with session.post(f"{self.url}/v1/events", data=io.BytesIO(body), headers=told) as got:
                self._answered(name, f"{got.status} {(await got.json())['error']['code']}", must)
        except aiohttp.ClientError as error:  # it was answered and closed while the body was still being sent
            self._answered(name, type(error).__name__, type(error).__name__ if must.startswith("413") else must)

    def _answered(self, name: str, said: str, must: str) -> None:
        self.said[f"{name}: {said}"] += 1
        self.refused += said == must
        self.surprises += said != must

    async def _malformed(self, session: aiohttp.ClientSession, first: int) -> None:
        for at in itertools.count(first):
            if time.monotonic() > self.until_s:
                return
            await self._wrong(session, _BODIES[at % len(_BODIES)])

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
                    self._answered("headers" if at % 2 else "a body", answer.result()[9:12].decode(), _LATE)
                else:
                    answer.cancel()
            await _gone(writer)

    async def _unread(self) -> None:
        """Asks again and again, and reads nothing."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.transport.pause_reading()
        with suppress(ConnectionError):
            while time.monotonic() < self.until_s and not writer.transport.is_closing():
                writer.write(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 4)
                await asyncio.sleep(0.2)
        await _gone(writer)

    async def _cut(self) -> None:
        """A body of which half comes."""
        while time.monotonic() < self.until_s:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"x" * 50_000)
            with suppress(ConnectionError):
                await writer.drain()
            await _gone(writer)
            self.cut += 1
            await asyncio.sleep(0.05)


async def _gone(writer: asyncio.StreamWriter) -> None:
    """The client has gone, without a word."""
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


@click.command()
@click.option("--seconds", default=15.0, show_default=True, help="Of each round.")
@click.option("--streams", default=1_000, show_default=True)
@click.option("--slow", default=300, show_default=True)
def main(seconds: float, streams: int, slow: int) -> None:
    """Print the figures as JSON, and write them down; exit code 1 where a goal is missed or an honest event is lost."""

    def attacked() -> dict[str, Any]:
        try:
            return measure(lambda text: click.echo(text, err=True), seconds, streams, slow)
        except RuntimeError as error:
            raise click.ClickException(str(error)) from None

    report.taken("hostile", _OUT, attacked)


if __name__ == "__main__":
    main()
