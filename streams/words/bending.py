"""Bending: what a request in words, things opened by hand, wishes for more and less, and inferred tags add to scores.

All of it is additive on the score, so that what is asked for is ranked by how well it fits and by the usual score,
which is the viewer's own. How far each of them goes is bounded by one number of the tuning, however much is asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import F32, F64, I64
from streams.control.tuning import Words
from streams.ranking.features import FEATURES
from streams.video.catalogue import Catalogue
from streams.viewer.persona import liked_tags
from streams.viewer.viewers import ViewerTable
from streams.words.asks import EFFECT, LESS, MORE, SEARCH, SOUND, TAG, Ask
from streams.words.meaning import meant, terms
from streams.words.parsing import clauses
from streams.words.text import Encoder

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["bend", "bends", "bent", "fit"]

_AT: Final = [FEATURES.index(name) for name in ("tags", "tags_fast", "picked")]
_FAINT: Final = 1 / 16  # a share of its first strength below which an ask is over
_SAMPLE: Final = 1_024
_CALM: Final = 6.0  # positives of which a term is taken to have had as many as it says nothing about
_SURE: Final = 2.0  # positives after a term at which what they had in common counts for half
_LIFT: Final = math.log(5.0)  # how much more often a tag is watched after a term that means it
Rows = I64 | slice


def bent(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64, weights: F64) -> dict[str, F64]:
    """What is added to the scores of catalogue ``rows``, float64[n] by part: ``asked`` and ``inferred``, as far as
    there is anything to add. ``weights`` f64[F] are the ranker's.
    """
    made: dict[str, F64] = {}
    if bends(viewers, request):
        made["asked"] = bend(catalogue, viewers, request, rows)
    if (guessed := _guessed(catalogue, viewers, request, rows, weights)) is not None:
        made["inferred"] = guessed
    return made


def bends(viewers: ViewerTable, request: Request) -> bool:
    """Whether anything was asked for at all."""
    return bool(request.query) or bool(viewers.asks[request.viewer] and viewers.personalize[request.viewer])


def bend(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: Rows, *, texts: bool = True) -> F64:
    """What words and asks add to the scores of catalogue ``rows``, float64[n].

    Bounded by ``query`` (1 + ``carry``) + ``invite`` + 2 ``more`` of the tuning. ``texts`` off: by tags alone, which
    costs 2 ms a request at 100,000 videos; captions cost 5 ms more.
    """
    words = request.tuning.words
    total: F64 = np.zeros(len(catalogue.hash[rows]))
    for clause in clauses(request.query) if words.query else ():
        strength = -words.query if clause.way == "less" else words.query
        total += strength * fit(catalogue, clause.text, rows, words, request.now_ms, texts=texts)
    for sign, held in _standing(viewers, request):
        total += sign * _strongest(catalogue, held, rows, words, request.now_ms, texts=texts)
    return total


def fit(catalogue: Catalogue, text: str, rows: Rows, words: Words, now_ms: int, *, texts: bool = True) -> F32:
    """How well videos fit a text, float32[n] in [0, 1]: the mean over its terms of the best tag of each, or how like it
    the caption is, whichever is more. Terms that nobody has a tag for do not count.
    """
    table = _table(catalogue)
    total: F32 = np.zeros(len(catalogue.hash[rows]), dtype=np.float32)
    known = 0
    for term, written in terms(text).items():
        if numbers := _numbers(catalogue, _means(catalogue, term, written, words, now_ms)):
            table[list(numbers)] = list(numbers.values())
            total += _best(catalogue, table, rows, words)
            table[:] = 0.0
            known += 1
    total /= max(known, 1)
    return np.maximum(total, _alike(catalogue, text, rows)) if texts else total


def _guessed(catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64, weights: F64) -> F64 | None:
    """What inferred tags add to the scores of ``rows``, float64[n]: as tags do, by how sure they are, at the share
    that the tuning gives; None where no video has any.
    """
    share, viewer = request.tuning.words.inferred, request.viewer
    ids = catalogue.guess_ids[rows] if share and viewers.personalize[viewer] else np.zeros((0, 1), dtype=np.int32)
    if not ids.any():
        return None
    numbers, worth = liked_tags(catalogue, viewers, viewer, request.now_ms)
    table = _table(catalogue)
    table[numbers] = worth @ weights[_AT[:2]]
    for name in viewers.picked[viewer].tolist():
        table[catalogue.id_of_tag.get(name, 0)] += weights[_AT[2]]
    table[0] = 0.0
    root = np.sqrt(np.maximum((ids != 0).sum(axis=1), 1))
    result: F64 = share * (table[ids] * catalogue.guess_w[rows]).sum(axis=1) / root
    return result


def _standing(viewers: ViewerTable, request: Request) -> list[tuple[float, list[tuple[Ask, float]]]]:
    """What of a viewer's asks still stands, with its strength by now: what invites, more of, less of, and their signs.

    In a request in words earlier ones go on as parts of it. Of the same words more and less the later counts.
    """
    words, viewer, now_ms = request.tuning.words, request.viewer, request.now_ms
    if not viewers.personalize[viewer]:
        return []
    spoken = {(ask.kind, ask.text): ask.stamp for ask in viewers.asks[viewer]}
    said = {clause.text for clause in clauses(request.query)}
    found: dict[int, list[tuple[Ask, float]]] = {}
    for ask in viewers.asks[viewer]:
        if ask.stamp & 1 or ask.stamp // 2 <= viewers.reset_ms[viewer]:
            continue
        most, half_life_s = words.invite, words.invite_half_life_s
        if ask.kind in {MORE, LESS}:
            most, half_life_s = words.more, 3_600.0 * words.more_half_life_h
            if spoken.get((MORE + LESS - ask.kind, ask.text), -1) > ask.stamp:
                continue
        elif ask.kind == SEARCH and request.query:
            most, half_life_s = words.query * words.carry, words.carry_half_life_s
            if ask.text in said:
                continue
        fade = 2.0 ** (-max(now_ms - ask.stamp // 2, 0) / (1_000.0 * half_life_s))
        if most and fade >= _FAINT:
            group = ask.kind if ask.kind in {MORE, LESS} else TAG
            found.setdefault(group, []).append((ask, most * fade))
    return [(-1.0 if group == LESS else 1.0, held) for group, held in sorted(found.items())]


def _strongest(
    catalogue: Catalogue, asks: Sequence[tuple[Ask, float]], rows: Rows, words: Words, now_ms: int, *, texts: bool
) -> F32:
    """The most that any of the asks adds to each video, float32[n]: many add no more than one."""
    table = _table(catalogue)
    for ask, strength in asks:
        tags: dict[int, float] = {}
        if ask.kind in {TAG, SOUND, EFFECT}:
            tags = {hash64(ask.text): 1.0}
        else:
            for term, written in terms(ask.text).items():
                for tag, weight in _means(catalogue, term, written, words, now_ms).items():
                    tags[tag] = max(weight, tags.get(tag, 0.0))
        for number, weight in _numbers(catalogue, tags).items():
            table[number] = max(table[number], strength * weight)
    found = _best(catalogue, table, rows, words)
    for ask, strength in asks if texts else ():
        if ask.kind in {SEARCH, MORE, LESS}:
            found = np.maximum(found, np.float32(strength) * _alike(catalogue, ask.text, rows))
    return found


def _means(catalogue: Catalogue, term: str, written: str, words: Words, now_ms: int) -> dict[int, float]:
    """Tags (hashes) that a term means, and how surely: itself, by the lexicon, and by what was watched after it."""
    itself = {hash64(name) for name in (term, written)}
    found = {tag: weight if tag in itself else weight * words.lexicon for tag, weight in meant(term, written).items()}
    held = catalogue.learned.get(hash64(term))
    if held is None or not words.learned:
        return found
    tags, weights, mass, at_ms = held
    tags, weights = tags[tags != 0], weights[tags != 0]
    fade = 2.0 ** (-max(now_ms - at_ms, 0) / (1_000.0 * limits.TERM_HALF_LIFE_S))
    usual = _usual(catalogue, tags)
    lift = np.log((weights * fade / usual + _CALM) / (mass * fade + _CALM)) / _LIFT
    sure = np.clip(lift, 0.0, 1.0) * (mass * fade / (mass * fade + _SURE)) * words.learned
    for tag, weight in zip(tags.tolist(), sure.tolist(), strict=True):
        found[tag] = max(weight, found.get(tag, 0.0))
    return found


def _usual(catalogue: Catalogue, tags: npt.NDArray[np.uint64]) -> F64:
    """The share of candidates that have each tag, float64[n], from a regular sample."""
    rows = catalogue.candidates()
    own = catalogue.tags[rows[:: max(1, len(rows) // _SAMPLE)]]
    having = (own[:, :, None] == tags).any(axis=1).sum(axis=0)
    result: F64 = (having + 1.0) / (len(own) + 1.0)
    return result


def _numbers(catalogue: Catalogue, tags: dict[int, float]) -> dict[int, float]:
    """The same by the catalogue's small numbers, of what any video has."""
    get = catalogue.id_of_tag.get
    return {number: weight for tag, weight in tags.items() if weight > 0 and (number := get(tag)) is not None}


def _best(catalogue: Catalogue, table: F32, rows: Rows, words: Words) -> F32:
    """The most that a tag, the sound or an effect of each video has in ``table``, float32[n]; inferred ones count less.

    No name is known of two kinds but by chance, so one table serves for all. Column by column: along short rows a
    maximum takes ten times as long.
    """
    found: F32 = table[catalogue.tag_ids[rows, 0]]
    for ids in (catalogue.tag_ids, catalogue.effect_ids):
        for at in range(ids.shape[1]):
            np.maximum(found, table[ids[rows, at]], out=found)
    some = np.flatnonzero(catalogue.guess_ids[rows, 0])
    if words.inferred and len(some):
        ids, sure = catalogue.guess_ids[rows][some], np.float32(words.inferred) * catalogue.guess_w[rows][some]
        found[some] = np.maximum(found[some], (table[ids] * sure).max(axis=1))
    return found


def _alike(catalogue: Catalogue, text: str, rows: Rows) -> F32:
    """How like a text the captions are, float32[n] in [0, 1]."""
    encoder = catalogue.encoder
    vectors: F32 = catalogue.text[rows]
    cosine = vectors @ _vector(encoder, text)
    result: F32 = np.clip((cosine - encoder.floor) / (encoder.full - encoder.floor), 0.0, 1.0).astype(np.float32)
    return result


@lru_cache(maxsize=limits.MEANINGS)
def _vector(encoder: Encoder, text: str) -> F32:
    result: F32 = encoder([text])[0]
    return result


def _table(catalogue: Catalogue) -> F32:
    return np.zeros(len(catalogue.id_of_tag) + 1, dtype=np.float32)
