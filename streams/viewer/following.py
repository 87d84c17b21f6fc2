"""Following: whom a viewer follows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import U64
from streams.arrays.tables import I64
from streams.video.catalogue import Catalogue
from streams.viewer.wishes import FOLLOWS, OF, Entries, standing

__all__ = ["followed", "followers"]


def followed(catalogue: Catalogue, entries: Entries) -> list[int]:
    """Hashes of the creators that somebody with these ``entries`` follows."""
    return list(dict.fromkeys(name for _, name in standing(catalogue, entries)))


def followers(entries: Entries, viewer: I64, count: int, creator: int, uploads: U64) -> npt.NDArray[np.bool_]:
    """Which of ``count`` viewers follow a ``creator`` (a hash), bool[count]: ``followed`` without a catalogue.

    ``entries`` [n] are of ``viewer`` i64[n], ``uploads`` u64[m] are hashes of the creator's videos, one of which stands
    for who was meant where a follow named nobody.

    >>> from streams.viewer.wishes import ENTRY
    >>> entries = np.array([(FOLLOWS, 7, 10), (FOLLOWS, 7, 10), (FOLLOWS + OF, 9, 13), (FOLLOWS, 8, 2)], ENTRY)
    >>> followers(entries, np.array([0, 1, 1, 2]), 3, 7, np.array([9], np.uint64)).tolist()
    [True, False, False]
    """
    name = entries["name"]
    named = (entries["kind"] == FOLLOWS) & (name == np.uint64(creator))
    meant = np.flatnonzero(named | ((entries["kind"] == FOLLOWS + OF) & np.isin(name, uploads)))
    latest = np.full(count, -1, dtype=np.int64)
    np.maximum.at(latest, viewer[meant], entries["stamp"][meant])
    result: npt.NDArray[np.bool_] = (latest >= 0) & (latest & 1 == 0)
    return result
