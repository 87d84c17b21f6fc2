"""Ports: where an operator's own code takes part in the ranking, as two functions.

A scorer adds to the scores of candidates; a candidate source names videos that are to be considered. Neither can show
what may not be shown. Where none is set, nothing is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from schemas.catalogue import Video
from streams import limits
from streams.arrays.tables import F32, F64, I64, NO_ROWS
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

__all__ = ["NO_PORTS", "Asker", "PortError", "Ports", "Scorer", "Source"]


class Asker(NamedTuple):
    """For whom is ranked, and as of when. ``user_id`` is empty where the viewer turned personalisation off."""

    user_id: str
    now_ms: int


Scorer = Callable[[F32, Asker, Sequence[Video]], F64]
"""(features f32[n, F] in the order of ``streams.ranking.features.FEATURES``, for whom, the n videos) to what is added
to each score, f64[n]. Equal calls must give equal answers, or a replay gives other feeds."""
Source = Callable[[Asker], Iterable[str]]
"""For whom, to ids of videos to consider, best first; unknown ones and those that may not be shown are left out."""


class PortError(ValueError):
    """What an operator's own function gave cannot be used."""


class Ports(NamedTuple):
    """The functions that are set.

    >>> Ports().scorer is None
    True
    """

    scorer: Scorer | None = None
    source: Source | None = None

    def scores(self, catalogue: Catalogue, viewers: ViewerTable, viewer: int, now_ms: int, rows: I64, x: F32) -> F64:
        """What the scorer adds to each of ``rows`` i64[n] with features ``x`` f32[n, F], f64[n].

        Raises ``PortError`` where it is not one finite number a video.
        """
        if self.scorer is None:
            return np.zeros(len(rows))
        videos = [video for row in rows.tolist() if (video := catalogue.videos[row]) is not None]
        found = np.asarray(self.scorer(x, _asker(viewers, viewer, now_ms), videos), dtype=np.float64)
        if found.shape != (len(rows),) or not np.isfinite(found).all():
            what = f"shape {found.shape}" if found.shape != (len(rows),) else "numbers that are not finite"
            raise PortError(f"the scorer gave {what} for {len(rows)} videos; it must give one finite number a video")
        return found

    def named(self, catalogue: Catalogue, viewers: ViewerTable, viewer: int, now_ms: int) -> I64:
        """Rows of the first ``limits.NAMED`` videos that the source names, if the catalogue knows them, int64[n] in
        order. Raises ``PortError`` where they are no ids.
        """
        if self.source is None:
            return NO_ROWS
        names = list(islice(self.source(_asker(viewers, viewer, now_ms)), limits.NAMED))
        if wrong := [name for name in names if not isinstance(name, str)]:
            raise PortError(f"the candidate source gave {wrong[0]!r}; it must give ids of videos")
        rows = catalogue.rows(names)
        return np.unique(rows[rows >= 0])


NO_PORTS: Final = Ports()
"""Nothing is set."""


def _asker(viewers: ViewerTable, viewer: int, now_ms: int) -> Asker:
    return Asker(viewers.user_ids[viewer] if viewers.personalize[viewer] else "", now_ms)
