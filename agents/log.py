"""Logging: one JSON line an event, a name and fields, on stderr.

ERROR wakes somebody. Nothing here may log a viewer's record or a password.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog

from agents import tracing

__all__ = ["configure", "get"]


def configure(level: int = logging.INFO) -> None:
    """Send structlog's events and the libraries' warnings to stderr as JSON lines. Call once a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            tracing.add_ids,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_json),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines carry ``part=name``."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger


def _json(value: Any, **_: Any) -> str:
    """What JSON cannot say is said as text: a line that logs trouble must not make more of it."""
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
