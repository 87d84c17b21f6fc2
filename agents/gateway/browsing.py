"""Browsing: what a gateway process can say of videos, tags, sounds, creators and trends from its own replica."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from agents.gateway.answers import (
    CreatorAnswer,
    Listed,
    Record,
    SoundAnswer,
    Tag,
    TagAnswer,
    TagsAnswer,
    TrendAnswer,
    TrendsAnswer,
    VideoAnswer,
)  # fmt: skip
from agents.gateway.hub import Hub
from agents.gateway.refusals import Refusal
from schemas.topics import COUNTS
from streams.arrays.hashing import hash64
from streams.arrays.tables import F64, I64
from streams.tiers.tiers import STANDINGS
from streams.video.catalogue import Catalogue
from streams.video.videos import HALF_LIVES_S, positives

__all__ = ["Browsing"]

_DAY: Final = int(np.flatnonzero(HALF_LIVES_S == 86_400.0)[0])
_KEPT_S: Final = 5.0


class Browsing:
    """Answers from the catalogue of ``hub``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._tags: tuple[float, list[Tag]] = (float("-inf"), [])

    def video(self, video_id: str) -> VideoAnswer:
        """Record, counts and tier of an active video; raises ``Refusal`` 404 for any other."""
        catalogue = self._catalogue
        row = catalogue.row_of.get(video_id, -1)
        if row < 0 or not catalogue.shows(video_id) or row in self._hub.barred():
            raise Refusal(404, "unknown", f"there is no active video {video_id!r}")
        return VideoAnswer(
            video_id=video_id,
            counts=dict(zip(COUNTS, catalogue.counts[row].tolist(), strict=True)),
            tier=int(catalogue.tier[row]),
            standing=STANDINGS[int(catalogue.status[row])],
            video=self._record(row),
        )

    def tags(self, limit: int) -> TagsAnswer:
        """Tags of active videos, the most liked of late first, at most some seconds old."""
        made_s, held = self._tags
        if time.monotonic() - made_s > _KEPT_S:
            held = self._counted()
            self._tags = time.monotonic(), held
        return TagsAnswer(tags=held[:limit])

    def under(self, tag: str, limit: int) -> TagAnswer:
        """The most liked videos under a tag or category."""
        name = np.uint64(hash64(tag))
        return TagAnswer(tag=tag, videos=self._best(lambda c, rows: rows[(c.tags[rows] == name).any(axis=1)], limit))

    def sounding(self, sound: str, limit: int) -> SoundAnswer:
        """The most liked videos with a sound."""
        name = np.uint64(hash64(sound))
        return SoundAnswer(sound_id=sound, videos=self._best(lambda c, rows: rows[c.sound[rows] == name], limit))

    def by(self, creator: str, limit: int) -> CreatorAnswer:
        """The most liked videos by a creator."""
        name = np.uint64(hash64(creator))
        return CreatorAnswer(
            creator_id=creator, videos=self._best(lambda c, rows: rows[c.creator[rows] == name], limit)
        )

    def trends(self) -> TrendsAnswer:
        """What was said of trends, the latest of each video, tag and sound, newest first; what cooled is left out."""
        told = sorted(self._hub.trends.values(), key=lambda trend: -trend.ts_ms)
        return TrendsAnswer(
            trends=[
                TrendAnswer(
                    kind=trend.kind, id=trend.id, state=trend.state, ts_ms=trend.ts_ms, ratio=trend.ratio,
                    cause=trend.cause, video=self._shown(trend.id) if trend.kind == "video" else None,
                )
                for trend in told
                if trend.state != "cooling"
            ]
        )  # fmt: skip

    @property
    def _catalogue(self) -> Catalogue:
        return self._hub.replica.catalogue

    def _record(self, row: int) -> Record:
        video = self._catalogue.videos[row]
        assert video is not None, "a candidate has a record"
        return Record.of(video)

    def _shown(self, video_id: str) -> Record | None:
        video = self._hub.record(video_id) if self._catalogue.shows(video_id) else None
        return None if video is None else Record.of(video)

    def _liked(self, rows: I64) -> F64:
        now_ms = int(time.time() * 1_000)
        liked: F64 = positives(self._catalogue, rows, now_ms, (_DAY,))[:, 0]
        return liked

    def _best(self, some: Callable[[Catalogue, I64], I64], limit: int) -> list[Listed]:
        catalogue = self._catalogue
        rows = some(catalogue, catalogue.candidates())
        rows = rows[~np.isin(rows, list(self._hub.barred()))]
        liked = self._liked(rows)
        order = np.argsort(-liked, kind="stable")[:limit]
        return [
            Listed(
                video_id=catalogue.video_ids[row],
                likes=int(catalogue.counts[row, COUNTS.index("likes")]),
                video=self._record(row),
            )
            for row in rows[order].tolist()
        ]

    def _counted(self) -> list[Tag]:
        catalogue = self._catalogue
        rows = catalogue.candidates()
        tags, liked = catalogue.tags[rows], self._liked(rows)
        names, inverse = np.unique(tags.ravel(), return_inverse=True)
        sums = np.bincount(inverse, np.repeat(liked, tags.shape[1]), len(names))
        many = np.bincount(inverse, minlength=len(names))
        order = np.lexsort((names, -many, -sums.round(6)))
        told = catalogue.tag_names
        return [
            Tag(tag=told[name], videos=int(many[at]), liked=round(float(sums[at]), 3))
            for at, name in zip(order.tolist(), names[order].tolist(), strict=True)
            if name and name in told
        ]
