"""State hashes: one number for everything that must be exact, whatever the batches, workers or crashes.

A hash a row, added up modulo 2^256: the order of rows and their spread over shards do not show, a missing, repeated or
changed row does. Rows are hashed by what they mean (facts in sorted order), not by how they happen to be stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from streams.arrays.hashing import U64
from streams.signals.outcomes import facts

__all__ = ["ExactHash"]

_MODULUS = 1 << 256


class ExactHash:
    """Sum of row hashes over outcomes, counters and what was seen.

    >>> one, two = ExactHash(), ExactHash()
    >>> one.counts("x", [1, 2]); one.counts("y", [3, 4]); two.counts("y", [3, 4]); two.counts("x", [1, 2])
    >>> one.hexdigest() == two.hexdigest()
    True
    """

    def __init__(self) -> None:
        self._total = 0

    def outcome(self, user_id: str, video: int, value: bytes) -> None:
        """An encoded outcome of a viewer and the hash of a video; one without facts does not count."""
        if found := facts(value):
            self._add(f"o\0{user_id}\0{video}\0{found}")

    def counts(self, video_id: str, counts: Iterable[int]) -> None:
        """The counts of a video; all zero does not count."""
        numbers = [int(count) for count in counts]
        if any(numbers):
            self._add(f"e\0{video_id}\0{numbers}")

    def met(self, user_id: str, videos: U64) -> None:
        """What a viewer met, in any order; nothing does not count."""
        if len(videos):
            self._add(f"m\0{user_id}\0{np.unique(videos).tolist()}")

    def hexdigest(self) -> str:
        """The sum, 64 hexadecimal digits."""
        return f"{self._total:064x}"

    def _add(self, text: str) -> None:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        self._total = (self._total + int.from_bytes(digest, "big")) % _MODULUS
