"""The registry of topics: what each is for, how it is keyed and kept, who writes and reads it.

Topics are data: ``feedstream topics apply`` creates them from here, docs/wire.md and the tests of the examples are made
from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.codec import Cause
from schemas.events import EVENTS
from schemas.samples import BATCH, DELTA, EXPERIMENT, PROMOTION, RECEIPT, REQUEST, SEEN, TIER, TREND, VIDEO

__all__ = ["COUNTS", "FOREVER", "INPUTS", "INTERNAL", "TOMBSTONES_MS", "TOPICS", "Topic"]

COUNTS: Final = ("impressions", "watches", "watch_ms", "likes", "shares", "skips", "comments", "follows", "saves")
"""The nine counts of a video, in the order they are stored and shown."""
FOREVER: Final = -1
"""Retention of a topic that keeps everything."""


_MIB: Final = 1_048_576
_DAY_MS: Final = 86_400_000
TOMBSTONES_MS: Final = 30 * _DAY_MS
"""How long a compacted topic still says that something is gone: whoever reads it from further back may miss that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. ``partitions`` names the setting that says how many; ``retention_ms`` -1 keeps everything.

    ``good`` values decode; each of ``bad`` is (value, cause, path) of the ``BadRecord`` it must raise. A ``reserved``
    topic exists so that its name and settings are fixed, but nobody writes to it yet.
    """

    name: str
    key: str
    partitions: Literal["users", "videos", "one"]
    description: str
    producers: str
    consumers: str
    encoding: Literal["json", "msgpack", "bytes"] = "json"
    cleanup: Literal["delete", "compact"] = "delete"
    retention_ms: int = FOREVER
    max_message_bytes: int = 2 * _MIB
    reserved: bool = False
    good: tuple[dict[str, Any], ...] = ()
    bad: tuple[tuple[dict[str, Any], Cause, str], ...] = ()

    def configs(self) -> dict[str, str]:
        """The broker's settings of this topic: every one we depend on, defaults too.

        >>> TOPICS["events.like"].configs()["retention.ms"]
        '-1'
        """
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "CreateTime",
        } | ({"delete.retention.ms": str(TOMBSTONES_MS)} if self.cleanup == "compact" else {})


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


_VERBS: Final[dict[str, tuple[str, dict[str, Any], tuple[dict[str, Any], Cause, str]]]] = {
    "watch": (
        "watch time of one impression so far (cumulative, so a heartbeat may repeat or be lost)",
        {"watch_ms": 7_400, "duration_ms": 15_000, "loops": 0.5},
        ({"watch_ms": "long", "duration_ms": 15_000}, "type", "$.watch_ms"),
    ),
    "like": ("a like or its undo", {"op": "remove"}, ({"op": "undo"}, "type", "$.op")),
    "share": ("a share; each counts once by `event_id`", {"channel": "chat"}, ({"channel": 5}, "type", "$.channel")),
    "skip": ("swiped away; never for a playback error", {"watch_ms": 600}, ({}, "missing", "$.watch_ms")),
    "comment": (
        "a comment or its removal; never its text",
        {"comment_id": "c-1", "length": 24, "sentiment": 0.8, "labels": ["kind"]},
        ({"comment_id": ""}, "type", "$.comment_id"),
    ),
    "follow": (
        "follows the video's creator, or its undo",
        {"creator_id": "bob"},
        ({"creator_id": []}, "type", "$.creator_id"),
    ),
    "save": ("a bookmark or its undo", {"op": "add"}, ({"op": None}, "type", "$.op")),
    "impression": ("seen on a screen", {"visible_ms": 900}, ({"visible_ms": -1}, "type", "$.visible_ms")),
    "feedback": (
        "not interested, hide, report, mute, block, reset, or the undo of one",
        {"kind": "not_interested"},
        ({"kind": "meh"}, "type", "$.kind"),
    ),
    "action": ("a small gesture: pause, seek, search …", {"kind": "pause"}, ({}, "missing", "$.kind")),
}


def _event_topic(name: str) -> Topic:
    text, more, (wrong, cause, path) = _VERBS[name.removeprefix("events.")]
    seen = SEEN | more
    return Topic(
        name=name,
        key="user_id",
        partitions="users",
        description=text,
        producers="your apps",
        consumers="user workers",
        good=(
            seen,
            _without(seen, "impression_id"),
            seen | {"batch_id": "b-1", "position": 3, "seq": 9, "ctx": {"lang": "en", "tz_min": -300}, "unknown": [1]},
        ),
        bad=(
            (SEEN | wrong, cause, path),
            (_without(seen, "user_id"), "missing", "$.user_id"),
            (seen | {"v": 9}, "version", "$.v"),
            (seen | {"ts_ms": -5}, "type", "$.ts_ms"),
            (seen | {"ctx": {"tz_min": "+1"}}, "type", "$.ctx.tz_min"),
        ),
    )


_INPUT: Final = (
    Topic(
        name="feed.requests",
        key="user_id",
        partitions="users",
        description="asks for a batch; `purpose: preview` only looks",
        producers="your apps",
        consumers="user workers",
        retention_ms=_DAY_MS,
        good=(REQUEST, REQUEST | {"purpose": "preview", "limit": 200}),
        bad=(
            (REQUEST | {"limit": 0}, "type", "$.limit"),
            (REQUEST | {"purpose": "look"}, "type", "$.purpose"),
            (_without(REQUEST, "request_id"), "missing", "$.request_id"),
        ),
    ),
    Topic(
        name="users",
        key="user_id",
        partitions="users",
        description="what is known of a viewer from sign-up; null forgets the viewer",
        producers="your apps",
        consumers="user workers",
        cleanup="compact",
        good=(
            {"v": 1, "user_id": "ann", "lang": "en", "interests": ["cats"]},
            {"v": 1, "user_id": "ann", "settings": {"personalize": False}},
        ),
        bad=(
            ({"v": 1, "user_id": "ann", "interests": "cats"}, "type", "$.interests"),
            ({"v": 1, "user_id": "ann", "settings": {"safety_level": -1}}, "type", "$.settings.safety_level"),
        ),
    ),
    Topic(
        name="videos",
        key="video_id",
        partitions="videos",
        description="announces a video; null removes it",
        producers="your apps",
        consumers="video workers",
        cleanup="compact",
        good=(VIDEO, VIDEO | {"embeddings": {"text": [0.5, 1]}, "safety": {"level": 2}, "recommendable": False}),
        bad=(
            (VIDEO | {"duration_ms": 1.5}, "type", "$.duration_ms"),
            (VIDEO | {"visibility": "secret"}, "type", "$.visibility"),
            (_without(VIDEO, "creator_id"), "missing", "$.creator_id"),
        ),
    ),
    Topic(
        name="promotions",
        key="campaign_id",
        partitions="one",
        description="promoted videos and whom they are for; null ends a campaign",
        producers="operators",
        consumers="user workers",
        cleanup="compact",
        good=(PROMOTION, _without(PROMOTION, "campaign_id") | {"target": {"countries": ["SE"]}}),
        bad=((PROMOTION | {"impressions": -1}, "type", "$.impressions"),),
    ),
    Topic(
        name="control",
        key="key",
        partitions="one",
        description="settings, rules and experiments that change while workers run",
        producers="operators",
        consumers="every worker",
        cleanup="compact",
        good=({"v": 1, "key": "models.freeze", "value": True}, EXPERIMENT),
        bad=(({"v": 1, "key": "", "value": True}, "type", "$.key"), ({"v": 1, "key": "k"}, "missing", "$.value")),
    ),
)
_OUTPUT: Final = (
    Topic(
        name="feeds",
        key="user_id",
        partitions="users",
        description="ranked batches, best first; drop repeats by `batch_id`",
        producers="user workers",
        consumers="your services",
        retention_ms=7 * _DAY_MS,
        good=(
            BATCH,
            BATCH | {"trigger": "signal", "items": []},
            BATCH | {"arms": {"fresh": "more"}, "items": [BATCH["items"][0] | {"propensity": 0.002}]},
        ),
        bad=((_without(BATCH, "as_of"), "missing", "$.as_of"),),
    ),
    Topic(
        name="feed.delta",
        key="user_id",
        partitions="users",
        description="what was sent, is not seen yet and must not be shown any more; drop repeats by `delta_id`",
        producers="user workers",
        consumers="your services",
        retention_ms=7 * _DAY_MS,
        good=(DELTA,),
        bad=((_without(DELTA, "removed"), "missing", "$.removed"), (DELTA | {"reason": "why"}, "type", "$.reason")),
    ),
    Topic(
        name="receipts",
        key="user_id",
        partitions="users",
        description="what was deleted of a viewer who asked to be forgotten; drop repeats by `receipt_id`",
        producers="user workers",
        consumers="your services",
        retention_ms=30 * _DAY_MS,
        good=(RECEIPT,),
        bad=((_without(RECEIPT, "deleted"), "missing", "$.deleted"), (RECEIPT | {"v": 2}, "version", "$.v")),
    ),
    Topic(
        name="tiers",
        key="video_id",
        partitions="videos",
        description="every decision about a video's tier, with its evidence; drop repeats by `decision_id`",
        producers="video workers",
        consumers="your services",
        retention_ms=90 * _DAY_MS,
        good=(TIER, TIER | {"decision": "stop", "to": 0, "hit": 0.002}),
        bad=((_without(TIER, "from"), "missing", "$.from"), (TIER | {"decision": "drop"}, "type", "$.decision")),
    ),
    Topic(
        name="trends",
        key="id",
        partitions="videos",
        description="videos, tags and sounds that rise, cool or fall, and why; drop repeats by `trend_id`",
        producers="video workers",
        consumers="your services, user workers",
        retention_ms=7 * _DAY_MS,
        good=(TREND, TREND | {"kind": "tag", "id": "cats", "state": "falling", "ratio": 0.4, "cause": "exposure"}),
        bad=(
            (TREND | {"state": "up"}, "type", "$.state"),
            (TREND | {"cause": "fate"}, "type", "$.cause"),
            (_without(TREND, "trend_id"), "missing", "$.trend_id"),
        ),
    ),
    Topic(
        name="dead-letters",
        key="as found",
        partitions="one",
        description="bad records byte for byte; headers `cause, path, topic, partition, offset`",
        producers="every worker",
        consumers="operators",
        encoding="bytes",
        max_message_bytes=3 * _MIB,
    ),
)
_INTERNAL: Final = (
    Topic(
        name="engagement",
        key="none: partition = murmur2(video_id)",
        partitions="videos",
        description="changes of counts, each with the offset of the event that made it",
        producers="user workers",
        consumers="video workers",
        encoding="msgpack",
        max_message_bytes=8 * _MIB,
    ),
    Topic(
        name="video.state",
        key="video_id",
        partitions="videos",
        description="what feed workers keep of each active video",
        producers="video workers",
        consumers="user workers",
        encoding="msgpack",
        cleanup="compact",
        max_message_bytes=8 * _MIB,
    ),
    Topic(
        name="training",
        key="none",
        partitions="one",
        description="examples and labels for the learner",
        producers="user workers",
        consumers="the learner",
        encoding="msgpack",
        retention_ms=2 * _DAY_MS,
        max_message_bytes=8 * _MIB,
    ),
    Topic(
        name="models",
        key="model name",
        partitions="one",
        description="snapshots of weights, plain arrays",
        producers="the learner",
        consumers="user workers",
        encoding="msgpack",
        cleanup="compact",
        max_message_bytes=32 * _MIB,
    ),
)

TOPICS: Final[dict[str, Topic]] = {
    topic.name: topic for topic in (*map(_event_topic, EVENTS), *_INPUT, *_OUTPUT, *_INTERNAL)
}
"""Every topic by name: events first, then what else goes in, what comes out, and what only workers speak."""
INPUTS: Final = frozenset((*EVENTS, *(topic.name for topic in _INPUT)))
"""Topics that apps and operators write to."""
INTERNAL: Final = frozenset(topic.name for topic in TOPICS.values() if topic.encoding == "msgpack")
"""Topics by which workers speak to each other alone."""
