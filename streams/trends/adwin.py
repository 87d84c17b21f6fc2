"""River's ADWIN (Bifet and Gavaldà 2007) without what River's other detectors of drift need.

``river.drift`` imports scipy.stats for a detector that nobody here uses: half a second and 22 MB of every worker. While
it is imported something else stands there, which becomes scipy.stats for whoever asks it for anything.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import scipy


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what every module is asked for, by whoever looks through all of them
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _left_out(package: str) -> Iterator[None]:
    """Whoever imports this module of scipy for the first time gets one that reads it when it is used."""
    name = f"scipy.{package}"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = _StandIn(name)
    setattr(scipy, package, sys.modules[name])
    try:
        yield
    finally:
        del sys.modules[name]
        delattr(scipy, package)


with _left_out("stats"):
    from river import drift

ADWIN = drift.ADWIN

__all__ = ["ADWIN"]
