"""What only our own processes say to each other: MessagePack, columns as little-endian bytes.

Frames are micro-batches: one record carries thousands of changes as columns, so that neither side loops over events.
"""

from __future__ import annotations

import msgspec

from schemas.catalogue import Video

__all__ = ["EngagementFrame", "ModelSnapshot", "TrainingFrame", "VideoState"]


class EngagementFrame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``engagement``: changes of videos, in order of the source offsets that made them.

    ``rows`` and ``pairs`` are packed records (``streams.shards.changes.ROW`` and ``PAIR``) whose videos are indices
    into ``video_ids``. ``format`` is theirs.
    """

    topic: str
    partition: int
    video_ids: list[str]
    rows: bytes
    pairs: bytes = b""
    format: int = 1


class VideoState(msgspec.Struct, frozen=True, kw_only=True):
    """Value of ``video.state`` (key ``video_id``), and of a video's row in the store.

    ``numbers`` is one packed record (``streams.video.videos.NUMBERS``): counts, decayed sums, neighbours. ``active``
    false: no candidate until somebody engages with it again. ``views`` is in the store only: views by the day
    (``streams.video.daily``).
    """

    format: int
    video: Video | None
    active: bool
    numbers: bytes
    views: bytes = b""


class TrainingFrame(msgspec.Struct, frozen=True, kw_only=True):
    """Value of ``training``: examples and labels of one user shard.

    ``opened_*``: features as served, u64[n] pair, i64[n] ms, f16[n, F], f32[n] weight. ``label_*``: what became of a
    pair, u64[m], i64[m], u16[m], and how long it was watched of how long a video, i64[m] each (-1: not at all; may be
    absent). ``group_*``: a positive and its sampled negatives, f16[g, 1+K, F], f32[g],
    the log of how many videos each of them stands for, f16[g, 1+K], and when it was, i64[g].
    ``group_taste`` f16[g, D]: the taste of the viewer of each group, as it was; ``group_share`` f32[g] what that weighs
    so that viewers weigh alike; ``group_who`` u16[g] tells viewers of about the same time apart, and nobody from all
    others (0 may be anybody); ``group_tags`` u64[g, T] tags liked best; ``group_crowds`` u64[g, C] language, country.
    ``term_*``: positives after a request in words: u64[t] term, u64[t, VIDEO_TAGS] tags, f32[t] worth, i64[t] ms.
    ``emb_*``: u64[g, R] latest positives, u64[g] positive, u64[g, K2] negatives. ``gone_pair`` u64[k]: pairs of viewers
    who asked to be forgotten.
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
    label_watch_ms: bytes = b""
    label_duration_ms: bytes = b""
    group_size: int = 0
    group_x: bytes = b""
    group_w: bytes = b""
    group_o: bytes = b""
    group_ms: bytes = b""
    group_taste: bytes = b""
    group_share: bytes = b""
    group_who: bytes = b""
    group_tags: bytes = b""
    group_crowds: bytes = b""
    emb_recent: bytes = b""
    emb_positive: bytes = b""
    emb_negatives: bytes = b""
    term_name: bytes = b""
    term_tags: bytes = b""
    term_w: bytes = b""
    term_ms: bytes = b""
    gone_pair: bytes = b""


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
