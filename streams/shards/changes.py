"""Changes: what a batch of events does to videos, on its way from a user shard to the video shards.

The exact second hop: every change carries the source offset of the event that made it and stays in offset order, so the
receiver can tell a repeated or differently cut frame by the highest offset it has applied per source. All changes of
one event go into one frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.formats import check_format
from schemas.internal import EngagementFrame
from schemas.partitioner import partition
from streams.arrays.tables import distinct

__all__ = ["FORMAT", "PAIR", "ROW", "SIGNALS", "SOFT", "SOFT_DOUBTED", "Batch", "Changes", "decode_frame", "frames"]

SIGNALS: Final = ("met", "long_view", "positive", "negative")
"""Soft signals of a video: first met by a viewer, long view, a strong positive standing, a negative standing."""
SOFT: Final = 255
"""``kind`` of a row that carries soft signals and no count."""
SOFT_DOUBTED: Final = 254
"""The same of a doubted outcome, summed apart."""
FORMAT: Final = 1
"""Of frames: another layout of ``ROW`` or ``PAIR`` takes another number."""
ROW: Final = np.dtype(
    [("offset", "<i8"), ("video", "<i4"), ("ts_ms", "<i8"), ("kind", "u1"), ("n", "i1"), ("watch_ms", "<i8")]
    + [("signal", "i1", len(SIGNALS))]
)
# ``other`` -1: a positive of the video itself, by ``viewer`` (the low bits of the viewer's hash) who has ``positives``.
PAIR: Final = np.dtype(
    [("offset", "<i8"), ("video", "<i4"), ("other", "<i4"), ("weight", "<f4"), ("ts_ms", "<i8")]
    + [("viewer", "<u4"), ("positives", "<i4")]
)

Packed = npt.NDArray[np.void]


class Batch(NamedTuple):
    """Changes of one source: ``rows`` of ROW and ``pairs`` of PAIR, each in order of offset."""

    topic: str
    partition: int
    video_ids: list[str]
    rows: Packed
    pairs: Packed


class Changes:
    """Changes of one user shard since its last checkpoint, by source."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._rows: dict[str, list[Packed]] = {}
        self._pairs: dict[str, list[Packed]] = {}

    def __bool__(self) -> bool:
        return bool(self._rows or self._pairs)

    def index(self, video_ids: Sequence[str]) -> list[int]:
        """Position of each id in the list of ids that the frames will share."""
        index = self._index
        return [index.setdefault(video, len(index)) for video in video_ids]

    def add(self, topic: str, rows: Packed, pairs: Packed | None = None) -> None:
        """Add changes of one source; later calls have later offsets."""
        if len(rows):
            self._rows.setdefault(topic, []).append(rows)
        if pairs is not None and len(pairs):
            self._pairs.setdefault(topic, []).append(pairs)

    def drain(self, shard: int) -> list[Batch]:
        """Everything added so far, one batch a source; the changes are empty afterwards."""
        ids = list(self._index)
        batches = []
        for topic in sorted(self._rows.keys() | self._pairs.keys()):
            rows = _joined(self._rows.get(topic, []), ROW)
            pairs = _joined(self._pairs.get(topic, []), PAIR)
            batches.append(Batch(topic, shard, ids, rows, pairs))
        self._index, self._rows, self._pairs = {}, {}, {}
        return batches

    def drain_together(self, name: str, number: int) -> Batch:
        """Everything added so far as one batch of the one source ``name``, at offset ``number``: for who needs no exact
        hop, since nothing can be sent twice.
        """
        parts = self.drain(0)
        rows = np.concatenate([np.empty(0, ROW), *(part.rows for part in parts)])
        pairs = np.concatenate([np.empty(0, PAIR), *(part.pairs for part in parts)])
        rows["offset"] = pairs["offset"] = number
        return Batch(name, 0, parts[0].video_ids if parts else [], rows, pairs)


def _joined(parts: list[Packed], dtype: np.dtype[np.void]) -> Packed:
    if not parts:
        return np.empty(0, dtype=dtype)
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return whole[np.argsort(whole["offset"], kind="stable")]


def frames(batches: Iterable[Batch], partitions: int) -> list[tuple[int, bytes]]:
    """(video partition, encoded frame) of every batch, in order."""
    encoded = []
    for batch in batches:
        home = np.fromiter((_home(video, partitions) for video in batch.video_ids), np.int32, len(batch.video_ids))
        row_home, pair_home = home[batch.rows["video"]], home[batch.pairs["video"]]
        for target in np.union1d(row_home, pair_home).tolist():
            part = _cut(batch, batch.rows[row_home == target], batch.pairs[pair_home == target])
            encoded.append((target, part))
    return encoded


@lru_cache(maxsize=200_000)
def _home(video_id: str, partitions: int) -> int:
    """Partition of a video; murmur2 in Python takes 4 µs, and the same videos come again and again."""
    return partition(video_id.encode(), partitions)


def _cut(batch: Batch, rows: Packed, pairs: Packed) -> bytes:
    used = distinct(np.concatenate((rows["video"], pairs["video"], pairs["other"])))
    used = used[used >= 0]
    short = np.full(len(batch.video_ids), -1, dtype=np.int32)
    short[used] = np.arange(len(used))
    rows, pairs = rows.copy(), pairs.copy()
    rows["video"] = short[rows["video"]]
    pairs["video"] = short[pairs["video"]]
    pairs["other"] = np.where(pairs["other"] < 0, -1, short[pairs["other"]])
    ids = batch.video_ids
    return msgspec.msgpack.encode(
        EngagementFrame(
            topic=batch.topic,
            partition=batch.partition,
            video_ids=[ids[at] for at in used.tolist()],
            rows=rows.tobytes(),
            pairs=pairs.tobytes(),
            format=FORMAT,
        )
    )


_DECODER = msgspec.msgpack.Decoder(EngagementFrame)


def decode_frame(value: bytes) -> Batch:
    """A batch from an encoded frame; raises ``msgspec.MsgspecError`` or ``ValueError`` where it is none."""
    frame = _DECODER.decode(value)
    check_format("a frame of changes", frame.format, FORMAT)
    rows, pairs = np.frombuffer(frame.rows, dtype=ROW), np.frombuffer(frame.pairs, dtype=PAIR)
    count = len(frame.video_ids)
    for column, least in ((rows["video"], 0), (pairs["video"], 0), (pairs["other"], -1)):
        if len(column) and not (least <= int(column.min()) <= int(column.max()) < count):
            raise ValueError("a frame names a video it does not carry")
    return Batch(frame.topic, frame.partition, frame.video_ids, rows, pairs)
