"""Operating: what operators are told, made from what this process follows, what workers say and what is stored."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from agents.campaigns import campaigns_of
from agents.gateway.figures import (
    ArmFigures,
    CampaignFigures,
    CampaignsAnswer,
    CauseFigures,
    DeadLettersAnswer,
    ExperimentFigures,
    ExperimentsAnswer,
    GateFigures,
    Group,
    HeadFigures,
    LatencyFigures,
    LetterFigures,
    ModelFigures,
    ModelsAnswer,
    NowAnswer,
    QualityAnswer,
    SegmentFigures,
    SegmentsAnswer,
    ShardFigures,
    TopicFigures,
    WorkerFigures,
    known,
)
from agents.gateway.hub import Hub
from agents.gateway.watch import Look
from agents.gateway.workers import Asked, Sample, summed
from agents.lag import totals
from agents.measures.telemetry import MetricName
from agents.resending import Letter, letters
from agents.spans import Log
from agents.tails import latest_spans
from schemas.control import when_of
from streams import limits
from streams.control.proceeds import STAGES
from streams.ranking.tilt import HEADS
from streams.viewer.crowds import segment_names

__all__ = ["Operating"]

_SHOWN: Final = 200
"""Characters of a dead letter that are shown."""


class Operating:
    """Answers for whoever runs the deployment that ``hub`` follows."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def now(self) -> NowAnswer:
        """The latest look."""
        look = self._hub.watch.latest()
        return NowAnswer(
            at_ms=look.at_ms,
            problems=[*look.problems],
            topics=_topics(look),
            shards=_shards(look),
            workers_set=self._hub.watch.workers.named,
            workers=[_worker(one) for one in look.workers],
            latency=LatencyFigures(**look.latency._asdict()) if look.latency else None,
            videos=len(self._hub.replica.catalogue.candidates()),
        )

    def quality(self) -> QualityAnswer:
        """What came of what was served, by source, tier and arm."""
        items, arms = self._said("feed_items_total"), self._said("arm_items_total")
        by = {label: _groups(items, label) for label in ("source", "tier")}
        named = [({**labels, "name": f"{labels['experiment']}: {labels['arm']}"}, value) for labels, value in arms]
        tiers = sorted(by["tier"], key=lambda group: group.name)
        return QualityAnswer(
            workers_set=self._hub.watch.workers.named, source=by["source"], tier=tiers, arm=_groups(named, "name")
        )

    def segments(self) -> SegmentsAnswer:
        """Segments as the learner last told of them."""
        catalogue = self._hub.replica.catalogue
        crowds = catalogue.crowds
        if crowds is None:
            return SegmentsAnswer(segments=[])
        told = catalogue.tag_names
        rows = zip(segment_names(catalogue), crowds.size.tolist(), crowds.tags.tolist(), strict=True)
        found = [
            SegmentFigures(name=name, share=share, tags=[told.get(tag, "?") for tag in tags if tag])
            for name, share, tags in rows
            if share > 0.0
        ]
        return SegmentsAnswer(segments=sorted(found, key=lambda one: -one.share))

    def models(self) -> ModelsAnswer:
        """Models, heads and the gate."""
        replica, hub = self._hub.replica, self._hub
        latest: dict[str, ModelFigures] = {}
        for name, one in hub.models.items():
            kind = name.partition(":")[0]
            held = latest.get(kind)
            parts = 1 if held is None else held.parts + 1
            if held is None or one.ts_ms >= held.ts_ms:
                latest[kind] = ModelFigures(model=kind, version=one.version, ts_ms=one.ts_ms, parts=parts)
            else:
                latest[kind] = msgspec.structs.replace(held, parts=parts)
        verdicts = summed(self._said("model_snapshots_total"), "model", "verdict")
        rollback = replica.control.get("models.rollback")
        return ModelsAnswer(
            in_use=replica.model.version,
            frozen=replica.control.get("models.freeze") is True,
            rollback=None if rollback is None else str(rollback),
            workers_set=hub.watch.workers.named,
            models=[latest[name] for name in sorted(latest)],
            heads=self._heads(),
            gate=[
                GateFigures(
                    model=model,
                    published=int(verdicts[model, "published"]),
                    refused=int(verdicts[model, "refused"]),
                )
                for model in sorted({model for model, _ in verdicts})
            ],
        )

    def experiments(self) -> ExperimentsAnswer:
        """Experiments, each arm with what came of what was served under it."""
        now_ms, said = int(time.time() * 1_000), self._said("arm_items_total")
        made = []
        for name, told in self._hub.replica.steering.experiments.items():
            groups = {one.name: one for one in _groups((one for one in said if one[0]["experiment"] == name), "arm")}
            total = sum(arm.weight for arm in told.arms.values())
            arms = [
                ArmFigures(
                    name=arm,
                    share=one.weight / total,
                    settings=one.settings,
                    group=groups.get(arm, Group(name=arm, **dict.fromkeys(STAGES, 0))),
                )
                for arm, one in told.arms.items()
            ]
            made.append(
                ExperimentFigures(
                    name=name, when=when_of(told, now_ms), from_ms=told.from_ms, to_ms=told.to_ms, share=told.share,
                    layer=told.layer, arms=arms,
                )
            )  # fmt: skip
        return ExperimentsAnswer(workers_set=self._hub.watch.workers.named, experiments=made)

    # --- read from servers: for a thread ------------------------------------------------------------------------------

    def campaigns(self) -> CampaignsAnswer:
        """Campaigns and what came of them; raises ``StoreUnavailable``."""
        named = self._hub.replica.steering.campaigns.named
        now_ms, sums = int(time.time() * 1_000), campaigns_of(self._hub.store, named)
        made = []
        for name, told in named.items():
            target = {} if told.target is None else msgspec.to_builtins(told.target)
            made.append(
                CampaignFigures(
                    campaign_id=name, video_id=told.video_id, when=when_of(told, now_ms), from_ms=told.from_ms,
                    to_ms=told.to_ms, planned=told.impressions, target=target, **sums[name],
                )
            )  # fmt: skip
        return CampaignsAnswer(campaigns=made)

    def dead_letters(self, limit: int) -> DeadLettersAnswer:
        """The latest dead letters by cause; raises ``Stop`` where Kafka does not answer."""
        log = Log(self._hub.settings.kafka, f"{self._hub.settings.namespace}-gateway-letters")
        spans = log.spans(log.places(["dead-letters"]))
        found = list(letters(log, latest_spans(spans, limits.LETTERS_READ)))
        found.sort(key=lambda one: (-one.stamp_ms, one.partition, -one.number))
        counts = Counter((one.cause, one.topic) for one in found)
        latest = {(one.cause, one.topic): one.stamp_ms for one in reversed(found)}
        return DeadLettersAnswer(
            there=sum(span.high - span.low for span in spans.values()),
            read=len(found),
            causes=[
                CauseFigures(cause=cause, topic=topic, count=count, latest_ms=latest[cause, topic])
                for (cause, topic), count in counts.most_common()
            ],
            recent=[_letter(one) for one in found[:limit]],
        )

    # --- inside -------------------------------------------------------------------------------------------------------

    def _heads(self) -> list[HeadFigures]:
        """How good heads are now, as the learner says; where it cannot be asked, as they were when last published."""
        metrics = dict(self._hub.models["heads"].metrics) if "heads" in self._hub.models else {}
        names: tuple[MetricName, MetricName] = ("head_log_loss", "head_auc")
        for name in names:
            metrics |= {f"{labels['head']}_{name.removeprefix('head_')}": value for labels, value in self._said(name)}
        return [
            HeadFigures(
                head=head,
                log_loss=known(metrics.get(f"{head}_log_loss")),
                auc=known(metrics.get(f"{head}_auc")),
                calibration=known(metrics.get(f"{head}_calibration")),
            )
            for head in HEADS
        ]

    def _said(self, name: MetricName) -> list[Sample]:
        """What all workers said of a metric at the latest look."""
        return [one for asked in self._hub.watch.latest().workers for one in asked.said.get(name, ())]


def _topics(look: Look) -> list[TopicFigures]:
    lag = totals(look.lags)
    held: dict[str, list[int]] = {}
    for (topic, _), span in look.spans.items():
        held.setdefault(topic, []).append(span.high - span.low)
    return [
        TopicFigures(
            topic=topic,
            partitions=len(records),
            records=sum(records),
            per_s=look.flow.get(topic),
            lag=lag.get(topic),
        )
        for topic, records in held.items()
    ]


def _shards(look: Look) -> list[ShardFigures]:
    topics: dict[str, dict[str, int]] = {}
    owners: dict[str, str] = {}
    for one in look.lags:
        owners[one.shard] = one.owner
        held = topics.setdefault(one.shard, {})
        if one.lag:
            held[one.topic] = one.lag
    return [
        ShardFigures(shard=shard, owner=owners[shard] or None, lag=sum(behind.values()), topics=behind)
        for shard, behind in topics.items()
    ]


def _worker(one: Asked) -> WorkerFigures:
    memory = one.said.get("memory_bytes", ())
    shards = one.states.get("shards", [])
    return WorkerFigures(
        address=one.address,
        error=one.error or None,
        ready=bool(one.states.get("ready")),
        why=[str(why) for why in one.states.get("why", [])],
        memory_bytes=memory[0][1] if memory else None,
        shards=len(shards),
        roles=sorted({str(shard["role"]) for shard in shards}),
    )


def _groups(found: Iterable[Sample], label: str) -> list[Group]:
    """Counts of the stages by a label, those with the most items first."""
    sums = summed(found, label, "stage")
    names = {name for name, _ in sums}
    made = [Group(name=name, **{stage: int(sums[name, stage]) for stage in STAGES}) for name in names]
    return sorted(made, key=lambda group: (-group.served, group.name))


def _letter(one: Letter) -> LetterFigures:
    return LetterFigures(
        id=one.id, cause=one.cause, path=one.path, topic=one.topic, partition=one.at, offset=one.offset,
        stamp_ms=one.stamp_ms, key=None if one.key is None else _text(one.key), size=len(one.value or b""),
        text=_text(one.value or b""),
    )  # fmt: skip


def _text(raw: bytes) -> str:
    return raw[:_SHOWN].decode("utf-8", "backslashreplace")
