"""A load: a log made to hurt, and what must come of it.

Repeats, late and reordered records, undone likes, cumulative heartbeats, videos nobody announced: every count stays
exact all the same. Within the rings of DESIGN section 3 (128 videos of a viewer, 8 references of a pair), so that
nothing is ever frozen; the tally is the judge's own (``agents.judge.tally``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from agents.judge.tally import Tally, tally_lines
from agents.world.stories import DRAWS, TOPICS, event_of, story, video_of

__all__ = ["BadSample", "Load", "bad_samples", "load"]

_REORDER_MS: Final = 10_000
_VIDEOS_OF_A_VIEWER: Final = 100
_TIMED = tuple[float, bytes]


class Load(NamedTuple):
    """Wire lines in order of sending: ``events`` of them are events, of which ``duplicates`` were sent before."""

    lines: list[bytes]
    events: int
    duplicates: int

    def tally(self) -> Tally:
        """What must come of it."""
        return tally_lines(self.lines)


class BadSample(NamedTuple):
    """A record that must end in ``dead-letters`` with ``cause``."""

    topic: str
    key: bytes | None
    value: bytes | None
    cause: str


def load(
    rng: np.random.Generator,
    events: int = 300_000,
    viewers: int = 2_000,
    videos: int = 2_000,
    start_ms: int = 1_760_000_000_000,
    span_s: float = 3_600.0,
    asking: float = 0.1,
) -> Load:
    """At least ``events`` events over ``span_s`` of event time; the first ``asking`` of the viewers also ask for feeds.

    5 % of the events are sent twice, everything is reordered within 10 s. Raises ``ValueError`` where so many events
    need more than 100 videos a viewer.
    """
    # A pair makes 5.2 events on average; a few more pairs than needed make up for chance.
    per_viewer = int(np.ceil(events / 1.05 / 5.0 / viewers)) + 1
    if per_viewer > min(_VIDEOS_OF_A_VIEWER, videos):
        raise ValueError(f"{events} events need {per_viewer} videos a viewer: use more viewers or videos")
    timed: list[_TIMED] = []
    for viewer, chosen in enumerate(_choices(rng, viewers, videos, per_viewer)):
        moments = start_ms + np.sort(rng.random(per_viewer)) * (span_s - 240.0) * 1_000
        draws = rng.random((per_viewer, DRAWS)).tolist()
        for video, at_ms, draw in zip(chosen, moments.astype(np.int64).tolist(), draws, strict=True):
            timed.extend(_line(*told) for told in story(f"u{viewer}", f"v{video}", at_ms, draw))
    again = rng.random(len(timed)) < 0.05
    repeats = [timed[at] for at in np.flatnonzero(again).tolist()]
    count = len(timed) + len(repeats)
    timed += repeats
    delay = rng.random(len(timed)) * _REORDER_MS
    timed = [(at_ms + late, line) for (at_ms, line), late in zip(timed, delay.tolist(), strict=True)]
    timed += _requests(rng, int(viewers * asking), start_ms, span_s)
    timed += _late_videos(videos, start_ms, span_s)
    timed.sort(key=lambda one: one[0])
    head = [*_announced(videos, start_ms), *_viewers(int(viewers * asking))]
    return Load([*head, *(line for _, line in timed)], count, len(repeats))


def bad_samples(start_ms: int = 1_760_000_000_000) -> list[BadSample]:
    """One record of every kind of bad, with the cause that its dead letter must name; sent at about ``start_ms``."""
    good = event_of("e", "ann", "v1", start_ms, session_id="s")
    like = "events.like"

    def value(**changes: Any) -> bytes:
        return orjson.dumps({name: one for name, one in (good | changes).items() if one is not None})

    return [
        BadSample(like, b"ann", b"not json", "json"),
        BadSample(like, b"ann", b'{"v":1', "json"),
        BadSample(like, b"ann", b"\xff\xfe", "json"),
        BadSample(like, b"ann", value()[:-1] + b',"more":' + b"[" * 60_000, "json"),
        BadSample(like, b"ann", b"[]", "type"),
        BadSample(like, b"ann", value(ts_ms="now"), "type"),
        BadSample(like, b"ann", value(ts_ms=-5), "type"),
        BadSample(like, b"ann", value(op="undo"), "type"),
        BadSample(like, b"ann", value(user_id=""), "type"),
        BadSample(like, b"ann", value(video_id=None), "missing"),
        BadSample(like, b"ann", value(event_id=None), "missing"),
        BadSample(like, b"ann", value(v=2), "version"),
        BadSample(like, b"bob", value(), "key"),
        BadSample(like, None, value(), "empty"),
        BadSample(like, b"", value(), "empty"),
        BadSample(like, b"ann", b"", "empty"),
        BadSample(like, b"ann", None, "empty"),
        BadSample(like, b"ann", value(surface="x" * 1_048_576), "size"),
        BadSample(like, b"ann", value(ts_ms=start_ms + 366 * 86_400_000), "time"),
        BadSample("events.watch", b"ann", value()[:-1] + b',"watch_ms":NaN,"duration_ms":1}', "json"),
        BadSample("events.watch", b"ann", value(watch_ms=-1, duration_ms=1), "type"),
        BadSample("feed.requests", b"ann", b'{"v":1,"user_id":"ann","request_id":"r","ts_ms":1,"limit":0}', "type"),
    ]


def _choices(rng: np.random.Generator, viewers: int, videos: int, count: int) -> Sequence[list[int]]:
    """For each viewer ``count`` different videos, popular ones more often (Gumbel top-k of Zipf weights)."""
    appeal = -0.7 * np.log(np.arange(1, videos + 1))
    chosen: list[list[int]] = []
    for low in range(0, viewers, 256):
        keys = appeal - np.log(-np.log(rng.random((min(256, viewers - low), videos))))
        chosen.extend(np.argpartition(-keys, count - 1, axis=1)[:, :count].tolist())
    return chosen


def _line(topic: str, event: dict[str, Any]) -> _TIMED:
    return float(event["ts_ms"]), _wire(topic, event["user_id"], event, event["ts_ms"])


def _wire(topic: str, key: str, value: dict[str, Any], ts_ms: int) -> bytes:
    return orjson.dumps({"topic": topic, "key": key, "value": value, "ts_ms": ts_ms}) + b"\n"


def _video(at: int, ts_ms: int) -> bytes:
    return _wire("videos", f"v{at}", video_of(at, ts_ms), ts_ms)


def _announced(videos: int, start_ms: int) -> list[bytes]:
    """Most videos are announced before anything happens; one in 20 late, one in 20 never."""
    return [_video(at, start_ms) for at in range(videos) if at % 20 > 1]


def _late_videos(videos: int, start_ms: int, span_s: float) -> list[_TIMED]:
    late_ms = start_ms + int(span_s * 500)
    return [(float(late_ms + at), _video(at, late_ms)) for at in range(1, videos, 20)]


def _viewers(count: int) -> list[bytes]:
    return [
        _wire("users", f"u{at}", {"v": 1, "user_id": f"u{at}", "interests": [TOPICS[at % len(TOPICS)]]}, 0)
        for at in range(count)
    ]


def _requests(rng: np.random.Generator, askers: int, start_ms: int, span_s: float) -> list[_TIMED]:
    """Each asking viewer asks five times, for feeds and now and then for a preview."""
    found: list[_TIMED] = []
    for viewer in range(askers):
        for nth, moment in enumerate((start_ms + rng.random(5) * span_s * 1_000).astype(np.int64).tolist()):
            value = {"v": 1, "request_id": f"u{viewer}.r{nth}", "user_id": f"u{viewer}", "ts_ms": moment}
            value["purpose"] = "preview" if nth == 4 else "feed"
            found.append((float(moment), _wire("feed.requests", f"u{viewer}", value, moment)))
    return found
