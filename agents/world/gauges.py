"""Gauges: what is measured of viewers at a screen, kept a second at a time. They know nothing of Kafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Curve", "Latencies", "Watched"]

_KEPT = 20_000


class Latencies:
    """Seconds from sending an action to reading a feed that reflects it; the latest 20,000."""

    def __init__(self) -> None:
        self._kept: deque[float] = deque(maxlen=_KEPT)

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, seconds: float) -> None:
        """One action."""
        self._kept.append(seconds)

    def quantile(self, q: float) -> float:
        """In seconds; nan while there is none."""
        return float(np.quantile(np.array(self._kept), q)) if self._kept else float("nan")


class Curve:
    """A mean for each second of the run."""

    def __init__(self) -> None:
        self._sums: dict[int, float] = {}
        self._counts: dict[int, int] = {}

    def add(self, at_s: float, value: float, weight: int = 1) -> None:
        """``value`` seen ``at_s`` seconds into the run."""
        second = int(at_s)
        self._sums[second] = self._sums.get(second, 0.0) + value * weight
        self._counts[second] = self._counts.get(second, 0) + weight

    def means(self) -> list[float]:
        """One value a second up to the latest; a second without any keeps the one before."""
        found: list[float] = []
        for second in range(max(self._counts, default=-1) + 1):
            count = self._counts.get(second, 0)
            found.append(self._sums[second] / count if count else (found[-1] if found else 0.0))
        return found

    def totals(self) -> list[float]:
        """Sum a second."""
        return [self._sums.get(second, 0.0) for second in range(max(self._counts, default=-1) + 1)]

    def between(self, low_s: float, high_s: float) -> float:
        """Mean over part of the run; nan if nothing fell into it."""
        seconds = [second for second in self._counts if low_s <= second < high_s]
        count = sum(self._counts[second] for second in seconds)
        return sum(self._sums[second] for second in seconds) / count if count else float("nan")


@dataclass
class Watched:
    """What viewers did, and what came of it."""

    elapsed_s: float = 0.0
    """Into the run, for curves; stands still before and after it."""
    events: int = 0
    batches: int = 0
    repeats: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    match: Curve = field(default_factory=Curve)
    first_match: Curve = field(default_factory=Curve)
    """The same of each viewer's first batch alone, made before the viewer did anything."""
    rate: Curve = field(default_factory=Curve)
    phase: str = "starting"

    def events_per_s(self, window_s: int = 5) -> float:
        """Events sent a second, over the latest whole seconds."""
        whole: Sequence[float] = self.rate.totals()[:-1][-window_s:]
        return sum(whole) / len(whole) if whole else 0.0

    def matched(self, value: float, *, first: bool) -> None:
        """How well a batch fits, a ``first`` one or a later; after the run nobody acts, and it says nothing."""
        if self.phase != "settling":
            self.match.add(self.elapsed_s, value)
            if first:
                self.first_match.add(0, value)
