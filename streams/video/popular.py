"""Popular: what is known of a video alone, and how it stands among all candidates.

Decayed rates and shares, age and positives, as logarithms. A viewer's *level* is how the videos liked so far stood when
they were liked: some like what is hot at the moment, some what hardly anybody has met.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.tables import F32, I64
from streams.video.catalogue import Catalogue
from streams.video.videos import HALF_LIVES_S
from streams.viewer.viewers import LEVELS, ViewerTable

__all__ = ["POPULAR_NAMES", "levels", "levels_of", "lifts", "popular_features", "standing"]

_MET, _LONG, _POSITIVE, _NEGATIVE = range(4)
_RATE_NAMES: Final = ("5m", "15m", "30m", "1h", "2h", "6h", "12h", "24h", "72h")
_SHARE_AT: Final = (4, 7, 8)
_FLOOR: Final = 0.03
_LIFT_S: Final = np.array(limits.LIFT_HALF_LIVES_S)
_CALM: Final = 1.0  # positives, expected and observed, that every video is given beforehand
_SCALE_MS: Final = 60_000
_SAMPLE: Final = 1_024
_STEPS: Final = 31.0  # a level of 1 standard deviation, as an int8
_SHRINK: Final = np.float32(5.0)  # likes after which a viewer's level counts for half

POPULAR_NAMES: Final = (
    *(f"positive_{name}" for name in _RATE_NAMES),
    *(f"positive_share_{_RATE_NAMES[at]}" for at in _SHARE_AT),
    "long_share_72h",
    "negative_share_72h",
    "log_age",
    "log_positives",
    "lift_2h",
    "lift_6h",
    "lift_24h",
    "log_duration",
)
"""Names of the columns of ``popular_features``; the first ``viewers.LEVELS`` of them make a viewer's level."""


class Scale(NamedTuple):
    """Mean and standard deviation of the popular features over the candidates, float32[LEVELS] each."""

    mean: F32
    sd: F32


def popular_features(catalogue: Catalogue, rows: I64, now_ms: I64 | int) -> F32:
    """The features of the videos alone, float32[n, 20]: decayed rates and shares, age, lift, duration."""
    age_s = np.maximum(now_ms - catalogue.sums_ms[rows], 0) / 1_000.0
    fade = np.exp2(-age_s[:, None] / HALF_LIVES_S)
    # After a crash soft signals may come out a little off: below nothing there is nothing.
    sums = np.maximum(catalogue.sums[rows], 0.0)
    positive = sums[:, _POSITIVE] * fade
    met = sums[:, _MET] * fade
    out = np.empty((len(rows), len(POPULAR_NAMES)), dtype=np.float32)
    wide = len(HALF_LIVES_S)
    out[:, :wide] = np.log(positive + _FLOOR)
    for column, at in enumerate(_SHARE_AT, wide):
        out[:, column] = np.log((positive[:, at] + 0.5) / (met[:, at] + 5.0))
    column = wide + len(_SHARE_AT)
    out[:, column] = np.log((sums[:, _LONG, -1] * fade[:, -1] + 2.0) / (met[:, -1] + 4.0))
    out[:, column + 1] = np.log((sums[:, _NEGATIVE, -1] * fade[:, -1] + 0.5) / (met[:, -1] + 5.0))
    age_h = np.maximum(now_ms - catalogue.created_ms[rows], 0) / 3.6e6
    out[:, column + 2] = np.log1p(age_h)
    out[:, column + 3] = np.log1p(np.maximum(catalogue.near_mass[rows, 0], 0.0))
    out[:, LEVELS:-1] = lifts(catalogue.lift[rows], catalogue.lift_ms[rows], now_ms)
    out[:, -1] = np.log1p(catalogue.duration_ms[rows] / 1_000.0)
    return out


def lifts(sums: F32, at_ms: I64, now_ms: int | I64) -> F32:
    """Logarithm of observed over expected, float32[n, 3], of ``sums`` f32[n, 3, 2] as of ``at_ms`` i64[n].

    >>> np.exp(lifts(np.array([[[3.0, 1.0]] * 3]), np.array([0]), 0)[0]).round().tolist()
    [2.0, 2.0, 2.0]
    """
    age_s = np.maximum(now_ms - at_ms, 0) / 1_000.0
    fade = np.exp2(-age_s[:, None] / _LIFT_S)
    faded = np.maximum(sums * fade[:, :, None], 0.0) + _CALM
    result: F32 = np.log(faded[:, :, 0] / faded[:, :, 1]).astype(np.float32)
    return result


def standing(catalogue: Catalogue, x: F32, now_ms: int) -> F32:
    """``x`` of ``popular_features``, its first LEVELS, in standard deviations from the mean candidate, within ±4."""
    scale = _scale(catalogue, now_ms)
    result: F32 = np.clip((x[:, :LEVELS] - scale.mean) / scale.sd, -4.0, 4.0)
    return result


def levels(catalogue: Catalogue, rows: I64, now_ms: int) -> npt.NDArray[np.int8]:
    """How videos ``rows`` stand now, as the viewer table keeps it, int8[n, LEVELS]; zeros where the row is -1."""
    out = np.zeros((len(rows), LEVELS), dtype=np.int8)
    known = np.flatnonzero(rows >= 0)
    if len(known):
        z = standing(catalogue, popular_features(catalogue, rows[known], now_ms), now_ms)
        out[known] = np.rint(z * _STEPS)
    return out


def levels_of(catalogue: Catalogue, viewers: ViewerTable, viewer: I64) -> F32:
    """Mean standing of what each viewer liked lately, shrunk towards 0 where that is little, float32[g, LEVELS]."""
    counting = viewers.counting(viewer, catalogue.drift_ms)
    count = counting.sum(axis=1).astype(np.float32)
    levels = viewers.levels[viewer] * counting[:, :, None]
    total = levels.sum(axis=1, dtype=np.float32) / np.float32(_STEPS)
    result: F32 = total / (count + _SHRINK)[:, None]
    return result


def _scale(catalogue: Catalogue, now_ms: int) -> Scale:
    """The scale as of the last minute of event time, from a regular sample of the candidates."""
    rows = catalogue.candidates()
    kept = catalogue.scale
    if kept is None or abs(now_ms - kept[0]) > _SCALE_MS or 10 * abs(len(rows) - kept[1]) > kept[1]:
        x = popular_features(catalogue, rows[:: max(1, len(rows) // _SAMPLE)], now_ms)[:, :LEVELS]
        made = Scale(x.mean(axis=0), x.std(axis=0) + np.float32(1e-3)) if len(x) else Scale(_NONE, _NONE + 1)
        kept = catalogue.scale = (now_ms, len(rows), made)
    scale: Scale = kept[2]
    return scale


_NONE: Final = np.zeros(LEVELS, dtype=np.float32)
