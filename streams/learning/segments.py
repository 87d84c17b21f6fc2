"""Segments: groups of viewers by interest, found online.

A spherical k-means over viewers' tastes as they come by (Dhillon and Modha 2001) whose number of groups is found with
them: a taste unlike every centroid founds a group (as in DP-means, Kulis and Jordan 2012), two groups that have become
alike are one. Tastes carry no id, and nothing of a single viewer is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from river import base

from streams import limits
from streams.arrays.hashing import U64
from streams.arrays.tables import F32, F64, I64, add_top

__all__ = ["Segments"]


class Segments(base.Clusterer):  # type: ignore[misc]  # river ships no types
    """At most ``most`` groups. A taste whose cosine with every centroid is below ``apart`` founds one, two of a cosine
    above ``alike`` become one; ``keep`` is the share of a group's mass that is left after each taste.

    >>> segments = Segments()
    >>> one, other = np.eye(limits.DIM, dtype=np.float32)[:2].tolist()
    >>> for taste in (one, other, one): segments.learn_one({"taste": taste})
    >>> [segments.predict_one({"taste": taste}) for taste in (one, other)]
    [0, 1]
    """

    def __init__(
        self, most: int = limits.SEGMENTS, apart: float = 0.45, alike: float = 0.8, keep: float = 0.9995
    ) -> None:
        self.most = most
        self.apart = apart
        self.alike = alike
        self.keep = keep
        self.sums: F64 = np.zeros((most, limits.DIM))
        self.mass: F64 = np.zeros(most)
        self.tags: U64 = np.zeros((most, limits.SEGMENT_TAGS), dtype=np.uint64)
        self.tag_w: F32 = np.zeros((most, limits.SEGMENT_TAGS), dtype=np.float32)

    def learn_one(self, x: dict[str, Any]) -> None:
        """One viewer: ``x["taste"]`` a vector [DIM], and if there are any ``x["tags"]`` (hashes) liked best."""
        tags = np.array([x.get("tags", [0])], dtype=np.uint64)
        self.learn_many(np.array([x["taste"]], np.float32), np.ones(1, np.float32), tags)

    def learn_many(self, tastes: npt.NDArray[Any], weight: npt.NDArray[Any], tags: U64) -> Segments:
        """Viewers one after the other: ``tastes`` [n, DIM], what each weighs [n], and the ``tags`` u64[n, T] each likes
        best (0: none). A taste of zeros says nothing.
        """
        size = np.linalg.norm(tastes.astype(np.float64), axis=1)
        for at in np.flatnonzero((size > 0) & np.isfinite(size)).tolist():
            self._learn(tastes[at].astype(np.float64) / size[at], float(weight[at]), tags[at])
        return self

    def predict_one(self, x: dict[str, Any]) -> int:
        """The group of ``x["taste"]``; 0 before there is any."""
        return max(0, int(self.predict_many(np.array([x["taste"]], np.float32))[0]))

    def predict_many(self, tastes: npt.NDArray[Any]) -> I64:
        """The group of each taste [n, DIM], int64[n]; -1 where a taste says nothing or there are no groups."""
        likeness = tastes.astype(np.float64) @ self.centroids().T
        likeness[:, self.mass <= 0] = -np.inf
        found = likeness.argmax(axis=1)
        return np.where((self.mass > 0).any() & tastes.any(axis=1), found, -1)

    def centroids(self) -> F64:
        """Unit vectors float64[most, DIM], zeros where there is no group."""
        size = np.linalg.norm(self.sums, axis=1, keepdims=True)
        result: F64 = np.where(size > 0, self.sums / np.maximum(size, 1e-12), 0.0)
        return result

    def told(self) -> dict[str, npt.NDArray[Any]]:
        """What ranking reads: ``centroids``, ``size`` (shares) and ``tags``, those first that set a group apart."""
        share = self.tag_w / np.maximum(self.mass, 1e-12)[:, None]
        common = np.array([[share[self.tags == tag].sum() for tag in row] for row in self.tags])
        groups = max(1, int((self.mass > 0).sum()))
        order = np.argsort(-(share - common / groups), axis=1, kind="stable")
        size = self.mass / max(float(self.mass.sum()), 1e-12)
        return {
            "centroids": self.centroids().astype(np.float32),
            "size": size.astype(np.float32),
            "tags": np.take_along_axis(self.tags, order, axis=1),
        }

    def state(self) -> dict[str, Any]:
        """Everything restored segments need to go on bit-equal."""
        return {"sums": self.sums, "mass": self.mass, "tags": self.tags, "tag_w": self.tag_w}

    def restore(self, arrays: dict[str, Any]) -> None:
        """Take over a ``state``."""
        self.sums, self.mass = arrays["sums"].copy(), arrays["mass"].copy()
        self.tags, self.tag_w = arrays["tags"].copy(), arrays["tag_w"].copy()

    def _learn(self, taste: F64, weight: float, tags: U64) -> None:
        self.sums *= self.keep
        self.mass *= self.keep
        self.tag_w *= np.float32(self.keep)
        likeness = self.centroids() @ taste
        likeness[self.mass <= 0] = -1.0
        group = int(likeness.argmax())
        if likeness[group] < self.apart:
            smallest = int(self.mass.argmin())
            if self.mass[smallest] < 0.01 * self.mass.sum() or self.mass[smallest] <= 0:
                self._clear(smallest)
                group = smallest
        self.sums[group] += weight * taste
        self.mass[group] += weight
        held = np.full(len(tags), group)
        add_top(self.tags, self.tag_w, held, tags, np.full(len(tags), weight))
        self._unite(group)

    def _unite(self, group: int) -> None:
        """Make one of a group and the one most like it, if they are alike; the larger keeps its number."""
        centroids = self.centroids()
        likeness = centroids @ centroids[group]
        likeness[group] = -1.0
        other = int(likeness.argmax())
        if likeness[other] <= self.alike:
            return
        large, small = (group, other) if self.mass[group] >= self.mass[other] else (other, group)
        self.sums[large] += self.sums[small]
        self.mass[large] += self.mass[small]
        add_top(self.tags, self.tag_w, np.full(limits.SEGMENT_TAGS, large), self.tags[small], self.tag_w[small])
        self._clear(small)

    def _clear(self, group: int) -> None:
        self.sums[group], self.mass[group], self.tags[group], self.tag_w[group] = 0.0, 0.0, 0, 0.0
