"""Tiers: why a video was let through to more viewers, held back or stopped, one record a decision."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["Evidence", "TierDecision"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence: the video's own rate, and that of videos of like duration and age."""

    own: float
    peers: float


class TierDecision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}):
    """Value of ``tiers`` (key ``video_id``): one decision about a video's tier, by its shard.

    ``from`` and ``to`` are tiers, 0 the lowest; ``budget`` is that of ``from`` in exposures and ``spent`` how many of
    them there were; ``score`` is the weighted evidence, which has to reach ``bar``. ``hit`` is the probability, as
    estimated then, that the video reaches the top tier. Of each upload a ``forecast`` is made before anybody met it,
    and one more when the first audience did, if nothing else is decided then. A consumer drops repeats by
    ``decision_id``.
    """

    v: Literal[1]
    decision_id: str
    video_id: str
    ts_ms: int
    from_: Annotated[int, Meta(ge=0)]
    to: Annotated[int, Meta(ge=0)]
    decision: Literal["promote", "stop", "hold", "alert", "forecast"]
    spent: int
    budget: int
    score: float
    bar: float
    evidence: dict[str, Evidence]
    hit: float | None = None
