"""The world: a seeded population that watches what it is given and reacts, so that the loop closes without people.

Step functions are pure but for what the world itself remembers (who was given what, and the tally). The same seed
and the same feeds give the same events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson

from agents.judge.tally import Tally
from agents.world.population import Tastes, Videos, affinity
from agents.world.reactions import Reactions, Shown, events_of
from schemas.catalogue import User, Video
from schemas.codec import encode
from schemas.events import Event
from schemas.feeds import FeedRequest
from schemas.lines import line_of, write_line

__all__ = ["World"]

F64 = npt.NDArray[np.float64]

_SAMPLE: Final = 40_000
_SWIPE_MS: Final = 300
_SESSION_MS: Final = 1_800_000


class World:
    """``viewers`` viewers and ``videos`` videos uploaded over the day before ``start_ms``, all drawn from ``seed``.

    Their ids begin with ``prefix``.
    """

    def __init__(
        self,
        seed: int,
        viewers: int = 200,
        videos: int = 2_000,
        start_ms: int = 1_760_000_000_000,
        prefix: str = "",
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.start_ms = start_ms
        self.videos = Videos(prefix)
        self.tastes = Tastes(self.rng, viewers, prefix)
        created = start_ms - np.sort(self.rng.integers(0, 86_400_000, videos))[::-1]
        self.videos.upload(self.rng, created.tolist())
        self.users: list[User] = self.tastes.records(self.rng)
        self.tally = Tally()
        self.given = np.zeros((viewers, videos), dtype=bool)
        self._shown = 0
        rows = self.rng.integers(0, viewers, _SAMPLE // max(1, min(videos, 400)))
        columns = self.rng.choice(videos, min(videos, 400), replace=False)
        sample = affinity(self.tastes.weights[rows], self.videos.subjects[columns], self.videos.appeal[columns])
        self.reactions = Reactions(sample)

    # --- the population -----------------------------------------------------------------------------------------------

    def upload(self, count: int, now_ms: int) -> list[Video]:
        """``count`` new videos."""
        made = self.videos.upload(self.rng, [now_ms] * count)
        self.given = np.concatenate((self.given, np.zeros((len(self.tastes), count), dtype=bool)), axis=1)
        return made

    def drift(self, amount: float = 0.02) -> None:
        """Every hidden taste moves a little."""
        self.tastes.drift(self.rng, amount)

    def switch_tastes(self, viewers: Sequence[int]) -> None:
        """The viewers (rows) now love other subjects."""
        self.tastes.switch(self.rng, viewers)

    def affinities(self, viewer: int) -> F64:
        """How much a viewer (row) likes every video, f64[videos]; for judges only."""
        weights = self.tastes.weights[viewer : viewer + 1]
        result: F64 = affinity(weights, self.videos.subjects, self.videos.appeal)[0]
        return result

    def match(self, viewer: int, video_ids: Sequence[str]) -> float:
        """How well videos fit a viewer's hidden taste: 0 as good as drawn at random, 1 the best there is.

        Both among what the viewer was not given before, the videos asked about aside. An empty batch is worth 0.
        """
        rows = [self.videos.row_of[name] for name in video_ids if name in self.videos.row_of]
        if not rows:
            return 0.0
        liking = self.affinities(viewer)
        fresh = ~self.given[viewer]
        fresh[rows] = True
        pool = liking[fresh]
        best = np.sort(pool)[-len(rows) :].mean()
        mean = pool.mean()
        return float((liking[rows].mean() - mean) / (best - mean)) if best > mean else 0.0

    # --- reacting -----------------------------------------------------------------------------------------------------

    def watch(
        self,
        viewer: int,
        video_ids: Sequence[str],
        now_ms: int,
        batch_id: str | None = None,
        first_position: int = 0,
        hurry: float = 1.0,
    ) -> tuple[list[tuple[str, Event]], int]:
        """The viewer (row) watches videos one after the other, from ``now_ms``.

        Returns (topic, event), showing after showing, and when it ends. Ids the world does not know are passed over.
        ``hurry`` divides all time, so that a day fits into a minute; watch times are told as they would have been.
        """
        user = self.tastes.user_ids[viewer]
        liking = self.affinities(viewer)
        session = f"{user}.s{now_ms // _SESSION_MS}"
        rows, shown = [], []
        for at, video_id in enumerate(video_ids):
            row = self.videos.row_of.get(video_id)
            if row is not None:
                rows.append(row)
                self._shown += 1
                name = f"{user}.{self._shown}"
                record = self.videos.records[row]
                shown.append(Shown(name, user, session, record, now_ms, batch_id, first_position + at, hurry))
        reactions = self.reactions.draw(self.rng, liking[rows], self.videos.duration_ms[rows].tolist())
        found: list[tuple[str, Event]] = []
        for one, reaction in zip(shown, reactions, strict=True):
            found.extend(events_of(replace(one, ts_ms=now_ms), reaction))
            now_ms += int((reaction.watched_ms + _SWIPE_MS) / hurry)
        self.given[viewer, rows] = True
        return found, now_ms

    def offer(self, viewer: int, video_ids: Iterable[str]) -> None:
        """Note what a viewer (row) was given, watched or not: ``match`` no longer expects it."""
        self.given[viewer, [self.videos.row_of[name] for name in video_ids if name in self.videos.row_of]] = True

    def count(self, events: Iterable[tuple[str, Event]]) -> None:
        """Let the judge count events that are really sent; what was only thought of does not count."""
        for topic, event in events:
            self.tally.add(topic, orjson.loads(encode(event)))

    # --- an open loop -------------------------------------------------------------------------------------------------

    def announcements(self) -> Iterator[bytes]:
        """Wire lines of every video and viewer."""
        for video in self.videos.records:
            yield line_of("videos", video)
        for user in self.users:
            yield write_line("users", user.user_id, user, self.start_ms)

    def log(self, shows: int, previews: bool = True, trend: float = 0.5) -> Iterator[bytes]:
        """A wire log of ``shows`` showings that no feed decided: a quality test's input, counted by ``tally``.

        Viewers come at random, six videos at a time; a share of ``trend`` of what they see is what was liked lately,
        a quarter is near their taste, the rest is random. ``previews``: a preview request stands before
        each showing that ends in a like, and before anything that is told of it.
        """
        yield from self.announcements()
        hot: list[int] = []
        now_ms = self.start_ms
        for _ in range(0, shows, 6):
            now_ms += int(self.rng.exponential(20_000.0))
            viewer = int(self.rng.integers(len(self.tastes)))
            events, _ = self.watch(viewer, self._stumbled(viewer, hot, trend), now_ms)
            self.count(events)
            liked = {
                event.impression_id: self.videos.row_of[event.video_id]
                for topic, event in events
                if topic == "events.like" and getattr(event, "op", "") == "add"
            }
            asked: set[str | None] = set()
            for topic, event in events:
                name = event.impression_id
                if previews and name in liked and name not in asked:
                    asked.add(name)
                    yield self._preview(event)
                yield line_of(topic, event)
            hot.extend(liked.values())
            del hot[:-200]

    def _stumbled(self, viewer: int, hot: list[int], trend: float) -> list[str]:
        chosen: dict[int, None] = {}
        draws = self.rng.random(6)
        liking = self.affinities(viewer)
        for draw in draws.tolist():
            if draw < trend and hot:
                row = hot[int(self.rng.integers(len(hot)))]
            elif draw > 0.75:
                some = self.rng.integers(0, len(self.videos), 12)
                row = int(some[liking[some].argmax()])
            else:
                row = int(self.rng.integers(len(self.videos)))
            if not self.given[viewer, row]:
                chosen[row] = None
        return [self.videos.records[row].video_id for row in chosen]

    def _preview(self, first: Event) -> bytes:
        name = f"p.{first.impression_id}"
        request = FeedRequest(
            v=1, request_id=name, user_id=first.user_id, ts_ms=first.ts_ms, limit=200, purpose="preview"
        )
        return line_of("feed.requests", request)
