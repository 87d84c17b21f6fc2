"""Receipts: what was deleted of a viewer who asked to be forgotten."""

from __future__ import annotations

from typing import Literal

import msgspec

from schemas.events import Id, Millis

__all__ = ["Receipt"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Value of ``receipts`` (key ``user_id``), published once the deletion is stored.

    ``ts_ms`` is when the null record of ``users`` was sent. ``deleted`` counts by kind: ``outcomes`` (a viewer and a
    video), ``met``, ``served``, ``tags``, ``hidden``, ``follows``, ``likes`` (videos told to strike the viewer from
    their latest likers) and ``examples`` (of the models). All 0: nothing was known. A consumer drops repeats by
    ``receipt_id``.
    """

    v: Literal[1]
    receipt_id: Id
    user_id: Id
    ts_ms: Millis
    deleted: dict[str, int]
