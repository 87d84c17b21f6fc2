"""Collaborative vectors: one per video, learnt online from which positives follow which.

A viewer is the normalised sum of the vectors of the latest positives, so no viewer state depends on vectors that keep
changing (FISM, Kabbur et al. 2013, in an online softmax form). Steps are AdaGrad per row; initial vectors come from the
video's hash, so two learners of one stream are equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from river import base

from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import F32, F64, I64
from streams.learning.item_table import ItemTable

__all__ = ["ItemFactors"]


class ItemFactors(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Item vectors float32[n, FACTORS], rows by hash64 of the video id; ``max_items`` at most, see ``ItemTable``.

    >>> factors = ItemFactors()
    >>> a, b, c = (hash64(name) for name in "abc")
    >>> for _ in range(60): _ = factors.learn_one({"recent": [a], "negatives": [c]}, b)
    >>> factors.predict_one({"recent": [a], "item": b}) > factors.predict_one({"recent": [a], "item": c})
    True
    """

    def __init__(self, step: float = 0.1, l2: float = 1e-4, max_items: int = limits.ITEMS) -> None:
        self.step = step
        self.l2 = l2
        self.max_items = max_items
        columns = {"vector": (np.float32, (limits.FACTORS,), 0.0), "squares": (np.float32, (), 0.0)}
        self.table = ItemTable(columns, max_items)

    @property
    def vectors(self) -> F32:
        """All vectors, float32[capacity, FACTORS], rows as in ``table``."""
        result: F32 = self.table.__dict__["vector"]
        return result

    def learn_one(self, x: dict[str, Any], y: int) -> ItemFactors:
        """One positive ``y`` after ``x["recent"]`` against ``x["negatives"]``, all hashes."""
        recent, negatives = np.array([x["recent"]], np.uint64), np.array([x["negatives"]], np.uint64)
        return self.learn_many(recent, np.array([y], np.uint64), negatives)

    def learn_many(self, recent: U64, positive: U64, negatives: U64, chunk: int = 32) -> ItemFactors:
        """Groups: ``recent`` u64[g, R] (0 where there is none), ``positive`` u64[g], ``negatives`` u64[g, K]."""
        for low in range(0, len(positive), chunk):
            part = slice(low, low + chunk)
            self._learn(recent[part], np.concatenate((positive[part, None], negatives[part]), axis=1))
        return self

    def predict_one(self, x: dict[str, Any]) -> float:
        """Affinity of ``x["item"]`` with ``x["recent"]``; unknown ids are 0 and allocate nothing."""
        item = self.table.row_of.get(x["item"])
        liked = [row for name in x["recent"] if (row := self.table.row_of.get(name)) is not None]
        if item is None or not liked:
            return 0.0
        taste = self.vectors[liked].sum(axis=0) / np.sqrt(len(liked))
        return float(taste @ self.vectors[item])

    def state(self) -> dict[str, Any]:
        """Everything restored factors need to go on bit-equal."""
        return self.table.state()

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        self.table.restore(arrays)

    def _learn(self, recent: U64, items: U64) -> None:
        some = (recent != 0).any(axis=1)
        recent, items = recent[some], items[some]
        if not len(items):
            return
        rows, made = self.table.rows_for(np.concatenate((recent, items), axis=1))
        self.vectors[made] = _initial(self.table.name[made])
        self.table.mark(made)
        liked, shown = rows[:, : recent.shape[1]], rows[:, recent.shape[1] :]
        known = (liked >= 0) & (recent != 0)
        count = np.maximum(known.sum(axis=1), 1)
        share_of = (known / np.sqrt(count)[:, None]).astype(np.float32)
        source = self.vectors[np.maximum(liked, 0)]
        taste = (source * share_of[:, :, None]).sum(axis=1)
        target = self.vectors[np.maximum(shown, 0)]
        logits = np.einsum("gf,gkf->gk", taste, target).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        error = np.exp(logits)
        error /= error.sum(axis=1, keepdims=True)
        error[:, 0] -= 1.0
        error[shown < 0] = 0.0
        to_target = error[:, :, None] * taste[:, None, :]
        to_taste = np.einsum("gk,gkf->gf", error, target)
        to_source = to_taste[:, None, :] * share_of[:, :, None]
        rows = np.concatenate((shown[shown >= 0], liked[known]))
        self._step(rows, np.concatenate((to_target[shown >= 0], to_source[known])))

    def _step(self, rows: I64, gradient: F64) -> None:
        distinct, inverse = np.unique(rows, return_inverse=True)
        total = np.zeros((len(distinct), limits.FACTORS))
        np.add.at(total, inverse, gradient)
        total += self.l2 * self.vectors[distinct]
        squares = self.table.__dict__["squares"]
        squares[distinct] += (total * total).mean(axis=1)
        self.vectors[distinct] -= (self.step * total / np.sqrt(squares[distinct] + 1e-4)[:, None]).astype(np.float32)
        self.table.mark(distinct)


def _initial(names: U64) -> F32:
    """Small vectors drawn from the hash: uniform in ±0.1."""
    steps = np.arange(1, limits.FACTORS + 1, dtype=np.uint64) * np.uint64(hash64("factors"))
    mixed = (names[:, None] ^ steps) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return (((mixed >> np.uint64(40)).astype(np.float32) / 2.0**24) * 0.2 - 0.1).astype(np.float32)
