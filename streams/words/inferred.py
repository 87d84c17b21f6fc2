"""Inferred: what a video without tags is probably about, and how sure that is.

Votes come from what its caption names, from what captions of each tag are like, from other videos of its creator and
with its sound, and from those that the same viewers liked. Inferred tags bend rankings only: interests are learnt from
what producers say, so that what is inferred otherwise later leaves no trace in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from streams import limits
from streams.arrays.tables import F32, I64
from streams.words.meaning import ideas_in, spelt

if TYPE_CHECKING:
    from streams.video.catalogue import Catalogue

__all__ = ["Themes", "infer"]

_NAMED: Final = 0.7  # how sure a tag is that the caption names
_THEME: Final = 0.5  # ... that captions of this tag are just like it
_OTHERS: Final = (0.9, 0.8, 0.9)  # ... that all others have, of the creator, the sound, the neighbours
_SOME: Final = 1.5  # others after which they count for half
_LEAST: Final = 0.15  # what is less sure is left out
_FEW: Final = 8.0  # captions of a tag after which what they are like counts for half
_LIKE: Final = 0.35  # a cosine, beyond the mean caption's, of a caption that is just like its tag's


class Themes:
    """The mean caption of each tag, unit text vectors summed: the first ``limits.THEMES`` tags that come.

    >>> themes = Themes(2)
    >>> themes.add([[7], [9]] * 50, np.array([[1, 0], [0, 1]] * 50, np.float32))
    >>> [list(found) for found in themes.like(np.array([[1, 0], [0, 1]], np.float32))]
    [[7], [9]]
    """

    def __init__(self, wide: int) -> None:
        self._row_of: dict[int, int] = {}
        self._sums: F32 = np.zeros((0, wide), dtype=np.float32)
        self._count: F32 = np.zeros(0, dtype=np.float32)
        self._all: F32 = np.zeros(wide, dtype=np.float32)

    def __len__(self) -> int:
        return len(self._row_of)

    def add(self, tags: Sequence[Iterable[int]], text: F32) -> None:
        """Captions ``text`` f32[n, wide] of videos with these ``tags`` (the catalogue's numbers)."""
        rows, places = [], []
        for at, own in enumerate(tags):
            for tag in own:
                row = self._row_of.get(tag)
                if row is None and len(self._row_of) < limits.THEMES:
                    row = self._row_of[tag] = len(self._row_of)
                if row is not None:
                    rows.append(row)
                    places.append(at)
        if (short := len(self._row_of) - len(self._count)) > 0:
            more = np.zeros((max(short, 64, len(self._count)), self._sums.shape[1]), dtype=np.float32)
            self._sums, self._count = np.concatenate((self._sums, more)), np.concatenate((self._count, more[:, 0]))
        np.add.at(self._sums, rows, text[places])
        np.add.at(self._count, rows, 1.0)
        self._all += text.sum(axis=0)

    def like(self, text: F32) -> list[dict[int, float]]:
        """Of each caption the tags that it is like, a few, and how much, up to 1."""
        if not self._row_of:
            return [{} for _ in text]
        tags, means = list(self._row_of), _unit(self._sums[: len(self._row_of)])
        count = self._count[: len(tags)]
        beyond = text @ means.T - (text @ _unit(self._all[None])[0])[:, None]
        share = np.clip(beyond / _LIKE, 0.0, 1.0) * (count / (count + _FEW))
        first = np.argsort(-share, axis=1, kind="stable")[:, : limits.GUESSES]
        return [
            {tags[at]: float(own[at]) for at in places if own[at] > 0}
            for own, places in zip(share, first.tolist(), strict=True)
        ]


def infer(catalogue: Catalogue, rows: I64, described: list[int]) -> None:
    """Infer tags of videos that have none: those just ``described``, other ones of the same creators, and of the
    changed ``rows`` those that twice as much is known of as last time.
    """
    bare = rows[catalogue.tags[rows, 0] == 0]
    if not described and not len(bare):
        return
    tagged = [row for row in described if catalogue.tags[row, 0]]
    if tagged:
        own = [[tag for tag in ids if tag] for ids in catalogue.tag_ids[tagged, :-2].tolist()]
        catalogue.themes.add(own, catalogue.text[tagged])
        catalogue.guess_ids[tagged] = 0
    if not len(catalogue.themes):
        return  # where nobody tags there is nothing to infer
    known = catalogue.near_mass[bare, 0] > 2.0 * catalogue.guess_mass[bare] + 1.0
    due = {*set(described).intersection(bare.tolist()), *bare[known].tolist()}
    for maker in dict.fromkeys(catalogue.creator[tagged].tolist()):
        due.update(row for row in catalogue.uploads(maker)[-limits.HEARD :].tolist() if not catalogue.tags[row, 0])
    wanted = [row for row in sorted(due) if catalogue.videos[row] is not None]
    if not wanted:
        return
    for row, like in zip(wanted, catalogue.themes.like(catalogue.text[wanted]), strict=True):
        _guess(catalogue, row, like)


def _guess(catalogue: Catalogue, row: int, like: dict[int, float]) -> None:
    video = catalogue.videos[row]
    doubt: dict[int, float] = {}
    for idea in dict.fromkeys(ideas_in((video.caption if video else None) or "")):
        if (number := _spelt(catalogue, idea)) is not None:
            doubt[number] = 1.0 - _NAMED
    for tag, share in like.items():
        doubt[tag] = doubt.get(tag, 1.0) * (1.0 - _THEME * share)
    names = catalogue.near[row]
    near = catalogue.rows_of_hashes(names[names != 0])
    others = (
        catalogue.uploads(int(catalogue.creator[row])),
        catalogue.sounding(int(catalogue.sound[row])),
        near[near >= 0],
    )
    for sure, some in zip(_OTHERS, others, strict=True):
        ids = catalogue.tag_ids[some[-limits.HEARD :], :-2]
        ids = ids[ids[:, 0] != 0]
        count = len(ids)
        tags, having = np.unique(ids[ids != 0], return_counts=True)
        for tag, many in zip(tags.tolist(), having.tolist(), strict=True):
            doubt[tag] = doubt.get(tag, 1.0) * (1.0 - sure * many / (count + _SOME))
    best = sorted((left, tag) for tag, left in doubt.items() if 1.0 - left >= _LEAST)[: limits.GUESSES]
    kept = best + [(1.0, 0)] * (limits.GUESSES - len(best))
    catalogue.guess_ids[row] = [tag for _, tag in kept]
    catalogue.guess_w[row] = [1.0 - left for left, _ in kept]
    catalogue.guess_mass[row] = catalogue.near_mass[row, 0]


def _spelt(catalogue: Catalogue, idea: str) -> int | None:
    """The number of the tag that producers write an idea as; None where none of them does."""
    return next((number for name in spelt(idea) if (number := catalogue.id_of_tag.get(name)) is not None), None)


def _unit(rows: F32) -> Any:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
