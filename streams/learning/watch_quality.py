"""Watch quality: how long videos of each length are usually watched, learnt online.

A watch time says little by itself: three seconds are most of a short video and nothing of a long one, and a share of
the length is unfair the other way round. So each is judged by its quantile among the watches of videos about as long
(duration-debiased quantiles, Zhan et al., KDD 2022, "Deconfounding Duration Bias in Watch-time Prediction").
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from river import base, sketch
from river.sketch.histogram import Bin

from streams import limits
from streams.arrays.tables import F32, F64, I64
from streams.shards.columns import ABSENT
from streams.signals.watching import UNKNOWN, Usual, buckets, quality

__all__ = ["WatchQuality"]

_SHARES: Final = np.linspace(0.0, 1.0, limits.QUANTILES + 1)


class WatchQuality(base.Estimator):  # type: ignore[misc]  # river ships no types
    """A River histogram of logarithms of watch times for each bucket of durations; ``limits`` bound bins and memory.

    >>> usual = WatchQuality()
    >>> _ = usual.learn_many(1_000 + np.arange(1_000) * 7_919 % 1_000 * 20, np.full(1_000, 20_000))
    >>> round(usual.predict_one({"watch_ms": 11_000, "duration_ms": 20_000}), 1)
    0.5
    """

    def __init__(self, seen: float = limits.USUAL_SEEN, bins: int = limits.USUAL_BINS) -> None:
        self.seen = seen
        self.bins = bins
        self.histograms = [sketch.Histogram(bins) for _ in range(limits.DURATIONS)]
        self._points = UNKNOWN.points.copy()
        self._fresh: set[int] = set()

    def learn_one(self, x: dict[str, Any]) -> WatchQuality:
        """One watch of ``x["watch_ms"]`` of a video of ``x["duration_ms"]``."""
        return self.learn_many(np.array([x["watch_ms"]]), np.array([x["duration_ms"]]))

    def learn_many(self, watch_ms: I64, duration_ms: I64) -> WatchQuality:
        """Watches, i64[n] each; those that are ABSENT teach nothing."""
        there = watch_ms != ABSENT
        values = np.log1p(np.maximum(watch_ms[there], 0)).tolist()
        for bucket, value in zip(buckets(duration_ms[there]).tolist(), values, strict=True):
            held = self.histograms[bucket]
            held.update(value)
            self._fresh.add(bucket)
            if held.n > self.seen:
                held.n *= 0.5
                for one in held:
                    one.count *= 0.5
        return self

    def predict_one(self, x: dict[str, Any]) -> float:
        """The quality of a watch, in [0, 1]."""
        return float(quality(self.usual(), np.array([x["watch_ms"]]), np.array([x["duration_ms"]]))[0])

    def usual(self) -> Usual:
        """What serving judges by."""
        for bucket in self._fresh:
            self._points[bucket] = _points(self.histograms[bucket])
        self._fresh.clear()
        return Usual(self._points.copy(), np.array([held.n for held in self.histograms], dtype=np.float32))

    def state(self) -> dict[str, Any]:
        """Everything a restored one needs to go on bit-equal."""
        held = [(at, one.left, one.right, one.count) for at, many in enumerate(self.histograms) for one in many]
        seen = [float(many.n) for many in self.histograms]
        return {"bins": np.array(held, dtype=np.float64).reshape(-1, 4), "seen": np.array(seen)}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        for bucket, (many, seen) in enumerate(zip(self.histograms, arrays["seen"].tolist(), strict=True)):
            many.n = seen
            own = arrays["bins"][arrays["bins"][:, 0] == bucket, 1:].tolist()
            many.data = [Bin(*one) for one in own]
            self._fresh.add(bucket)


def _points(held: Any) -> F32:
    """Watch times at even shares of a histogram, f32[QUANTILES + 1]; zeros of an empty one."""
    if not len(held):
        return np.zeros(len(_SHARES), dtype=np.float32)
    bins: F64 = np.array([(one.left, one.right, one.count) for one in held])
    ends = np.cumsum(bins[:, 2])
    shares = np.stack((ends - bins[:, 2], ends), axis=1).ravel() / ends[-1]
    result: F32 = np.expm1(np.interp(_SHARES, shares, bins[:, :2].ravel())).astype(np.float32)
    return result
