"""Following: whom a viewer follows."""

from __future__ import annotations

from streams.video.catalogue import Catalogue
from streams.viewer.wishes import Entries, standing

__all__ = ["followed"]


def followed(catalogue: Catalogue, entries: Entries) -> list[int]:
    """Hashes of the creators that somebody with these ``entries`` follows."""
    return list(dict.fromkeys(name for _, name in standing(catalogue, entries)))
