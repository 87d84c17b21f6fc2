"""History: curves over the last hour or so, as one process has seen them; another one draws about the same."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from streams import limits

__all__ = ["History"]


class History:
    """The latest ``HISTORY`` looks at up to ``HISTORY_SERIES`` named curves."""

    def __init__(self) -> None:
        self._at_ms = np.zeros(limits.HISTORY, dtype=np.int64)
        self._curves: dict[str, npt.NDArray[np.float32]] = {}
        self._looks = 0

    def add(self, at_ms: int, values: Mapping[str, float | None]) -> None:
        """One look; a curve that is not among ``values``, or is None there, has a gap."""
        at = self._looks % limits.HISTORY
        self._looks += 1
        self._at_ms[at] = at_ms
        for curve in self._curves.values():
            curve[at] = np.nan
        for name, value in values.items():
            if name not in self._curves:
                if len(self._curves) >= limits.HISTORY_SERIES:
                    continue
                self._curves[name] = np.full(limits.HISTORY, np.nan, dtype=np.float32)
            self._curves[name][at] = np.nan if value is None else value

    def since(self, after_ms: int, prefix: str = "") -> tuple[list[int], dict[str, list[float | None]]]:
        """Looks later than ``after_ms`` in order of time, and the curves whose name begins with ``prefix`` there, None
        in gaps; those without any value are left out.

        >>> held = History(); held.add(1, {"a": 0.5}); held.add(2, {"b": 2.0})
        >>> held.since(0), held.since(1)
        (([1, 2], {'a': [0.5, None], 'b': [None, 2.0]}), ([2], {'b': [2.0]}))
        """
        held = min(self._looks, limits.HISTORY)
        order = np.arange(self._looks - held, self._looks) % limits.HISTORY
        order = order[self._at_ms[order] > after_ms]
        made: dict[str, list[float | None]] = {}
        for name, curve in self._curves.items():
            values = curve[order]
            if name.startswith(prefix) and not np.isnan(values).all():
                made[name] = [None if math.isnan(value) else _short(value) for value in values.tolist()]
        return self._at_ms[order].tolist(), made


def _short(value: float) -> float:
    """As many digits as a curve shows."""
    return float(f"{value:.5g}")
