"""Spans of OpenTelemetry, sent over OTLP as the standard OTEL_* variables say; its SDK reads those itself.

Imported only where tracing is on. A record whose trace is not sampled costs a look at its headers and makes no span.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agents.latest import Latest
from agents.producer import Headers
from streams import limits

__all__ = ["Answering", "Spans"]

_HEADER: Final = "traceparent"
_PARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_SAMPLED: Final = frozenset(digit.encode() for digit in "13579bdf")
_TAKEN: Final = TraceFlags(TraceFlags.SAMPLED)
_W3C: Final = TraceContextTextMapPropagator()
_FLUSH_MS: Final = 2_000
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()


class Answering:
    """The span of a batch on its way; ``headers`` carry it on."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.headers: Headers = _headers(span.get_span_context())

    def end(self) -> None:
        """It has arrived."""
        self._span.end()


class Spans:
    """What a process that traces has: see ``agents.tracing`` for each method."""

    def __init__(self, service: str, exporter: Any = None) -> None:
        resource = Resource.create()
        if str(resource.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: service}))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("feedstream")
        self._asked: Latest[str, tuple[SpanContext, int]] = Latest(limits.TRACES_OPEN)

    def close(self) -> None:
        """Send what was not sent, for a moment."""
        self._provider.force_flush(_FLUSH_MS)

    def serving(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """A span around a call from outside."""
        return self._tracer.start_as_current_span(
            name, _W3C.extract(headers), SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        )

    def following(
        self, name: str, came: Iterable[Headers | None], facts: Mapping[str, Any]
    ) -> AbstractContextManager[Any]:
        """A span around work on records."""
        sampled = list(islice(_sampled(came), limits.TRACE_LINKS + 1))
        if not sampled:
            return _NOTHING
        links = [Link(one) for one in sampled[1:]]
        return self._tracer.start_as_current_span(name, _as_parent(sampled[0]), SpanKind.CONSUMER, facts, links)

    def within(self, name: str, facts: Mapping[str, Any]) -> AbstractContextManager[Any]:
        """A span inside the current one."""
        if not trace.get_current_span().is_recording():
            return _NOTHING
        return self._tracer.start_as_current_span(name, attributes=facts)

    def carried(self) -> Headers | None:
        """Headers for a record."""
        span = trace.get_current_span()
        return _headers(span.get_span_context()) if span.is_recording() else None

    def note(self, facts: Mapping[str, Any]) -> None:
        """Say something of the current span."""
        trace.get_current_span().set_attributes(facts)

    def asked(self, requests: Sequence[Any], records: Sequence[Any]) -> None:
        """Remember requests that are sampled, from now on."""
        for request, record in zip(requests, records, strict=True):
            if record.headers and (found := next(_sampled([record.headers]), None)) is not None:
                self._asked[request.request_id] = found, time.time_ns()

    def answering(self, request_id: str | None, batch_id: str) -> Answering | None:
        """The span of a batch on its way."""
        facts = {"feedstream.batch_id": batch_id}
        found = self._asked.pop(request_id, None) if request_id is not None else None
        if found is not None:
            parent, began_ns = found
            span = self._tracer.start_span("answer", _as_parent(parent), SpanKind.CONSUMER, facts, start_time=began_ns)
        elif trace.get_current_span().is_recording():
            span = self._tracer.start_span("batch", kind=SpanKind.PRODUCER, attributes=facts)
        else:
            return None
        return Answering(span)

    def ids(self) -> dict[str, str]:
        """What names the current span in a log."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def _sampled(came: Iterable[Headers | None]) -> Iterator[SpanContext]:
    """The spans that records carry on, of those that are sampled."""
    for headers in came:
        for name, value in headers or ():
            # Most are not sampled, which the last digit says: nothing else of them is looked at.
            if name != _HEADER or not value or value[-1:] not in _SAMPLED:
                continue
            if (match := _PARENT.fullmatch(value)) is None:
                continue
            context = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=_TAKEN)
            if context.is_valid:
                yield context


def _as_parent(context: SpanContext) -> Any:
    return trace.set_span_in_context(NonRecordingSpan(context))


def _headers(context: SpanContext) -> Headers:
    text = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return [(_HEADER, text.encode())]
