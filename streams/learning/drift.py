"""Drift of tastes: what was learnt of viewers has stopped telling what they like, of all of them at once.

A like that a viewer's own taste foresaw better than the video's standing alone is a gain, one that it foresaw worse a
loss. Single likes say next to nothing, so one viewer's change of mind is left to the fast interest. But where the gain
of everybody's likes falls to nothing, the tastes are wrong: viewers were mixed up, or the world changed. Found by the
cumulative sum test (Page 1954) of a gain of nothing against the usual gain. The test takes likes to be independent:
those of one viewer in a row are not, and count once.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from river import base

from streams.arrays.tables import F64, I64

__all__ = ["TasteDrift"]

_BOUND: Final = 2.0  # nats that one like may gain or lose: single surprises decide nothing
_EVIDENCE: Final = 20.0  # nats: likes between two false alarms are some e^20, were they independent
_AMONG: Final = 32  # likes: a viewer who gave one of the latest has had a say
_WARM: Final = 500.0  # likes that say what is usual
_FADE: Final = 1.0 - 1.0 / 2_000.0  # of what is usual, each like


class TasteDrift(base.DriftDetector):  # type: ignore[misc]  # river ships no types
    """The sum of what speaks against the viewers' tastes, since the last like that spoke for them.

    ``since_ms`` is when they drifted last: likes up to then are of tastes that are gone. 0: never.

    >>> drift = TasteDrift()
    >>> many = np.arange(1_000)
    >>> _ = drift.update_many(np.tile([0.9, -0.1], 500), many, many)
    >>> _ = drift.update_many(np.tile([0.5, -0.5], 500), many + 1_000, many)
    >>> 990 < drift.since_ms < 1_010
    True
    """

    def __init__(self) -> None:
        super().__init__()
        self.since_ms = self._calm_ms = 0
        self._mass = self._sum = self._squares = self._against = 0.0
        self._latest: deque[int] = deque(maxlen=_AMONG)

    def update(self, x: float) -> TasteDrift:
        """Take the gain of one like, in nats, by another viewer than before; see ``update_many``."""
        return self.update_many(np.array([x]), np.array([0]), np.array([-1]))

    def update_many(self, gains: F64, ms: I64, who: npt.NDArray[Any]) -> TasteDrift:
        """Take the gains of likes f64[n], in nats, in their order, when they were, i64[n], and what tells their viewers
        apart, integers [n], -1 somebody else each time.
        """
        self._drift_detected = False
        bounded = np.clip(gains, -_BOUND, _BOUND)
        for gain, when, viewer in zip(bounded.tolist(), ms.tolist(), who.tolist(), strict=True):
            said = viewer in self._latest and viewer >= 0
            self._latest.append(viewer)
            if not said:
                self._take(gain, when)
        return self

    def _take(self, gain: float, ms: int) -> None:
        mean = self._sum / max(self._mass, 1.0)
        spread = self._squares / max(self._mass, 1.0) - mean * mean
        if self._mass >= _WARM and mean > 0.0 and spread > 0.0:
            self._against = max(0.0, self._against + mean / spread * (mean / 2.0 - gain))
        if not self._against:
            self._calm_ms = max(self._calm_ms, ms)
        if self._against > _EVIDENCE:
            self._drift_detected, self.since_ms = True, self._calm_ms
            self._anew()
            return
        self._mass = self._mass * _FADE + 1.0
        self._sum = self._sum * _FADE + gain
        self._squares = self._squares * _FADE + gain * gain

    def _anew(self) -> None:
        self._mass = self._sum = self._squares = self._against = 0.0
        self._calm_ms = self.since_ms

    def state(self) -> dict[str, Any]:
        """Everything a restored detector needs to go on bit-equal."""
        return {
            "ms": np.array([self.since_ms, self._calm_ms]),
            "sums": np.array([self._mass, self._sum, self._squares, self._against]),
            "latest": np.array(self._latest, dtype=np.int64),
        }

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        self.since_ms, self._calm_ms = arrays["ms"].tolist()
        self._mass, self._sum, self._squares, self._against = arrays["sums"].tolist()
        self._latest.extend(arrays["latest"].tolist())
