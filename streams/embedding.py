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
from streams.hashing import U64, hash64
from streams.tables import F32, F64, I64, Table

__all__ = ["ItemFactors"]


class ItemFactors(base.Estimator):  # type: ignore[misc]  # river ships no types
    """Item vectors float32[n, FACTORS], rows by hash64 of the video id; bounded by ``max_items``, further ones
    unlearnt.

    >>> factors = ItemFactors()
    >>> a, b, c = (hash64(name) for name in "abc")
    >>> for _ in range(60): _ = factors.learn_one({"recent": [a], "negatives": [c]}, b)
    >>> factors.predict_one({"recent": [a], "item": b}) > factors.predict_one({"recent": [a], "item": c})
    True
    """

    def __init__(self, step: float = 0.1, l2: float = 1e-4, max_items: int = 200_000) -> None:
        self.step = step
        self.l2 = l2
        self.max_items = max_items
        self.table = Table({"vector": (np.float32, (limits.FACTORS,), 0.0), "squares": (np.float32, (), 0.0)})
        self.row_of: dict[int, int] = {}
        self.fresh: set[int] = set()
        """Hashes whose vector changed since somebody cleared this."""

    @property
    def vectors(self) -> F32:
        """All vectors, float32[capacity, FACTORS]."""
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
        item = self.row_of.get(x["item"])
        liked = [row for name in x["recent"] if (row := self.row_of.get(name)) is not None]
        if item is None or not liked:
            return 0.0
        taste = self.vectors[liked].sum(axis=0) / np.sqrt(len(liked))
        return float(taste @ self.vectors[item])

    def names(self) -> U64:
        """Hash of the video in each row, uint64[n]."""
        return np.fromiter(self.row_of, np.uint64, len(self.row_of))

    def state(self) -> dict[str, Any]:
        """Everything restored factors need to go on bit-equal."""
        size = len(self.row_of)
        squares = self.table.__dict__["squares"][:size]
        fresh = np.array(sorted(self.fresh), dtype=np.int64)
        return {"names": self.names(), "vectors": self.vectors[:size], "squares": squares, "fresh": fresh}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        rows = self.table.take(len(arrays["names"]))
        self.row_of = dict(zip(arrays["names"].tolist(), rows.tolist(), strict=True))
        self.vectors[rows], self.table.__dict__["squares"][rows] = arrays["vectors"], arrays["squares"]
        self.fresh = set(arrays["fresh"].tolist())

    def _learn(self, recent: U64, items: U64) -> None:
        some = (recent != 0).any(axis=1)
        recent, items = recent[some], items[some]
        if not len(items):
            return
        liked, shown = self._rows(recent), self._rows(items)
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
        self.fresh.update(distinct.tolist())

    def _rows(self, names: U64) -> I64:
        get = self.row_of.get
        listed = names.ravel().tolist()
        missing = [name for name in dict.fromkeys(listed) if name and name not in self.row_of]
        missing = missing[: max(0, self.max_items - len(self.row_of))]
        if missing:
            rows = self.table.take(len(missing))
            for name, row in zip(missing, rows.tolist(), strict=True):
                self.row_of[name] = row
            self.vectors[rows] = _initial(np.array(missing, dtype=np.uint64))
        found = np.fromiter((get(name, -1) for name in listed), np.int64, len(listed))
        return found.reshape(names.shape)


def _initial(names: U64) -> F32:
    """Small vectors drawn from the hash: uniform in ±0.1."""
    steps = np.arange(1, limits.FACTORS + 1, dtype=np.uint64) * np.uint64(hash64("factors"))
    mixed = (names[:, None] ^ steps) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return (((mixed >> np.uint64(40)).astype(np.float32) / 2.0**24) * 0.2 - 0.1).astype(np.float32)
