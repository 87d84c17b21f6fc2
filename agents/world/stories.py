"""Stories: all that one viewer does with one video, made to hurt whoever counts.

Undone likes, operations within one millisecond, cumulative heartbeats, showings without an id: everything that a count
may trip over, within the rings of an outcome (8 references of a pair), so that nothing is ever frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

__all__ = ["DRAWS", "EVENTS_A_STORY", "TOPICS", "Told", "event_of", "story", "video_of"]

Told = tuple[str, dict[str, Any]]
"""Topic and event, as its JSON object."""
DRAWS: Final = 52
"""Uniform numbers that a story is made of."""
EVENTS_A_STORY: Final = 4.85
"""Events of a story on average."""
TOPICS: Final = ("cats", "cars", "food", "music", "news", "sport", "travel", "games")
"""What videos are tagged with, and viewers pick."""


def story(user: str, video: str, at_ms: int, draw: list[float]) -> Iterator[Told]:
    """Events from ``at_ms`` on, not in their order; ``draw`` are ``DRAWS`` uniform numbers."""
    name = f"{user}.{video}"
    for nth in range(1 + int(draw[0] * 2.0)):
        yield from _impression(name, user, video, at_ms + 60_000 * nth, nth, draw[4 + nth * 10 : 14 + nth * 10])
    for at, (verb, rate) in enumerate((("like", 0.2), ("save", 0.06), ("follow", 0.05))):
        if draw[24 + at] < rate:
            yield from _operations(f"{name}.{verb}", verb, user, video, at_ms, draw[28 + at * 4 : 32 + at * 4])
    if draw[40] < 0.06:
        for nth in range(1 + int(draw[41] * 3)):
            yield _told("share", event_of(f"{name}.sh{nth}", user, video, at_ms + 9_000 + nth, channel="chat"))
    if draw[42] < 0.08:
        for nth in range(1 + int(draw[43] * 3)):
            said = {"comment_id": f"{name}.c{nth}"}
            yield from _operations(f"{name}.c{nth}", "comment", user, video, at_ms + nth, draw[44 + nth :], said)
    if draw[1] < 0.03:
        yield _told("feedback", event_of(f"{name}.fb", user, video, at_ms + 4_000, kind="not_interested"))
        if draw[2] < 0.3:
            undo = event_of(f"{name}.fb2", user, video, at_ms + 6_000, kind="not_interested", op="remove")
            yield _told("feedback", undo)
    if draw[3] < 0.03:
        yield _told("action", event_of(f"{name}.ac", user, video, at_ms + 2_000, kind="comments_open"))


def event_of(name: str, user: str, video: str, ts_ms: int, **more: Any) -> dict[str, Any]:
    """One event as its JSON object."""
    start = {"v": 1, "event_id": name, "user_id": user, "session_id": f"s.{user}", "video_id": video, "ts_ms": ts_ms}
    return start | more


def video_of(at: int, created_ms: int, prefix: str = "") -> dict[str, Any]:
    """The record that announces the video numbered ``at``."""
    return {
        "v": 1, "video_id": f"{prefix}v{at}", "creator_id": f"{prefix}m{at % 97}", "created_ms": created_ms,
        "duration_ms": 15_000, "tags": [TOPICS[at % len(TOPICS)], TOPICS[at // 8 % len(TOPICS)]],
        "sound_id": f"{prefix}a{at % 53}",
    }  # fmt: skip


def _impression(name: str, user: str, video: str, at_ms: int, nth: int, draw: list[float]) -> Iterator[Told]:
    """One showing: it is seen, watched with cumulative heartbeats, or skipped; a fifth names no impression."""
    shown: dict[str, Any] = {"session_id": f"s.{user}.{at_ms // 1_800_000}.{nth}"}
    if draw[0] < 0.8:
        shown["impression_id"] = f"{name}.{nth}"
    if draw[1] < 0.9:
        yield _told("impression", event_of(f"{name}.{nth}.i", user, video, at_ms, **shown))
    duration_ms = 5_000 + 1_000 * (sum(video.encode()) % 50)
    if draw[2] < 0.25:
        yield _told(
            "skip", event_of(f"{name}.{nth}.s", user, video, at_ms + 700, watch_ms=int(draw[3] * 1_500), **shown)
        )
        return
    watched_ms = 0
    for beat in range(1 + int(draw[4] * 3)):
        watched_ms += int(draw[5 + beat] * 15_000)
        event = event_of(f"{name}.{nth}.w{beat}", user, video, at_ms + watched_ms, watch_ms=watched_ms, **shown)
        yield _told("watch", event | {"duration_ms": duration_ms})


def _operations(
    name: str, verb: str, user: str, video: str, at_ms: int, draw: list[float], more: dict[str, Any] | None = None
) -> Iterator[Told]:
    """Done, perhaps undone (sometimes within the same millisecond), perhaps done again."""
    more = more or {}
    yield _told(verb, event_of(f"{name}.0", user, video, at_ms + 3_000, **more))
    if draw[1] < 0.35:
        gap_ms = 0 if draw[2] < 0.15 else 1 + int(draw[2] * 20_000)
        yield _told(verb, event_of(f"{name}.1", user, video, at_ms + 3_000 + gap_ms, op="remove", **more))
        if draw[3] < 0.3:
            yield _told(verb, event_of(f"{name}.2", user, video, at_ms + 3_000 + gap_ms + 900, op="add", **more))


def _told(verb: str, event: dict[str, Any]) -> Told:
    return f"events.{verb}", event
