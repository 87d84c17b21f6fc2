"""Verdicts: what must hold of counts, feeds and dead letters after anything has happened, each as plain sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import orjson

from agents.store import ShardId, Store
from agents.testing.tally import COUNTED, Tally
from schemas.internal import VideoState
from schemas.partitioner import partition
from schemas.topics import COUNTS
from streams.shards.video_shard import decode_state, video_key
from streams.video.daily import views_since
from streams.video.videos import NUMBERS

__all__ = ["FeedVerdict", "compare_counts", "compare_views", "judge_feeds", "judge_letters", "stored_counts"]

_SAID: Final = 10
"""Problems of one kind that are spelled out; further ones are only counted."""


class FeedVerdict(NamedTuple):
    """``batches`` different ones, ``repeats`` whole repeats, and ``problems`` as sentences."""

    batches: int
    repeats: int
    problems: list[str]


def stored_counts(store: Store, video_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """What is checkpointed of ``video_ids``, zeros where there is nothing: ``video show`` for many at once."""
    found = {video_id: dict.fromkeys(COUNTS, 0) for video_id in video_ids}
    for name, state in _states(store, video_ids):
        numbers = np.frombuffer(state.numbers, dtype=NUMBERS)[0]
        found[name] = dict(zip(COUNTS, numbers["counts"].tolist(), strict=True))
    return found


def _states(store: Store, video_ids: Sequence[str]) -> Iterator[tuple[str, VideoState]]:
    """What is checkpointed of those of ``video_ids`` of which something is."""
    partitions = store.stored_layout().get("video_partitions", 1)
    by_shard: dict[int, list[str]] = defaultdict(list)
    for video_id in video_ids:
        by_shard[partition(video_id.encode(), partitions)].append(video_id)
    for number, names in by_shard.items():
        values = store.mget(ShardId("v", number), [video_key(name) for name in names])
        yield from ((name, decode_state(value)) for name, value in zip(names, values, strict=True) if value is not None)


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


def compare_views(store: Store, tally: Tally) -> list[str]:
    """Views by the day of every video that the tally knows, against its watches, all of the latest thirty days."""
    watches = {video: counts["watches"] for video, counts in tally.counts().items()}
    views = dict.fromkeys(watches, 0)
    views |= {name: views_since(state.views, 0) for name, state in _states(store, list(watches))}
    wrong = [
        f"video {video}: views by the day add up to {views[video]}, the tally says {watches[video]}"
        for video in watches
        if views[video] != watches[video]
    ]
    return _shortened(wrong, "views")


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
