"""Judging: how well previews rank what was liked next, by the protocol of the logs, with baselines on the same targets.

A preview request stands right before the like it is judged by: the target is the video of the viewer's next like in the
file. Figures are over the later part of the previews, with a bootstrap interval over viewers.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.events import EVENTS
from schemas.feeds import FeedRequest
from schemas.lines import Line, line_of, parse_line
from streams.slate.fairness import gini

__all__ = [
    "MISS", "Figures", "Judged", "Turns", "concentration", "delayed", "evaluate", "figures", "liked", "liked_videos",
    "reciprocal", "slices", "targets_of", "touched", "with_previews",
]  # fmt: skip

MISS: Final = 1_000_000
"""Rank of a target that was not in the list."""

_SOON_MS: Final = 3_600_000
"""A viewer's first event on a video that is liked within so long is asked about."""


class Judged(NamedTuple):
    """One preview: the viewer, the rank of its target (0 best, MISS if absent), the first ten ids, and how many likes
    the viewer had given and the target had got before it; ``groups`` are those the viewer was in, as (kind, name).
    """

    user_id: str
    rank: int
    top: tuple[str, ...]
    ts_ms: int
    given: int = 0
    got: int = 0
    groups: tuple[tuple[str, str], ...] = ()


class Figures(NamedTuple):
    """HR@10, NDCG@10, HR@50, coverage@10 over ``previews``, and the 95 % interval of HR@10 over viewers."""

    previews: int
    hr10: float
    ndcg10: float
    hr50: float
    coverage10: float
    low: float
    high: float


class _Target(msgspec.Struct):
    video_id: str = ""
    op: str = "add"


def targets_of(lines: Sequence[Line]) -> list[str | None]:
    """What each request is judged by, in order: the video of the viewer's next like, if it is near."""
    return [_target(lines, at, line.key) for at, line in enumerate(lines) if line.topic == "feed.requests"]


def evaluate(
    lines: Iterable[Line],
    answer: Callable[[Line], Any],
    targets: Sequence[str | None],
    groups: Callable[[Any], tuple[tuple[str, str], ...]] = lambda _: (),
) -> list[Judged]:
    """Hand every line to ``answer`` (a batch for a request, else None) and judge each preview by its target, of the
    ``targets_of`` all requests in order. ``groups`` says of a batch which groups its viewer is in.
    """
    judged, waiting = [], iter(targets)
    given: Counter[str] = Counter()
    got: Counter[str] = Counter()
    for line in lines:
        batch = answer(line)
        if (video := liked(line)) is not None:
            given[line.key or ""] += 1
            got[video] += 1
        if line.topic != "feed.requests":
            continue
        target = next(waiting)
        if batch is not None and target is not None:
            ids = [item.video_id for item in batch.items]
            rank = ids.index(target) if target in ids else MISS
            counts = given[batch.user_id], got[target]
            judged.append(Judged(batch.user_id, rank, tuple(ids[:10]), batch.ts_ms, *counts, groups(batch)))
    return judged


def with_previews(lines: Iterable[Line], limit: int = 200) -> Iterator[Line]:
    """``lines`` with a preview request before each like of a video that its viewer had nothing to do with before.

    A like that comes with other events of the same moment (its impression, its watch) is asked about before them.
    """
    held = list(lines)
    moments: dict[tuple[str | None, str], int] = {}
    for line in held:
        if (video := liked(line)) is not None:
            moments[line.key, video] = min(line.ts_ms, moments.get((line.key, video), line.ts_ms))
    met: set[tuple[str | None, str]] = set()
    for number, line in enumerate(held):
        if line.topic.startswith("events.") and line.key is not None:
            pair = line.key, touched(line)
            soon = moments.get(pair)
            if pair not in met and soon is not None and soon - line.ts_ms <= _SOON_MS:
                request = FeedRequest(
                    v=1, request_id=f"evaluate-{number}", user_id=line.key, ts_ms=line.ts_ms, limit=limit,
                    purpose="preview",
                )  # fmt: skip
                yield parse_line(line_of("feed.requests", request))
            met.add(pair)
        yield line


def delayed(lines: Iterable[Line], delay_ms: int, topics: Collection[str] = EVENTS) -> Iterator[Line]:
    """``lines`` with every event coming so much later than it happened, or those of some ``topics``; requests and
    records keep their place.
    """
    waiting: deque[Line] = deque()
    for line in lines:
        while waiting and waiting[0].ts_ms + delay_ms <= line.ts_ms:
            yield waiting.popleft()
        if line.topic in topics and delay_ms:
            waiting.append(line)
        else:
            yield line
    yield from waiting


def reciprocal(judged: Sequence[Judged]) -> float:
    """Mean reciprocal rank; a target that is not in the list counts 0.

    >>> reciprocal([Judged("ann", 1, (), 0), Judged("ann", MISS, (), 0)])
    0.25
    """
    return float(np.mean([0.0 if one.rank >= MISS else 1.0 / (one.rank + 1) for one in judged] or [0.0]))


def concentration(judged: Sequence[Judged]) -> float:
    """Gini coefficient of how often each video stands in a top ten: 0 all alike, near 1 a few take all.

    >>> concentration([Judged("ann", 0, ("x", "y"), 0)])
    0.0
    """
    return gini(np.array([*Counter(video for one in judged for video in one.top).values()], dtype=np.float64))


def slices(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """The same by how many likes the viewer had given, how many the target had got, and the viewer's groups."""
    made: dict[str, list[Judged]] = {}
    for name, field in (("likes given", "given"), ("likes got", "got")):
        for low, high in ((0, 0), (1, 2), (3, 9), (10, 10**9)):
            text = f"{name}: {low}" + ("+" if high == 10**9 else f" to {high}" if high > low else "")
            found = [one for one in judged if low <= getattr(one, field) <= high]
            if found:
                made[text] = found
    for group in sorted({group for one in judged for group in one.groups}):
        made[": ".join(group)] = [one for one in judged if group in one.groups]
    return made


def liked_videos(lines: Iterable[Line]) -> int:
    """How many videos were ever liked: what coverage is a share of."""
    return len({video for line in lines if (video := liked(line)) is not None})


def figures(judged: Sequence[Judged], videos: int, part: float = 0.5, seed: int = 7) -> Figures:
    """Figures over the previews from ``part`` of the way on; ``videos`` liked by the end, for coverage.

    >>> figures([Judged("ann", 0, ("x",), 0), Judged("ann", 1, ("y",), 0)], 2, part=0.0).hr10
    1.0
    """
    kept = judged[int(len(judged) * part) :]
    ranks = np.array([one.rank for one in kept])
    hits = ranks < 10
    gain = np.where(hits, 1.0 / np.log2(np.minimum(ranks, 10) + 2.0), 0.0)
    low, high = _bootstrap([one.user_id for one in kept], hits.astype(float), seed)
    seen = {video for one in kept for video in one.top}
    return Figures(
        len(kept),
        float(hits.mean()),
        float(gain.mean()),
        float((ranks < 50).mean()),
        len(seen) / max(videos, 1),
        low,
        high,
    )


class Turns:
    """Which previews are judged: from ``part`` of the way on, one in ``thin``."""

    def __init__(self, lines: Sequence[Line], part: float, thin: int) -> None:
        self._first = int(sum(line.topic == "feed.requests" for line in lines) * part)
        self._thin = thin
        self.passed = 0

    @property
    def early(self) -> bool:
        """Whether the latest preview came before those that are judged."""
        return self.passed <= self._first

    def now(self) -> bool:
        """Count a preview; whether it is judged."""
        self.passed += 1
        return not self.early and (self.passed - self._first) % self._thin == 0


def touched(line: Line) -> str:
    """The video of an event, empty for any other line."""
    return msgspec.json.decode(line.value, type=_Target).video_id if line.topic.startswith("events.") else ""


def liked(line: Line) -> str | None:
    """The video of a like; an undo is none."""
    if line.topic != "events.like" or line.key is None:
        return None
    like = msgspec.json.decode(line.value, type=_Target)
    return like.video_id if like.op == "add" else None


def _target(lines: Sequence[Line], at: int, user_id: str | None) -> str | None:
    """The video of the viewer's next like, at most 50 lines on."""
    for line in _following(lines, at):
        if line.key == user_id and (video := liked(line)) is not None:
            return video
    return None


def _following(lines: Sequence[Line], at: int) -> Iterator[Line]:
    return (lines[place] for place in range(at + 1, min(at + 50, len(lines))))


def _bootstrap(users: Iterable[str], hits: npt.NDArray[np.float64], seed: int) -> tuple[float, float]:
    names, who = np.unique(np.array(list(users)), return_inverse=True)
    count, won = np.bincount(who, minlength=len(names)), np.bincount(who, hits, minlength=len(names))
    draws = np.random.default_rng(seed).integers(0, len(names), (500, len(names)))
    rates = won[draws].sum(axis=1) / np.maximum(count[draws].sum(axis=1), 1)
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)
