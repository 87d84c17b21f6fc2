"""Feeds: what is asked for and what goes out."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.events import Ctx, Id, Millis

__all__ = ["FeedBatch", "FeedDelta", "FeedItem", "FeedRequest"]

Ids = Annotated[list[Id], Meta(max_length=10_000)]


class FeedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``feed.requests`` (key ``user_id``).

    ``candidates``: rank these and no others; ``seed_video_id``: what is like this one; ``source``: by whom the viewer
    follows, what is on the rise, or everything. ``explain``: items carry the parts of their scores.
    ``query``: what is asked for in words, English or Chinese; the first 80 characters count. "less X" and "more X" hold
    for later batches too and fade within days; what was asked before goes on as a part of the next request for some
    minutes; ``undo`` (撤销) takes the latest back, ``reset`` (重置) all of it. A preview asks once and keeps nothing.
    """

    v: Literal[1]
    request_id: Id
    user_id: Id
    ts_ms: Millis
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    purpose: Literal["feed", "preview"] = "feed"
    source: Literal["for_you", "following", "trending"] | None = None
    query: str | None = None
    seed_video_id: Id | None = None
    candidates: Ids = []
    exclude: Ids = []
    surface: str | None = None
    ctx: Ctx | None = None
    explain: bool = False


class FeedItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place of a batch; ``position`` counts from 0, best first.

    ``source`` and ``reasons`` are of the lists in ``schemas.reasons``. ``parts``, where the request asks for them, add
    up to ``score`` within 1e-6: what each family of features says beyond the usual candidate, and ``usual``.
    ``propensity``: where the place explored, how likely its draw was to give this very video. An item whose source is
    promoted is paid for by ``campaign_id`` and must be shown as such.
    """

    video_id: str
    position: int
    score: float
    source: str
    reasons: list[str]
    parts: dict[str, float] | None = None
    propensity: float | None = None
    campaign_id: str | None = None


class FeedBatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``feeds`` (key ``user_id``).

    ``as_of`` holds, by topic and partition, the next input offset: every record before it is reflected. A consumer
    drops repeats by ``batch_id``; one ``batch_id`` never has two contents. ``arms``: experiment to arm under which the
    batch was made.
    """

    v: Literal[1]
    batch_id: str
    request_id: str | None = None
    user_id: str
    seq: int
    ts_ms: int
    trigger: Literal["request", "preview", "first", "near_end", "signal"]
    as_of: dict[str, dict[str, int]]
    model: str
    items: list[FeedItem]
    arms: dict[str, str] = {}


class FeedDelta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``feed.delta`` (key ``user_id``): videos that were sent in batches up to ``seq``, were not seen yet, and
    must not be shown any more. A consumer drops repeats by ``delta_id``.
    """

    v: Literal[1]
    delta_id: str
    user_id: str
    seq: int
    ts_ms: int
    reason: Literal["hidden", "taken_down"]
    as_of: dict[str, dict[str, int]]
    removed: list[str]
