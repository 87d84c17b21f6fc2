"""Events: what a viewer does with a short video, one struct per verb, one Kafka topic per verb.

The field names and meanings are fixed (DESIGN section 3): other people's tools speak them. Unknown fields are ignored,
times are UTC milliseconds, every positive has its undo (``op: remove``). Nothing here computes anything.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "END_REASONS",
    "EVENTS",
    "EXCUSES",
    "Action",
    "ActionKind",
    "Comment",
    "Ctx",
    "Event",
    "Feedback",
    "FeedbackKind",
    "Follow",
    "Id",
    "Impression",
    "Like",
    "Millis",
    "Op",
    "Save",
    "Share",
    "Skip",
    "Span",
    "Watch",
]

Id = Annotated[str, Meta(min_length=1, max_length=256)]
"""A non-empty identifier of at most 256 characters."""
Millis = Annotated[int, Meta(ge=0, lt=2**53)]
"""A time, UTC milliseconds; below 2^53, so that every JSON reader keeps it whole."""
Span = Annotated[int, Meta(ge=0, lt=2**40)]
"""A length of time in milliseconds, below 35 years."""
Op = Literal["add", "remove"]
"""``remove`` takes an earlier ``add`` back."""
FeedbackKind = Literal[
    "not_interested", "more_like_this", "hide_creator", "hide_sound", "hide_tag", "report", "mute", "block", "reset"
]
"""What a viewer may say; docs/wire.md tells what each does."""
ActionKind = Literal[
    "pause",
    "seek",
    "fullscreen",
    "profile_visit",
    "comments_open",
    "tag_open",
    "sound_open",
    "effect_open",
    "trend_open",
    "search",
    "click",
]
"""The small gestures."""
END_REASONS: Final = {
    "ended": "played to its end",
    "swiped": "the viewer went on to the next video",
    "closed": "the viewer closed the video or the app",
    "background": "the app went out of sight: a call, the lock screen, another app",
    "error": "playback failed",
    "stalled": "the network could not keep up",
}
"""Why watching ended, ``Watch.end_reason``; any other reason is taken for the viewer's own."""
EXCUSES: Final = frozenset({"background", "error", "stalled"})
"""Reasons that are not the viewer's: a short watch that ended so says nothing against the video."""


class Ctx(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Where and on what the viewer watches; every field may be absent."""

    lang: str | None = None
    country: str | None = None
    tz_min: Annotated[int, Meta(ge=-1_440, le=1_440)] | None = None
    device: str | None = None
    net: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The envelope of every event.

    >>> msgspec.json.decode(b'{"v":1,"event_id":"e","user_id":"u","session_id":"s","video_id":"x","ts_ms":5}',
    ...                     type=Event).ts_ms
    5
    """

    v: Literal[1]
    event_id: Id
    user_id: Id
    session_id: Id
    video_id: Id
    ts_ms: Millis
    impression_id: Id | None = None
    batch_id: Id | None = None
    position: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    surface: str | None = None
    creator_id: Id | None = None
    seq: Annotated[int, Meta(ge=0, lt=2**53)] | None = None
    ctx: Ctx | None = None


class Watch(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Watch time of one impression so far: cumulative, so a heartbeat may repeat or be lost.

    ``duration_ms`` 0: a still picture or unknown. ``ts_ms`` is when the time was taken, at the end of what was watched.
    ``loops`` is how often the video was played, 1.5 or more is a rewatch; absent, it follows from the time.
    ``end_reason`` is ``ended``, ``swiped``, ``closed``, ``background``, ``error`` or ``stalled``; any other is taken
    for the viewer's own.
    """

    watch_ms: Span
    duration_ms: Span
    loops: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    muted: bool | None = None
    end_reason: str | None = None


class Like(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A like, or its undo."""

    op: Op = "add"


class Save(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A bookmark, or its undo."""

    op: Op = "add"


class Follow(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The viewer follows the video's creator, or its undo."""

    op: Op = "add"


class Comment(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A comment, or its removal; its text never crosses this wire.

    One of ``sentiment`` below -0.5, or labelled ``negative`` where there is none, counts and does not speak for the
    video.
    """

    comment_id: Id
    op: Op = "add"
    length: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    sentiment: Annotated[float, Meta(ge=-1, le=1)] | None = None
    labels: list[str] | None = None


class Share(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A share; each counts once by its ``event_id``."""

    channel: str | None = None


class Skip(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Swiped away after ``watch_ms``: the earlier, the more it says. Never sent for a playback error."""

    watch_ms: Span


class Impression(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Seen on a screen."""

    visible_ms: Span | None = None


class Feedback(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What the viewer says of a video, a creator, a sound or a tag; ``video_id`` may be absent."""

    kind: FeedbackKind
    video_id: Id | None = None  # type: ignore[assignment]  # absent where it makes no sense
    op: Op = "add"
    target: str | None = None
    reason: str | None = None


class Action(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A small gesture; ``video_id`` may be absent."""

    kind: ActionKind
    video_id: Id | None = None  # type: ignore[assignment]  # absent where it makes no sense
    target: str | None = None
    dwell_ms: Span | None = None
    query: str | None = None


EVENTS: dict[str, type[Event]] = {
    "events.watch": Watch,
    "events.like": Like,
    "events.share": Share,
    "events.skip": Skip,
    "events.comment": Comment,
    "events.follow": Follow,
    "events.save": Save,
    "events.impression": Impression,
    "events.feedback": Feedback,
    "events.action": Action,
}
"""Topic to struct, one topic a verb."""
