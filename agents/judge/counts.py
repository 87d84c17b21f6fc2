"""The nine counts as they are checkpointed, and every disagreement with what they must be, as a plain sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from agents.judge.tally import COUNTED, Tally
from agents.store import ShardId, Store
from schemas.internal import VideoState
from schemas.partitioner import partition
from schemas.topics import COUNTS
from streams.shards.video_shard import decode_state, video_key
from streams.video.daily import views_since
from streams.video.videos import NUMBERS

__all__ = ["compare_counts", "compare_views", "differences", "shortened", "stored_counts"]

_SAID: Final = 10
"""Problems of one kind that are spelled out; further ones are only counted."""


def stored_counts(store: Store, video_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """What is checkpointed of ``video_ids``, zeros where there is nothing: ``video show`` for many at once."""
    found = {video_id: dict.fromkeys(COUNTS, 0) for video_id in video_ids}
    for name, state in _states(store, video_ids):
        numbers = np.frombuffer(state.numbers, dtype=NUMBERS)[0]
        found[name] = dict(zip(COUNTS, numbers["counts"].tolist(), strict=True))
    return found


def compare_counts(store: Store, tally: Tally) -> list[str]:
    """Every count of every video that the tally knows, against the store."""
    return differences(store, tally.counts())


def differences(store: Store, wanted: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Every count of each video of ``wanted``, against the store."""
    found = stored_counts(store, list(wanted))
    wrong = [
        f"video {video}: {name} is {found[video][name]}, the tally says {counts[name]}"
        for video, counts in wanted.items()
        for name in COUNTED
        if counts[name] != found[video][name]
    ]
    return shortened(wrong, "counts")


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
    return shortened(wrong, "views")


def shortened(problems: list[str], what: str) -> list[str]:
    """The first problems, and how many more there are with ``what``."""
    if len(problems) <= _SAID:
        return problems
    return [*problems[:_SAID], f"… and {len(problems) - _SAID} more problems with {what}"]


def _states(store: Store, video_ids: Sequence[str]) -> Iterator[tuple[str, VideoState]]:
    """What is checkpointed of those of ``video_ids`` of which something is."""
    partitions = store.stored_layout().get("video_partitions", 1)
    by_shard: dict[int, list[str]] = defaultdict(list)
    for video_id in video_ids:
        by_shard[partition(video_id.encode(), partitions)].append(video_id)
    for number, names in by_shard.items():
        values = store.mget(ShardId("v", number), [video_key(name) for name in names])
        yield from ((name, decode_state(value)) for name, value in zip(names, values, strict=True) if value is not None)
