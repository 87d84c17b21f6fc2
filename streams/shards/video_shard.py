"""A video shard: engagement and records of the videos of one partition.

``apply`` folds frames of changes, each source's only beyond the highest offset applied from it: a frame sent twice,
or cut differently, changes nothing. ``states`` hands out what feed workers must know; admission to and expiry from
the active set are decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.catalogue import Video
from schemas.formats import check_format
from schemas.internal import VideoState
from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import I64, distinct
from streams.control.steering import Steering
from streams.shards.changes import Batch, Packed
from streams.tiers.referee import JUDGED_BY, Referee
from streams.video.content import tag_hashes
from streams.video.daily import DAILY, load_views, note_views, saved_views
from streams.video.videos import BEFORE, NUMBERS, VideoTable

__all__ = ["VideoShard", "decode_state", "video_key"]

FORMAT = 4


class _Packed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ``VideoState`` whose record is left as it is: records hardly ever change, numbers do all the time."""

    format: int
    video: msgspec.Raw
    active: bool
    numbers: bytes
    views: bytes = b""


_DECODER = msgspec.msgpack.Decoder(_Packed)
_RECORD = msgspec.msgpack.Decoder(Video | None)


@lru_cache(maxsize=limits.RECORDS)
def _record(raw: bytes) -> Video | None:
    """The record in ``raw``; the same object for the same bytes."""
    video: Video | None = _RECORD.decode(raw)
    return video


class Saved(NamedTuple):
    """Rows for a checkpoint: keys, values, keys to delete, offsets (input topics, and ``from:topic:partition``), and
    which of the keys are of active videos.
    """

    keys: list[bytes]
    values: list[bytes]
    deletes: list[bytes]
    offsets: dict[str, int]
    active: list[bool]


class _Fresh(NamedTuple):
    """Of a frame what is new: ``rows`` of ROW and the table's ``row`` of each, ``pairs`` of PAIR with ``owner`` and
    ``other`` (a row and a hash), and every row ``touched``.
    """

    rows: Packed
    row: I64
    pairs: Packed
    owner: I64
    other: U64
    touched: I64


def video_key(video_id: str) -> bytes:
    """Row key of a video."""
    return b"e:" + video_id.encode()


def decode_state(value: bytes) -> VideoState:
    """A stored or broadcast state, of this format or one before; raises ``ValueError`` for another."""
    packed = _DECODER.decode(value)
    numbers = packed.numbers
    if packed.format != FORMAT:
        check_format("a video's state", packed.format, FORMAT, oldest=min(BEFORE))
        if len(numbers) != BEFORE[packed.format]:
            raise ValueError(f"a video's state of format {packed.format} has {len(numbers)} bytes of numbers")
        numbers += bytes(NUMBERS.itemsize - len(numbers))
    record = _record(bytes(packed.video))
    return VideoState(format=FORMAT, video=record, active=packed.active, numbers=numbers, views=packed.views)


class VideoShard:
    """State of one video partition. ``active_ms``: a video nobody engaged with for this long is no candidate.
    ``steering`` says what holds for the tiers that ``referee`` decides.
    """

    def __init__(self, number: int, active_ms: int, active_videos: int, steering: Steering | None = None) -> None:
        self.number = number
        own = {"active": (np.bool_, (), False), "touched": (np.int64, (), 0)}
        self.table = VideoTable(own | JUDGED_BY | DAILY)
        self.referee = Referee(steering)
        self.row_of: dict[str, int] = {}
        self.video_ids: list[str] = []
        self.videos: list[Video | None] = []
        self.offsets: dict[str, int] = {}
        self.watermark_ms = 0
        self._active_ms, self._active_videos = active_ms, active_videos
        self._clock = 0
        self._dirty: set[int] = set()
        self._unsent: set[int] = set()
        self._urgent: set[int] = set()
        self._swept_ms = 0
        self._raws: dict[int, tuple[Video | None, msgspec.Raw]] = {}

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        """Which rows are candidates, bool[n]."""
        result: npt.NDArray[np.bool_] = self.table.__dict__["active"]
        return result

    def missing(self, video_ids: Iterable[str]) -> list[str]:
        """Ids that memory holds no row for."""
        return [video_id for video_id in dict.fromkeys(video_ids) if video_id not in self.row_of]

    def load(self, video_ids: Sequence[str], values: Sequence[bytes | None]) -> None:
        """Rows for missing ids; None is a video never heard of."""
        known = [(video_id, value) for video_id, value in zip(video_ids, values, strict=True) if value is not None]
        if not known:
            return
        states = [decode_state(value) for _, value in known]
        rows = self._rows([video_id for video_id, _ in known])
        self.table.unpack(rows, np.frombuffer(b"".join(state.numbers for state in states), dtype=NUMBERS))
        load_views(self.table, rows, [state.views for state in states])
        for row, state in zip(rows.tolist(), states, strict=True):
            self.active[row] = state.active
            self._describe(row, state.video)

    def apply(self, batch: Batch, next_offset: int | None = None) -> None:
        """Fold one frame of changes; see ``apply_many``."""
        self.apply_many([batch], next_offset)

    def apply_many(self, batches: Sequence[Batch], next_offset: int | None = None) -> None:
        """Fold frames of changes, in order; every video they name must be loaded. Advances the offset of
        ``engagement``. One fold of many frames costs far less than many folds.
        """
        if next_offset is not None:
            self.offsets["engagement"] = next_offset
        kept = [part for batch in batches if (part := self._fresh(batch)) is not None]
        if not kept:
            return
        self._clock += 1
        rows = np.concatenate([part.rows for part in kept])
        paired = np.concatenate([part.pairs for part in kept])
        if len(rows):
            changed = np.concatenate([part.row for part in kept])
            self.table.apply(changed, rows)
            note_views(self.table, changed, rows)
            self.watermark_ms = max(self.watermark_ms, int(rows["ts_ms"].max()))
        if len(paired):
            owner = np.concatenate([part.owner for part in kept])
            self.table.pair(owner, np.concatenate([part.other for part in kept]), paired)
        touched = distinct(np.concatenate([part.touched for part in kept]))
        self.referee.judge(self.table, touched, self.video_ids, self.watermark_ms)
        self._touch(touched)

    def _fresh(self, batch: Batch) -> _Fresh | None:
        """What of a frame lies beyond what was applied of its source, which it is from now on."""
        source = f"from:{batch.topic}:{batch.partition}"
        done = self.offsets.get(source, -1)
        rows, pairs = batch.rows, batch.pairs
        if len(rows) and int(rows["offset"][0]) <= done:
            rows = rows[rows["offset"] > done]
        if len(pairs) and int(pairs["offset"][0]) <= done:
            pairs = pairs[pairs["offset"] > done]
        if not len(rows) and not len(pairs):
            return None
        self.offsets[source] = max(int(part["offset"][-1]) for part in (rows, pairs) if len(part))
        used = distinct(np.concatenate((rows["video"], pairs["video"])))
        place = np.zeros(len(batch.video_ids), dtype=np.int64)
        place[used] = touched = self._rows([batch.video_ids[at] for at in used.tolist()])
        names = np.array([*map(hash64, batch.video_ids), 0] if len(pairs) else [0], dtype=np.uint64)
        other = names[pairs["other"]]
        return _Fresh(rows, place[rows["video"]], pairs, place[pairs["video"]], other, touched)

    def apply_videos(self, records: Iterable[tuple[str, Video | None]], next_offset: int | None = None) -> None:
        """Take over records of videos; None removes the video: its counts stay, it is no candidate."""
        if next_offset is not None:
            self.offsets["videos"] = next_offset
        latest = dict(records)
        self._clock += 1
        rows = self._rows(list(latest))
        for row, video in zip(rows.tolist(), latest.values(), strict=True):
            self._describe(row, video)
            if video is not None:
                self.table.last_ms[row] = max(int(self.table.last_ms[row]), video.created_ms)
                self.watermark_ms = max(self.watermark_ms, video.created_ms)
        self.referee.judge(self.table, rows, self.video_ids, self.watermark_ms)
        self._touch(rows)
        self._urgent.update(self._unsent.intersection(rows.tolist()))

    def states(self, *, urgent: bool = False) -> list[tuple[str, VideoState | None]]:
        """States not handed out since they changed: None for videos that left the active set.

        ``urgent``: only of videos whose record, or place in the active set, changed; others' numbers can wait.
        """
        self._sweep()
        rows = np.array(sorted(self._urgent if urgent else self._unsent), dtype=np.int64)
        self._unsent = self._unsent - self._urgent if urgent else set()
        self._urgent = set()
        alive = rows[self.active[rows]]
        gone = rows[~self.active[rows]]
        made: list[tuple[str, VideoState | None]] = [(self.video_ids[row], None) for row in gone.tolist()]
        return made + list(zip((self.video_ids[row] for row in alive.tolist()), self._encode(alive), strict=True))

    def say_again(self) -> None:
        """Let the next ``states`` hold every active video in memory."""
        self._unsent.update(np.flatnonzero(self.active[: self.table.high]).tolist())

    def unsent(self) -> I64:
        """Rows of active videos changed since the last call, int64[n]: the in-process way past ``states``."""
        rows = np.array(sorted(self._unsent), dtype=np.int64)
        self._unsent, self._urgent = set(), set()
        return rows

    @property
    def waiting(self) -> int:
        """How many states the next ``states`` would hand out."""
        return len(self._unsent)

    def checkpoint(self) -> Saved:
        """Rows changed since the last call; from now on they count as saved."""
        rows = np.array(sorted(self._dirty), dtype=np.int64)
        self._dirty = set()
        keys = [video_key(self.video_ids[row]) for row in rows.tolist()]
        states = zip(rows.tolist(), self._encode(rows), saved_views(self.table, rows), strict=True)
        values = [self.encode(row, state, views) for row, state, views in states]
        return Saved(keys, values, [], dict(self.offsets), self.active[rows].tolist())

    def encode(self, row: int, state: VideoState, views: bytes = b"") -> bytes:
        """A state of ``row`` as it is broadcast, or with its ``views`` stored: ``decode_state`` backwards."""
        video, raw = self._raws.get(row, (None, None))
        if raw is None or video is not state.video:
            raw = msgspec.Raw(msgspec.msgpack.encode(state.video))
            self._raws[row] = state.video, raw
        packed = _Packed(format=state.format, video=raw, active=state.active, numbers=state.numbers, views=views)
        return msgspec.msgpack.encode(packed)

    @property
    def dirty(self) -> int:
        """Rows that the next checkpoint would write."""
        return len(self._dirty)

    def cool(self, hot: int) -> None:
        """Drop the longest untouched clean rows beyond ``hot`` from memory; they wait in the store."""
        over = len(self.row_of) - hot
        if over <= 0:
            return
        rows = np.fromiter(self.row_of.values(), np.int64, len(self.row_of))
        touched = self.table.__dict__["touched"]
        for row in rows[np.argpartition(touched[rows], min(over, len(rows) - 1))[:over]].tolist():
            if row not in self._dirty and row not in self._unsent and not self.active[row]:
                del self.row_of[self.video_ids[row]]
                self.video_ids[row], self.videos[row] = "", None
                self._raws.pop(row, None)
                self.table.give(np.array([row]))

    def _encode(self, rows: I64) -> list[VideoState]:
        raw, size = self.table.pack(rows).tobytes(), NUMBERS.itemsize
        return [
            VideoState(
                format=FORMAT,
                video=self.videos[row],
                active=bool(self.active[row]),
                numbers=raw[at * size : (at + 1) * size],
            )
            for at, row in enumerate(rows.tolist())
        ]

    def _rows(self, video_ids: Sequence[str]) -> I64:
        missing = [video_id for video_id in video_ids if video_id not in self.row_of]
        if missing:
            made = self.table.take(len(missing)).tolist()
            short = self.table.high - len(self.video_ids)
            self.video_ids.extend([""] * short)
            blank: list[Any] = [None] * short
            self.videos.extend(blank)
            for video_id, row in zip(missing, made, strict=True):
                self.row_of[video_id], self.video_ids[row] = row, video_id
        return np.fromiter((self.row_of[video_id] for video_id in video_ids), np.int64, len(video_ids))

    def _describe(self, row: int, video: Video | None) -> None:
        self.videos[row] = video
        columns = self.table.__dict__
        columns["creator"][row] = hash64(video.creator_id) if video is not None else 0
        columns["tag"][row] = int(tag_hashes(video)[0]) if video is not None else 0
        columns["duration_ms"][row] = video.duration_ms if video is not None else 0
        columns["created_ms"][row] = max(1, video.created_ms) if video is not None else 0

    def _touch(self, rows: I64) -> None:
        """Note a change; whoever is announced and engaged with is admitted."""
        listed = rows.tolist()
        self._dirty.update(listed)
        self.table.__dict__["touched"][rows] = self._clock
        videos = self.videos
        known = np.fromiter((videos[row] is not None for row in listed), np.bool_, len(listed))
        alive = known & (self.table.last_ms[rows] + self._active_ms >= self.watermark_ms)
        was = self.active[rows]
        self._unsent.update(rows[alive | was].tolist())
        self._urgent.update(rows[alive != was].tolist())
        self.active[rows] = alive
        self._nobody(rows[~alive])

    def _sweep(self) -> None:
        """Now and then (in event time) let go of what nobody engages with, and of the least engaged beyond the
        bound.
        """
        if self.watermark_ms - self._swept_ms < 60_000:
            return
        self._swept_ms = self.watermark_ms
        high = self.table.high
        rows = np.flatnonzero(self.active[:high])
        stale = rows[self.table.last_ms[rows] + self._active_ms < self.watermark_ms]
        over = len(rows) - len(stale) - self._active_videos
        if over > 0:
            rest = np.setdiff1d(rows, stale)
            stale = np.concatenate((stale, rest[np.argpartition(self.table.last_ms[rest], over)[:over]]))
        self.active[stale] = False
        self._nobody(stale)
        self._unsent.update(stale.tolist())
        self._urgent.update(stale.tolist())
        self._dirty.update(stale.tolist())

    def _nobody(self, rows: I64) -> None:
        """Forget who liked videos that are no candidates: nobody reads it, and who asks to be forgotten is looked for
        among active videos only.
        """
        self.table.likers[rows], self.table.liker_ms[rows], self.table.liker_w[rows] = 0, 0, 0.0
