"""Rising: what is on the rise right now, as whoever ranks knows it from the records of ``trends``.

Slates hold a place for it now and then: the rising video that suits the viewer best, else one that carries a rising tag
or sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from schemas.trends import Trend
from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import F64, I64
from streams.slate.slate import best

if TYPE_CHECKING:
    from streams.ranking.ranking import Request
    from streams.video.catalogue import Catalogue

__all__ = ["Rising", "places"]

_POOL: Final = 8


class Rising:
    """Ids (hashes) of what rises, by kind, and since when; repeats and other orders of the same records change nothing.

    >>> rising = Rising()
    >>> rising.take(Trend(v=1, trend_id="t", kind="video", id="cat", state="rising", ts_ms=5))
    >>> rising.videos(now_ms=5).tolist() == [hash64("cat")], rising.videos(now_ms=5 + limits.RISING_MS).tolist()
    (True, [])
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[int, bool]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def take(self, trend: Trend) -> None:
        """Take over a record; of one item the latest holds, at equal times the one that ends a rise."""
        if trend.state == "falling":
            return
        key = trend.kind, hash64(trend.id)
        told = trend.ts_ms, trend.state == "cooling"
        self._known[key] = max(told, self._known.get(key, told))
        if len(self._known) > limits.RISING:
            del self._known[min(self._known, key=lambda one: (self._known[one][0], one))]

    def videos(self, now_ms: int) -> U64:
        """Hashes of rising videos, u64[n] in order."""
        return self._of(("video",), now_ms)

    def words(self, now_ms: int) -> U64:
        """Hashes of rising tags and sounds, u64[n] in order."""
        return self._of(("tag", "sound"), now_ms)

    def _of(self, kinds: tuple[str, ...], now_ms: int) -> U64:
        names = [
            name
            for (kind, name), (since_ms, cooled) in self._known.items()
            if kind in kinds and not cooled and since_ms > now_ms - limits.RISING_MS
        ]
        return np.array(sorted(names), dtype=np.uint64)


def places(catalogue: Catalogue, rows: I64, scores: F64, names: U64, order: I64, request: Request) -> I64:
    """Places of those of the candidates ``rows`` that rise, a few, what suits the viewer best first; none that stands
    so early in ``order`` that it is shown anyway.
    """
    rising = catalogue.rising
    if not len(rising) or not request.tuning.trends.share:
        return np.empty(0, np.int64)
    shown = np.zeros(len(rows), dtype=bool)
    shown[order[: request.limit]] = True
    fine = np.isin(names, rising.videos(request.now_ms))
    own = np.flatnonzero(fine & ~shown)
    own = own[best(scores[own], names[own], _POOL)]
    words = rising.words(request.now_ms)
    if len(own) < _POOL and len(words):
        carries = np.isin(catalogue.tags[rows], words).any(axis=1) | np.isin(catalogue.sound[rows], words)
        others = np.flatnonzero(carries & ~fine & ~shown)
        own = np.concatenate((own, others[best(scores[others], names[others], _POOL - len(own))]))
    return own
