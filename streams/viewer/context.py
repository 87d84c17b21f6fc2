"""Context: when, where and on what somebody watches, and what fits that.

A viewer's taste is kept split by the time of day and by the kind of day, beside the taste as a whole. Where a part
differs from the whole, that difference speaks for or against a video; where it does not, nothing is said. The scene
(commute, work, rest) follows from the clock and the network, and fits videos that are tagged with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.events import Ctx
from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import F32, I64
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import NOWHERE, ViewerTable

__all__ = ["PARTS", "SCENES", "folded", "locate", "parts_of", "scene_of", "scenes", "turns"]

PARTS: Final = ("night", "morning", "day", "evening", "weekday", "weekend")
"""What ``hours`` of the viewer table are split by: four parts of the day, two kinds of day."""
SCENES: Final = ("rest", "commute", "work")
"""What people do while they watch; a video says which it is for by a tag, ``scene:commute``."""
_OF_HOUR: Final = np.array([0] * 5 + [1] * 5 + [2] * 7 + [3] * 6 + [0])
_HOUR_MS: Final = 3_600_000
_SURE: Final = np.float32(3.0)  # worth seen in a part after which its difference counts for half
_OF_DAY: Final = np.float32(0.5)  # what the kind of day weighs against the time of day
_NETS: Final = {"wifi": 1, "ethernet": 1}
_MOBILE: Final = 2
_SCENE_TAGS: Final = tuple(hash64(f"scene:{name}") for name in SCENES)


def locate(viewers: ViewerTable, places: Mapping[str, tuple[int, Ctx]]) -> None:
    """Take over where viewers (by id, each with a row) are: time zone and network, and language and country as far as
    no record of theirs says them. ``places`` holds a time in ms and what was said then; what is older than the viewer's
    latest event changes nothing.
    """
    if not places:
        return
    rows = viewers.rows(places)
    for row, (ts_ms, ctx) in zip(rows, places.values(), strict=True):
        if ts_ms < viewers.last_ms[row]:
            continue
        if ctx.tz_min is not None:
            viewers.tz_min[row] = ctx.tz_min
        if ctx.net is not None:
            viewers.net[row] = _NETS.get(ctx.net, _MOBILE)
        free = not viewers.known[row]
        if ctx.lang and (free or not viewers.lang[row]):
            viewers.lang[row] = hash64(ctx.lang)
        if ctx.country and (free or not viewers.country[row]):
            viewers.country[row] = hash64(ctx.country)


def parts_of(ms: I64, tz_min: I64) -> I64:
    """Places in PARTS of moments i64[n], each at its own offset from UTC in minutes: int64[n, 2], time and kind of day.

    >>> [PARTS[part] for part in parts_of(np.array([20 * 3_600_000]), np.array([60]))[0]]
    ['evening', 'weekday']
    """
    hour, weekday = _clock(ms, tz_min)
    return np.stack((_OF_HOUR[hour], np.where(weekday >= 5, 5, 4)), axis=1)


def scene_of(ms: int, tz_min: int, net: int) -> int:
    """The place in SCENES of what somebody does at ``ms``: on the way on working days before and after work, unless at
    home on a fixed network; else at work by day; else at rest.

    >>> [SCENES[scene_of(hour * 3_600_000, 0, 2)] for hour in (8, 11, 20)]
    ['commute', 'work', 'rest']
    """
    hours, weekdays = _clock(np.array([ms]), np.array([tz_min]))
    hour, working = int(hours[0]), int(weekdays[0]) < 5
    if working and (6 <= hour < 9 or 16 <= hour < 19) and net != _NETS["wifi"]:
        return 1
    return 2 if working and 9 <= hour < 17 else 0


def folded(vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Content vectors float[n, DIM] in fewer dimensions, float[n, HOUR_DIM]; products are kept in expectation."""
    result: npt.NDArray[Any] = vectors.reshape(len(vectors), limits.DIM // limits.HOUR_DIM, limits.HOUR_DIM).sum(axis=1)
    return result


def turns(viewers: ViewerTable, viewer: I64, now_ms: I64) -> F32:
    """Where the taste of each of ``viewer`` i64[g] turns at ``now_ms`` i64[g], float32[g, DIM]: its product with a
    content vector says how much better a video fits now than it fits the taste as a whole.

    Zeros where nothing is known, or nothing may be read.
    """
    parts = parts_of(now_ms, _zones(viewers, viewer))
    held = np.maximum(viewers.hour_mass[viewer[:, None], parts][:, :, None], 0.0)
    mean = viewers.hours[viewer[:, None], parts] / np.maximum(held, 1e-6)
    whole = folded(viewers.slow[viewer]) / np.maximum(viewers.mass[viewer, 1], 1e-6)[:, None]
    apart = (mean - whole[:, None, :]) * (held / (held + _SURE))
    turn = (apart[:, 0] + _OF_DAY * apart[:, 1]) * viewers.personalize[viewer][:, None]
    # The product of two folded vectors is that of the one with the other laid out twice.
    result: F32 = np.tile(turn, limits.DIM // limits.HOUR_DIM).astype(np.float32)
    return result


def scenes(catalogue: Catalogue, viewers: ViewerTable, viewer: I64, now_ms: I64) -> list[int]:
    """The catalogue's number of the tag that names the scene each viewer is in; 0 where there is no such tag, or where
    the viewer is is not known or may not be read.
    """
    numbers = [catalogue.id_of_tag.get(tag, 0) for tag in _SCENE_TAGS]
    known = (viewers.tz_min[viewer] != NOWHERE) & viewers.personalize[viewer]
    if not any(numbers) or not known.any():
        return [0] * len(viewer)
    clock = zip(now_ms.tolist(), viewers.tz_min[viewer].tolist(), viewers.net[viewer].tolist(), strict=True)
    return [numbers[scene_of(*one)] if told else 0 for one, told in zip(clock, known.tolist(), strict=True)]


def _zones(viewers: ViewerTable, viewer: I64) -> I64:
    """Offsets from UTC in minutes; whose is not known lives by UTC."""
    tz_min = viewers.tz_min[viewer].astype(np.int64)
    return np.where(tz_min == NOWHERE, 0, tz_min)


def _clock(ms: I64, tz_min: I64) -> tuple[I64, I64]:
    """Hour and day of the week (0 Monday), local."""
    hours = (ms + tz_min * 60_000) // _HOUR_MS
    return hours % 24, (hours // 24 + 3) % 7
