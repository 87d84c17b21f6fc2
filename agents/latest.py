"""Latest: a mapping that holds what was put in latest, up to a bound."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

__all__ = ["Latest"]

K = TypeVar("K")
V = TypeVar("V")


class Latest(OrderedDict[K, V]):
    """A mapping of at most ``most`` entries: what is set is the latest, and the one set longest ago falls out.

    >>> held = Latest(2)
    >>> for name in ("a", "b", "a", "c"): held[name] = True
    >>> list(held)
    ['a', 'c']
    """

    def __init__(self, most: int) -> None:
        self._most = most
        super().__init__()

    def __setitem__(self, key: K, value: V) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)
