"""Verdicts: what must hold of counts, feeds and dead letters after anything has happened, each as plain sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import orjson

from agents.store import ShardId, Store
from agents.testing.tally import COUNTED, Tally
from schemas.partitioner import partition
from schemas.topics import COUNTS
from streams.shards.video_shard import decode_state, video_key
from streams.video.videos import NUMBERS

__all__ = ["FeedVerdict", "compare_counts", "judge_feeds", "judge_letters", "stored_counts"]

_SAID: Final = 10
"""Problems of one kind that are spelled out; further ones are only counted."""


class FeedVerdict(NamedTuple):
    """``batches`` different ones, ``repeats`` whole repeats, and ``problems`` as sentences."""

    batches: int
    repeats: int
    problems: list[str]


def stored_counts(store: Store, video_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """What is checkpointed of ``video_ids``, zeros where there is nothing: ``video show`` for many at once."""
    partitions = store.stored_layout().get("video_partitions", 1)
    by_shard: dict[int, list[str]] = defaultdict(list)
    for video_id in video_ids:
        by_shard[partition(video_id.encode(), partitions)].append(video_id)
    found = {video_id: dict.fromkeys(COUNTS, 0) for video_id in video_ids}
    for number, names in by_shard.items():
        values = store.mget(ShardId("v", number), [video_key(name) for name in names])
        for name, value in zip(names, values, strict=True):
            if value is not None:
                numbers = np.frombuffer(decode_state(value).numbers, dtype=NUMBERS)[0]
                found[name] = dict(zip(COUNTS, numbers["counts"].tolist(), strict=True))
    return found


def compare_counts(store: Store, tally: Tally) -> list[str]:
    """Every count of every video that the tally knows, against the store."""
    wanted = tally.counts()
    found = stored_counts(store, list(wanted))
    wrong = [
        f"video {video}: {name} is {found[video][name]}, the tally says {counts[name]}"
        for video, counts in wanted.items()
        for name in COUNTED
        if counts[name] != found[video][name]
    ]
    return _shortened(wrong, "counts")


def judge_feeds(values: Iterable[bytes]) -> FeedVerdict:
    """Feed batches as they stand in the topic: one content a batch id, one answer a request, nothing served twice."""
    content: dict[str, bytes] = {}
    served: dict[str, dict[str, str]] = defaultdict(dict)
    answered: dict[str, str] = {}
    repeats = 0
    problems = []
    for value in values:
        batch = orjson.loads(value)
        name, user = batch["batch_id"], batch["user_id"]
        if name in content:
            repeats += 1
            if content[name] != value:
                problems.append(f"batch {name} has two contents")
            continue
        content[name] = value
        request = batch.get("request_id")
        if request is not None and answered.setdefault(request, name) != name:
            problems.append(f"request {request} was answered by batches {answered[request]} and {name}")
        if batch["trigger"] == "preview":
            continue
        for item in batch["items"]:
            first = served[user].setdefault(item["video_id"], name)
            if first != name:
                problems.append(f"viewer {user} was served video {item['video_id']} by batches {first} and {name}")
    return FeedVerdict(len(content), repeats, _shortened(problems, "feeds"))


def judge_letters(headers: Iterable[Mapping[str, bytes]]) -> dict[tuple[str, str, str], str]:
    """Dead letters by where they came from (topic, partition, offset), repeats dropped; the value is the cause."""
    return {
        (one["topic"].decode(), one["partition"].decode(), one["offset"].decode()): one["cause"].decode()
        for one in headers
    }


def _shortened(problems: list[str], what: str) -> list[str]:
    if len(problems) <= _SAID:
        return problems
    return [*problems[:_SAID], f"… and {len(problems) - _SAID} more problems with {what}"]
