"""Columns: decoded events of one topic-partition become a struct of arrays.

Every verb becomes the same few columns: what kind of fact, about which viewer and video, under which reference, with
which value. All later code is vectorised over them and never looks at an event again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.events import EXCUSES, Ctx
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import I64
from streams.viewer.wishes import FOLLOWS, KINDS, Wish
from streams.words.asks import OPENED, Asked

__all__ = [
    "ABSENT",
    "ACTION",
    "COMMENT",
    "EXCUSED",
    "FOLLOW",
    "GESTURES",
    "IMPRESSION",
    "LIKE",
    "LOOPED",
    "MORE_LIKE",
    "NOT_INTERESTED",
    "ONCE",
    "OPS",
    "PLAIN",
    "REPORT",
    "RINGS",
    "SAVE",
    "SHARE",
    "SKIP",
    "WATCH",
    "Columns",
    "columns",
    "merge",
]

IMPRESSION, WATCH, SKIP, SHARE, COMMENT = range(5)
"""Kinds with references: a ring of the latest few each."""
LIKE, SAVE, FOLLOW, NOT_INTERESTED, REPORT, MORE_LIKE = range(5, 11)
"""Kinds with one latest operation each."""
ACTION = 11
"""Touches the pair; no operation and nothing counted, at most a gesture."""
RINGS: Final = 5
OPS: Final = 6
ABSENT: Final = -1
"""Value of a fact that never happened."""
PLAIN, ONCE, EXCUSED, LOOPED = range(4)
"""What a watch report says beside its time, in the two low bits of the value: nothing; loops, below a rewatch; that it
ended for a reason that is not the viewer's; a rewatch. The largest report speaks for its impression.
"""
GESTURES: Final = ("pause", "seek", "fullscreen", "profile_visit", "comments_open", "click")
"""Small actions on a video that speak for it, by the bit that each of them sets."""
_GESTURE: Final = {kind: 1 << at for at, kind in enumerate(GESTURES)}
_REWATCH_LOOPS: Final = 1.5
_HARSH: Final = -0.5  # a comment of a lower sentiment is clearly negative

_FEEDBACK: Final = {"not_interested": NOT_INTERESTED, "report": REPORT, "more_like_this": MORE_LIKE}


@dataclass(slots=True)
class Columns:
    """``n`` facts, those of one source in order of ``offset``.

    ``topics`` names the sources, ``source`` u8[n] says which each fact came from.
    ``users`` and ``videos`` are id strings (n each); ``kind`` u8[n], ``ref`` u64[n] (0 where the kind has none),
    ``value`` i64[n]: ts_ms * 2 + (1 if removed) where the latest operation wins and remove wins ties; of a comment
    ts_ms * 4 + (3 if removed, 2 if clearly negative); of a watch watch_ms * 4 + what the report says (``PLAIN`` …); the
    watch_ms of a skip; the bit of a gesture.
    ``duration_ms`` i64[n] (0 unknown), ``ts_ms`` and ``offset`` i64[n]. ``wishes`` are what viewers hid or
    followed, or took back, ``asks`` what they opened or searched for; ``places`` where each viewer said to be last, and
    when (ms).
    """

    topics: list[str]
    source: npt.NDArray[np.uint8]
    users: list[str]
    videos: list[str]
    kind: npt.NDArray[np.uint8]
    ref: U64
    value: I64
    duration_ms: I64
    ts_ms: I64
    offset: I64
    wishes: list[Wish] = field(default_factory=list)
    asks: list[Asked] = field(default_factory=list)
    places: dict[str, tuple[int, Ctx]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.users)

    @property
    def speakers(self) -> list[str]:
        """Viewers of the wishes and asks."""
        return [wish.user_id for wish in self.wishes] + [asked.user_id for asked in self.asks]


def columns(topic: str, events: Sequence[Any], offsets: Sequence[int]) -> Columns:
    """Columns of decoded ``events`` of ``topic``; feedback and actions without a video are no facts, but may be wishes.

    >>> from schemas.events import Like
    >>> like = Like(v=1, event_id="e", user_id="ann", session_id="s", video_id="cat", ts_ms=7)
    >>> columns("events.like", [like], [0]).value.tolist()
    [14]
    """
    verb = topic.removeprefix("events.")
    wishes = _WISHES[verb](events) if verb in _WISHES else []
    asks = _asks(events) if verb == "action" else []
    if verb in {"feedback", "action"}:
        kept = [at for at, event in enumerate(events) if event.video_id is not None]
        if len(kept) < len(events):
            events, offsets = [events[at] for at in kept], [offsets[at] for at in kept]
    count = len(events)
    ts_ms = np.fromiter((event.ts_ms for event in events), np.int64, count)
    kind, ref, value = _FACTS[verb](events, ts_ms)
    zeros = np.zeros(count, dtype=np.int64)
    return Columns(
        topics=[topic],
        source=np.zeros(count, dtype=np.uint8),
        users=[event.user_id for event in events],
        videos=[event.video_id for event in events],
        kind=kind if isinstance(kind, np.ndarray) else np.full(count, kind, dtype=np.uint8),
        ref=ref if ref is not None else zeros.view(np.uint64),
        value=value if value is not None else zeros,
        duration_ms=np.fromiter((event.duration_ms for event in events), np.int64, count) if verb == "watch" else zeros,
        ts_ms=ts_ms,
        offset=np.fromiter(offsets, np.int64, count),
        wishes=wishes,
        asks=asks,
        places={event.user_id: (event.ts_ms, event.ctx) for event in events if event.ctx is not None},
    )


def _wishes(events: Sequence[Any]) -> list[Wish]:
    """What feedback hides or takes back; what names neither a target nor a video says nothing."""
    return [
        _wish(event, KINDS[event.kind], event.target)
        for event in events
        if event.kind in KINDS and (event.target or event.video_id or event.kind == "reset")
    ]


def _asks(events: Sequence[Any]) -> list[Asked]:
    """What actions open or search for; what names neither a target nor a video says nothing."""
    return [
        Asked(event.user_id, OPENED[event.kind], text, video, event.ts_ms)
        for event in events
        if event.kind in OPENED
        for text, video in [((event.query or event.target or ""), hash64(event.video_id) if event.video_id else 0)]
        if text or (video and event.kind != "search")
    ]


def _follows(events: Sequence[Any]) -> list[Wish]:
    """Whom a follow is of: the creator it names, else the video's."""
    return [_wish(event, FOLLOWS, event.creator_id) for event in events]


def _wish(event: Any, kind: int, target: str | None) -> Wish:
    meant, video = (hash64(name) if name else 0 for name in (target, event.video_id))
    return Wish(event.user_id, kind, meant, video, 2 * event.ts_ms + (event.op == "remove"))


_WISHES: Final[dict[str, Callable[[Sequence[Any]], list[Wish]]]] = {"feedback": _wishes, "follow": _follows}


def _impression_refs(events: Sequence[Any]) -> U64:
    """The impression, else the session: within one pair, (session, video) stands in for it."""
    return np.fromiter(
        (hash64(event.impression_id or f"\0{event.session_id}") for event in events), np.uint64, len(events)
    )


def _operation(events: Sequence[Any], ts_ms: I64) -> I64:
    removed = np.fromiter((event.op == "remove" for event in events), np.int64, len(events))
    result: I64 = ts_ms * 2 + removed
    return result


def merge(parts: Sequence[Columns]) -> Columns:
    """One batch of several sources' columns."""
    if len(parts) == 1:
        return parts[0]
    sources = [np.full(len(part), at, dtype=np.uint8) for at, part in enumerate(parts)]
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("kind", "ref", "value", "duration_ms", "ts_ms", "offset")
    }
    places: dict[str, tuple[int, Ctx]] = {}
    for part in parts:
        places |= {user: one for user, one in part.places.items() if one[0] >= places.get(user, (0,))[0]}
    return Columns(
        topics=[part.topics[0] for part in parts],
        source=np.concatenate(sources),
        users=[user for part in parts for user in part.users],
        videos=[video for part in parts for video in part.videos],
        wishes=[wish for part in parts for wish in part.wishes],
        asks=[asked for part in parts for asked in part.asks],
        places=places,
        **arrays,
    )


_Fact = tuple[Any, U64 | None, I64 | None]


def _watch(events: Sequence[Any], ts_ms: I64) -> _Fact:
    count = len(events)
    loops = np.fromiter((-1.0 if event.loops is None else event.loops for event in events), np.float64, count)
    excused = np.fromiter((event.end_reason in EXCUSES for event in events), np.bool_, count)
    told = np.where(loops >= _REWATCH_LOOPS, LOOPED, np.where(excused, EXCUSED, np.where(loops >= 0, ONCE, PLAIN)))
    return WATCH, _impression_refs(events), _watch_ms(events) * 4 + told


def _watch_ms(events: Sequence[Any]) -> I64:
    return np.fromiter((event.watch_ms for event in events), np.int64, len(events))


def _comment(events: Sequence[Any], ts_ms: I64) -> _Fact:
    ref = np.fromiter((hash64(event.comment_id) for event in events), np.uint64, len(events))
    low = np.fromiter((3 if event.op == "remove" else 2 * _harsh(event) for event in events), np.int64, len(events))
    return COMMENT, ref, ts_ms * 4 + low


def _harsh(event: Any) -> bool:
    if event.sentiment is None:
        return event.labels is not None and "negative" in event.labels
    return bool(event.sentiment < _HARSH)


def _share(events: Sequence[Any], ts_ms: I64) -> _Fact:
    return SHARE, np.fromiter((hash64(event.event_id) for event in events), np.uint64, len(events)), ts_ms


def _feedback(events: Sequence[Any], ts_ms: I64) -> _Fact:
    kind = np.fromiter((_FEEDBACK.get(event.kind, ACTION) for event in events), np.uint8, len(events))
    return kind, None, np.where(kind == ACTION, 0, _operation(events, ts_ms))


def _action(events: Sequence[Any], ts_ms: I64) -> _Fact:
    return ACTION, None, np.fromiter((_GESTURE.get(event.kind, 0) for event in events), np.int64, len(events))


_FACTS: Final[dict[str, Callable[[Sequence[Any], I64], _Fact]]] = {
    "watch": _watch,
    "impression": lambda events, ts_ms: (IMPRESSION, _impression_refs(events), ts_ms),
    "skip": lambda events, ts_ms: (SKIP, _impression_refs(events), _watch_ms(events)),
    "share": _share,
    "comment": _comment,
    "like": lambda events, ts_ms: (LIKE, None, _operation(events, ts_ms)),
    "save": lambda events, ts_ms: (SAVE, None, _operation(events, ts_ms)),
    "follow": lambda events, ts_ms: (FOLLOW, None, _operation(events, ts_ms)),
    "feedback": _feedback,
    "action": _action,
}
