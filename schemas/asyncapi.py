"""AsyncAPI: the wire as one document (AsyncAPI 3.0) that tools of other languages read.

Made from the registry, the structs and their examples. Operations are feedstream's own: it receives what apps send and
sends what services receive. Addresses of brokers are whoever runs it's to know, and are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from schemas.codec import KEY_FIELD, MAX_VALUE_BYTES, RECORDS
from schemas.events import EVENTS
from schemas.internal import EngagementFrame, ModelSnapshot, TrainingFrame, VideoState
from schemas.meanings import meaning
from schemas.topics import INPUTS, TOPICS, Topic

__all__ = ["asyncapi"]

_VALUES: Final[dict[str, type[msgspec.Struct]]] = {
    **RECORDS,
    "engagement": EngagementFrame,
    "video.state": VideoState,
    "training": TrainingFrame,
    "models": ModelSnapshot,
}
"""Topic to the struct of its values, for every topic but the one that carries bytes as they were found."""
_CONTENT: Final = {
    "json": "application/json",
    "msgpack": "application/msgpack",
    "bytes": "application/octet-stream",
}
_BINDING: Final = "0.5.0"
_DEAD_HEADERS: Final = ("cause", "path", "topic", "partition", "offset")
_ABOUT: Final = (
    "A streaming For You feed engine: events in, ranked batches out. Records are keyed; keys are partitioned with "
    "murmur2 (librdkafka: partitioner=murmur2_random). Unknown fields are ignored. Times are UTC milliseconds. A value "
    f"is {MAX_VALUE_BYTES:,} bytes at most. What cannot be read goes to dead-letters byte for byte."
)


def asyncapi() -> dict[str, Any]:
    """The document; made anew, so it may be changed.

    >>> asyncapi()["operations"]["receive.events.like"]["action"]
    'receive'
    """
    refs, components = msgspec.json.schema_components(_VALUES.values(), ref_template="#/components/schemas/{name}")
    payloads = dict(zip(_VALUES, refs, strict=True))
    _tell(components)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "feedstream",
            "version": "1.0.0",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _CONTENT["json"],
        "channels": {name: _channel(topic) for name, topic in TOPICS.items()},
        "operations": {name: one for topic in TOPICS.values() for name, one in _operations(topic).items()},
        "components": {
            "messages": {name: one for topic in TOPICS.values() for name, one in _messages(topic, payloads).items()},
            "schemas": components,
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    """Where records are: the topic, its messages, and the broker's settings that it depends on."""
    names = [topic.name, *([_removal(topic)] if _has_removal(topic) else [])]
    settings = topic.configs()
    configuration: dict[str, Any] = {
        "cleanup.policy": [settings["cleanup.policy"]],
        **{name: int(settings[name]) for name in ("retention.ms", "retention.bytes", "max.message.bytes")},
    }
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {"topic": topic.name, "topicConfiguration": configuration, "bindingVersion": _BINDING},
        },
        "x-partitions": topic.partitions,
        "x-producers": topic.producers,
        "x-consumers": topic.consumers,
    }


def _operations(topic: Topic) -> dict[str, Any]:
    """What feedstream does with a topic: one of its programs reads it, writes it, or both."""
    ours = ("worker", "learner")
    inside = "output" if topic.encoding != "msgpack" else "internal"
    made: dict[str, Any] = {}
    for action, who in (("receive", topic.consumers), ("send", topic.producers)):
        if any(word in who for word in ours):
            made[f"{action}.{topic.name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "summary": topic.description,
                "tags": [{"name": "input" if topic.name in INPUTS else inside}],
            }
    if topic.name == "feed.requests":
        made["receive.feed.requests"]["reply"] = {"channel": {"$ref": "#/channels/feeds"}}
    return made


def _messages(topic: Topic, payloads: Mapping[str, Any]) -> dict[str, Any]:
    """A topic's message, and that of its removal where null means something."""
    message: dict[str, Any] = {
        "name": topic.name,
        "contentType": _CONTENT[topic.encoding],
        "summary": topic.description,
    }
    if key := _key(topic):
        message["bindings"] = {"kafka": {"key": key, "bindingVersion": _BINDING}}
    if topic.name in payloads:
        message["payload"] = payloads[topic.name]
    if topic.encoding == "bytes":
        message["headers"] = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in _DEAD_HEADERS},
            "required": list(_DEAD_HEADERS),
        }
    if topic.good:
        message["examples"] = [
            {"name": f"{topic.name}.{at}", "payload": value} for at, value in enumerate(topic.good, 1)
        ]
    made = {topic.name: message}
    if _has_removal(topic):
        made[_removal(topic)] = {
            "name": _removal(topic),
            "summary": "a tombstone: no value at all, not the word null in JSON; what has this key is removed",
            "bindings": message["bindings"],
            "payload": {"type": "null"},
        }
    return made


def _key(topic: Topic) -> dict[str, Any] | None:
    """The schema of a topic's keys, None where records have none of a known kind."""
    if topic.name in KEY_FIELD:
        says = f"the value's `{KEY_FIELD[topic.name]}`, in UTF-8"
        return {"type": "string", "minLength": 1, "maxLength": 256, "description": says}
    if topic.key in {"video_id", "model name"}:
        return {"type": "string", "description": topic.key}
    return None


def _has_removal(topic: Topic) -> bool:
    return topic.cleanup == "compact" and topic.encoding == "json"


def _removal(topic: Topic) -> str:
    return f"{topic.name}.removal"


def _tell(components: dict[str, Any]) -> None:
    """Say of the fields of events what they mean."""
    owners = {struct.__name__: name.removeprefix("events.") for name, struct in EVENTS.items()} | {"Ctx": "ctx"}
    for struct, owner in owners.items():
        for name, schema in components[struct]["properties"].items():
            if "$ref" not in schema:
                schema["description"] = meaning(owner, name)
