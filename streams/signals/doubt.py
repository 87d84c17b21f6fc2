"""Doubt: how much of what doubtful viewers did to a video counts when it is ranked.

Each outcome is judged once, when it comes into being (``streams.signals.bots``), and keeps its judgement, so what was
put in is what an undo takes out. What is doubted is summed apart. It counts as far as doubt is usual: for one trusted
signal as many doubted ones as videos commonly have, twice over. So newcomers count where they are everywhere, and ten
thousand of them on one video count as a few.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from streams import limits
from streams.arrays.tables import F32, F64

__all__ = ["ALL", "BARRED", "BELIEVED", "DOUBTED", "EXCUSED", "TRUSTED", "odds_of", "share_of", "vouched"]

TRUSTED, DOUBTED, BARRED, EXCUSED = range(4)
"""How an outcome is judged. Trusted: it counts, pairs and teaches. Doubted: it is summed apart and does neither.
Excused: it is summed apart and does both, since most were doubtful just then. Barred: it counts for its viewer only.
"""
BELIEVED: Final = (TRUSTED, EXCUSED)
"""Outcomes that pair and teach."""
ALL: Final = 1e9
"""Odds at which everything counts: where most is doubtful, doubt says nothing."""
_KNOWN: Final = 5.0  # viewers of a video from which on its share says something


def vouched(trusted: F64, doubted: F32 | F64, odds: float) -> F64:
    """What counts of signals of which some are ``doubted``, the shape of both.

    >>> vouched(np.array([0.0, 10.0, 10.0]), np.array([10_000.0, 2.0, 50.0]), odds=0.4).tolist()
    [0.0, 12.0, 18.0]
    """
    if odds >= ALL:
        return trusted + doubted
    most = limits.DOUBTED_TIMES * max(odds, limits.DOUBTED_ODDS) * np.maximum(trusted, 0.0)
    result: F64 = trusted + np.minimum(doubted, most)
    return result


def share_of(trusted: F64, doubted: F32 | F64) -> F32:
    """Share of the doubted among viewers, f32[n]; -1 where too few are known for it to say something.

    >>> share_of(np.array([9.0, 1.0]), np.array([1.0, 1.0])).round(1).tolist()
    [0.10000000149011612, -1.0]
    """
    both = trusted + doubted
    result: F32 = np.where(both >= _KNOWN, doubted / np.maximum(both, _KNOWN), -1.0).astype(np.float32)
    return result


def odds_of(shares: F32) -> float:
    """How many doubted there are to one trusted in the middle video, of ``share_of`` each; no crowd on a few moves it.
    Where no video is known, or in the middle one most are doubted, ``ALL``.

    >>> odds_of(np.array([0.0, 0.5, 1.0, 0.0, -1.0], np.float32)), odds_of(np.array([0.9], np.float32)) == ALL
    (0.3333333333333333, True)
    """
    known = shares[shares >= 0]
    middle = float(np.median(known)) if len(known) else 1.0
    return ALL if middle > limits.DOUBTED_SHARE else middle / (1.0 - middle)
