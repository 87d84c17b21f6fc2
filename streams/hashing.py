"""Stable 64-bit names: ids become numbers that every process and every run agrees on.

Python's own ``hash`` is salted per process and cannot be stored. These hashes stand in rows, rings and frames where a
string would cost ten times the bytes; identity of viewers and videos at the edges stays with the strings themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from xxhash import xxh3_64_intdigest

__all__ = ["U64", "hash64", "hash_all", "pair"]

U64 = npt.NDArray[np.uint64]

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
