"""Videos and viewers: what is announced of them, keyed records of compacted topics."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.events import Id, Millis, Span

__all__ = ["Safety", "User", "UserSettings", "Video"]

Vector = Annotated[list[float], Meta(max_length=4_096)]
Words = Annotated[list[str], Meta(max_length=256)]


class Safety(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How sensitive a video is: level 0 suits everybody; a viewer sees levels up to the own setting."""

    level: Annotated[int, Meta(ge=0, le=100)] = 0
    labels: Words = []


class Video(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``videos`` (key ``video_id``); null removes the video.

    ``countries`` empty: everywhere. ``creator_id`` is the uploader's ``user_id``.
    """

    v: Literal[1]
    video_id: Id
    creator_id: Id
    created_ms: Millis
    duration_ms: Span
    caption: str | None = None
    tags: Words = []
    sound_id: Id | None = None
    effect_ids: Words = []
    template_id: Id | None = None
    category: str | None = None
    lang: str | None = None
    countries: Words = []
    embeddings: dict[str, Vector] = {}
    duplicate_of: Id | None = None
    safety: Safety | None = None
    recommendable: bool = True
    visibility: Literal["public", "followers", "unlisted"] = "public"


class UserSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the viewer chose; ``safety_level`` is the highest level shown."""

    personalize: bool = True
    safety_level: Annotated[int, Meta(ge=0, le=100)] = 0
    muted: Words = []


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``users`` (key ``user_id``); null forgets the viewer."""

    v: Literal[1]
    user_id: Id
    lang: str | None = None
    country: str | None = None
    interests: Words = []
    settings: UserSettings | None = None
