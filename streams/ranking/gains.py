"""Gains: how much each part of what is known of a viewer counts, against what was learnt."""

from __future__ import annotations

from typing import Final

import numpy as np

from streams.arrays.tables import F32, F64
from streams.control.tuning import DEFAULT, Persona
from streams.ranking.features import FEATURES

__all__ = ["geared"]

_COLUMNS: Final = {
    name: [FEATURES.index(column) for column in columns]
    for name, columns in {
        "fast": ("near_latest", "content_fast", "tags_fast"),
        "slow": ("content_slow", "tags", "creator", "sound"),
        "together": ("near_slow", "near_fast", "near_crowd"),
        "alike": ("peers_24h", "peers", "peers_lift", "peers_cosine", "factors"),
        "after": ("after",),
        "hour": ("hour",),
        "uploads": ("uploads",),
        "followed": ("followed",),
        "friends": ("friends",),
        "locale": ("locale",),
        "segment": ("segment",),
    }.items()
}  # fmt: skip
"""Setting of ``Persona`` to the features it scales."""


def geared(x: F32, weights: F64, wanted: Persona) -> F64 | float:
    """What to add to the scores of feature rows ``x`` f32[n, F] under ``weights`` f64[F], float64[n].

    0 where every part counts as it was learnt.
    """
    if wanted == DEFAULT.persona:
        return 0.0
    extra = np.zeros(len(FEATURES))
    for name, columns in _COLUMNS.items():
        extra[columns] = weights[columns] * (getattr(wanted, name) - 1.0)
    result: F64 = x @ extra
    return result
