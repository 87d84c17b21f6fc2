"""Fatigue: what was shown often lately and moved nobody to stay is scored lower, so that a feed does not insist.

Counted over the latest showings, those before others count less, and all of it fades while the viewer is away. What
the viewer engages with never tires. The bound is one setting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from streams import limits
from streams.arrays.tables import F64
from streams.slate.slate import CREATOR, TAG, U32
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["fatigue"]

_HALF: Final = 25.0  # showings after which one counts for half
_AWAY_MS: Final = 6 * 3_600_000.0  # without an event after which all of it counts for half
_ENGAGED: Final = 0.1  # worth beyond the usual, of a tag in this session or of a creator over weeks
_FADE: Final = np.exp2(-np.arange(limits.LATELY)[::-1] / _HALF)
_OFTEN: Final = {TAG: 0.2, CREATOR: 0.06}
"""Share of the latest showings that is as often as it gets."""


def fatigue(viewers: ViewerTable, request: Request, marks: U32) -> F64 | None:
    """What to take off the scores of candidates with ``marks`` u32[n, 4], f64[n] in [0, slate.fatigue]; None: nothing.

    The last ``request.unseen`` of what was served was not shown yet.
    """
    strength, viewer = request.tuning.slate.fatigue, request.viewer
    shown = request.lately[: max(0, len(request.lately) - request.unseen)]
    if not strength or not len(shown) or not viewers.personalize[viewer]:
        return None
    away_ms = max(0, request.now_ms - int(viewers.last_ms[viewer]))
    weights = _FADE[-len(shown) :] * (2.0 ** (-away_ms / _AWAY_MS) / _FADE.sum())
    tags, creators = viewers.tags[viewer], viewers.creators[viewer]
    since_s = max(0, request.now_ms - int(viewers.at_ms[viewer])) / 1_000.0
    lately = viewers.tag_w[viewer, :, 1] * 2.0 ** (-since_s / limits.FAST_HALF_LIFE_S)
    liked = {TAG: tags[lately > _ENGAGED], CREATOR: creators[viewers.creator_w[viewer] > _ENGAGED]}
    tired = np.zeros(len(marks), dtype=np.float32)
    for kind, often in _OFTEN.items():
        names = shown[:, kind]
        spared = (names[:, None] == liked[kind].astype(np.uint32)).any(axis=1) | (names == 0)
        heavy = np.where(spared, 0.0, weights / often).astype(np.float32)
        if heavy.any():
            np.maximum(tired, (marks[:, kind, None] == names) @ heavy, out=tired)
    result: F64 = np.minimum(tired, 1.0) * strength
    return result
