"""What only our own processes say to each other: MessagePack, columns as little-endian bytes.

Frames are micro-batches: one record carries thousands of changes as columns, so that neither side loops over events.
"""

from __future__ import annotations

import msgspec

from schemas.catalogue import Video

__all__ = ["EngagementFrame", "ModelSnapshot", "TrainingFrame", "VideoState"]


class EngagementFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Value of ``engagement``: changes of videos, in order of the source offsets that made them.

    Rows: ``offset`` i64[n], ``video`` i32[n] (index into ``video_ids``), ``ts_ms`` i64[n], ``kind`` u8[n] (index into
    COUNTS, or 255: soft signals only), ``n`` i8[n] (count delta), ``watch_ms`` i64[n] (delta), ``signal`` i8[n, S].
    Pairs liked together: ``pair_offset`` i64[m], ``pair_video`` and ``pair_other`` i32[m], ``pair_weight`` f32[m],
    ``pair_ts_ms`` i64[m].
    """

    topic: str
    partition: int
    video_ids: list[str]
    offset: bytes
    video: bytes
    ts_ms: bytes
    kind: bytes
    n: bytes
    watch_ms: bytes
    signal: bytes
    pair_offset: bytes = b""
    pair_video: bytes = b""
    pair_other: bytes = b""
    pair_weight: bytes = b""
    pair_ts_ms: bytes = b""


class VideoState(msgspec.Struct, frozen=True, kw_only=True):
    """Value of ``video.state`` (key ``video_id``): what every feed worker keeps of an active video.

    ``counts`` in the order of COUNTS; ``sums`` f64[S*H] as of ``sums_ms``; ``neighbours`` with ``weights`` f32 as of
    ``weights_ms``. ``active`` false: no candidate until somebody engages with it again.
    """

    video: Video | None
    ts_ms: int
    active: bool
    counts: list[int]
    sums: bytes
    sums_ms: int
    neighbours: list[str]
    weights: bytes
    weights_ms: int


class TrainingFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Value of ``training``: examples and labels of one user shard.

    ``opened_*``: features as served, u64[n] pair, i64[n] ms, f16[n, F], f32[n] weight. ``label_*``: what became of a
    pair, u64[m], i64[m], u8[m]. ``group_*``: a positive and its sampled negatives, f16[g, 1+K, F], f32[g].
    ``emb_*``: u64[g, R] latest positives, u64[g] positive, u64[g, K2] negatives.
    """

    shard: int
    ts_ms: int
    features: int
    opened_pair: bytes = b""
    opened_ms: bytes = b""
    opened_x: bytes = b""
    opened_w: bytes = b""
    label_pair: bytes = b""
    label_ms: bytes = b""
    label_bits: bytes = b""
    group_size: int = 0
    group_x: bytes = b""
    group_w: bytes = b""
    emb_recent: bytes = b""
    emb_positive: bytes = b""
    emb_negatives: bytes = b""


class ModelSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Value of ``models`` (key model name): weights as plain arrays, nothing executable."""

    model: str
    version: int
    ts_ms: int
    arrays: dict[str, bytes]
    shapes: dict[str, list[int]]
    dtypes: dict[str, str]
    metrics: dict[str, float]
    feature_names: list[str]
