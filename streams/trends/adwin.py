"""River's ADWIN (Bifet and Gavaldà 2007) without what River's other detectors of drift need.

``river.drift`` imports scipy.stats for a detector that nobody here uses: half a second and 22 MB of every worker. Here
scipy.stats is read when somebody first asks it for anything, as ``importlib.util.LazyLoader`` does it.
"""

from __future__ import annotations

import importlib.util
import sys

import scipy


def _read_when_asked(package: str) -> None:
    """A module of scipy that is not there yet stands as one that reads itself."""
    name = f"scipy.{package}"
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    setattr(scipy, package, module)  # or ``from scipy import`` would read it after all


_read_when_asked("stats")

from river.drift import ADWIN  # noqa: E402  # what it imports stands ready now

__all__ = ["ADWIN"]
