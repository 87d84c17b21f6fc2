"""Proceeds: what came of what was served, by source, by tier and by the arm of an experiment, as counts to watch.

It remembers what was served lately and by whom it was named, and counts each stage of an item once: it is for curves,
not for exact readouts, which come from the log. Nothing of it is stored; what a worker served before it started is not
counted any further.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.reasons import SOURCES
from streams import limits
from streams.arrays.hashing import U64, pair
from streams.arrays.tables import I64
from streams.signals.objective import LONG_VIEW, NEGATIVE, POSITIVE, SEEN, SKIPPED
from streams.signals.outcomes import OutcomeTable
from streams.tiers.tiers import TOP
from streams.viewer.viewers import ViewerTable

__all__ = ["STAGES", "Counted", "Proceeds"]

STAGES: Final = ("served", "seen", "long_view", "positive", "skip", "negative")
"""What is counted of an item: that it was served, and what its outcome says: seen, watched long, a like, save, share,
comment or follow, skipped, not wanted.
"""
_BITS: Final = np.array([SEEN, LONG_VIEW, POSITIVE, SKIPPED, NEGATIVE], dtype=np.uint16)
_NAMES: Final = (*SOURCES, "other")
_NUMBER: Final = {name: number for number, name in enumerate(_NAMES)}
_OTHER: Final = ("other", "other")
_WEIGHTS: Final = np.uint8(1) << np.arange(len(STAGES), dtype=np.uint8)


class Counted(NamedTuple):
    """Counts since the last look, none of them 0: by (stage, source, tier) and by (stage, experiment, arm)."""

    items: dict[tuple[str, str, str], int]
    arms: dict[tuple[str, str, str], int]


class Proceeds:
    """What was served lately, one slot an item, and what is counted of it. Slots are found by the hash of viewer and
    video: where two items meet in one, the earlier is counted no further, whatever it came from.
    """

    def __init__(self, slots: int = limits.PROCEEDS) -> None:
        if slots & (slots - 1):
            raise ValueError(f"{slots} slots are no power of two")
        self._mask = np.uint64(slots - 1)
        self._name = np.zeros(slots, dtype=np.uint64)
        self._cell = np.zeros(slots, dtype=np.uint16)
        self._arms = np.zeros(slots, dtype=np.uint16)
        self._done = np.zeros(slots, dtype=np.uint8)
        self._number: dict[tuple[tuple[str, str], ...], int] = {(): 0}
        self._items = np.zeros((len(STAGES), len(_NAMES) * (TOP + 1)), dtype=np.int64)
        self._groups = np.zeros((len(STAGES), limits.PROCEEDS_ARMS + 1), dtype=np.int64)

    def serve(
        self, names: U64, sources: Sequence[str], tiers: npt.NDArray[np.integer], arms: Mapping[str, str]
    ) -> None:
        """Items ``names`` u64[n] (hashes of viewer and video) were served, each from a source and in a tier, under
        ``arms``.
        """
        number = [_NUMBER.get(source, _NUMBER["other"]) for source in sources]
        cells = (np.array(number, dtype=np.int64) * (TOP + 1) + np.clip(tiers, 0, TOP)).astype(np.uint16)
        group = self._group(arms)
        at = names & self._mask
        self._name[at], self._cell[at], self._arms[at], self._done[at] = names, cells, group, _WEIGHTS[0]
        self._items[0] += np.bincount(cells, minlength=self._items.shape[1])
        self._groups[0, group] += len(names)

    def note(self, viewers: ViewerTable, outcomes: OutcomeTable, rows: I64) -> None:
        """Outcomes ``rows`` i64[n], each named once, may have changed."""
        rows = rows[outcomes.viewer[rows] >= 0]
        names = pair(viewers.hash[outcomes.viewer[rows]], outcomes.video[rows].view(np.uint64))
        at = names & self._mask
        held = self._name[at] == names
        at = at[held]
        if not len(at):
            return
        now = (outcomes.bits[rows[held], None] & _BITS) > 0
        new = now & ((self._done[at, None] & _WEIGHTS[1:]) == 0)
        self._done[at] |= (new * _WEIGHTS[1:]).sum(axis=1, dtype=np.uint8)
        which, stage = np.nonzero(new)
        np.add.at(self._items, (stage + 1, self._cell[at[which]]), 1)
        np.add.at(self._groups, (stage + 1, self._arms[at[which]]), 1)

    def drain(self) -> Counted:
        """What was counted since the last call."""
        items = {
            (STAGES[stage], _NAMES[cell // (TOP + 1)], f"{cell % (TOP + 1)}"): int(self._items[stage, cell])
            for stage, cell in np.argwhere(self._items).tolist()
        }
        groups = {number: names for names, number in self._number.items()} | {limits.PROCEEDS_ARMS: (_OTHER,)}
        arms: dict[tuple[str, str, str], int] = {}
        for stage, group in np.argwhere(self._groups).tolist():
            for experiment, arm in groups[group]:
                key = (STAGES[stage], experiment, arm)
                arms[key] = arms.get(key, 0) + int(self._groups[stage, group])
        self._items[:], self._groups[:] = 0, 0
        return Counted(items, arms)

    def _group(self, arms: Mapping[str, str]) -> int:
        key = tuple(arms.items())
        found = self._number.get(key)
        if found is None:
            found = len(self._number)
            if found >= limits.PROCEEDS_ARMS:
                return limits.PROCEEDS_ARMS
            self._number[key] = found
        return found
