"""Stable 64-bit names: ids become numbers that every process and every run agrees on.

Python's own ``hash`` is salted per process and cannot be stored. These hashes stand in rows, rings and frames where a
string would cost ten times the bytes; identity of viewers and videos at the edges stays with the strings themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

__all__ = ["NO_NAMES", "U64", "hash64", "hash_all", "pair", "shuffled", "uniform"]

U64 = npt.NDArray[np.uint64]
NO_NAMES: U64 = np.empty(0, dtype=np.uint64)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def hash64(text: str) -> int:
    """XXH3 of the UTF-8 bytes of ``text``, an int in [1, 2^64): 0 is kept for "empty slot".

    >>> hash64("travel") == hash64("travel") != hash64("baking")
    True
    """
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) or 1


def hash_all(texts: Iterable[str]) -> U64:
    """``hash64`` of each text, uint64[n].

    >>> int(hash_all(["travel"])[0]) == hash64("travel")
    True
    """
    return np.fromiter(map(hash64, texts), dtype=np.uint64)


def pair(left: U64, right: U64) -> U64:
    """One hash for each ordered pair, uint64[n]; not symmetric.

    >>> one, two = hash_all(["a"]), hash_all(["b"])
    >>> bool(pair(one, two) == pair(two, one))
    False
    """
    mixed = (left ^ (left >> np.uint64(31))) * _GOLDEN + right
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    result: U64 = mixed ^ (mixed >> np.uint64(32))
    return result


def shuffled(names: U64, seed: int) -> U64:
    """Keys to sort ``names`` u64[n] by: an order that looks drawn and is the same for one ``seed``.

    >>> names = hash_all(["a", "b", "c"])
    >>> bool((shuffled(names, 1) == shuffled(names, 1)).all()), bool((shuffled(names, 1) == shuffled(names, 2)).any())
    (True, False)
    """
    result: U64 = (names ^ np.uint64(seed & 0xFFFFFFFF)) * _GOLDEN
    return result


def uniform(names: U64) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) that look drawn and are the same for the same names, float64 of the shape of ``names``.

    >>> uniform(np.array([0, 2**63], np.uint64)).tolist()
    [0.0, 0.5]
    """
    result: npt.NDArray[np.float64] = (names >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return result
