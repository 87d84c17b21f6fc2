"""Control and promotions: what operators set while workers run, compacted records by key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from schemas.events import Id, Millis

__all__ = ["Control", "Promotion", "Target"]


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``control``: a setting, rule or experiment; ``value`` is read by whoever owns the key."""

    v: Literal[1]
    key: Id
    value: Any
    ts_ms: Millis | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a promotion is for; empty lists: everybody."""

    tags: list[str] = []
    segments: list[str] = []
    countries: list[str] = []


class Promotion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``promotions`` (key ``campaign_id``, in the record's key)."""

    v: Literal[1]
    video_id: Id
    impressions: Annotated[int, Meta(ge=0, lt=2**53)]
    from_ms: Millis
    to_ms: Millis
    campaign_id: Id | None = None
    target: Target | None = None
