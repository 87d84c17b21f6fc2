"""Bytes of a viewer, an outcome and a video: in a worker's memory (all that Python and NumPy hold) and in Redis.

Redis says how much memory it uses before and after rows of one kind are written, keys and its own tables included.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

from agents.bench.workload import first_visits, videos
from agents.store import ShardId, new_token
from benchmarks.site import Site
from schemas.catalogue import Video
from schemas.codec import decode_many
from streams.shards.columns import columns
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import VideoShard
from streams.video.catalogue import Catalogue

__all__ = ["measure"]

_COUNT: Final = 64 * 512  # tables double from 64 rows: none of them is half empty
_VIDEOS: Final = 64 * 256
_NOW_MS: Final = 1_760_000_000_000


def measure(site: Site) -> dict[str, Any]:
    """Bytes of each, memory and Redis."""
    held, shard, engagement = in_memory()
    stored = _in_redis(site, shard, engagement)
    return held | stored


def in_memory(count: int = _COUNT, video_count: int = _VIDEOS) -> tuple[dict[str, float], UserShard, VideoShard]:
    """Bytes that viewers, their two outcomes each, and videos (engagement row, replica row) hold."""
    announced = [(key.decode(), value) for _, key, value in videos(video_count, _NOW_MS - 86_400_000)]
    decoded = decode_many("videos", [key.encode() for key, _ in announced], [value for _, value in announced],
                          [_NOW_MS] * video_count)  # fmt: skip
    records: list[tuple[str, Video | None]] = [
        (key, video) for (key, _), video in zip(announced, decoded.events, strict=True) if isinstance(video, Video)
    ]
    names = [f"r{at}" for at in range(count)]
    batches = _batches(count, video_count)
    tracemalloc.start()
    engagement, catalogue = VideoShard(0, 10**12, video_count), Catalogue()
    video = _grown(lambda: engagement.apply_videos(records)) / video_count
    replica = _grown(lambda: catalogue.take_states(engagement.states())) / video_count
    shard = UserShard(0, catalogue, learn=False)
    viewer = _grown(lambda: shard.viewers.rows(names)) / count
    outcome = _grown(lambda: _apply(shard, batches)) / len(shard.outcomes)
    tracemalloc.stop()
    for topic, events, offsets in _batches(count, video_count):
        shard.apply(columns(topic, events, offsets), offsets[-1] + 1)  # dirty again, for the store
    found = {
        "viewer_memory_bytes": viewer,
        "outcome_memory_bytes": outcome,
        "video_memory_bytes": video,
        "video_replica_memory_bytes": replica,
    }
    return found, shard, engagement


def _batches(count: int, video_count: int) -> list[tuple[str, list[Any], list[int]]]:
    by_topic: dict[str, list[tuple[bytes, bytes]]] = {}
    for topic, key, value in first_visits(0, count, video_count, _NOW_MS):
        by_topic.setdefault(topic, []).append((key, value))
    made: list[tuple[str, list[Any], list[int]]] = []
    for topic, found in by_topic.items():
        decoded = decode_many(topic, [key for key, _ in found], [value for _, value in found], [_NOW_MS] * len(found))
        made.append((topic, list(decoded.events), list(range(len(found)))))
    return made


def _apply(shard: UserShard, batches: list[tuple[str, list[Any], list[int]]]) -> None:
    """Fold everything, then let go of what a checkpoint takes away."""
    while batches:
        topic, events, offsets = batches.pop()
        shard.apply(columns(topic, events, offsets), offsets[-1] + 1)
    shard.changes.drain(0)
    shard.checkpoint()
    shard._names.clear()


def _grown(work: Callable[[], Any]) -> int:
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    work()
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before


def _in_redis(site: Site, shard: UserShard, engagement: VideoShard) -> dict[str, float]:
    store, found = site.store, {}
    users, videos_saved = shard.checkpoint(), engagement.checkpoint()
    rows = {
        "viewer": [pair for pair in zip(users.keys, users.values, strict=True) if pair[0].startswith(b"v:")],
        "outcome": [pair for pair in zip(users.keys, users.values, strict=True) if pair[0].startswith(b"o:")],
        "video": list(zip(videos_saved.keys, videos_saved.values, strict=True)),
    }
    for number, (kind, pairs) in enumerate(rows.items()):
        owner, token = ShardId("u", 900 + number), new_token()  # shards that no worker owns
        store.acquire(owner, token)
        before = site.info("memory")["used_memory"]
        for low in range(0, len(pairs), 5_000):
            part = pairs[low : low + 5_000]
            seen = {"bench": low} if low else {}
            keys, values = [key for key, _ in part], [value for _, value in part]
            store.checkpoint(owner, token, seen, {"bench": low + 5_000}, keys, values, [], [], 0)
        found[f"{kind}_redis_bytes"] = (site.info("memory")["used_memory"] - before) / len(pairs)
        found[f"{kind}_value_bytes"] = sum(len(value) for _, value in pairs) / len(pairs)
    return found
