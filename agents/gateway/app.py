"""The application: routes, who may call them, errors as JSON, pages, health, and the process around it."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Metric, generate_latest
from prometheus_client.registry import Collector

from agents import log, tracing
from agents.errors import BadSettings, FeedstreamError
from agents.gateway.access import Access, Key, read_keys
from agents.gateway.answers import Health
from agents.gateway.calls import Calls
from agents.gateway.door import BODIES, SPEND, Bodies, opened
from agents.gateway.hub import Hub
from agents.gateway.openapi import openapi
from agents.gateway.parameters import Answer
from agents.gateway.refusals import Refusal
from agents.gateway.routes import ROUTES, Route
from agents.gateway.tokens import Tokens
from agents.measures.telemetry import METRICS, PREFIX
from agents.settings import Settings

__all__ = ["application", "run"]

_LOG = log.get("gateway")
_PAGES: Final = Path(__file__).parent / "pages"
_DRAIN_S: Final = 5.0
_OF_WORKERS: Final = {PREFIX + "ready", PREFIX + "memory_bytes"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""Headers of every answer: what a browser may do with it."""


def application(hub: Hub, access: Access) -> web.Application:
    """The gateway's application on a hub that was ``started``."""
    settings = hub.settings
    origins = frozenset(filter(None, (one.strip() for one in settings.gateway_origins.split(","))))
    app = web.Application(middlewares=[_guarded(origins)], logger=_quiet())
    calls, bodies = Calls(hub, Tokens(settings.gateway_secret.encode())), Bodies()
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(route, calls, access, bodies))
    app.router.add_get("/live", _health(list))  # whoever answers turns
    app.router.add_get("/ready", _health(hub.problems))
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/v1/openapi.json", _document(msgspec.json.encode(openapi())))
    _add_pages(app)
    return app


def run(settings: Settings) -> int:
    """Run a gateway until SIGTERM or SIGINT; returns the exit code. Says in one sentence where it cannot go on."""
    log.configure()
    try:
        tracing.start(settings, "feedstream-gateway")
        return asyncio.run(_main(settings))
    except FeedstreamError as error:
        print(f"feedstream gateway: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        tracing.stop()


async def _main(settings: Settings) -> int:
    access = Access(read_keys(settings.gateway_keys) if settings.gateway_keys else ())
    if access.open and not settings.gateway_open and not _is_local(settings.gateway_host):
        raise BadSettings(
            f"FEEDSTREAM_GATEWAY_HOST is {settings.gateway_host!r}, which others can reach, but there are no keys: "
            "name a file of keys in FEEDSTREAM_GATEWAY_KEYS, or set FEEDSTREAM_GATEWAY_OPEN=1 where nobody else is"
        )
    hub = Hub(settings)
    await hub.started()
    runner = web.AppRunner(application(hub, access), access_log=None, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    try:
        door = await opened(runner, settings.gateway_host, settings.gateway_port, _quiet())
    except OSError as error:
        await hub.closed()
        raise BadSettings(
            f"the gateway cannot listen on {settings.gateway_host}:{settings.gateway_port} ({error.strerror}): "
            "set FEEDSTREAM_GATEWAY_PORT"
        ) from None
    host, port = door.sockets[0].getsockname()[:2]
    _LOG.info("listening", url=f"http://{host}:{port}", keys="none" if access.open else "required")
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    stopping, ready = asyncio.create_task(stop.wait()), asyncio.create_task(_ready(hub))
    waiting: set[asyncio.Future[Any]] = {stopping, ready, *hub.failures}
    try:
        while True:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
            if stopping in done:
                break
            waiting -= done
    finally:
        door.close()
        await runner.cleanup()
        await hub.closed()
    _LOG.info("stopped")
    return 0


async def _ready(hub: Hub) -> None:
    await hub.caught_up()
    _LOG.info("ready", videos=len(hub.replica.catalogue.candidates()))


def _handler(route: Route, calls: Calls, access: Access, bodies: Bodies) -> Handler:
    streams = route.call == "stream"
    calls_total, seconds = METRICS["gateway_calls_total"], METRICS["gateway_seconds"].labels(route.call)

    async def handle(request: web.Request) -> web.StreamResponse:
        if streams:  # it may last for days, which is no span
            return await timed(request)
        with tracing.serving(f"{route.method} {route.path}", request.headers):
            return await timed(request)

    async def timed(request: web.Request) -> web.StreamResponse:
        began_s, status = time.perf_counter(), 500
        try:
            response = await answer(request)
            status = response.status
        except Refusal as refused:
            status = refused.status
            raise
        finally:
            bodies.done(request)
            tracing.note({"http.response.status_code": status})
            calls_total.labels(route.call, f"{status}").inc()
            if not streams:
                seconds.observe(time.perf_counter() - began_s)
        return response

    async def answer(request: web.Request) -> web.StreamResponse:
        key = access.admit(request.headers.get("Authorization"), route.role)
        access.spend(key, requests=1)
        request[SPEND], request[BODIES] = _spender(access, key), bodies
        with access.streaming(key) if streams else nullcontext():
            found = await getattr(calls, route.call)(request)
        return _json(found.body, found.status) if isinstance(found, Answer) else found

    return handle


def _spender(access: Access, key: Key) -> Callable[[int], None]:
    return lambda events: access.spend(key, events=events)


def _guarded(origins: frozenset[str]) -> Any:
    """A middleware: what goes wrong is JSON with a fitting status, and other origins are let in as set."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        allowed = _CORS | {"Access-Control-Allow-Origin": origin} if origin in origins and origin else {}
        if request.method == "OPTIONS" and allowed:
            return web.Response(status=204, headers=allowed)
        try:
            response = await handler(request)
        except Refusal as refused:
            response = _refused(refused)
        except web.HTTPException as error:
            response = _refused(_plain(error))
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except web.RequestPayloadError:
            response = _refused(_plain(web.HTTPBadRequest()))
        except (ConnectionResetError, asyncio.CancelledError):
            raise
        except Exception as error:
            _LOG.error("call_failed", path=request.path, error=repr(error), exc_info=error)
            response = _refused(Refusal(500, "failed", "something failed here; the log of the gateway says what"))
        if not response.prepared:
            response.headers.update(allowed)
            for name, value in SAFE.items():
                response.headers.setdefault(name, value)
        return response

    return guard


_CORS: Final = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
    "Access-Control-Max-Age": "600",
    "Vary": "Origin",
}


def _plain(error: web.HTTPException) -> Refusal:
    said = {
        404: ("path", "there is no such path; docs/http.md names those there are"),
        405: ("method", "this path takes another method"),
        400: ("body", "the body cannot be read: is it what Content-Encoding says?"),
    }.get(error.status, ("http", error.reason))
    return Refusal(error.status, *said)


def _refused(refused: Refusal) -> web.Response:
    response = _json(refused.body(), refused.status)
    if refused.retry_s is not None:
        response.headers["Retry-After"] = f"{max(1, round(refused.retry_s))}"
    if refused.status in {408, 413} or refused.code in {"body", "bodies"}:
        response.force_close()  # what is left of a body that was not read would be taken for the next call
    if refused.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _json(body: Any, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers)


class _Measured(Collector):
    """What this process measures. A gauge that only a worker sets would show 0 here: one that is never ready."""

    def collect(self) -> Iterable[Metric]:
        return (one for one in REGISTRY.collect() if one.name not in _OF_WORKERS)


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(_Measured()), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _document(text: bytes) -> Handler:
    async def document(_: web.Request) -> web.Response:
        return web.Response(body=text, content_type="application/json")

    return document


def _health(problems: Callable[[], list[str]]) -> Handler:
    async def health(_: web.Request) -> web.Response:
        found = problems()
        return _json(Health(ok=not found, problems=found), 503 if found else 200)

    return health


def _add_pages(app: web.Application) -> None:
    for name, path in (("phone", "/"), ("dashboard", "/dashboard")):
        folder = _PAGES / name
        if folder.is_dir():
            app.router.add_get(path, _page(folder / "index.html"))
            app.router.add_static(f"/{name}", folder)


def _page(file: Path) -> Handler:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.FileResponse(file, headers={"Cache-Control": "no-cache"})

    return page


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _quiet() -> Any:
    logger = logging.getLogger("feedstream.gateway.http")
    logger.setLevel(logging.CRITICAL)  # what clients do wrong is in their answer, not in our log
    return logger
