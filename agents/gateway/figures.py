"""The figures: what operators' calls give back, as structs, from which the OpenAPI document is made too."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from schemas.control import When

__all__ = [
    "ArmFigures",
    "CampaignFigures",
    "CampaignsAnswer",
    "CauseFigures",
    "Compared",
    "DeadLettersAnswer",
    "Difference",
    "ExperimentFigures",
    "ExperimentsAnswer",
    "GateFigures",
    "Group",
    "HeadFigures",
    "HistoryAnswer",
    "LatencyFigures",
    "LetterFigures",
    "ModelFigures",
    "ModelsAnswer",
    "NowAnswer",
    "QualityAnswer",
    "ReadoutAnswer",
    "SegmentFigures",
    "SegmentsAnswer",
    "ShardFigures",
    "TopicFigures",
    "WorkerFigures",
    "known",
]


def known(value: float | None) -> float | None:
    """A figure that is a number; what is not known yet is null, since JSON has no nan."""
    return float(value) if value is not None and math.isfinite(value) else None


class TopicFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A topic: records that it holds, how many come a second, and how many wait to be folded (null: by no shard)."""

    topic: str
    partitions: int
    records: int
    per_s: float | None
    lag: int | None


class ShardFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A shard: who was the latest to open it, what it has yet to fold, and of which topics."""

    shard: str
    owner: str | None
    lag: int
    topics: dict[str, int]


class WorkerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A worker at an address; ``error`` says why it does not answer, ``why`` why it is not ready."""

    address: str
    error: str | None
    ready: bool
    why: list[str]
    memory_bytes: float | None
    shards: int
    roles: list[str]


class LatencyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """From an action to the feed that follows, over ``feeds`` of the last minute."""

    p50_s: float
    p99_s: float
    feeds: int


class NowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The latest look. ``problems`` are sentences; ``workers_set``: whether FEEDSTREAM_WORKERS names any."""

    at_ms: int
    problems: list[str]
    topics: list[TopicFigures]
    shards: list[ShardFigures]
    workers_set: bool
    workers: list[WorkerFigures]
    latency: LatencyFigures | None
    videos: int


class HistoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Curves over about an hour: ``series`` by name, null in gaps, at the times ``at_ms``."""

    at_ms: list[int]
    series: dict[str, list[float | None]]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Items served of a group, and how many of them came to each stage, since workers started."""

    name: str
    served: int
    seen: int
    long_view: int
    positive: int
    skip: int
    negative: int


class QualityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of what was served; an arm's name is ``experiment: arm``."""

    workers_set: bool
    source: list[Group]
    tier: list[Group]
    arm: list[Group]


class SegmentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A segment by interest: its name, its share of viewers, and the tags that tell it from others, the most telling
    first.
    """

    name: str
    share: float
    tags: list[str]


class SegmentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Segments, the largest first."""

    segments: list[SegmentFigures]


class CauseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters of one cause from one topic."""

    cause: str
    topic: str
    count: int
    latest_ms: int


class LetterFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter: ``id`` is its name for ``feedstream dlq``; ``text`` is the beginning of its value."""

    id: str
    cause: str
    path: str
    topic: str
    partition: int
    offset: int
    stamp_ms: int
    key: str | None
    size: int
    text: str


class DeadLettersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters: how many there are, how many of the latest were ``read``, their causes, and the latest of them."""

    there: int
    read: int
    causes: list[CauseFigures]
    recent: list[LetterFigures]


class ModelFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A model: its latest version, when it was published, and in how many parts."""

    model: str
    version: int
    ts_ms: int
    parts: int


class HeadFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A head, predicted before learnt; null where nothing is known yet."""

    head: str
    log_loss: float | None
    auc: float | None
    calibration: float | None


class GateFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Snapshots of a model that passed the gate and that did not, since workers started."""

    model: str
    published: int
    refused: int


class ModelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Models: what is in use, what holds them, and how good they are."""

    in_use: str
    frozen: bool
    rollback: str | None
    workers_set: bool
    models: list[ModelFigures]
    heads: list[HeadFigures]
    gate: list[GateFigures]


class ArmFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An arm: its share of those who take part, what it sets, and what came of what was served under it."""

    name: str
    share: float
    settings: dict[str, Any]
    group: Group


class ExperimentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment; ``share`` of all viewers take part."""

    name: str
    when: When
    from_ms: int
    to_ms: int
    share: float
    layer: str
    arms: list[ArmFigures]


class ExperimentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Experiments by name."""

    workers_set: bool
    experiments: list[ExperimentFigures]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """An arm's mean less that of the base; null where there are too few viewers to tell."""

    metric: str
    base: float | None
    mean: float | None
    value: float | None
    low: float | None
    high: float | None
    found: bool


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """An arm against the base."""

    arm: str
    viewers: int
    differences: list[Difference]


class ReadoutAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment read from the latest ``records`` of the log; ``whole``: there are no earlier ones.

    Viewers count ``window_h`` hours after their first batch, once these are over; the others are ``waiting``. Intervals
    hold together, at every look.
    """

    experiment: str
    window_h: float
    records: int
    whole: bool
    base: str
    viewers: dict[str, int]
    waiting: int
    switched: int
    arms: list[Compared]


class CampaignFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign: what is paid for, and what came of it."""

    campaign_id: str
    video_id: str
    when: When
    from_ms: int
    to_ms: int
    planned: int
    served: int
    impressions: int
    views: int
    clicks: int
    target: dict[str, list[str]]


class CampaignsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Campaigns by id."""

    campaigns: list[CampaignFigures]
