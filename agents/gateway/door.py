"""The door: what a client may do to a connection, whatever it says on it.

aiohttp waits for ever: for a first request, for the rest of a body, for a client to read its answer. Here each of these
has a time limit, connections are counted, and what is no HTTP gets an error as every other call does. It must never end
a connection that moves, however slowly it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec
from aiohttp import web

from agents.gateway.refusals import Refusal
from agents.measures.telemetry import METRICS
from streams import limits

__all__ = ["BODIES", "SPEND", "Bodies", "opened"]

_HELD: Final = web.RequestKey("held", int)
SPEND: Final[web.RequestKey[Callable[[int], None]]] = web.RequestKey("spend")
"""What counts events against the limits of whoever calls."""

_LATE: Final = Refusal(
    408, "slow", f"no request came within {limits.GATEWAY_HEADERS_S:g} s: send it when it is complete"
)
_FULL: Final = Refusal(503, "connections", "this gateway has as many connections as it can hold: connect again")


class _Connection(web.RequestHandler):
    """A connection: aiohttp's, with a watch on it."""

    def __init__(self, *args: Any, count: Callable[[], int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._count = count
        self._first: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, unless there are too many."""
        super().connection_made(transport)
        if self._count() > limits.GATEWAY_CONNECTIONS:
            self._refuse(_FULL)
            return
        self._first = asyncio.get_running_loop().call_later(limits.GATEWAY_HEADERS_S, self._refuse, _LATE)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self._drop(self._first, self._stuck)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A first request that is complete need not be waited for any more."""
        super().data_received(data)
        if self._first is not None and self._request_count:
            self._drop(self._first)
            self._first = None

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        super().pause_writing()
        self._stuck = asyncio.get_running_loop().call_later(limits.GATEWAY_WRITE_S, self._abort)

    def resume_writing(self) -> None:
        """It does again."""
        self._drop(self._stuck)
        self._stuck = None
        super().resume_writing()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is no HTTP: an error like every other one, and no line in our log of what others do wrong."""
        said = "this is no HTTP request that can be read" if status < 500 else "something failed here"
        response = web.Response(
            body=_text(Refusal(status, "http" if status < 500 else "failed", said)),
            status=status,
            content_type="application/json",
        )
        response.force_close()
        return response

    def _refuse(self, refused: Refusal) -> None:
        if (transport := self.transport) is None:
            return
        METRICS["gateway_refused_total"].labels(refused.code).inc()
        transport.write(_raw(refused))
        self.force_close()

    def _abort(self) -> None:
        if (transport := self.transport) is not None:
            METRICS["gateway_refused_total"].labels("unread").inc()
            transport.abort()

    @staticmethod
    def _drop(*timers: asyncio.TimerHandle | None) -> None:
        for timer in timers:
            if timer is not None:
                timer.cancel()


class Bodies:
    """Bodies that are read, and how much of them is held at once by all calls together."""

    def __init__(self) -> None:
        self.held = 0
        """Bytes of bodies in memory now."""

    async def read(self, request: web.Request) -> bytes:
        """The body of a call, unpacked; ``done`` gives its room back.

        Raises ``Refusal`` 413 where it is too large, 408 where it does not come in time, 503 where others hold as much
        as may be held.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(limits.GATEWAY_BODY_S):
                async for part in request.content.iter_any():
                    size += len(part)
                    self.held += len(part)
                    request[_HELD] = size
                    if size > limits.GATEWAY_BODY_BYTES:
                        raise Refusal(413, "size", f"a body may have {limits.GATEWAY_BODY_BYTES} bytes")
                    if self.held > limits.GATEWAY_BODIES_BYTES:
                        raise Refusal(503, "bodies", "too many bodies are being sent: send it again", retry_s=1.0)
                    parts.append(part)
        except TimeoutError:
            said = f"the body did not come within {limits.GATEWAY_BODY_S:g} s: send less at once"
            raise Refusal(408, "slow", said) from None
        return b"".join(parts)

    def done(self, request: web.Request) -> None:
        """The call is over: its body is held no more."""
        self.held -= request.get(_HELD, 0)


BODIES: Final = web.RequestKey("bodies", Bodies)
"""What reads the body of a call."""


async def opened(runner: web.AppRunner, host: str, port: int, logger: logging.Logger) -> asyncio.Server:
    """Listen; raises ``OSError`` where that cannot be."""
    server, loop = runner.server, asyncio.get_running_loop()
    assert server is not None, "the runner is set up"

    def connection() -> asyncio.Protocol:
        return _Connection(
            server,
            loop=loop,
            count=lambda: len(server.connections),
            keepalive_timeout=limits.GATEWAY_IDLE_S,
            lingering_time=limits.GATEWAY_LINGER_S,
            logger=logger,
            access_log=None,
        )

    return await loop.create_server(connection, host, port, backlog=limits.GATEWAY_BACKLOG)


def _text(refused: Refusal) -> bytes:
    return msgspec.json.encode(refused.body())


def _raw(refused: Refusal) -> bytes:
    """An answer to who has not asked."""
    body, reason = _text(refused), {408: b"Request Timeout", 503: b"Service Unavailable"}[refused.status]
    head = b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n"
    retry = b"Retry-After: 5\r\n" if refused.status == 503 else b""
    return head % (refused.status, reason, len(body)) + retry + b"\r\n" + body
