"""Passed by: what was hot while a viewer was active, and was not taken.

Who was there in an hour of much liking saw, in all likelihood, what everybody saw. A viewer's active hours are those of
the latest positives; how hot a video was then follows from its positives hour by hour, as a share of everybody's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams import limits
from streams.catalogue import Catalogue
from streams.tables import F32, F64, I64
from streams.videos import hours_of
from streams.viewers import ViewerTable

__all__ = ["passed_by"]

_HOUR_MS: Final = 3_600_000
_HALF_LIFE_H: Final = 2.0
_KEPT_MS: Final = 60_000
_FLOOR: Final = np.float32(0.002)
_FADE: Final = 2.0 ** (-1.0 / _HALF_LIFE_H)


class Crowd(NamedTuple):
    """How hot all candidates were together in each of the latest hours, f64[HOURS] by ``hour % HOURS``; ``hour`` is the
    latest.
    """

    made_ms: int
    hour: int
    heat: F64


def passed_by(
    catalogue: Catalogue, viewers: ViewerTable, viewer: I64, inverse: I64 | None, rows: I64, now_ms: int
) -> F32:
    """Logarithm of the share of all liking that ``rows`` i64[n] had in the viewer's active hours, summed, float32[n].

    ``viewer`` i64[g] are distinct viewers, ``inverse`` i64[n] says which of them each row is for; None: the only one.
    """
    crowd = _crowd(catalogue, now_ms)
    weight = _weights(crowd, viewers, viewer)
    of = hours_of(catalogue.hour[rows])
    fresh = (of > crowd.hour - limits.HOURS) & (of <= crowd.hour)
    hours = np.where(fresh, catalogue.hours[rows], np.float32(0.0))
    total = hours @ weight[0] if inverse is None else np.einsum("nh,nh->n", hours, weight[inverse])
    result: F32 = np.log(np.maximum(total, 0.0) + _FLOOR)
    return result


def _weights(crowd: Crowd, viewers: ViewerTable, viewer: I64) -> F32:
    """What a positive of each hour adds up to over the later active hours of each viewer, f32[g, HOURS].

    A positive is hot for some hours after it, half as much after each two.
    """
    hour = viewers.recent_ms[viewer] // _HOUR_MS
    place, nth = np.nonzero((hour > crowd.hour - limits.HOURS) & (hour <= crowd.hour))
    active = np.zeros((len(viewer), limits.HOURS))
    np.add.at(active, (place, hour[place, nth] % limits.HOURS), 1.0)
    heard = active / np.maximum(crowd.heat, 1.0)
    summed = np.zeros(len(viewer))
    out = np.zeros((len(viewer), limits.HOURS), dtype=np.float32)
    for back in range(limits.HOURS):
        at = (crowd.hour - back) % limits.HOURS
        summed = summed * _FADE + heard[:, at]
        out[:, at] = summed
    return out


def _crowd(catalogue: Catalogue, now_ms: int) -> Crowd:
    """As of the last minute of event time."""
    kept: Crowd | None = catalogue.crowd
    if kept is None or abs(now_ms - kept.made_ms) > _KEPT_MS:
        rows, hour = catalogue.candidates(), now_ms // _HOUR_MS
        of = hours_of(catalogue.hour[rows])
        fresh = (of > hour - limits.HOURS) & (of <= hour)
        counts = np.where(fresh, catalogue.hours[rows], np.float32(0.0)).sum(axis=0, dtype=np.float64)
        heat, running = np.zeros(limits.HOURS), 0.0
        for back in range(limits.HOURS - 1, -1, -1):
            at = (hour - back) % limits.HOURS
            running = running * _FADE + max(float(counts[at]), 0.0)
            heat[at] = running
        kept = catalogue.crowd = Crowd(now_ms, hour, heat)
    return kept
