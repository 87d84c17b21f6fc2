"""Drift: what a log looks like if every viewer wakes up as somebody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from agents.evaluate.judge import Judged
from schemas.lines import Line

__all__ = ["permuted", "since"]

_STEPS: Final = ((0, 2), (3, 5), (6, 11), (12, 10**9))


def permuted(lines: Sequence[Line], part: float, seed: int = 7) -> Iterator[Line]:
    """``lines``, in which from ``part`` of the requests on each viewer acts as another one did (and asks as it did)."""
    users = sorted({line.key for line in lines if line.topic.startswith("events.") and line.key})
    order = np.random.default_rng(seed).permutation(len(users))
    becomes = {user: users[at] for user, at in zip(users, order.tolist(), strict=True)}
    left = int(sum(line.topic == "feed.requests" for line in lines) * part)
    for line in lines:
        left -= line.topic == "feed.requests"
        if left < 0 and line.key in becomes and (line.topic.startswith("events.") or line.topic == "feed.requests"):
            value = msgspec.json.decode(line.value)
            value["user_id"] = becomes[line.key]
            yield Line(
                topic=line.topic, key=value["user_id"], ts_ms=line.ts_ms, value=msgspec.Raw(msgspec.json.encode(value))
            )
        else:
            yield line


def since(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Previews by how many likes their viewer has given since the first of them that is judged."""
    seen: Counter[str] = Counter()
    made: dict[str, list[Judged]] = {}
    for one in judged:
        for low, high in _STEPS:
            if low <= seen[one.user_id] <= high:
                made.setdefault(f"likes since: {low}" + (f" to {high}" if high < 10**9 else "+"), []).append(one)
        seen[one.user_id] += 1
    return made
