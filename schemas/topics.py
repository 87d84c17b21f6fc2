"""The registry of topics: what each is for, how it is keyed and kept, who writes and reads it.

Topics are data: `feedstream topics` creates them from here, docs/wire.md and the examples tests are generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from schemas.codec import Cause
from schemas.events import EVENTS

__all__ = ["COUNTS", "TOPICS", "Topic"]

COUNTS: Final = ("impressions", "watches", "watch_ms", "likes", "shares", "skips", "comments", "follows", "saves")
"""The nine counts of a video, in the order they are stored and shown."""

FOREVER: Final = -1
_MIB: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. ``partitions`` names the setting that says how many; ``retention_ms`` -1 keeps everything."""

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
    good: tuple[dict[str, Any], ...] = ()
    bad: tuple[tuple[dict[str, Any], Cause, str], ...] = field(default=())

    def configs(self) -> dict[str, str]:
        """The broker's settings of this topic, every one we depend on."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "retention.bytes": "-1",
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "CreateTime",
        }


_SEEN: Final = {
    "v": 1,
    "event_id": "e-1",
    "user_id": "ann",
    "session_id": "s-1",
    "video_id": "cat-7",
    "ts_ms": 1_700_000_000_000,
    "impression_id": "i-1",
}


def _without(record: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


_VERBS: Final[dict[str, tuple[str, dict[str, Any], tuple[dict[str, Any], Cause, str]]]] = {
    "watch": (
        "watch time of one impression so far (cumulative)",
        {"watch_ms": 7_400, "duration_ms": 15_000, "loops": 0.5},
        ({"watch_ms": "long", "duration_ms": 15_000}, "type", "$.watch_ms"),
    ),
    "like": ("a like or its undo", {"op": "remove"}, ({"op": "undo"}, "type", "$.op")),
    "share": ("a share; each counts once by event_id", {"channel": "chat"}, ({"channel": 5}, "type", "$.channel")),
    "skip": ("swiped away; never for a playback error", {"watch_ms": 600}, ({}, "missing", "$.watch_ms")),
    "comment": (
        "a comment or its removal; never its text",
        {"comment_id": "c-1", "length": 24, "sentiment": 0.8},
        ({"comment_id": ""}, "type", "$.comment_id"),
    ),
    "follow": ("follows the creator, or its undo", {"creator_id": "bob"}, ({"creator_id": []}, "type", "$.creator_id")),
    "save": ("a bookmark or its undo", {"op": "add"}, ({"op": None}, "type", "$.op")),
    "impression": ("seen on a screen", {"visible_ms": 900}, ({"visible_ms": -1}, "type", "$.visible_ms")),
    "feedback": (
        "not interested, hide, report, mute, block, reset, or the undo of one",
        {"kind": "not_interested"},
        ({"kind": "meh"}, "type", "$.kind"),
    ),
    "action": ("a small gesture: pause, seek, search …", {"kind": "pause"}, ({}, "missing", "$.kind")),
}


def _event_topics() -> list[Topic]:
    topics = []
    for name in EVENTS:
        text, more, (wrong, cause, path) = _VERBS[name.removeprefix("events.")]
        late = _SEEN | more | {"ts_ms": -5}
        topics.append(
            Topic(
                name,
                "user_id",
                "users",
                text,
                "your apps",
                "user workers",
                good=(_SEEN | more, _without(_SEEN, "impression_id") | more),
                bad=(
                    (_SEEN | wrong, cause, path),
                    (_without(_SEEN, "user_id") | more, "missing", "$.user_id"),
                    (_SEEN | more | {"v": 9}, "version", "$.v"),
                    (late, "type", "$.ts_ms"),
                ),
            )
        )
    return topics


_VIDEO: Final = {
    "v": 1,
    "video_id": "cat-7",
    "creator_id": "bob",
    "created_ms": 1_700_000_000_000,
    "duration_ms": 15_000,
    "tags": ["cats"],
}
_REQUEST: Final = {"v": 1, "request_id": "r-1", "user_id": "ann", "ts_ms": 1_700_000_000_000, "limit": 20}

TOPICS: Final[dict[str, Topic]] = {
    topic.name: topic
    for topic in (
        *_event_topics(),
        Topic(
            "feed.requests",
            "user_id",
            "users",
            "asks for a batch",
            "your apps",
            "user workers",
            retention_ms=86_400_000,
            good=(_REQUEST, _REQUEST | {"purpose": "preview"}),
            bad=((_REQUEST | {"limit": 0}, "type", "$.limit"), (_without(_REQUEST, "request_id"), "missing", "$.request_id")),
        ),
        Topic(
            "users",
            "user_id",
            "users",
            "what is known of a viewer from sign-up; null forgets the viewer",
            "your apps",
            "user workers",
            cleanup="compact",
            good=({"v": 1, "user_id": "ann", "lang": "en", "interests": ["cats"]},),
            bad=(({"v": 1, "user_id": "ann", "interests": "cats"}, "type", "$.interests"),),
        ),
        Topic(
            "videos",
            "video_id",
            "videos",
            "announces a video; null removes it",
            "your apps",
            "video workers",
            cleanup="compact",
            good=(_VIDEO,),
            bad=((_VIDEO | {"duration_ms": 1.5}, "type", "$.duration_ms"), (_without(_VIDEO, "creator_id"), "missing", "$.creator_id")),
        ),
        Topic(
            "feeds",
            "user_id",
            "users",
            "ranked batches; drop repeats by batch_id",
            "user workers",
            "your services",
            retention_ms=7 * 86_400_000,
        ),
        Topic(
            "promotions",
            "campaign_id",
            "one",
            "promoted videos (reserved: read by a later version)",
            "operators",
            "user workers",
            cleanup="compact",
            good=({"v": 1, "video_id": "cat-7", "impressions": 1_000, "from_ms": 0, "to_ms": 1},),
            bad=(({"v": 1, "video_id": "cat-7", "impressions": -1, "from_ms": 0, "to_ms": 1}, "type", "$.impressions"),),
        ),
        Topic(
            "control",
            "key",
            "one",
            "settings that change while workers run, e.g. models.freeze",
            "operators",
            "every worker",
            cleanup="compact",
            good=({"v": 1, "key": "models.freeze", "value": True},),
            bad=(({"v": 1, "key": "", "value": True}, "type", "$.key"),),
        ),
        Topic(
            "engagement",
            "explicit partition: murmur2(video_id)",
            "videos",
            "changes of counts, each with the offset of the event that made it",
            "user workers",
            "video workers",
            encoding="msgpack",
            max_message_bytes=8 * _MIB,
        ),
        Topic(
            "video.state",
            "video_id",
            "videos",
            "what feed workers keep of each active video",
            "video workers",
            "user workers",
            encoding="msgpack",
            cleanup="compact",
        ),
        Topic(
            "training",
            "explicit partition: the user shard's",
            "users",
            "examples and labels for the learner",
            "user workers",
            "the learner",
            encoding="msgpack",
            retention_ms=2 * 86_400_000,
            max_message_bytes=8 * _MIB,
        ),
        Topic(
            "models",
            "model name",
            "one",
            "snapshots of weights",
            "the learner",
            "user workers",
            encoding="msgpack",
            cleanup="compact",
            max_message_bytes=32 * _MIB,
        ),
        Topic(
            "dead-letters",
            "as found",
            "one",
            "bad records byte for byte; headers cause, path, topic, partition, offset",
            "workers",
            "operators",
            encoding="bytes",
            max_message_bytes=3 * _MIB,
        ),
    )
}
"""Every topic by name."""
