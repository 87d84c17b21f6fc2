"""The lookout: reads what is liked lately off the tables, so that trends of videos, tags and sounds are seen.

Whoever owns a video knows all of it and looks at it alone. Tags and sounds run across all shards, so one of them, that
of partition 0, looks at them in its process's replica of the catalogue, which is whole. It looks once in some seconds
of event time, at what was liked within the last hour; what has to be summed over everything is summed now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from schemas.formats import check_format
from schemas.trends import Cause, Trend
from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import F64, I64
from streams.control.tuning import Trends as How
from streams.shards.video_shard import VideoShard
from streams.trends.causes import cause_of
from streams.trends.surge import HOUR, LONG, SHORT, Flow, likes, part_of
from streams.trends.trends import Reading, Trends
from streams.video.catalogue import Catalogue
from streams.video.videos import positives

__all__ = ["Lookout"]

_HELD_MS: Final = 600_000  # how old a sum over everything may be: of a day it hardly changes
_LATE_MS: Final = {SHORT: 2_700_000, HOUR: 8 * 3_600_000}  # beyond it nothing is left of a sum
_YOUNG: Final = 0.05  # late likes over those of a day beyond which ten minutes make a difference
_FORMAT: Final = 1
_TAGS: Final = slice(0, limits.VIDEO_TAGS)
_SOUND: Final = slice(limits.VIDEO_TAGS + 1, limits.VIDEO_TAGS + 2)


class _Days(NamedTuple):
    """Sums over a day: of each tag, of each sound (by number), and of everything; as of ``made_ms``."""

    made_ms: int
    tags: F64
    sounds: F64
    all: float


class _Stored(msgspec.Struct, kw_only=True):
    """What goes into the store; ``unsent`` was found and perhaps not published yet."""

    format: int
    looked_ms: int
    kinds: list[bytes]
    unsent: list[Trend]


class Lookout:
    """Trends of one video shard's videos, and, where it looks at the ``whole``, of all tags and sounds. ``catalogue``
    is the process's replica, read only.

    ``unsent`` holds what was found and is not published; ``changed`` whether there is something to store.
    """

    def __init__(self, shard: VideoShard, catalogue: Catalogue, *, whole: bool) -> None:
        self.unsent: list[Trend] = []
        self.changed = False
        self._shard, self._catalogue, self._whole = shard, catalogue, whole
        self._videos, self._tags, self._sounds = Trends("video"), Trends("tag"), Trends("sound")
        self._looked_ms = 0
        self._days: dict[str, _Days] = {}

    def look(self, how: How) -> list[Trend]:
        """What is new since the last look, if one is due; it stays ``unsent`` until ``sent``."""
        now_ms = self._now_ms()
        if not how.on or now_ms // limits.LOOK_MS <= self._looked_ms // limits.LOOK_MS:
            return []
        minute, self._looked_ms = now_ms // 60_000 > self._looked_ms // 60_000, now_ms
        before = len(self)
        found = self._videos.look(self._of_videos(now_ms), now_ms, how)
        if self._whole:
            for trends, which in ((self._tags, _TAGS), (self._sounds, _SOUND)):
                found += trends.look(self._of_words(which, now_ms, SHORT), now_ms, how)
                if minute:
                    reading = self._of_words(which, now_ms, HOUR)
                    found += trends.look_down(reading, now_ms, how, self._causes(which, now_ms))
        self.unsent += found
        self.changed |= bool(found or before or len(self))
        return found

    def __len__(self) -> int:
        return len(self._videos) + len(self._tags) + len(self._sounds)

    def sent(self, trends: list[Trend]) -> None:
        """These are published."""
        gone = {one.trend_id for one in trends}
        self.changed |= bool(gone)
        self.unsent = [one for one in self.unsent if one.trend_id not in gone]

    def encode(self) -> bytes:
        """The state for the store; nothing is ``changed`` after it."""
        self.changed = False
        kinds = [one.encode() for one in (self._videos, self._tags, self._sounds)]
        stored = _Stored(format=_FORMAT, looked_ms=self._looked_ms, kinds=kinds, unsent=self.unsent)
        return msgspec.msgpack.encode(stored)

    def decode(self, value: bytes) -> None:
        """Take over a stored state; raises ``ValueError`` for a format from elsewhere."""
        stored = msgspec.msgpack.decode(value, type=_Stored)
        check_format("a row of trends", stored.format, _FORMAT)
        for one, held in zip((self._videos, self._tags, self._sounds), stored.kinds, strict=True):
            one.decode(held)
        self.unsent, self._looked_ms = stored.unsent, stored.looked_ms

    def _now_ms(self) -> int:
        """The latest like or view known, of the whole catalogue where there is one."""
        tables = (self._shard.table, *([self._catalogue] if self._whole else []))
        return max(int(table.sums_ms[: table.high].max(initial=0)) for table in tables)

    # --- readings -----------------------------------------------------------------------------------------------------

    def _of_videos(self, now_ms: int) -> Reading:
        table, ids = self._shard.table, self._shard.video_ids
        rows = np.flatnonzero(table.sums_ms[: table.high] > now_ms - _LATE_MS[SHORT])
        rows = rows[self._shard.active[rows]]
        late, day = likes(table, rows, now_ms, self._catalogue.odds)
        days = self._held(table, "videos", np.flatnonzero(self._shard.active[: table.high]), now_ms, late)
        flow = Flow(late, day, (float(late.sum()), days.all), part_of(SHORT))
        get = self._shard.row_of.get
        return Reading(rows, flow, lambda row: ids[row], lambda name: get(name, -1))

    def _of_words(self, which: slice, now_ms: int, late_at: int) -> Reading:
        catalogue = self._catalogue
        rows = np.flatnonzero(catalogue.sums_ms[: catalogue.high] > now_ms - _LATE_MS[late_at])
        rows = rows[catalogue.candidate[rows]]
        late = positives(catalogue, rows, now_ms, (late_at,))[:, 0]
        days = self._held(catalogue, "words", catalogue.candidates(), now_ms, late if late_at == SHORT else None)
        day_of = days.tags if which is _TAGS else days.sounds
        ids = catalogue.tag_ids[rows, which]
        sums = _summed(ids, late, len(day_of))
        if late_at == SHORT:
            # What one video brings alone is that video's rise, and nothing of its tags or sound.
            most = np.zeros(len(sums))
            np.maximum.at(most, ids.ravel(), np.repeat(late, ids.shape[1]))
            sums -= most
        day_of = np.concatenate((day_of, np.zeros(len(sums) - len(day_of))))  # of what is new since they were summed
        # What falls may not have been touched at all: it is judged by its day.
        numbers = np.flatnonzero((sums > 0) | (day_of > 0)) if late_at == HOUR else np.flatnonzero(sums > 0)
        numbers = numbers[numbers > 0]
        flow = Flow(sums[numbers], day_of[numbers], (float(late.sum()), days.all), part_of(late_at))
        return Reading(
            numbers,
            flow,
            lambda number: _name(catalogue, which, number),
            lambda name: catalogue.id_of_tag.get(hash64(name), -1),
        )

    def _held(self, table: Any, name: str, rows: I64, now_ms: int, late: F64 | None) -> _Days:
        """The sums over a day, at most ten minutes old, and made anew where those of ``late`` are much of them."""
        held = self._days.get(name)
        young = held is not None and late is not None and late.sum() > _YOUNG * held.all
        if held is None or young or now_ms - held.made_ms > _HELD_MS:
            day = positives(table, rows, now_ms, (LONG,))[:, 0]
            none = np.empty(0)
            tags = _summed(table.tag_ids[rows, _TAGS], day, 0) if name == "words" else none
            sounds = _summed(table.tag_ids[rows, _SOUND], day, 0) if name == "words" else none
            held = self._days[name] = _Days(now_ms, tags, sounds, float(day.sum()))
        return held

    def _causes(self, which: slice, now_ms: int) -> Callable[[int], Cause]:
        catalogue = self._catalogue

        def cause(number: int) -> Cause:
            rows = catalogue.candidates()
            return cause_of(catalogue, rows[(catalogue.tag_ids[rows, which] == number).any(axis=1)], now_ms)

        return cause


def _summed(ids: Any, amounts: F64, least: int) -> F64:
    """Amounts f64[n] summed by the numbers ids i32[n, k] of each row, f64[at least ``least``]."""
    weights = np.repeat(amounts, ids.shape[1])
    result: F64 = np.bincount(ids.ravel(), weights, minlength=max(least, 1)).astype(np.float64)
    return result


def _name(catalogue: Catalogue, which: slice, number: int) -> str:
    """The tag or sound behind a number, from a video that carries it; empty where none does any more."""
    high = catalogue.high
    row, column = (found[:1] for found in np.nonzero(catalogue.tag_ids[:high, which] == number))
    if not len(row) or (video := catalogue.videos[int(row[0])]) is None:
        return ""
    if which is _SOUND:
        return video.sound_id or ""
    return catalogue.tag_names.get(int(catalogue.tags[int(row[0]), int(column[0])]), "")
