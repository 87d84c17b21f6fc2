"""Health over HTTP: metrics, and pages that say whether a worker is well, answered by threads of their own.

So they answer also while the event loop does not turn, and can say that it does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import REGISTRY, make_wsgi_app

from agents.errors import Stop
from agents.settings import Settings

__all__ = ["Page", "answers", "serve"]

Page = Callable[[], tuple[bool, Any]]
"""Whether all is well (200, otherwise 503), and what is said of it, as JSON."""
_METRICS: Final = ("/", "/metrics")


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request: whoever asks slowly keeps nobody else waiting."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Upstream asks for the name of its own address, which takes seconds where nobody knows it."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # upstream's name
        """A scrape every few seconds is no news."""


def answers(pages: Mapping[str, Page]) -> Any:
    """A WSGI application: metrics at ``/metrics`` (and at ``/``), ``pages`` by path."""
    metrics = make_wsgi_app(REGISTRY)

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path in _METRICS:
            found: Iterable[bytes] = metrics(environ, start)
            return found
        if path not in pages:
            status, body = "404 Not Found", {"there_are": ["/metrics", *pages]}
        else:
            well, body = pages[path]()
            status = "200 OK" if well else "503 Service Unavailable"
        start(status, [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [orjson.dumps(body) + b"\n"]

    return answer


def serve(settings: Settings, pages: Mapping[str, Page]) -> WSGIServer | None:
    """Answer at ``FEEDSTREAM_METRICS_HOST`` and ``_PORT`` until the process ends; not at all on port 0.

    Raises ``Stop`` where the port cannot be had.
    """
    if not settings.metrics_port:
        return None
    try:
        server = make_server(settings.metrics_host, settings.metrics_port, answers(pages), _Server, _Quiet)
    except OSError as error:
        raise Stop(
            f"FEEDSTREAM_METRICS_PORT={settings.metrics_port} on {settings.metrics_host} cannot be had "
            f"({error.strerror}): give each worker of a machine its own"
        ) from None
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
