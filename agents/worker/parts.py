"""What a user shard holds between two steps: events of a chunk, and what waits for the next feed commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from streams.columns import Columns

__all__ = ["Group", "Part"]


@dataclass
class Group:
    """Batches waiting for the next feed commit."""

    batches: list[tuple[str, str, bytes, float]] = field(default_factory=list)
    rows: dict[int, None] = field(default_factory=dict)


class Part(NamedTuple):
    """Events of one chunk, the offset that follows them, and whether they come too late for batches of our own."""

    columns: Columns
    following: int
    late: bool
