"""Hidden: which videos a viewer does not want to meet, by their creator, sound or tags."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import hash64
from streams.video.catalogue import Catalogue
from streams.viewer.wishes import KINDS, NOTHING, SOUND, TAG, WORD, Entries, put, standing

__all__ = ["hidden_by", "hidden_rows"]

_SAID = {number: kind for kind, number in KINDS.items()} | {WORD: "muted"}


def hidden_rows(catalogue: Catalogue, entries: Entries) -> npt.NDArray[np.bool_] | None:
    """Which rows of the catalogue are hidden from who has these ``entries``, bool[high]; None: none."""
    names: dict[int, list[int]] = {}
    for kind, name in standing(catalogue, entries):
        names.setdefault(kind, []).append(name)
    if not names:
        return None
    high = catalogue.high
    out = np.zeros(high, dtype=bool)
    for maker in (*names.get(0, ()), *names.get(1, ()), *names.get(2, ()), *names.get(WORD, ())):
        out[catalogue.uploads(maker)] = True
    sounds, tags = [*names.get(SOUND, ()), *names.get(WORD, ())], [*names.get(TAG, ()), *names.get(WORD, ())]
    for column, wanted in ((catalogue.sound, sounds), (catalogue.tags, tags)):
        if wanted:
            hit: npt.NDArray[Any] = np.isin(column[:high], np.array(wanted, dtype=np.uint64))
            out |= hit.any(axis=1) if hit.ndim == 2 else hit
    return out


def hidden_by(catalogue: Catalogue, entries: Entries, row: int) -> tuple[str, str] | None:
    """The first of ``entries`` that hides the video at ``row``: kind of feedback (or muted) and the name it hit; None:
    none does.
    """
    video = catalogue.videos[row]
    for kind, name in standing(catalogue, entries):
        hidden = hidden_rows(catalogue, put(NOTHING, [(kind, name, 0)]))
        if video is None or hidden is None or not hidden[row]:
            continue
        names = (video.creator_id, video.sound_id or "", *video.tags, video.category or "")
        return _SAID[kind], next((text for text in names if text and hash64(text) == name), "")
    return None
