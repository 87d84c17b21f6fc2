"""Health over HTTP: metrics and pages, 503 where something is not well, and one sentence where a port is taken."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from agents.errors import Stop
from agents.health import serve
from agents.settings import Settings

WELL = {"live": True}


def asked(port: int, path: str) -> tuple[int, Any]:
    """Status and body of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture
def port(unused_port: int) -> Iterator[int]:
    settings = Settings.from_env({}, metrics_port=unused_port)
    server = serve(settings, {"/live": lambda: (True, WELL), "/ready": lambda: (False, {"why": ["no"]})})
    assert server is not None
    yield unused_port
    server.shutdown()
    server.server_close()


def test_metrics_are_where_they_were_and_pages_beside_them(port: int) -> None:
    for path in ("/metrics", "/"):
        status, body = asked(port, path)
        assert (status, b"feedstream_events_total" in body) == (200, True)
    status, body = asked(port, "/live")
    assert (status, orjson.loads(body)) == (200, WELL)
    status, body = asked(port, "/ready")
    assert (status, orjson.loads(body)) == (503, {"why": ["no"]})
    status, body = asked(port, "/elsewhere")
    assert (status, orjson.loads(body)) == (404, {"there_are": ["/metrics", "/live", "/ready"]})


def test_nothing_listens_on_port_0_and_else_on_this_machine_only(port: int) -> None:
    assert serve(Settings.from_env({}), {}) is None
    assert Settings.from_env({}).metrics_host == "127.0.0.1"
    other = socket.gethostbyname(socket.gethostname())
    if not other.startswith("127."):
        with socket.socket() as one:
            one.settimeout(1.0)
            assert one.connect_ex((other, port)) != 0


def test_a_port_that_is_taken_is_one_sentence(port: int) -> None:
    with pytest.raises(Stop, match=f"FEEDSTREAM_METRICS_PORT={port} on 127.0.0.1 cannot be had .*each worker"):
        serve(Settings.from_env({}, metrics_port=port), {})
