"""Meaning: from a text to its terms, and from a term to tags, as far as the lexicon knows.

Terms are what associations are learnt of: words without endings, phrases and Chinese words of the lexicon, and pairs of
characters where it knows none. What a term means beyond that is learnt (``streams.learning.terms``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from streams import limits
from streams.arrays.hashing import hash64
from streams.words.lexicon import IDEAS
from streams.words.text import CJK, STOP, runs, stem

__all__ = ["ideas_in", "meant", "spelt", "terms"]

_CLOSE: Final = 0.5
"""What an idea close to the one meant counts against it."""
_LONGEST: Final = 5
_CHINESE: Final = re.compile(f"[{CJK}]")


def _key(words: Sequence[str]) -> str:
    return " ".join(stem(word) for word in words)


def _keyed() -> dict[str, list[str]]:
    """Tags of the ideas by each of their names, as ``terms`` writes them."""
    found: dict[str, list[str]] = {}
    for idea in IDEAS.values():
        for name in (idea.tag.rpartition(":")[2], *idea.names):
            words = [run for run in runs(name) if run not in STOP] or runs(name)
            key = "".join(words) if _CHINESE.search(name) else _key(words)
            if idea.tag not in found.setdefault(key, []):
                found[key].append(idea.tag)
    return found


_IDEAS_BY: Final = _keyed()


@lru_cache(maxsize=limits.MEANINGS)
def terms(text: str) -> dict[str, str]:
    """Terms of a text and how they were written, in order, ``limits.TERMS_ASKED`` at most; not to be written to.

    >>> list(terms("something relaxing after work")), list(terms("很治愈系的绝绝子"))
    (['relax', 'after work'], ['治愈系', '绝绝', '绝子'])
    """
    found: dict[str, str] = {}
    words: list[str] = []
    for run in runs(text):
        if not _CHINESE.match(run):
            if run not in STOP:
                words.append(run)
            continue
        found |= {term: term for term in _chinese(run)}
    at = 0
    while at < len(words):
        phrases = (size for size in (3, 2) if at + size <= len(words) and _key(words[at : at + size]) in _IDEAS_BY)
        size = next(phrases, 1)
        found[_key(words[at : at + size])] = " ".join(words[at : at + size])
        at += size
    return dict(list(found.items())[: limits.TERMS_ASKED])


def _chinese(run: str) -> Iterator[str]:
    """Names of the lexicon in a stretch of Chinese, the longest first, and pairs of characters of what is between."""
    at, rest = 0, ""
    while at <= len(run):
        size = next((size for size in range(_LONGEST, 0, -1) if run[at : at + size] in _IDEAS_BY), 0)
        mark = run[at : at + 1]
        if size or not mark or mark in STOP:
            yield from [rest] if len(rest) == 1 else (rest[low : low + 2] for low in range(len(rest) - 1))
            rest = ""
        else:
            rest += mark
        if size:
            yield run[at : at + size]
        at += size or 1


@lru_cache(maxsize=limits.MEANINGS)
def meant(term: str, written: str) -> dict[int, float]:
    """Tags (hash64) that a term means by the lexicon, and how surely, up to 1; not to be written to.

    A term that is a tag itself always means that.

    >>> tags = meant("relax", "relaxing")
    >>> tags[hash64("mood:relaxing")], tags[hash64("治愈系")], hash64("football") in tags
    (1.0, 0.5, False)
    """
    found: dict[str, float] = {}
    for tag in _IDEAS_BY.get(term, ()):
        for near in IDEAS[tag].close:
            found |= dict.fromkeys(_tags(near), _CLOSE)
    for tag in _IDEAS_BY.get(term, ()):
        found |= dict.fromkeys(_tags(tag), 1.0)
    own = dict.fromkeys((term, written, f"{written}s", written.replace(" ", "-"), written.replace(" ", "")))
    found |= dict.fromkeys((*own, *(f"{kind}:{name}" for kind in ("mood", "scene", "person") for name in own)), 1.0)
    return {hash64(name): weight for name, weight in found.items()}


def ideas_in(text: str) -> list[str]:
    """Tags of the ideas that a text names, each as often as it does.

    >>> ideas_in("my cat, a puppy and dogs 足球")
    ['cats', 'dogs', 'dogs', 'football']
    """
    found = [tag for term in _named(text) for tag in _IDEAS_BY.get(term, ())]
    return sorted(found)


def _named(text: str) -> Iterator[str]:
    for run in runs(text):
        yield from _chinese(run) if _CHINESE.match(run) else (stem(run),)


@lru_cache(maxsize=limits.MEANINGS)
def spelt(tag: str) -> tuple[int, ...]:
    """Hashes of every way that producers may write an idea as a tag, its own first."""
    return tuple(hash64(name) for name in dict.fromkeys((tag, *_tags(tag))))


@lru_cache(maxsize=limits.MEANINGS)
def _tags(tag: str) -> tuple[str, ...]:
    """Every way that producers may write an idea as a tag."""
    kind, _, bare = tag.rpartition(":")
    names = (bare, *IDEAS[tag].names)
    spelt = dict.fromkeys(one for name in names for one in (name, name.replace(" ", "-")))
    return (*spelt, *(f"{kind}:{name}" for name in spelt if kind))
