"""Tracing: one request is one trace through every process, a fold one span, and off it costs and imports nothing."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agents import tracing
from agents.embedded import Embedded
from agents.errors import BadSettings
from agents.settings import Settings
from agents.testing.live import Live
from agents.worker.outgoing import of_batch
from schemas.feeds import FeedBatch, FeedRequest
from streams import limits

ON: Final = Settings.from_env({"FEEDSTREAM_TRACING": "1"})
CALLER: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


class Record(NamedTuple):
    """As the transport hands it over."""

    headers: Any


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """This process traces; what it traced, after ``done``."""
    exporter = InMemorySpanExporter()
    tracing.start(ON, "test", exporter)
    yield exporter
    tracing.stop()


def done(exporter: InMemorySpanExporter) -> dict[str, Any]:
    """Finished spans by name."""
    tracing.stop()
    return {span.name: span for span in exporter.get_finished_spans()}


def parent(number: int, flags: str = "01") -> list[tuple[str, bytes]]:
    return [("other", b"x"), ("traceparent", f"00-{number:032x}-{number:016x}-{flags}".encode())]


def batch(request_id: str | None = None) -> FeedBatch:
    return FeedBatch(
        v=1, batch_id="1-a", user_id="ann", seq=1, ts_ms=1, trigger="request", as_of={}, model="m", items=[],
        request_id=request_id,
    )  # fmt: skip


def request(request_id: str) -> FeedRequest:
    return FeedRequest(v=1, request_id=request_id, user_id="ann", ts_ms=1)


def test_off_nothing_is_made_and_nothing_read_and_the_extra_need_not_be_there():
    def unread() -> Iterator[Any]:
        raise AssertionError("headers are looked at")
        yield

    with tracing.following("fold", unread()), tracing.within("rank"), tracing.serving("GET", {}):
        assert (tracing.carried(), tracing.answering("r", "1-a"), tracing.on()) == (None, None, False)
    code = (
        "import sys; sys.modules['opentelemetry'] = None; import agents.gateway.app, agents.worker.main, agents.client;"
        "sys.exit('agents.tracing.otel' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_where_the_extra_is_missing_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "agents.tracing.otel", raising=False)
    with pytest.raises(BadSettings, match=r"FEEDSTREAM_TRACING is 1, but .* install feedstream\[otel\]"):
        tracing.start(ON, "test")


def test_a_fold_of_thousands_is_one_span_with_so_many_links_and_a_child_for_what_is_done_in_it(spans):
    came = (parent(number, "00" if number % 2 else "01") for number in range(1, 5_001))
    with tracing.following("fold", came, shard="u0"), tracing.within("rank", requests=3):
        assert tracing.carried() is not None
    found = done(spans)
    assert set(found) == {"fold", "rank"}
    fold = found["fold"]
    assert (fold.parent.trace_id, len(fold.links)) == (2, limits.TRACE_LINKS)
    assert [link.context.trace_id for link in fold.links][:2] == [4, 6]
    assert found["rank"].parent.span_id == fold.context.span_id


@pytest.mark.parametrize(
    "headers",
    [None, [], [("traceparent", None)], [("traceparent", b"nonsense")], [("traceparent", UNSAMPLED.encode())],
     [("traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-01")], [("TRACEPARENT", CALLER.encode())]],
)  # fmt: skip
def test_what_is_not_sampled_or_no_trace_makes_no_span(spans, headers):
    with tracing.following("fold", [headers]), tracing.within("rank"):
        tracing.asked([request("r")], [Record(headers)])
        assert of_batch(batch("r")).trace is None
    assert done(spans) == {}


def test_the_answer_to_a_request_is_part_of_its_trace_and_carries_it_on(spans):
    tracing.asked([request("r"), request("other")], [Record(parent(7)), Record(())])
    made = of_batch(batch("r"))
    assert made.trace is not None
    ((name, value),) = made.trace.headers
    assert (name, value[3:35]) == ("traceparent", b"%032x" % 7)
    made.delivered()
    assert of_batch(batch("r")).trace is None, "once"
    assert of_batch(batch("other")).trace is None
    assert done(spans)["answer"].parent.span_id == 7


def test_requests_that_are_never_answered_are_forgotten_up_to_a_bound(spans):
    for number in range(1, limits.TRACES_OPEN + 2):
        tracing.asked([request(f"r{number}")], [Record(parent(number))])
    assert of_batch(batch("r1")).trace is None
    assert of_batch(batch("r2")).trace is not None


def test_a_batch_of_our_own_accord_follows_from_the_fold_that_made_it(spans):
    with tracing.following("fold", [parent(9)]):
        made = of_batch(batch())
    made.delivered()
    found = done(spans)
    assert found["batch"].parent.span_id == found["fold"].context.span_id


def test_lines_logged_within_a_span_name_it_and_others_do_not(spans):
    out = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(out), processors=[tracing.add_ids, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )  # fmt: skip
    logger.info("without")
    with tracing.serving("GET", {"traceparent": CALLER}):
        logger.info("within")
    without, within = map(orjson.loads, out.getvalue().splitlines())
    assert without == {"event": "without"}
    assert within["trace_id"] == CALLER.split("-")[1]
    assert within["span_id"] == f"{done(spans)['GET'].context.span_id:016x}"


class Collector(ThreadingHTTPServer):
    """What takes spans over OTLP/HTTP; ``spans`` are (service, span)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.spans: list[tuple[str, Any]] = []

    def of(self, trace_id: str) -> dict[str, tuple[str, Any]]:
        """Spans of a trace by name."""
        return {span.name: (service, span) for service, span in list(self.spans) if span.trace_id.hex() == trace_id}


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            raise AssertionError("not asked for")
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service,) = [one.value.string_value for one in resource.resource.attributes if one.key == "service.name"]
            self.server.spans += [(service, span) for scope in resource.scope_spans for span in scope.spans]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector to which children send spans, soon after they end."""
    server = Collector()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    yield server
    server.shutdown()
    server.server_close()


def test_one_request_is_one_trace_from_the_gateway_through_the_worker_and_back(collector: Collector, tmp_path: Path):
    with Embedded() as both, Live(both.broker, both.redis, tmp_path, tracing="1") as live:
        live.start()
        for at in range(5):
            record = {"v": 1, "video_id": f"v{at}", "creator_id": "c", "created_ms": 1, "duration_ms": 9_000}
            live.send("videos", f"v{at}", record)
        _, url = live.gateway(gateway_timeout_s="20")
        while b'"v4"' not in urllib.request.urlopen(f"{url}/v1/creators/c").read():
            time.sleep(0.05)
        call = urllib.request.Request(f"{url}/v1/feeds/ann?limit=3", headers={"traceparent": CALLER})
        with urllib.request.urlopen(call) as answer:
            assert orjson.loads(answer.read())["fallback"] is None
        names = {"GET /v1/feeds/{user}", "ask", "fold", "rank", "answer", "commit", "received"}
        trace_id = CALLER.split("-")[1]
        live.until("the whole trace", lambda: names <= set(collector.of(trace_id)))
        found = collector.of(trace_id)
        assert set(found) == names
        services = {name: service for name, (service, _) in found.items()}
        by_id = {span.span_id: name for name, (_, span) in found.items()}
        parents = {name: by_id.get(span.parent_span_id, "caller") for name, (_, span) in found.items()}
        unsampled = urllib.request.Request(f"{url}/v1/feeds/bob", headers={"traceparent": UNSAMPLED})
        urllib.request.urlopen(unsampled).close()
        assert set(collector.of(trace_id)) == names
    assert parents == {
        "GET /v1/feeds/{user}": "caller", "ask": "GET /v1/feeds/{user}", "fold": "ask", "rank": "fold",
        "answer": "ask", "commit": "answer", "received": "answer",
    }  # fmt: skip
    worker = {name for name, service in services.items() if service == "feedstream-worker"}
    assert worker == {"fold", "rank", "answer", "commit"}
    assert set(services.values()) == {"feedstream-worker", "feedstream-gateway"}
