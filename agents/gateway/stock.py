"""The stock: what a gateway process can say of videos, tags, sounds, creators and trends from its own replica."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import numpy as np

from agents.gateway.hub import Hub
from agents.gateway.refusals import Refusal
from agents.gateway.shelf import record_of
from schemas.topics import COUNTS
from streams.arrays.hashing import hash64
from streams.arrays.tables import F64, I64
from streams.control.rules import effect
from streams.video.catalogue import Catalogue
from streams.video.videos import HALF_LIVES_S, positives

__all__ = ["Stock"]

_DAY: Final = int(np.flatnonzero(HALF_LIVES_S == 86_400.0)[0])
_KEPT_S: Final = 5.0
_STANDING: Final = ("open", "held", "stopped")


class Stock:
    """Answers from the catalogue of ``hub``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._tags: tuple[float, list[dict[str, Any]]] = (float("-inf"), [])

    def video(self, video_id: str) -> dict[str, Any]:
        """Record, counts and tier of an active video; raises ``Refusal`` 404 for any other."""
        catalogue = self._catalogue
        row = catalogue.row_of.get(video_id, -1)
        if row < 0 or not catalogue.shows(video_id) or row in self._barred():
            raise Refusal(404, "unknown", f"there is no active video {video_id!r}")
        return {
            "video_id": video_id,
            "counts": dict(zip(COUNTS, catalogue.counts[row].tolist(), strict=True)),
            "tier": int(catalogue.tier[row]),
            "standing": _STANDING[int(catalogue.status[row])],
            "video": record_of(catalogue.videos[row]),
        }

    def tags(self, limit: int) -> list[dict[str, Any]]:
        """Tags of active videos, the most liked of late first, at most some seconds old."""
        made_s, held = self._tags
        if time.monotonic() - made_s > _KEPT_S:
            held = self._counted()
            self._tags = time.monotonic(), held
        return held[:limit]

    def under(self, tag: str, limit: int) -> dict[str, Any]:
        """The most liked videos under a tag or category."""
        name = np.uint64(hash64(tag))
        return {"tag": tag, "videos": self._best(lambda c, rows: rows[(c.tags[rows] == name).any(axis=1)], limit)}

    def sounding(self, sound: str, limit: int) -> dict[str, Any]:
        """The most liked videos with a sound."""
        name = np.uint64(hash64(sound))
        return {"sound_id": sound, "videos": self._best(lambda c, rows: rows[c.sound[rows] == name], limit)}

    def by(self, creator: str, limit: int) -> dict[str, Any]:
        """The most liked videos by a creator."""
        name = np.uint64(hash64(creator))
        return {"creator_id": creator, "videos": self._best(lambda c, rows: rows[c.creator[rows] == name], limit)}

    def trends(self) -> list[dict[str, Any]]:
        """What was said of trends, the latest of each video, tag and sound, newest first; what cooled is left out."""
        told = [trend for trend in self._hub.trends.values() if trend.state != "cooling"]
        told.sort(key=lambda trend: -trend.ts_ms)
        found = []
        for trend in told:
            row = self._catalogue.row_of.get(trend.id, -1) if trend.kind == "video" else -1
            record = record_of(self._catalogue.videos[row]) if row >= 0 else None
            found.append(msgspec.to_builtins(trend) | ({"video": record} if trend.kind == "video" else {}))
        return found

    @property
    def _catalogue(self) -> Catalogue:
        return self._hub.replica.catalogue

    def _barred(self) -> set[int]:
        return set(
            effect(self._catalogue, self._hub.replica.steering.rules, 0, int(time.time() * 1_000)).barred.tolist()
        )

    def _liked(self, rows: I64) -> F64:
        now_ms = int(time.time() * 1_000)
        liked: F64 = positives(self._catalogue, rows, now_ms, (_DAY,))[:, 0]
        return liked

    def _best(self, some: Callable[[Catalogue, I64], I64], limit: int) -> list[dict[str, Any]]:
        catalogue = self._catalogue
        rows = some(catalogue, catalogue.candidates())
        rows = rows[~np.isin(rows, list(self._barred()))]
        liked = self._liked(rows)
        order = np.argsort(-liked, kind="stable")[:limit]
        return [
            {
                "video_id": catalogue.video_ids[row],
                "likes": int(catalogue.counts[row, COUNTS.index("likes")]),
                "video": record_of(catalogue.videos[row]),
            }
            for row in rows[order].tolist()
        ]

    def _counted(self) -> list[dict[str, Any]]:
        catalogue = self._catalogue
        rows = catalogue.candidates()
        tags, liked = catalogue.tags[rows], self._liked(rows)
        names, inverse = np.unique(tags.ravel(), return_inverse=True)
        sums = np.bincount(inverse, np.repeat(liked, tags.shape[1]), len(names))
        many = np.bincount(inverse, minlength=len(names))
        order = np.lexsort((names, -many, -sums.round(6)))
        told = catalogue.tag_names
        return [
            {"tag": told[name], "videos": int(many[at]), "liked": round(float(sums[at]), 3)}
            for at, name in zip(order.tolist(), names[order].tolist(), strict=True)
            if name and name in told
        ]
