"""What all shards of a process read or use together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.dead_letters import BadShare
from agents.producer import RecordProducer
from agents.settings import Settings
from agents.store import Store
from streams.arrays.hashing import U64
from streams.control.proceeds import Proceeds
from streams.control.steering import Steering
from streams.ranking.ranking import Model
from streams.video.catalogue import Catalogue

__all__ = ["Shared"]

_KEPT: Final = ("factors", "lift", "after")


class Kept:
    """Rows of snapshots by the video's hash; a chunk replaces what it said before, so it is bounded as they are."""

    def __init__(self) -> None:
        self._rows: dict[int, tuple[Any, ...]] = {}
        self._names: dict[str, list[int]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, chunk: str, names: U64, *columns: npt.NDArray[Any]) -> None:
        """Take over a ``chunk``: arrays of equal length, a row a name; a name of 0 is no row."""
        for name in self._names.get(chunk, ()):
            self._rows.pop(name, None)
        listed = names.tolist()
        self._names[chunk] = [name for name in listed if name]
        self._rows.update((name, row) for name, row in zip(listed, zip(*columns, strict=True), strict=True) if name)

    def find(self, names: Iterable[int]) -> tuple[npt.NDArray[Any], ...] | None:
        """The kept names among ``names`` and their columns, None where there are none."""
        found = [name for name in names if name in self._rows]
        if not found:
            return None
        columns = zip(*(self._rows[name] for name in found), strict=True)
        return np.array(found, dtype=np.uint64), *(np.array(column) for column in columns)


@dataclass(kw_only=True)
class Replica:
    """What whoever ranks knows of the broadcast topics: the catalogue, the model in use (replaced as a whole when a new
    one comes) and what operators have set.
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    model: Model = field(default_factory=Model)
    kept: dict[str, Kept] = field(default_factory=lambda: {name: Kept() for name in _KEPT})
    """What was learnt of videos, by model, for those that come into the catalogue after it."""
    control: dict[str, Any] = field(default_factory=dict)
    """Latest values of ``control`` by key."""
    steering: Steering = field(default_factory=Steering)
    """What of it whoever ranks reads."""


@dataclass(kw_only=True)
class Shared(Replica):
    """The replica, and the connections of a worker."""

    settings: Settings
    store: Store
    producer: RecordProducer
    bad: BadShare
    proceeds: Proceeds = field(default_factory=Proceeds)
    """What came of what all shards of the process served."""
    learn: bool = True
