"""Chunks: what is learnt row by row is told chunk by chunk, and put into catalogues. The one place that says what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from streams.video.catalogue import Catalogue

__all__ = ["CHUNKED", "Chunked"]


class Chunked(NamedTuple):
    """A model that comes in chunks: the ``columns`` that a chunk has beside ``names``, and what ``place`` s them."""

    columns: tuple[str, ...]
    place: Callable[..., None]


CHUNKED: Final = {
    "factors": Chunked(("vectors",), Catalogue.place),
    "lift": Chunked(("sums", "at_ms"), Catalogue.place_lift),
    "after": Chunked(("videos", "weight", "mass"), Catalogue.place_after),
    "terms": Chunked(("tags", "weights", "mass", "at_ms"), Catalogue.place_terms),
}
"""By name, in the order in which they are told."""
