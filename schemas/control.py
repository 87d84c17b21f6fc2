"""Control and promotions: what operators set while workers run, compacted records by key."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from schemas.events import Id, Millis

__all__ = ["Arm", "Control", "Experiment", "Promotion", "Rule", "Target"]

_NEVER: Final = 2**53 - 1
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``control``: a setting, rule or experiment; ``value`` is read by whoever owns the key."""

    v: Literal[1]
    key: Id
    value: Any
    ts_ms: Millis | None = None


class Arm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One arm: its ``weight`` against the other arms, and settings by tuning key; none: all stays as it is."""

    weight: Annotated[float, Meta(gt=0.0, le=1e6)] = 1.0
    settings: dict[str, Any] = {}


class Experiment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``value`` of the ``control`` record ``experiment.<name>``; it runs from ``from_ms`` until before ``to_ms``.

    ``salt`` decides with the viewer who gets which arm: another salt draws anew. ``share`` of all viewers take part.
    Experiments of one ``layer`` share no viewer; each takes its share of the layer from ``start`` on. Without a layer
    who takes part is drawn by the salt alone. The arm that comes first in ``arms`` is what others are compared with.
    """

    salt: Name
    arms: Annotated[dict[Name, Arm], Meta(min_length=2, max_length=16)]
    share: Annotated[float, Meta(gt=0.0, le=1.0)] = 1.0
    layer: Annotated[str, Meta(max_length=64)] = ""
    start: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    from_ms: Millis = 0
    to_ms: Millis = _NEVER


When = Literal["to come", "running", "over"]


def when_of(told: Experiment | Promotion, now_ms: int) -> When:
    """Where ``now_ms`` is in the time of an experiment or a campaign.

    >>> when_of(Promotion(v=1, video_id="cat", impressions=1, from_ms=5, to_ms=9), 9)
    'over'
    """
    return "to come" if now_ms < told.from_ms else "over" if now_ms >= told.to_ms else "running"


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Value of ``control`` under a key ``rule.<name>``: what an operator orders of the videos that one of ``video``,
    ``tag``, ``creator`` or ``country`` (they are bound to) names.

    ``factor`` multiplies (boost) or divides (bury) the odds of a video to be chosen. ``pin`` shows a video first, once
    to each viewer; ``take_down`` shows it no more and withdraws it from what is not seen yet. ``audience`` is the
    country of the viewers for whom it holds, absent: all. It holds while event time is before ``until_ms``.
    """

    do: Literal["boost", "bury", "pin", "take_down"]
    video: Id | None = None
    tag: Id | None = None
    creator: Id | None = None
    country: Id | None = None
    audience: Id | None = None
    factor: Annotated[float, Meta(gt=1.0, le=1_000.0)] = 2.0
    until_ms: Millis | None = None
    why: str | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whom a promotion is for; empty lists: everybody. ``segments`` are ``new``, ``casual``, ``heavy`` or ``fading``,
    or tags that segments by interest are called by: one tag, or both as ``a, b``.
    """

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
