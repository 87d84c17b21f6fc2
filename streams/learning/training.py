"""Training rows: what a user shard tells the learner, collected between two frames.

Features are as they were when served, or, for a pair met without having been served, as they were before the batch that
met it. Labels are the outcome's bits whenever they change; the learner joins both by the pair's hash.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.internal import TrainingFrame
from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import F32, I64
from streams.ranking.features import FEATURES
from streams.shards.columns import ABSENT

__all__ = ["LAYOUT", "Rows", "Seen", "Training", "decode_training", "encode_training"]

F16 = npt.NDArray[np.float16]
LAYOUT = hash64("\n".join(FEATURES)) >> 1
"""Names the features a frame was made with; a learner refuses others."""


_ROOM = {"opened": limits.OPENED, "groups": limits.GROUPS, "terms": limits.TAUGHT}


class Rows(msgspec.Struct, frozen=True):
    """One frame as arrays: see ``TrainingFrame`` for shapes. ``group_size`` is 1 + negatives."""

    opened_pair: U64
    opened_ms: I64
    opened_x: F16
    opened_w: F32
    label_pair: U64
    label_ms: I64
    label_bits: npt.NDArray[np.uint16]
    label_watch_ms: I64
    label_duration_ms: I64
    group_x: F16
    group_w: F32
    group_o: F16
    group_ms: I64
    group_taste: F16
    group_share: F32
    group_who: npt.NDArray[np.uint16]
    group_tags: U64
    group_crowds: U64
    emb_recent: U64
    emb_positive: U64
    emb_negatives: U64
    term_name: U64
    term_tags: U64
    term_w: F32
    term_ms: I64
    gone_pair: U64


class Seen(NamedTuple):
    """A pair's features float16[F] as they were at a ``moment``, the same number for all of one batch."""

    moment: int
    x: F16


class Training:
    """Rows since the last frame; ``drain`` empties it."""

    def __init__(self, negatives: int) -> None:
        self.negatives = negatives
        self.room = dict(_ROOM)
        """How many more opened pairs, groups and positives after requests this frame may hold."""
        self._parts: dict[str, list[npt.NDArray[np.generic]]] = {}
        self._met: dict[int, Seen] = {}
        self._moments = 0
        self.count = 0

    def remember(self, names: U64, x: F16) -> None:
        """Keep features of pairs (hashes) as they were at one moment, when served or met; the oldest beyond the bound
        are forgotten.
        """
        self._moments += 1
        self._met.update((name, Seen(self._moments, row)) for name, row in zip(names.tolist(), x, strict=True))
        for name in list(islice(self._met, max(0, len(self._met) - limits.OPEN_FEATURES))):
            del self._met[name]

    def recall(self, name: int) -> Seen | None:
        """A pair as it was when served or met, if that is still kept."""
        return self._met.get(name)

    def forget(self, names: U64) -> None:
        """Let go of pairs (hashes) whose viewer asks to be forgotten, and let the learner do the same."""
        for name in names.tolist():
            self._met.pop(name, None)
        self.add(gone_pair=names)

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, **arrays: npt.NDArray[np.generic]) -> None:
        """Add arrays by the field names of ``Rows``."""
        for name, array in arrays.items():
            if len(array):
                self._parts.setdefault(name, []).append(array)
        self.count += len(next(iter(arrays.values())))

    def drain(self) -> Rows:
        """Everything added so far."""
        wide = len(FEATURES)
        shapes = {
            "opened_x": (0, wide),
            "group_x": (0, 1 + self.negatives, wide),
            "group_o": (0, 1 + self.negatives),
            "group_taste": (0, limits.DIM),
            "group_tags": (0, 0),
            "group_crowds": (0, 0),
            "emb_recent": (0, 0),
            "emb_negatives": (0, self.negatives),
            "term_tags": (0, limits.VIDEO_TAGS),
        }
        made = {
            name: np.concatenate(self._parts[name]) if name in self._parts else np.empty(shapes.get(name, (0,)), kind)
            for name, kind in _DTYPES.items()
        }
        self._parts, self.count = {}, 0
        self.room = dict(_ROOM)
        return Rows(**made)


_DTYPES: dict[str, type[np.generic]] = {
    "opened_pair": np.uint64,
    "opened_ms": np.int64,
    "opened_x": np.float16,
    "opened_w": np.float32,
    "label_pair": np.uint64,
    "label_ms": np.int64,
    "label_bits": np.uint16,
    "label_watch_ms": np.int64,
    "label_duration_ms": np.int64,
    "group_x": np.float16,
    "group_w": np.float32,
    "group_o": np.float16,
    "group_ms": np.int64,
    "group_taste": np.float16,
    "group_share": np.float32,
    "group_who": np.uint16,
    "group_tags": np.uint64,
    "group_crowds": np.uint64,
    "emb_recent": np.uint64,
    "emb_positive": np.uint64,
    "emb_negatives": np.uint64,
    "term_name": np.uint64,
    "term_tags": np.uint64,
    "term_w": np.float32,
    "term_ms": np.int64,
    "gone_pair": np.uint64,
}


def encode_training(shard: int, ts_ms: int, rows: Rows) -> bytes:
    """The frame of ``rows``."""
    columns = {name: getattr(rows, name).tobytes() for name in _DTYPES}
    size = rows.group_x.shape[1] if rows.group_x.ndim == 3 else 0
    frame = TrainingFrame(shard=shard, ts_ms=ts_ms, features=LAYOUT, group_size=size, **columns)
    return msgspec.msgpack.encode(frame)


_DECODER = msgspec.msgpack.Decoder(TrainingFrame)


def decode_training(value: bytes) -> Rows | None:
    """Rows of an encoded frame; None where it was made with other features. Raises ``ValueError`` where it is none."""
    frame = _DECODER.decode(value)
    if frame.features != LAYOUT:
        return None
    wide, groups = len(FEATURES), len(frame.group_w) // 4
    shapes = {
        "opened_x": (-1, wide),
        "group_x": (groups, max(frame.group_size, 1), wide),
        "group_o": (groups, max(frame.group_size, 1)),
        "group_taste": (-1, limits.DIM),
        "group_tags": (groups, -1) if groups else (0, 0),
        "group_crowds": (groups, -1) if groups else (0, 0),
        "emb_recent": (groups, -1) if groups else (0, 0),
        "emb_negatives": (groups, -1) if groups else (0, 0),
        "term_tags": (-1, limits.VIDEO_TAGS),
    }
    arrays = {}
    for name, kind in _DTYPES.items():
        flat = np.frombuffer(getattr(frame, name), dtype=kind)
        arrays[name] = flat.reshape(shapes[name]) if name in shapes else flat
    for name in ("label_watch_ms", "label_duration_ms"):
        if not len(arrays[name]):
            arrays[name] = np.full(len(arrays["label_pair"]), ABSENT)
    if len(arrays["group_who"]) != groups:
        arrays["group_who"] = np.zeros(groups, dtype=np.uint16)
    return Rows(**arrays)
