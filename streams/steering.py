"""Steering: what ``control`` records have set, as whoever ranks reads it.

One object a process, handed to everybody, changed in place when a record comes. A record that cannot be read changes
nothing: what was set before stands.
"""

from __future__ import annotations

from typing import Any

from streams.tuning import DEFAULT, Tuning, changed

__all__ = ["Steering"]

_TUNING = "tuning."


class Steering:
    """Latest values by key, and the tuning that follows from them.

    >>> steering = Steering()
    >>> steering.take("tuning.slate.fresh", 0.5)
    >>> steering.tuning.slate.fresh
    0.5
    >>> steering.take("tuning.slate.fresh", None)
    >>> steering.tuning == DEFAULT
    True
    """

    def __init__(self, base: Tuning = DEFAULT) -> None:
        self.tuning = base
        self._base = base
        self._set: dict[str, Any] = {}

    def take(self, key: str, value: Any) -> None:
        """Take over a record's value, None unsets; raises ``ValueError`` that names what is wrong with it."""
        if not key.startswith(_TUNING):
            return
        held = {name: one for name, one in self._set.items() if name != key}
        if value is not None:
            held[key] = value
        self.tuning = changed(self._base, {name.removeprefix(_TUNING): one for name, one in held.items()})
        self._set = held

    def of(self, viewer: int) -> Tuning:
        """What holds for a viewer (hash)."""
        return self.tuning
