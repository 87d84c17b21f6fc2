"""Ranking in this process: batches a second and core with viewers ranked together, and the time of a single one."""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

import numpy as np

from schemas.catalogue import Video
from schemas.internal import VideoState
from streams import limits
from streams.arrays.hashing import hash_all
from streams.ranking.ranking import Model, Request, rank_many
from streams.shards.video_shard import FORMAT
from streams.video.catalogue import Catalogue
from streams.video.videos import NUMBERS
from streams.viewer.viewers import ViewerTable

__all__ = ["catalogue", "rates", "viewers_of"]

_TOGETHER: Final = 64
_NOW_MS: Final = 1_760_000_000_000


def rates(videos: int, viewers: int, rounds: int = 5, singles: int = 300) -> dict[str, Any]:
    """Batches of 20 out of ``videos`` for some of ``viewers``; CPU time of this process. One BLAS thread is up to the
    caller.
    """
    rng = np.random.default_rng(5)
    stock = catalogue(rng, videos)
    audience = viewers_of(rng, stock, viewers)
    model = Model()

    def asked(low: int, high: int, nth: int) -> list[Request]:
        return [Request(row % viewers, _NOW_MS + nth * 100, 20, seed=row) for row in range(low, high)]

    rank_many(stock, audience, asked(0, _TOGETHER, 0), model)
    found = []
    for nth in range(rounds):
        began_s, done = time.process_time(), 0
        for low in range(0, 8 * _TOGETHER, _TOGETHER):
            slates = rank_many(stock, audience, asked(low, low + _TOGETHER, nth), model)
            done += len(slates)
            assert all(len(slate.rows) == 20 for slate in slates)
        found.append(done / (time.process_time() - began_s))
    singles_ms = []
    for row in range(singles):
        began_s = time.perf_counter()
        rank_many(stock, audience, asked(row, row + 1, rounds + row), model)
        singles_ms.append((time.perf_counter() - began_s) * 1_000)
    return {
        "batches_per_s": median(found),
        "batch_single_p50_ms": float(np.percentile(singles_ms, 50)),
        "batch_single_p99_ms": float(np.percentile(singles_ms, 99)),
        "batches_per_s_runs": found,
    }


def catalogue(rng: np.random.Generator, count: int) -> Catalogue:
    """``count`` candidates with engagement, neighbours and collaborative vectors."""
    made = Catalogue()
    ids = [f"v{at}" for at in range(count)]
    names = hash_all(ids)
    for low in range(0, count, 10_000):
        part = ids[low : low + 10_000]
        numbers = np.zeros(len(part), dtype=NUMBERS)
        numbers["sums"] = rng.exponential(3.0, numbers["sums"].shape)
        numbers["sums_ms"] = numbers["near_ms"] = numbers["last_ms"] = _NOW_MS - rng.integers(3_600_000, size=len(part))
        numbers["near"] = names[rng.integers(count, size=numbers["near"].shape)]
        numbers["near_w"] = rng.exponential(1.0, numbers["near_w"].shape)
        numbers["near_mass"] = rng.exponential(20.0, numbers["near_mass"].shape)
        states = (VideoState(format=FORMAT, video=_video(name), active=True, numbers=row.tobytes())
                  for name, row in zip(part, numbers, strict=True))  # fmt: skip
        made.take_states(zip(part, states, strict=True))
    made.place(names, rng.normal(0.0, 0.1, (count, limits.FACTORS)).astype(np.float32))
    return made


def viewers_of(rng: np.random.Generator, videos: Catalogue, count: int) -> ViewerTable:
    """Viewers who met 200 videos, liked 32 of them and were served 100."""
    made = ViewerTable()
    rows = np.array(made.rows(f"u{at}" for at in range(count)))
    for sums in (made.fast, made.slow, made.negative):
        sums[rows] = rng.normal(0.0, 1.0, (count, limits.DIM))
    made.mass[rows], made.at_ms[rows] = 5.0, _NOW_MS - 60_000
    made.recent_ms[rows] = _NOW_MS - rng.integers(86_400_000, size=(count, limits.RECENT))
    for row in rows.tolist():
        chosen = rng.integers(videos.high, size=300)
        made.recent[row] = videos.hash[chosen[: limits.RECENT]]
        made.tags[row] = videos.tags[chosen[: limits.TAGS], 0]
        made.creators[row] = videos.creator[chosen[: limits.CREATORS]]
        made.met[row], made.served[row] = videos.hash[chosen[:200]], videos.hash[chosen[200:]]
    made.tag_w[rows], made.creator_w[rows] = 1.0, 1.0
    return made


def _video(video_id: str) -> Video:
    at = int(video_id[1:])
    return Video(
        v=1, video_id=video_id, creator_id=f"m{at % 9_973}", created_ms=_NOW_MS - 86_400_000,
        duration_ms=5_000 + 1_000 * (at % 50), tags=[f"t{at % 500}", f"t{at * 31 % 500}"], sound_id=f"a{at % 5_003}",
    )  # fmt: skip
