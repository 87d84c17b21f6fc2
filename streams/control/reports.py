"""Reports: what came of campaigns. Of each, promoted showings that came onto a screen, were watched for three seconds,
and were clicked.

Each (viewer, video) counts once for each of the three, whatever is said again: the counts follow the outcomes, and are
stored with them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.formats import check_format
from streams import limits
from streams.arrays.tables import I64
from streams.control.promotions import Campaigns
from streams.shards.columns import ABSENT, GESTURES, IMPRESSION
from streams.signals.outcomes import OutcomeTable
from streams.signals.watching import short_play

__all__ = ["REPORTED", "REPORT_KEY", "Reports", "facts"]

REPORT_KEY: Final = b"p:reports"
"""Row key of a shard's part of the reports."""
REPORTED: Final = ("impressions", "views", "clicks")
"""What is counted. A view is three seconds, or the whole of a shorter video."""
_FORMAT: Final = 1
_CLICK: Final = np.uint8(1 << GESTURES.index("click"))


def facts(outcomes: OutcomeTable, rows: I64) -> npt.NDArray[np.bool_]:
    """Which of REPORTED is true of outcome ``rows`` i64[n] now, bool[n, 3]."""
    if not len(rows):
        return np.empty((0, len(REPORTED)), dtype=bool)
    watch_ms = outcomes.best_watch(rows)
    viewed = (watch_ms != ABSENT) & ~short_play(watch_ms, outcomes.duration_ms[rows])
    shown = (outcomes.ring(rows, IMPRESSION) != ABSENT).any(axis=1) | (watch_ms != ABSENT)
    return np.stack((shown, viewed, (outcomes.gestures[rows] & _CLICK) > 0), axis=1)


@dataclass(slots=True)
class Reports:
    """Counts of REPORTED by campaign, of one shard; those of the latest campaigns are kept when they have ended."""

    counts: dict[str, list[int]] = field(default_factory=dict)
    changed: bool = False

    def count(
        self,
        campaigns: Campaigns,
        outcomes: OutcomeTable,
        rows: I64,
        before: npt.NDArray[np.bool_],
        after: npt.NDArray[np.bool_],
    ) -> None:
        """Add what became true of promoted outcomes ``rows`` i64[n], ``facts`` of which were ``before``."""
        if not len(rows):
            return
        gained = after.astype(np.int64) - before
        for at in np.flatnonzero(gained.any(axis=1)).tolist():
            name = campaigns.by_video.get(int(outcomes.video[rows[at] : rows[at] + 1].view(np.uint64)[0]))
            if name is not None:
                held = self.counts.setdefault(name, [0] * len(REPORTED))
                self.counts[name] = [one + more for one, more in zip(held, gained[at].tolist(), strict=True)]
                self.changed = True
        for name in list(self.counts)[: max(0, len(self.counts) - limits.REPORTS)]:
            del self.counts[name]

    def encode(self) -> bytes:
        """For the store."""
        self.changed = False
        return msgspec.msgpack.encode((_FORMAT, self.counts))

    def decode(self, value: bytes | None) -> None:
        """Take over what was stored, None: nothing was."""
        if value is not None:
            stored, counts = msgspec.msgpack.decode(value, type=tuple[int, dict[str, list[int]]])
            check_format("a report of campaigns", stored, _FORMAT)
            self.counts = counts
