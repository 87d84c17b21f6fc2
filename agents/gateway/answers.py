"""The answers: what calls give back, as structs, from which the OpenAPI document is made too."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from schemas.catalogue import Video
from schemas.trends import Cause
from streams.words.parsing import Way

__all__ = [
    "Accepted",
    "Announced",
    "AskedFor",
    "CreatorAnswer",
    "DeltaAnswer",
    "ErrorAnswer",
    "ErrorBody",
    "FeedAnswer",
    "Health",
    "Item",
    "Listed",
    "Reason",
    "Record",
    "Rejected",
    "SoundAnswer",
    "Tag",
    "TagAnswer",
    "TagsAnswer",
    "TrendAnswer",
    "TrendsAnswer",
    "VideoAnswer",
    "described",
]  # fmt: skip

Positions = dict[str, dict[str, int]]


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was wrong: ``code`` for programs, ``message`` for people, ``path`` where in what was sent."""

    code: str
    message: str
    path: str | None = None


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is no success."""

    error: ErrorBody


class Rejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line, counted from 1, that was not taken."""

    line: int
    code: str
    message: str
    path: str | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Events that Kafka has, those that were not taken, and by topic and partition the next offset."""

    accepted: int
    rejected: list[Rejected]
    positions: Positions


class Announced(msgspec.Struct, frozen=True, kw_only=True):
    """A record that Kafka has."""

    accepted: Literal[1]
    positions: Positions


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why an item is shown: a code of docs/wire.md, and its sentence."""

    code: str
    text: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a video."""

    creator_id: str
    created_ms: int
    duration_ms: int
    caption: str | None
    tags: list[str]
    sound_id: str | None
    category: str | None
    lang: str | None

    @classmethod
    def of(cls, video: Video) -> Record:
        """These fields of a video's record."""
        return cls(**{name: getattr(video, name) for name in cls.__struct_fields__})


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a batch; ``video`` is null where this process does not know its record yet."""

    video_id: str
    position: int
    score: float
    source: str
    reasons: list[Reason]
    parts: dict[str, float] | None
    propensity: float | None
    campaign_id: str | None
    token: str | None
    video: Record | None


class AskedFor(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a request in words, as it was understood; ``undo`` and ``reset`` are of nothing."""

    way: Way
    text: str


class FeedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; ``fallback`` says what stands in its place where no worker answered, when there is no ``batch_id``.
    ``asked`` is how a request in words was understood; empty where there was none.
    """

    user_id: str
    batch_id: str | None
    seq: int | None
    trigger: str | None
    model: str | None
    ts_ms: int
    fallback: Literal["popular"] | None
    as_of: Positions
    reflects: bool
    arms: dict[str, str]
    items: list[Item]
    next_cursor: str | None
    asked: list[AskedFor] = []


class DeltaAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Videos to take out of what is not seen yet."""

    seq: int
    reason: Literal["hidden", "taken_down"]
    removed: list[str]
    ts_ms: int


class VideoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An active video: its nine counts, its tier (0 the lowest) and how it stands there."""

    video_id: str
    counts: dict[str, int]
    tier: int
    standing: Literal["open", "held", "stopped"]
    video: Record


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A video of a list."""

    video_id: str
    likes: int
    video: Record


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """A tag: how many active videos have it, and likes of late, halved with each day."""

    tag: str
    videos: int
    liked: float


class TagsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Tags, the most liked of late first."""

    tags: list[Tag]


class TagAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The most liked videos of a tag."""

    tag: str
    videos: list[Listed]


class SoundAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The most liked videos of a sound."""

    sound_id: str
    videos: list[Listed]


class CreatorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The most liked videos of a creator."""

    creator_id: str
    videos: list[Listed]


class TrendAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that rises or falls; ``video`` is the record where it is a video that is known here."""

    kind: Literal["video", "tag", "sound"]
    id: str
    state: Literal["rising", "falling"]
    ts_ms: int
    ratio: float | None
    cause: Cause | None
    video: Record | None


class TrendsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What rises and falls, the latest first."""

    trends: list[TrendAnswer]


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this process is well, and why not, a sentence each."""

    ok: bool
    problems: list[str]


def described(kinds: list[type[msgspec.Struct]]) -> dict[str, Any]:
    """JSON Schemas of structs by name, with those that they name."""
    _, parts = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return parts
