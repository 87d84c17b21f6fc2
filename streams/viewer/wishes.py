"""Wishes: what viewers say outright: hide this creator, sound or tag, follow that one, let me start anew.

The latest operation on each name wins, at equal times the removal, so order and repetition do not matter and an undo
restores. What is named by a video not known yet is found out when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits

if TYPE_CHECKING:
    from streams.video.catalogue import Catalogue

__all__ = [
    "ENTRY", "FOLLOWS", "KINDS", "NOTHING", "OF", "RESET", "SOUND", "TAG", "WORD",
    "Entries", "Wish", "put", "resolved", "standing",
]  # fmt: skip

ENTRY: Final = np.dtype([("kind", "u1"), ("name", "<u8"), ("stamp", "<i8")])
"""``name`` is hash64 of the id; ``stamp`` ts_ms * 2, plus 1 where it was taken back."""
Entries = npt.NDArray[np.void]
NOTHING: Final[Entries] = np.empty(0, dtype=ENTRY)

KINDS: Final = {"hide_creator": 0, "mute": 1, "block": 2, "hide_sound": 3, "hide_tag": 4, "reset": 6}
"""Kinds of feedback to what they hide: the first three a creator. ``reset`` hides nothing."""
SOUND, TAG, WORD, RESET, FOLLOWS = 3, 4, 5, 6, 7
"""WORD: one of the words muted in the viewer's settings, which may name a creator, a sound or a tag. FOLLOWS: a creator
one follows.
"""
OF: Final = 16
"""Added to a kind where ``name`` is the video that shows what is meant."""


class Wish(NamedTuple):
    """One operation of a viewer: hide or follow the ``target`` (a hash, 0 if not named), else what ``video`` (a hash)
    shows.
    """

    user_id: str
    kind: int
    target: int
    video: int
    stamp: int


def put(entries: Entries, more: Iterable[tuple[int, int, int]], most: int = limits.HIDDEN) -> Entries:
    """``entries`` with (kind, name, stamp) merged in; beyond ``most`` those named longest ago fall out.

    >>> held = put(NOTHING, [(0, 7, 10), (0, 7, 13), (0, 7, 10)])
    >>> held.tolist()
    [(0, 7, 13)]
    """
    latest = {(kind, name): stamp for kind, name, stamp in entries.tolist()}
    for kind, name, stamp in more:
        latest[kind, name] = max(stamp, latest.get((kind, name), -1))
    kept = sorted((stamp, kind, name) for (kind, name), stamp in latest.items())[-most:]
    return np.array([(kind, name, stamp) for stamp, kind, name in kept], dtype=ENTRY)


def resolved(catalogue: Catalogue, entries: Entries, wish: Wish) -> list[tuple[int, int, int]]:
    """What to ``put`` for a wish: on the name it means, or, while its video is not known, on the video."""
    if wish.target:
        return [(wish.kind, wish.target, wish.stamp)]
    of = (wish.kind + OF, wish.video, wish.stamp)
    name = _shown(catalogue, wish.kind, wish.video)
    if not name:
        return [of]
    known = ((entries["kind"] == of[0]) & (entries["name"] == np.uint64(wish.video))).any()
    return [(wish.kind, name, wish.stamp), *([of] if known else [])]


def standing(catalogue: Catalogue, entries: Entries) -> Iterator[tuple[int, int]]:
    """Each kind and name whose latest operation is no removal, whether it named it or the video that shows it, as far
    as it is known what that means.
    """
    latest: dict[tuple[int, int], int] = {}
    for kind, name, stamp in entries.tolist():
        meant = _shown(catalogue, kind - OF, name) if kind >= OF else name
        if meant:
            one = kind % OF, meant
            latest[one] = max(stamp, latest.get(one, -1))
    yield from (one for one, stamp in latest.items() if not stamp & 1)


def _shown(catalogue: Catalogue, kind: int, video: int) -> int:
    """The name that a video shows of a kind, 0 where it is not known or has none; of its tags the first."""
    row = catalogue.row_of_hash.get(video, -1)
    if row < 0 or catalogue.videos[row] is None:
        return 0
    if kind == SOUND:
        return int(catalogue.sound[row])
    return int(catalogue.tags[row, 0]) if kind == TAG else int(catalogue.creator[row])
