"""Rows of a public log, and the wire lines they become.

Every importer reads its format into ``Row``s; what a row means on the wire is said here, once. The same rows always
give the same bytes: ids are made from what stands in the row, times are the row's own, nothing is random.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from schemas.catalogue import User, Video
from schemas.events import EVENTS
from schemas.feeds import FeedRequest
from schemas.lines import line_of, write_line
from streams.arrays.hashing import hash64
from streams.limits import DAY_MS

__all__ = ["PREVIEW_LIMIT", "SHORT_PLAY_MS", "Log", "Row", "Skipped", "identifier", "whole", "wire"]

SHORT_PLAY_MS: Final = 3_000
"""A play below this, and below the video's own length, is short."""
PREVIEW_LIMIT: Final = 200
"""Items asked for by a preview: the most a request may."""
ID_BYTES: Final = 256


class Row(msgspec.Struct, frozen=True, gc=False):
    """One viewing of one video; ``play_ms`` None: the log does not say how long. Times in ms, UTC."""

    ts_ms: int
    user_id: str
    video_id: str
    play_ms: int | None = None
    duration_ms: int = 0
    like: bool = False
    follow: bool = False
    comment: bool = False
    share: bool = False
    hate: bool = False
    long_view: bool = False

    @property
    def positive(self) -> bool:
        """Whether the viewer showed to like it in any way."""
        return self.like or self.follow or self.comment or self.share or self.long_view

    @property
    def watch_ms(self) -> int:
        """Time watched; where the log does not say, as long as a long view asks for."""
        if self.play_ms is not None:
            return self.play_ms
        return (self.duration_ms or 18_000) if self.long_view else 0

    @property
    def skipped(self) -> bool:
        """A short play and nothing positive; a video of unknown length is taken for a long one."""
        if self.play_ms is None or self.positive:
            return False
        return self.play_ms < min(SHORT_PLAY_MS, self.duration_ms or SHORT_PLAY_MS)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that could not be used, by its line in the file."""

    number: int
    why: str


@dataclass(slots=True)
class Log:
    """A log that was read: ``rows`` in order of time, the ``skipped`` ones, and what else is known of ids."""

    rows: list[Row]
    skipped: list[Skipped]
    videos: dict[str, Video] = field(default_factory=dict)
    """What is known of a video, by id; it counts as made at its first row."""
    users: dict[str, User] = field(default_factory=dict)
    """Viewers who are announced before their first row, by id."""


def wire(log: Log, source: str, previews: bool = False) -> Iterator[bytes]:
    """Wire lines of a log, in order of time: per row the preview, the announcements, the events.

    A preview comes before a row's like and before anything that the row itself tells: the answer must not know it. All
    events of a row carry the row's own time. ``source`` stands at the front of every id that is made up.
    """
    known_videos: set[str] = set()
    known_users: set[str] = set()
    for row in log.rows:
        if row.user_id not in known_users:
            known_users.add(row.user_id)
            if row.user_id in log.users:
                yield write_line("users", row.user_id, log.users[row.user_id], row.ts_ms)
        seen = f"{source}-{_digest(row)}"
        if previews and row.like:
            yield line_of("feed.requests", _preview(row, seen))
        if row.video_id not in known_videos:
            known_videos.add(row.video_id)
            yield line_of("videos", _announced(log.videos.get(row.video_id), row))
        yield from _events(row, seen, source)


def whole(text: str | None, what: str, default: int | None = None) -> int:
    """A whole number at least 0 and below 2^53 from a log's field; empty: ``default``.

    Raises ``ValueError`` that names ``what``.

    >>> whole("1649346288441", "time_ms"), whole("3.0", "rating"), whole("", "play_time_ms", 0)
    (1649346288441, 3, 0)
    """
    if text is None or not text.strip():
        if default is None:
            raise ValueError(f"{what} is missing")
        return default
    try:
        number = int(text)
    except ValueError:
        try:
            number = int(float(text))
        except (ValueError, OverflowError):
            raise ValueError(f"{what} is {text[:40]!r}, not a number") from None
        if number != float(text):
            raise ValueError(f"{what} is {text[:40]!r}, not a whole number") from None
    if not 0 <= number < 2**53:
        raise ValueError(f"{what} is {text[:40]}, out of range")
    return number


def identifier(text: str | None, what: str) -> str:
    """An id of the wire from a log's field; raises ``ValueError`` that names ``what``."""
    if not text:
        raise ValueError(f"{what} is missing")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{what} is not UTF-8") from None
    if size > ID_BYTES:
        raise ValueError(f"{what} is longer than {ID_BYTES} bytes")
    return text


def _events(row: Row, seen: str, source: str) -> Iterator[bytes]:
    envelope: dict[str, Any] = {
        "v": 1,
        "user_id": row.user_id,
        "session_id": f"{source}-{hash64(row.user_id):016x}-{row.ts_ms // DAY_MS}",
        "video_id": row.video_id,
        "ts_ms": row.ts_ms,
        "impression_id": seen,
    }
    for verb, fields in _verbs(row, seen):
        event = EVENTS[f"events.{verb}"](event_id=f"{seen}-{verb}", **envelope, **fields)
        yield line_of(f"events.{verb}", event)


def _verbs(row: Row, seen: str) -> Iterable[tuple[str, dict[str, Any]]]:
    yield "impression", {}
    yield "watch", {"watch_ms": row.watch_ms, "duration_ms": row.duration_ms}
    if row.like:
        yield "like", {}
    if row.follow:
        yield "follow", {}
    if row.comment:
        yield "comment", {"comment_id": f"{seen}-comment"}
    if row.share:
        yield "share", {}
    if row.skipped:
        yield "skip", {"watch_ms": row.watch_ms}
    if row.hate:
        yield "feedback", {"kind": "not_interested"}


def _preview(row: Row, seen: str) -> FeedRequest:
    return FeedRequest(
        v=1,
        request_id=f"{seen}-preview",
        user_id=row.user_id,
        ts_ms=row.ts_ms,
        limit=PREVIEW_LIMIT,
        purpose="preview",
    )


def _announced(video: Video | None, row: Row) -> Video:
    if video is not None:
        return msgspec.structs.replace(video, created_ms=row.ts_ms)
    # A creator of its own, so that videos of which nothing is known do not seem related.
    creator_id = f"of-{hash64(row.video_id):016x}"
    return Video(v=1, video_id=row.video_id, creator_id=creator_id, created_ms=row.ts_ms, duration_ms=row.duration_ms)


def _digest(row: Row) -> str:
    return f"{hash64(chr(0).join((row.user_id, row.video_id, str(row.ts_ms)))):016x}"
