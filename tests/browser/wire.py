"""A wire between a browser and a gateway that a test may cut, hold back or let answers vanish on: TCP, byte by byte.

Chromium's own emulation makes a link slow or takes it away; it cuts no answer in its midst and swallows none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

__all__ = ["Wire", "wired"]


class Wire:
    """Connections to ``port``. While ``silent``, nothing that either side says arrives, and nobody is told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.cuts: Callable[[bytes, bytes], int | None] = lambda _asked, _answer: None
        """How much of an answer's next part to let through before the connection is cut, judged by what was asked last
        and that part; None: all, and no cut."""

    def silent(self, on: bool) -> None:
        """Swallow nothing any more, or everything from now on until it is let go, when it all comes at once."""
        (self._flows.clear if on else self._flows.set)()

    def cut(self) -> None:
        """Cut every connection there is; new ones are made as before."""
        for writer in self._open:
            writer.transport.abort()

    async def joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to the port."""
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, back}
        asked = [b""]

        async def up() -> None:
            while data := await reader.read(65_536):
                await self._flows.wait()
                if data.split(b" ", 1)[0] in {b"GET", b"POST", b"PUT", b"DELETE"}:
                    asked[0] = data
                back.write(data)
            back.close()

        async def down() -> None:
            while data := await there.read(65_536):
                await self._flows.wait()
                if (length := self.cuts(asked[0], data)) is not None:
                    writer.write(data[:length])
                    await writer.drain()
                    raise ConnectionResetError
                writer.write(data)
            writer.close()

        with contextlib.suppress(ConnectionError):
            await asyncio.gather(up(), down())
        for one in (writer, back):
            one.transport.abort()
            self._open.discard(one)


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[tuple[str, Wire]]:
    """The address of a wire to ``url``, and the wire."""
    port = urlsplit(url).port
    assert port is not None
    wire = Wire(port)
    server = await asyncio.start_server(wire.joined, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", wire
    finally:
        server.close()
        wire.cut()
