"""Passed by: what was hot while a viewer was active, and was not taken.

Who was there in an hour of much liking saw, in all likelihood, what everybody saw. A viewer's active hours are those of
the latest positives; how hot a video was then follows from its positives hour by hour, as a share of everybody's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from streams import limits
from streams.arrays.tables import F32, F64, I64
from streams.video.catalogue import Catalogue
from streams.video.videos import HOUR_MS
from streams.viewer.viewers import ViewerTable

__all__ = ["hours_at", "passed_by", "weights_of"]

_HALF_LIFE_H: Final = 2.0
_KEPT_MS: Final = 60_000
_FLOOR: Final = np.float32(0.002)


class Crowd(NamedTuple):
    """How hot all candidates were together in each of the latest hours, f64[HOURS] by ``hour % HOURS``; ``hour`` is the
    latest. ``fade`` f64[HOURS, HOURS]: how hot a positive of the one hour (column) still is in the other (row).
    """

    made_ms: int
    hour: int
    heat: F64
    fade: F64


def passed_by(total: F32) -> F32:
    """The feature: logarithm of ``total`` f32[n], what ``hours_at`` and ``weights_of`` make as their product."""
    result: F32 = np.log(np.maximum(total, 0.0) + _FLOOR)
    return result


def hours_at(catalogue: Catalogue, rows: I64, now_ms: int) -> F32:
    """Positives of videos ``rows`` i64[n] in each of the latest hours, f32[n, HOURS] by ``hour % HOURS``."""
    return _within(catalogue, rows, _crowd(catalogue, now_ms).hour)


def weights_of(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> F32:
    """What a positive of each hour adds up to over the later active hours of each viewer, f32[g, HOURS].

    A positive is hot for some hours after it, half as much after each two. As of the last ``hours_at``. Who turned
    personalisation off was never active.
    """
    crowd: Crowd = catalogue.crowd
    hour = viewers.recent_ms[viewer] // HOUR_MS
    fine = (hour > crowd.hour - limits.HOURS) & (hour <= crowd.hour) & viewers.personalize[viewer][:, None]
    place, nth = np.nonzero(fine)
    active = np.zeros((len(viewer), limits.HOURS))
    np.add.at(active, (place, hour[place, nth] % limits.HOURS), 1.0)
    heard = active / np.maximum(crowd.heat, 1.0)
    result: F32 = (heard @ crowd.fade).astype(np.float32)
    return result


def _crowd(catalogue: Catalogue, now_ms: int) -> Crowd:
    """As of the last minute of event time."""
    kept: Crowd | None = catalogue.crowd
    if kept is None or abs(now_ms - kept.made_ms) > _KEPT_MS:
        hour = now_ms // HOUR_MS
        counts = _within(catalogue, catalogue.candidates(), hour).sum(axis=0, dtype=np.float64)
        age = (hour - np.arange(limits.HOURS)) % limits.HOURS
        apart = age[None, :] - age[:, None]
        fade = np.where(apart >= 0, 2.0 ** (-apart / _HALF_LIFE_H), 0.0)
        kept = catalogue.crowd = Crowd(now_ms, hour, fade @ np.maximum(counts, 0.0), fade)
    return kept


def _within(catalogue: Catalogue, rows: I64, latest: int) -> F32:
    """Positives of ``rows`` by ``hour % HOURS``, f32[n, HOURS]; 0 for hours beyond ``latest`` or too long before it."""
    behind = np.clip(latest - catalogue.hour[rows], -limits.HOURS, limits.HOURS) + limits.HOURS
    result: F32 = catalogue.hours[rows] * _MASKS[behind, catalogue.hour[rows] % limits.HOURS]
    return result


def _masks() -> F32:
    """1 where a place of ``hours`` counts, by how far its video is behind the latest hour and by the video's own."""
    behind, own, at = np.ogrid[-limits.HOURS : limits.HOURS + 1, : limits.HOURS, : limits.HOURS]
    age = behind + (own - at) % limits.HOURS
    made: F32 = ((age >= 0) & (age < limits.HOURS)).astype(np.float32)
    return made


_MASKS: Final = _masks()
