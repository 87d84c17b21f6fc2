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

__all__ = ["hours_at", "passed_by", "weights_of"]

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


def passed_by(total: F32) -> F32:
    """The feature: logarithm of ``total`` f32[n], what ``hours_at`` and ``weights_of`` make as their product."""
    result: F32 = np.log(np.maximum(total, 0.0) + _FLOOR)
    return result


def hours_at(catalogue: Catalogue, rows: I64, now_ms: int) -> F32:
    """Positives of videos ``rows`` i64[n] in each of the latest hours, f32[n, HOURS] by ``hour % HOURS``."""
    behind = _crowd(catalogue, now_ms).hour - catalogue.hour[rows]
    mask = _MASKS[np.clip(behind, 0, limits.HOURS), catalogue.hour[rows] % limits.HOURS]
    result: F32 = catalogue.hours[rows] * mask
    return result


def weights_of(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> F32:
    """What a positive of each hour adds up to over the later active hours of each viewer, f32[g, HOURS].

    A positive is hot for some hours after it, half as much after each two. As of the last ``hours_at``. Who turned
    personalisation off was never active.
    """
    crowd: Crowd = catalogue.crowd
    hour = viewers.recent_ms[viewer] // _HOUR_MS
    fine = (hour > crowd.hour - limits.HOURS) & (hour <= crowd.hour) & viewers.personalize[viewer][:, None]
    place, nth = np.nonzero(fine)
    active = np.zeros((len(viewer), limits.HOURS))
    np.add.at(active, (place, hour[place, nth] % limits.HOURS), 1.0)
    heard = active / np.maximum(crowd.heat, 1.0)
    # A sum over later hours that fades is one product: [g, HOURS] @ [HOURS, HOURS] by how far apart hours are.
    at = np.arange(limits.HOURS)
    age = (crowd.hour - at) % limits.HOURS
    apart = age[None, :] - age[:, None]
    fade = np.where(apart >= 0, 2.0 ** (-apart / _HALF_LIFE_H), 0.0)
    result: F32 = (heard @ fade).astype(np.float32)
    return result


def _masks() -> F32:
    """1 where a place of ``hours`` is within the latest HOURS, by how far its video is behind and by its own hour."""
    behind, own, at = np.ogrid[: limits.HOURS + 1, : limits.HOURS, : limits.HOURS]
    return ((own - at) % limits.HOURS + behind < limits.HOURS).astype(np.float32)


_MASKS: Final = _masks()


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
