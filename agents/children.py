"""Children: processes of ours that end with this one, however it ends."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from agents.settings import environment

__all__ = ["die_with_parent", "spawn"]


def spawn(words: list[str], settings: Mapping[str, str], **options: Any) -> subprocess.Popen[bytes]:
    """The command ``feedstream`` with ``words`` in a process of its own, which ends with this one. ``settings`` by name
    come on top of our environment; ``options`` are those of ``Popen``.
    """
    command = [sys.executable, "-m", "feedstream", *words]
    return subprocess.Popen(  # noqa: S603  # our own program
        command, env=environment(**settings), preexec_fn=die_with_parent(), **options
    )


def die_with_parent() -> Callable[[], None] | None:
    """A ``preexec_fn`` by which a child gets SIGKILL when its parent dies, however that dies; None where not Linux."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG

    return ask
