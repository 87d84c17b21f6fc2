"""What measurements feed in: viewers in sessions, meeting short videos, in the event mix of real short-video logs.

A meeting is an impression and a watch, sometimes a heartbeat before it, a skip, a like, a comment. Records come ready
to send, in order of event time; equal arguments make equal records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import orjson

__all__ = ["EVENTS_A_MEETING", "Record", "Shape", "first_visits", "sessions", "videos"]

Record = tuple[str, bytes, bytes]
"""Topic, key, value."""

EVENTS_A_MEETING: Final = 2.58
"""Events that a meeting makes on average."""
_TAGS: Final = 200
_LONG, _SKIPPED = 0.52, 0.30
_EXTRA: Final = (("like", 0.029), ("share", 0.006), ("follow", 0.009), ("comment", 0.035), ("save", 0.001))


class Shape(NamedTuple):
    """Who meets what: ``viewers`` in sessions of ``length`` meetings of ``videos`` (Zipf 0.7); a share ``hot`` of the
    meetings is with video 0.
    """

    viewers: int = 20_000
    videos: int = 10_000
    length: int = 10
    hot: float = 0.0


def videos(count: int, created_ms: int) -> list[Record]:
    """Records that announce ``count`` videos."""
    made = []
    for at in range(count):
        value = {
            "v": 1, "video_id": f"v{at}", "creator_id": f"m{at % 1_009}", "created_ms": created_ms,
            "duration_ms": 5_000 + 1_000 * (at * 7 % 50), "tags": [f"t{at % _TAGS}", f"t{at * 31 % _TAGS}"],
            "sound_id": f"a{at % 503}", "lang": "en",
        }  # fmt: skip
        made.append(("videos", b"v%d" % at, orjson.dumps(value)))
    return made


def sessions(
    rng: np.random.Generator, events: int, shape: Shape, start_ms: int, span_s: float, name: str
) -> list[Record]:
    """Exactly ``events`` events within ``span_s`` from ``start_ms``; ``name`` keeps ids apart from other calls'."""
    count = int(events / EVENTS_A_MEETING * 1.1 / shape.length) + 2
    viewer = np.repeat(rng.integers(shape.viewers, size=count), shape.length)
    begin_ms = rng.random(count) * max(1.0, span_s - 20.0 * shape.length) * 1_000
    place = np.tile(np.arange(shape.length), count)
    at_ms = (start_ms + np.repeat(begin_ms, shape.length) + place * 20_000).astype(np.int64)
    appeal = np.cumsum(np.arange(1, shape.videos + 1) ** -0.7)
    video = np.searchsorted(appeal, rng.random(len(viewer)) * appeal[-1])
    if shape.hot:
        # Taking turns keeps a viewer from meeting it more often than the rings of an outcome hold.
        video[place % round(1 / shape.hot) == 0] = 0
    draws = rng.random((len(viewer), 8))
    timed: list[tuple[int, Record]] = []
    for nth, (who, what, when, draw) in enumerate(
        zip(viewer.tolist(), video.tolist(), at_ms.tolist(), draws.tolist(), strict=True)
    ):
        timed.extend(_meeting(b"u%d" % who, what, when, f"{name}.{nth}".encode(), draw))
    timed.sort(key=lambda one: one[0])
    if len(timed) < events:
        raise ValueError(f"{len(timed)} events came of {count} sessions, {events} are wanted")
    return [record for _, record in timed[:events]]


def first_visits(low: int, high: int, videos: int, start_ms: int) -> list[Record]:
    """Five events of each viewer numbered from ``low`` to below ``high``: two videos seen and watched, the second one
    to its end, or, by every tenth viewer, liked.
    """
    made: list[Record] = []
    for number in range(low, high):
        user, at_ms = b"r%d" % number, start_ms + number // 10
        for nth in range(2):
            name, seen_ms = b"r%d.%d" % (number, nth), at_ms + nth * 20_000
            event = _Envelope(user, (number * 7919 + nth * 104_729) % videos, name)
            made.append(("events.impression", user, event.at(seen_ms, b"i", b',"impression_id":"%s"' % name)))
            made.append(("events.watch", user, event.at(seen_ms + 9_000, b"w", _watched(name, 9_000, 15_000))))
        if number % 10 == 0:
            made.append(("events.like", user, event.at(seen_ms + 10_000, b"l", b"")))
        else:
            made.append(("events.watch", user, event.at(seen_ms + 15_000, b"e", _watched(name, 15_000, 15_000))))
    return made


def _meeting(user: bytes, video: int, at_ms: int, name: bytes, draw: list[float]) -> Iterator[tuple[int, Record]]:
    event = _Envelope(user, video, name)
    shown = b',"impression_id":"%s","surface":"foryou"' % name
    duration_ms = 5_000 + 1_000 * (video * 7 % 50)
    yield at_ms, ("events.impression", user, event.at(at_ms, b"i", shown))
    if draw[0] < _SKIPPED:
        watch_ms = 200 + int(draw[1] * 1_500)
        gone_ms = at_ms + watch_ms
        yield gone_ms, ("events.skip", user, event.at(gone_ms, b"s", b'%s,"watch_ms":%d' % (shown, watch_ms)))
    else:
        share = 0.8 + draw[1] * 0.6 if draw[0] < _SKIPPED + _LONG else 0.2 + draw[1] * 0.3
        watch_ms = int(duration_ms * share)
    reports = (1, 2) if draw[2] < 0.2 else (2,)
    for part in reports:
        so_far_ms = watch_ms * part // 2
        value = event.at(at_ms + so_far_ms, b"w%d" % part, _watched(name, so_far_ms, duration_ms))
        yield at_ms + so_far_ms, ("events.watch", user, value)
    for (verb, rate), chance in zip(_EXTRA, draw[3:], strict=True):
        if chance < rate:
            more = b',"comment_id":"%s.c"' % name if verb == "comment" else b""
            yield at_ms + 4_000, (f"events.{verb}", user, event.at(at_ms + 4_000, verb.encode(), more))


class _Envelope:
    """What all events of one meeting have in common, as bytes: making them must not be what is measured."""

    def __init__(self, user: bytes, video: int, name: bytes) -> None:
        self._before = b'{"v":1,"event_id":"' + name + b"."
        self._after = b'","user_id":"%s","session_id":"s.%s","video_id":"v%d","ts_ms":' % (user, user, video)

    def at(self, ts_ms: int, kind: bytes, more: bytes) -> bytes:
        """One event at ``ts_ms``; ``more`` are further fields, each with a comma before it."""
        return self._before + kind + self._after + b"%d" % ts_ms + more + b"}"


def _watched(name: bytes, watch_ms: int, duration_ms: int) -> bytes:
    return b',"impression_id":"%s","watch_ms":%d,"duration_ms":%d' % (name, watch_ms, duration_ms)
