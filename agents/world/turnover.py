"""A log of likes in which popularity turns over within hours: the shape of a real short-video log, without its data.

Videos come out over two weeks, each hot for some hours; viewers have hidden tastes in a few dimensions that no record
tells. Only likes are in it, each by a viewer out of what was hot at that moment and fitted, with a preview before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from schemas.catalogue import Video
from schemas.events import Like
from schemas.feeds import FeedRequest
from schemas.lines import line_of

__all__ = ["turnover"]

_DAY_MS: Final = 86_400_000
_START_MS: Final = 1_760_000_000_000
_TASTES: Final = 6
_STEEP: Final = 2.0  # how much a taste says beside heat
_HOT_H: Final = (4.0, 24.0)  # half-lives of heat, drawn between these


def turnover(
    seed: int, viewers: int = 700, videos: int = 1_900, days: float = 14.0, likes: int = 18_000
) -> Iterator[bytes]:
    """Wire lines: every video when it comes out, and ``likes`` likes in order of time.

    >>> lines = list(turnover(1, viewers=5, videos=20, days=1.0, likes=10))
    >>> sum(b'"events.like"' in line for line in lines)
    10
    """
    rng = np.random.default_rng(seed)
    out_ms = np.sort(rng.uniform(0, days * _DAY_MS, videos)).astype(np.int64)
    out_ms[: max(videos // 50, 2)] = 0
    size = rng.lognormal(0.0, 0.8, videos)
    half_ms = rng.uniform(*_HOT_H, videos) * 3_600_000
    likes_of = rng.normal(0.0, 1.0, (videos, _TASTES))
    tastes = rng.normal(0.0, 1.0, (viewers, _TASTES))
    active = rng.lognormal(0.0, 1.0, viewers)
    due_ms = np.sort(rng.uniform(0, days * _DAY_MS, likes)).astype(np.int64)
    who = rng.choice(viewers, likes, p=active / active.sum())
    met = np.zeros((viewers, videos), dtype=bool)
    out = 0
    for number, (now_ms, viewer) in enumerate(zip(due_ms.tolist(), who.tolist(), strict=True)):
        while out < videos and out_ms[out] <= now_ms:
            yield line_of("videos", _video(out, int(out_ms[out]), rng))
            out += 1
        heat = size[:out] * np.exp2(-(now_ms - out_ms[:out]) / half_ms[:out])
        fit = np.exp(_STEEP * (likes_of[:out] @ tastes[viewer]) / np.sqrt(_TASTES))
        chance = (heat + 1e-4) * fit
        chance[met[viewer, :out]] = 0.0
        if chance.sum() <= 0:
            continue
        video = int(rng.choice(out, p=chance / chance.sum()))
        met[viewer, video] = True
        yield from _liked(number, viewer, video, _START_MS + now_ms)


def _video(number: int, out_ms: int, rng: np.random.Generator) -> Video:
    return Video(
        v=1,
        video_id=f"t{number}",
        creator_id=f"maker{int(rng.integers(400))}",
        created_ms=_START_MS + out_ms,
        duration_ms=int(rng.uniform(5_000, 90_000)),
    )


def _liked(number: int, viewer: int, video: int, ts_ms: int) -> Iterator[bytes]:
    user = f"viewer{viewer}"
    asked = FeedRequest(v=1, request_id=f"t{number}", user_id=user, ts_ms=ts_ms, limit=200, purpose="preview")
    yield line_of("feed.requests", asked)
    session = f"{user}.{ts_ms // 3_600_000}"
    like = Like(v=1, event_id=f"t{number}", user_id=user, session_id=session, video_id=f"t{video}", ts_ms=ts_ms)
    yield line_of("events.like", like)
