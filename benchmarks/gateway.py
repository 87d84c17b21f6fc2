"""The gateway under load: events taken durably, feeds and open streams, beside a server that does nothing.

    python -m benchmarks.gateway [--seconds S] [--streams N]

One gateway process, all of whose threads run on one core, and one worker, on a real Kafka and Redis. The rival is
aiohttp alone on the same core, which reads the same bodies and answers 202: what the gateway takes beyond it is what
taking events costs. The figures go to stdout and to ``benchmarks/out/gateway.json``, from which ``python -m
benchmarks.readme`` fills the README.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
import numpy as np
import orjson
import psutil
from aiohttp import web

from benchmarks import report
from benchmarks.site import living

__all__ = ["measure"]

_OUT: Final = Path(__file__).parent / "out" / "gateway.json"
_LINES: Final = 100
_AT_ONCE: Final = 8
_VIDEOS: Final = 2_000
_NUMBERS: Final = itertools.count()


def measure(say: Callable[[str], None], seconds: float = 10.0, streams: int = 1_000) -> dict[str, Any]:
    """Figures of one run."""
    with living(session_timeout_s="30") as live:
        for at in range(_VIDEOS):
            live._produce("videos", f"g{at}", _video(at), lambda *_: None)
        live.send("users", "first", {"v": 1, "user_id": "first"})
        process, url = live.gateway(gateway_timeout_s="60")
        gateway = psutil.Process(process.process.pid)
        # It listens already while it starts: whoever comes early waits.
        door = socket.create_server(("127.0.0.1", 0))
        rival = multiprocessing.Process(target=_rival, args=(door,), daemon=True)
        rival.start()
        for pid in (gateway.pid, rival.pid):
            _on_one_core(pid or 0)
        base = gateway.memory_info().rss
        try:
            found = asyncio.run(_taken(url, gateway, door.getsockname()[1], psutil.Process(rival.pid), seconds, say))
            live.until_settled()  # a worker that is behind says nothing of the gateway
            found |= asyncio.run(_given(url, gateway, seconds, streams, say))
        finally:
            rival.terminate()
            door.close()
        grown = found["events_grown_mb"] + found["feeds_grown_mb"]
    made = {name if name.startswith("rival") else f"gateway_{name}": value for name, value in found.items()}
    return made | {
        "gateway_feeds_per_s": made.pop("gateway_feeds_calls_per_s"),
        "gateway_stream_bytes": made.pop("gateway_stream_kb") * 1_024,
        "gateway_grown_bytes": grown * 2**20,
        "gateway_base_bytes": base,
    }


def _on_one_core(pid: int) -> None:
    """Every thread of a process on the first core that this one may use, and threads it starts later too."""
    core = {min(os.sched_getaffinity(0))}
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, core)


async def _taken(
    url: str, gateway: psutil.Process, port: int, rival: psutil.Process, seconds: float, say: Callable[[str], None]
) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session:
        while (await _ids(session, url)) < 200:
            await asyncio.sleep(0.2)
        found: dict[str, Any] = {"lines_a_body": _LINES, "at_once": _AT_ONCE}
        for name, where, process in (("rival", f"http://127.0.0.1:{port}", rival), ("events", url, gateway)):
            found |= await _under_load(name, lambda where=where: _post(session, where), process, seconds)
        found["events_per_s"] = found.pop("events_calls_per_s") * _LINES
        found["rival_events_per_s"] = found.pop("rival_calls_per_s") * _LINES
        found["event_us"] = found["events_cpu"] / found["events_per_s"] * 1e6
        found["events_ratio"] = found["event_us"] / (found["rival_cpu"] / found["rival_events_per_s"] * 1e6)
        said = f"{found['event_us']:.0f} µs each, {found['events_ratio']:.0f} times a server that does nothing"
        say(f"gateway: {found['events_per_s']:.0f} events/s, {said}")
    return found


async def _given(
    url: str, gateway: psutil.Process, seconds: float, streams: int, say: Callable[[str], None]
) -> dict[str, Any]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        found: dict[str, Any] = await _under_load("feeds", lambda: _get(session, url), gateway, seconds)
        found["feed_us"] = found["feeds_cpu"] / found["feeds_calls_per_s"] * 1e6
        say(f"gateway: {found['feeds_calls_per_s']:.0f} feeds/s, p99 {found['feeds_p99_ms']:.0f} ms")
        found |= await _streamed(session, url, gateway, streams)
        held, p99_ms = found["stream_kb"], found["stream_p99_ms"]
        say(f"gateway: {streams} streams, {held:.0f} KB each, a batch after {p99_ms:.0f} ms")
    return found


async def _under_load(
    name: str, call: Callable[[], Awaitable[None]], process: psutil.Process, seconds: float
) -> dict[str, float]:
    """Calls from ``_AT_ONCE`` clients that each wait for their answer."""
    taken: list[float] = []
    until_s = time.monotonic() + seconds

    async def client() -> None:
        while True:
            began_s = time.perf_counter()
            await call()
            taken.append(time.perf_counter() - began_s)
            if time.monotonic() >= until_s:
                return

    await call()
    cpu_s, memory = sum(process.cpu_times()[:2]), process.memory_info().rss
    began_s = time.monotonic()
    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    spent_s = time.monotonic() - began_s
    p50, p99 = np.quantile(taken, (0.5, 0.99)) * 1_000.0
    return {
        f"{name}_calls_per_s": len(taken) / spent_s,
        f"{name}_p50_ms": float(p50),
        f"{name}_p99_ms": float(p99),
        f"{name}_cpu": (sum(process.cpu_times()[:2]) - cpu_s) / spent_s,
        f"{name}_grown_mb": (process.memory_info().rss - memory) / 2**20,
    }


async def _streamed(
    session: aiohttp.ClientSession, url: str, process: psutil.Process, streams: int
) -> dict[str, float]:
    """Open streams, and how long after a request its batch comes on one of them."""
    memory = process.memory_info().rss
    waits, forever = [0.0] * streams, aiohttp.ClientTimeout(total=None)
    opened = asyncio.Semaphore(64)
    ready = asyncio.Event()
    left = streams

    async def listen(at: int) -> None:
        nonlocal left
        async with opened:
            stream = await session.get(f"{url}/v1/feeds/listener-{at}/stream", timeout=forever)
            await stream.content.readline()
        left -= 1
        if not left:
            ready.set()
        async for line in stream.content:
            if line.startswith(b"event: batch"):
                waits[at] = time.perf_counter()
                break
        stream.close()

    listening = [asyncio.create_task(listen(at)) for at in range(streams)]
    await asyncio.wait_for(ready.wait(), 120.0)
    held = (process.memory_info().rss - memory) / 2**10 / streams
    began: dict[int, float] = {}
    for at in range(0, streams, 10):
        began[at] = time.perf_counter()
        await _get(session, url, f"listener-{at}")
    took = []
    for at, began_s in began.items():
        await asyncio.wait_for(listening[at], 30.0)
        took.append(waits[at] - began_s)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return {"stream_kb": held, "stream_p99_ms": float(np.quantile(took, 0.99) * 1_000.0), "streams": streams}


async def _ids(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(f"{url}/v1/tags/cats", params={"limit": 200}) as got:
        return len((await got.json())["videos"])


async def _post(session: aiohttp.ClientSession, url: str) -> None:
    first = next(_NUMBERS) * _LINES
    body = b"\n".join(_event(first + at) for at in range(_LINES))
    async with session.post(f"{url}/v1/events", data=body, headers={"Content-Type": "application/x-ndjson"}) as got:
        if got.status != 202 or (await got.json()).get("accepted", _LINES) != _LINES:
            raise RuntimeError(f"not all events were taken: {got.status} {await got.text()}")


async def _get(session: aiohttp.ClientSession, url: str, user: str | None = None) -> None:
    async with session.get(f"{url}/v1/feeds/{user or f'viewer-{next(_NUMBERS)}'}", params={"limit": 20}) as got:
        body = await got.json()
        if got.status != 200 or body["fallback"] is not None:
            raise RuntimeError(f"no feed: {got.status}")


def _event(number: int) -> bytes:
    told = {
        "type": "impression", "v": 1, "event_id": f"b{number}", "user_id": f"u{number % 5_000}", "session_id": "s",
        "video_id": f"g{number % _VIDEOS}", "ts_ms": int(time.time() * 1_000), "impression_id": f"i{number}",
    }  # fmt: skip
    return orjson.dumps(told)


def _video(at: int) -> dict[str, Any]:
    tag = ("cats", "cars", "food", "news")[at % 4]
    now_ms = int(time.time() * 1_000)
    return {
        "v": 1, "video_id": f"g{at}", "creator_id": f"c{at % 200}", "created_ms": now_ms, "duration_ms": 9_000,
        "tags": [tag],
    }  # fmt: skip


def _rival(door: socket.socket) -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({}, status=202)

    app = web.Application()
    app.router.add_post("/v1/events", take)
    web.run_app(app, sock=door, print=None, access_log=None)


@click.command()
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--streams", default=1_000, show_default=True)
def main(seconds: float, streams: int) -> None:
    """Print the figures as JSON, and write them down."""
    report.taken("gateway", _OUT, lambda: measure(lambda text: click.echo(text, err=True), seconds, streams))


if __name__ == "__main__":
    main()
