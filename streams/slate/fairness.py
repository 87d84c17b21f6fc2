"""Fairness: the more unequal the creators' shares of what is shown are, the more those with a large share are held
back and those with a small one helped.

The measure is the Gini coefficient of exposure over creators of candidates, exposure decaying over days. Up to the
target nothing is done; beyond it the adjustment grows with the distance. It keeps no state of its own, so it is the
same wherever the same was counted, and it cannot run away.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams.arrays.tables import F32, F64, I64
from streams.control.tuning import Slate
from streams.video.catalogue import Catalogue
from streams.video.videos import HALF_LIVES_S

__all__ = ["Exposure", "exposure", "fairness", "gini"]

_CREATOR_AT: Final = -2  # among the small numbers of tag_ids
_EVERY_MS: Final = 60_000
_CALM: Final = 5.0  # showings that every creator is given beforehand
_GAIN: Final = 4.0  # of how far the Gini coefficient lies beyond its target
_MOST: Final = 1.0  # what a score may be moved by, either way


class Exposure(NamedTuple):
    """How exposure is shared: its Gini coefficient, the share of the top hundredth of the creators, and ``above``
    float32 by a creator's small number: the logarithm of exposure over the mean.
    """

    gini: float
    top: float
    above: F32


def gini(amounts: F64) -> float:
    """The Gini coefficient of amounts f64[n]: 0 all have the same, near 1 one has it all.

    >>> round(gini(np.array([1.0, 1.0, 1.0])), 3), round(gini(np.array([0.0] * 99 + [1.0])), 3)
    (0.0, 0.99)
    """
    total = float(amounts.sum())
    if not total:
        return 0.0
    ranks = np.arange(1, len(amounts) + 1)
    return float((2.0 * ranks - len(amounts) - 1.0) @ np.sort(amounts) / (len(amounts) * total))


def exposure(catalogue: Catalogue, now_ms: int) -> Exposure:
    """How exposure is shared among creators, as of the last minute of event time."""
    rows = catalogue.candidates()
    kept = catalogue.exposed
    if kept is None or abs(now_ms - kept[0]) > _EVERY_MS or 10 * abs(len(rows) - kept[1]) > kept[1]:
        kept = catalogue.exposed = (now_ms, len(rows), _measured(catalogue, rows, now_ms))
    made: Exposure = kept[2]
    return made


def fairness(catalogue: Catalogue, rows: I64, now_ms: int, tuning: Slate) -> F64 | None:
    """What to add to the scores of ``rows`` i64[n], f64[n] within ±1; None: exposure is shared well enough.

    Scores are logarithms of odds, so this multiplies the odds by a power of the mean exposure over the creator's own.
    """
    if tuning.creator_gini >= 1.0:
        return None
    shared = exposure(catalogue, now_ms)
    strength = min(1.0, _GAIN * (shared.gini - tuning.creator_gini))
    if strength <= 0.0:
        return None
    numbers = catalogue.tag_ids[rows, _CREATOR_AT]
    numbers = np.where(numbers < len(shared.above), numbers, 0)  # creators who came since have no exposure to speak of
    result: F64 = np.clip(-strength * shared.above[numbers], -_MOST, _MOST).astype(np.float64)
    return result


def _measured(catalogue: Catalogue, rows: I64, now_ms: int) -> Exposure:
    age_s = np.maximum(now_ms - catalogue.sums_ms[rows], 0) / 1_000.0
    met = np.maximum(catalogue.sums[rows, 0, -1], 0.0) * np.exp2(-age_s / HALF_LIVES_S[-1])
    numbers = catalogue.tag_ids[rows, _CREATOR_AT]
    total = np.bincount(numbers, met, minlength=1).astype(np.float64)
    have = np.bincount(numbers, minlength=1) > 0
    own = total[have]
    if not len(own) or not own.sum():
        return Exposure(0.0, 0.0, np.zeros(1, dtype=np.float32))
    top = np.sort(own)[-max(1, len(own) // 100) :].sum() / own.sum()
    above = np.log((total + _CALM) / (own.mean() + _CALM)) * have
    above[0] = 0.0
    return Exposure(gini(own), float(top), above.astype(np.float32))
