"""Errors, split by what the loop must do about them.

    FeedstreamError
    ├── Retry        the same call may succeed later: wait and try again, nothing is lost
    │   └── Refused is not here: a refused checkpoint means drop the shard and load it again (agents.ports)
    ├── Quarantine   this record is bad: to dead-letters, byte for byte, and go on
    └── Stop         this process cannot go on: say why in one sentence and exit non-zero
        └── BadSettings   a setting is missing or makes no sense

Messages are for operators: what failed, with the name and the value, then what to do.
"""

from __future__ import annotations

__all__ = ["BadSettings", "FeedstreamError", "Quarantine", "Retry", "Stop"]


class FeedstreamError(Exception):
    """Root of every error that feedstream raises on purpose."""


class Retry(FeedstreamError):
    """The same call may succeed later."""


class Quarantine(FeedstreamError):
    """One record is bad; the stream goes on."""


class Stop(FeedstreamError):
    """The process cannot go on; ``str(error)`` is the one sentence an operator reads."""


class BadSettings(Stop):
    """A setting is missing or makes no sense."""
