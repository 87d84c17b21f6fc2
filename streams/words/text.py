"""Text: words become vectors, behind one small port, so that captions and requests can be compared.

The encoder that is always there hashes characters: it needs no model and no word breaks, so it reads Chinese as it
reads English. A sentence encoder may take its place (``agents.sentences``); whatever it is, it is told once how near
two texts must be before it means anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import F32

__all__ = ["CJK", "NGRAMS", "STOP", "Encoder", "Ngrams", "runs", "stem"]

CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af"
"""Characters that are written without breaks between words, as ranges of a regular expression."""
_RUN: Final = re.compile(f"[{CJK}]+|(?:(?![{CJK}])[^\\W_])+")
_ENDINGS: Final = (("es", "s"), ("ing", "ed"))
_PART: Final = 0.3  # what a part of a word counts against the whole of it

_NOTHING: Final = """
a about all am an and any are as at be bit bring but by can could do for from get give go got have i im in into is it
its just kind know let like little lot me my of on or our please really see show so some somebody someone something
sort stuff that the them then there these they thing things this to too up us very video videos want watch s t d ll re
ve way we were what when which will with would you your lately recently now today clip clips no not more less
"""
STOP: Final = frozenset(_NOTHING.split()) | frozenset(
    "的了吗呢吧啊我你他她们想看要来点一些个很就在是和与也都给我请有没类型系列视频内容相关东西那这"
)
"""Words and characters that say nothing of what is wanted."""


class Encoder(Protocol):
    """Texts to unit rows float32[n, wide]; zeros where a text says nothing.

    A cosine up to ``floor`` means nothing, from ``full`` on two texts are about the same. Equal texts give equal rows,
    in every process.
    """

    def __hash__(self) -> int:
        """By identity: rows are kept by encoder and text."""

    @property
    def wide(self) -> int:
        """Length of a row."""

    @property
    def floor(self) -> float:
        """A cosine that unrelated texts reach."""

    @property
    def full(self) -> float:
        """A cosine of texts about the same thing."""

    def __call__(self, texts: Sequence[str]) -> F32:
        """Rows of ``texts``, float32[n, wide]."""


class Ngrams:
    """Whole words, their parts of three characters, and pairs of Chinese ones, hashed with signs (Weinberger et al.
    2009). About 10 µs a caption.

    >>> one, other = NGRAMS(["a football match", "FOOTBALL tonight!"])
    >>> bool(one @ other > NGRAMS.floor)
    True
    """

    wide = limits.TEXT
    floor = 0.25
    full = 0.55

    def __call__(self, texts: Sequence[str]) -> F32:
        """Rows of ``texts``, float32[n, wide]."""
        out = np.zeros((len(texts), self.wide), dtype=np.float32)
        said = [(at, run) for at, text in enumerate(texts) for run in dict.fromkeys(runs(text))]
        if not said:
            return out
        places, weights = zip(*(_scattered(run) for _, run in said), strict=True)
        first = np.repeat([at * self.wide for at, _ in said], [len(one) for one in places])
        out += np.bincount(np.concatenate(places) + first, np.concatenate(weights), out.size).reshape(out.shape)
        size = np.linalg.norm(out, axis=1, keepdims=True)
        out /= np.where(size > 0, size, np.float32(1.0))
        return out


NGRAMS: Final = Ngrams()


def runs(text: str) -> list[str]:
    """Words of a text in order, and its stretches of Chinese, folded to one case and width.

    >>> runs("治愈系ＶＩＤＥＯ, it's")
    ['治愈系', 'video', 'it', 's']
    """
    return _RUN.findall(unicodedata.normalize("NFKC", text).casefold())


def stem(word: str) -> str:
    """A word without its ending, the same for forms of one word as far as a rule of thumb goes.

    >>> stem("relaxing"), stem("workouts"), stem("running"), stem("baking"), stem("bakes"), stem("news")
    ('relax', 'workout', 'run', 'bak', 'bak', 'new')
    """
    for endings in _ENDINGS:
        found = (ending for ending in endings if word.endswith(ending) and len(word) >= len(ending) + 3)
        if (ending := next(found, "")) and not word.endswith("ss"):
            word = word[: -len(ending)]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls":
        return word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


@lru_cache(maxsize=limits.WORDS)
def _scattered(run: str) -> tuple[npt.NDArray[np.int64], F32]:
    """Where a run's parts stand in a vector and what they weigh there, four places each; nowhere if it says nothing."""
    if run in STOP:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    if re.match(f"[{CJK}]", run):
        kept = [mark for mark in run if mark not in STOP]
        parts = dict.fromkeys(kept, _PART) | {run[at : at + 2]: 1.0 for at in range(len(run) - 1)}
        parts = parts if len(kept) > 1 else dict.fromkeys(kept, 1.0)
    else:
        marked = f"<{run}>"
        parts = {marked[at : at + 3]: _PART for at in range(len(marked) - 2)} | {stem(run): 1.0}
    places, weights = [], []
    for part, weight in parts.items():
        bits = hash64(f"text:{part}")
        for _ in range(4):
            places.append(bits % limits.TEXT)
            weights.append(weight / 2 if bits >> 15 & 1 else -weight / 2)
            bits >>= 16
    return np.array(places, dtype=np.int64), np.array(weights, dtype=np.float32)
