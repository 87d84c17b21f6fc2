"""Access: who may call what, and how often.

Keys come from a file, as SHA-256 of the key, so that whoever reads the file cannot use them. A key has roles and
limits of its own; limits are held by each gateway process for itself.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec

from agents.errors import BadSettings
from agents.gateway.refusals import Refusal

__all__ = ["OPEN", "Access", "Key", "Role", "read_keys"]

Role = Literal["produce", "read", "operate"]
_BURST_S: Final = 2.0
"""Seconds of a limit that may be spent at once."""


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key: ``sha256`` of it in hexadecimal, what it may do, and its limits (0: none), a second each, and how many
    streams it may have open at once.
    """

    name: str
    sha256: str
    roles: list[Role]
    requests_per_s: float = 0.0
    events_per_s: float = 0.0
    streams: int = 0


OPEN: Final = Key(name="open", sha256="", roles=["produce", "read", "operate"])
"""Whoever calls a gateway that has no keys."""


def read_keys(path: str) -> list[Key]:
    """The keys of a TOML file, one ``[[key]]`` each; raises ``BadSettings`` that says what is wrong with it."""
    try:
        found = tomllib.loads(Path(path).read_text())
        keys = msgspec.convert(found.get("key"), list[Key])
    except OSError as error:
        raise BadSettings(f"FEEDSTREAM_GATEWAY_KEYS: {path} cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadSettings(f"FEEDSTREAM_GATEWAY_KEYS: {path} is no file of keys: {error}") from None
    for key in keys:
        if len(key.sha256) != 64 or not all(one in "0123456789abcdef" for one in key.sha256):
            raise BadSettings(
                f"FEEDSTREAM_GATEWAY_KEYS: sha256 of {key.name!r} is no SHA-256 in lower-case hexadecimal: "
                "take that of `printf %s KEY | sha256sum`"
            )
    if not keys:
        raise BadSettings(f"FEEDSTREAM_GATEWAY_KEYS: {path} has no key; leave the setting empty to have none")
    return keys


class _Budget:
    """So many a second, two seconds' worth at once."""

    def __init__(self, per_s: float, now_s: float) -> None:
        self._per_s, self._left, self._at_s = per_s, per_s * _BURST_S, now_s

    def spend(self, amount: float, now_s: float) -> float:
        """Take ``amount``; 0, or the seconds until there is room, when nothing is taken.

        More than fits at once may be taken from a full budget; it is paid back before anything else is.
        """
        whole = self._per_s * _BURST_S
        self._left = min(whole, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left >= min(amount, whole):
            self._left -= amount
            return 0.0
        return (min(amount, whole) - self._left) / self._per_s


class Access:
    """The keys of a gateway; without any, everybody is ``OPEN``."""

    def __init__(self, keys: Sequence[Key] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._keys, self._clock = list(keys), clock
        self._budgets: dict[tuple[str, str], _Budget] = {}
        self._streams: Counter[str] = Counter()

    @property
    def open(self) -> bool:
        """Whether there are no keys."""
        return not self._keys

    def admit(self, header: str | None, role: Role) -> Key:
        """Whose ``Authorization`` header it is; raises ``Refusal`` 401 for nobody's, 403 where the role is missing."""
        if not self._keys:
            return OPEN
        scheme, _, told = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not told.strip():
            raise Refusal(401, "no_key", "send Authorization: Bearer KEY")
        digest = hashlib.sha256(told.strip().encode(errors="surrogateescape")).hexdigest()
        found = None
        for key in self._keys:  # all of them, so that the time taken tells nothing
            if hmac.compare_digest(key.sha256, digest):
                found = key
        if found is None:
            raise Refusal(401, "unknown_key", "this key is not known here")
        if role not in found.roles:
            raise Refusal(403, "role", f"the key {found.name!r} may not {role}: its roles are {', '.join(found.roles)}")
        return found

    @contextmanager
    def streaming(self, key: Key) -> Iterator[None]:
        """One more open stream of a key; raises ``Refusal`` 429 where it has as many as it may."""
        if key.streams and self._streams[key.name] >= key.streams:
            raise Refusal(
                429, "limit", f"the key {key.name!r} may have {key.streams} streams open at once", retry_s=5.0
            )
        self._streams[key.name] += 1
        try:
            yield
        finally:
            self._streams[key.name] -= 1

    def spend(self, key: Key, *, requests: int = 0, events: int = 0) -> None:
        """Count against the limits of a key; raises ``Refusal`` 429 that says when there is room again."""
        for what, per_s, amount in (
            ("requests", key.requests_per_s, requests), ("events", key.events_per_s, events),
        ):  # fmt: skip
            if not per_s or not amount:
                continue
            now_s = self._clock()
            budget = self._budgets.setdefault((key.name, what), _Budget(per_s, now_s))
            if wait_s := budget.spend(amount, now_s):
                raise Refusal(
                    429, "limit", f"the key {key.name!r} may send {per_s:g} {what} a second",
                    retry_s=math.ceil(wait_s * 10) / 10,
                )  # fmt: skip
