"""Units: numbers as people read them."""

from __future__ import annotations

__all__ = ["gib"]


def gib(count: float) -> str:
    """Bytes as people read them.

    >>> gib(3 * 2**30), gib(5_000_000)
    ('3.0 GiB', '5 MiB')
    """
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
