"""Trends: what suddenly rises, cools again, or falls and why."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.events import Id, Millis

__all__ = ["Cause", "Trend"]

Cause = Literal["supply", "exposure", "quality", "interest"]
"""Why something falls. ``supply``: fewer uploads; ``exposure``: each upload is met by fewer viewers; ``interest``:
fewer of those who meet one watch it long; ``quality``: fewer of those who watch it long like it.
"""


class Trend(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``trends`` (key ``id``).

    ``ratio``: likes of late over what the day before let expect, against everything else. ``cooling`` ends what
    was ``rising``. ``cause`` stands with ``falling`` only. Published at least once: a consumer drops repeats by
    ``trend_id``; one ``trend_id`` never has two contents.

    >>> Trend(v=1, trend_id="t", kind="tag", id="cats", state="rising", ts_ms=5, ratio=4.0).cause is None
    True
    """

    v: Literal[1]
    trend_id: Id
    kind: Literal["video", "tag", "sound"]
    id: Id
    state: Literal["rising", "cooling", "falling"]
    ts_ms: Millis
    ratio: float | None = None
    cause: Cause | None = None
