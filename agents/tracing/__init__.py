"""Tracing: spans along the loop, carried from process to process by the record header ``traceparent`` of W3C.

It is off by default. Then nothing of OpenTelemetry is imported, and each place that could make a span looks at one
global. On, a span is made where somebody's trace is sampled and for nothing else: a fold of thousands of records is
one span, whatever is in them. It must never change what is computed or published besides that header.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from agents.errors import BadSettings

if TYPE_CHECKING:
    from agents.producer import Headers
    from agents.settings import Settings
    from agents.tracing.otel import Answering, Spans

__all__ = ["add_ids", "answering", "asked", "carried", "following", "note", "on", "serving", "start", "stop", "within"]

Facts = str | int | float | bool
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
_spans: Spans | None = None


def start(settings: Settings, service: str, exporter: Any = None) -> None:
    """Begin to trace if the settings say so; ``service`` names the process where OTEL_SERVICE_NAME does not.

    Spans go to ``exporter``, or where the variables OTEL_EXPORTER_OTLP_* say. Raises ``BadSettings`` where the extra is
    not installed.
    """
    global _spans  # noqa: PLW0603  # one process traces to one place, and the hot path looks at nothing else
    if not settings.tracing or _spans is not None:
        return
    try:
        from agents.tracing.otel import Spans  # noqa: PLC0415  # imported only where it is wanted
    except ImportError as error:
        raise BadSettings(
            f"FEEDSTREAM_TRACING is {settings.tracing}, but OpenTelemetry is not installed ({error}): "
            "install feedstream[otel], or set FEEDSTREAM_TRACING=0"
        ) from None
    _spans = Spans(service, exporter)


def stop() -> None:
    """Send what was not sent yet, for two seconds at most, and trace no more."""
    global _spans  # as above
    spans, _spans = _spans, None
    if spans is not None:
        spans.close()


def on() -> bool:
    """Whether this process traces."""
    return _spans is not None


def serving(name: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
    """A span around a call from outside: part of the caller's trace, or the root of one that the sampler may take."""
    return _NOTHING if _spans is None else _spans.serving(name, headers)


def following(name: str, came: Iterable[Headers | None], **facts: Facts) -> AbstractContextManager[Any]:
    """A span around work on records that ``came`` with these headers: part of the trace of the first that is sampled,
    with links to further ones, ``limits.TRACE_LINKS`` at most. Nothing where none is; ``came`` is read only if on.
    """
    return _NOTHING if _spans is None else _spans.following(name, came, facts)


def within(name: str, **facts: Facts) -> AbstractContextManager[Any]:
    """A span inside the current one; nothing where there is none."""
    return _NOTHING if _spans is None else _spans.within(name, facts)


def carried() -> Headers | None:
    """Headers by which a record that is sent now carries the current span on; None where there is none."""
    return None if _spans is None else _spans.carried()


def note(facts: Mapping[str, Facts]) -> None:
    """Say something of the current span."""
    if _spans is not None:
        _spans.note(facts)


def asked(requests: Sequence[Any], records: Sequence[Any]) -> None:
    """Remember which requests (with the records they came in) are part of a sampled trace."""
    if _spans is not None:
        _spans.asked(requests, records)


def answering(request_id: str | None, batch_id: str) -> Answering | None:
    """The span of a batch on its way, to be ended when it has arrived; None where nothing sampled led to it."""
    return None if _spans is None else _spans.answering(request_id, batch_id)


def add_ids(_logger: Any, _level: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: lines that are logged within a span name it and its trace."""
    if _spans is not None:
        line.update(_spans.ids())
    return line
