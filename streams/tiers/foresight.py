"""Foresight: how likely an upload is to reach the top tier, before anybody met it and from its first audience.

Two logistic regressions over how videos fared so far: one on what is known at upload, one on that and on what the first
viewers did. What is known at upload are shares of hits elsewhere: among the creator's other uploads, under the same
leading tag, and at the same hour. Everything is a function of the shard's table, so nothing of it is stored.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from streams.arrays.hashing import U64
from streams.arrays.tables import F64, I64
from streams.video.videos import HOUR_MS

__all__ = ["Foresight", "Seen", "foreseen", "shares_elsewhere"]

_USUAL_UPLOADS: Final = 4.0
"""Others of the usual share that every creator, tag and hour starts with."""
_RIDGE: Final = 1.0
_BOUND: Final = 1e-4
_HOURS: Final = 24


class Seen(NamedTuple):
    """What is known of n videos: ``creator`` and ``tag`` u64[n] hashes (0 none), ``created_ms`` i64[n], and ``first``
    f64[n], the evidence of the first audience (0: none yet).
    """

    creator: U64
    tag: U64
    created_ms: I64
    first: F64

    def groups(self) -> tuple[U64, ...]:
        """What uploads are compared by; equal names are one group, 0 is none."""
        hour = self.created_ms // HOUR_MS % _HOURS + 1
        return self.creator, self.tag, hour.astype(np.uint64)


class Foresight(NamedTuple):
    """What was learnt: ``base``, the usual log odds; for each group of ``Seen.groups`` the log odds by name, beyond the
    usual; weights without and with a first audience.
    """

    base: float
    known: tuple[dict[int, float], ...] = ()
    before: F64 = np.zeros(4)
    after: F64 = np.zeros(5)

    def chances(self, seen: Seen) -> F64:
        """Probability that each of n videos reaches the top, float64[n].

        >>> nobody = np.zeros(1, np.uint64)
        >>> Foresight(0.0).chances(Seen(nobody, nobody, np.array([0]), np.array([0.5]))).tolist()
        [0.5]
        """
        told = np.zeros((len(seen.first), 3))
        for at, (known, names) in enumerate(zip(self.known, seen.groups(), strict=False)):
            told[:, at] = [known.get(name, 0.0) for name in names.tolist()]
        met = seen.first != 0.0
        result: F64 = expit(
            self.base + np.where(met, _columns(told, seen.first) @ self.after, _columns(told) @ self.before)
        )
        return result


def foreseen(seen: Seen, fared: F64, base: float) -> Foresight:
    """Learn from n videos whose fate is known: ``fared`` f64[n], 1 for the top, 0 for none of it; ``base`` is the usual
    probability, which holds while there is little to learn from.
    """
    usual = float(logit(np.clip(base, _BOUND, 1.0 - _BOUND)))
    if not len(fared):
        return Foresight(usual)
    groups = [shares_elsewhere(names, fared, base) for names in seen.groups()]
    told = np.stack([others for others, _ in groups], axis=1)
    met = seen.first != 0.0
    before = _fitted(_columns(told), fared, usual)
    after = _fitted(_columns(told[met], seen.first[met]), fared[met], usual)
    return Foresight(usual, tuple(known for _, known in groups), before, after)


def shares_elsewhere(names: U64, fared: F64, base: float) -> tuple[F64, dict[int, float]]:
    """How the others of each video's group fared, as log odds beyond ``base``, f64[n]; and of each group as a whole.

    >>> others, known = shares_elsewhere(np.array([7, 7, 0], np.uint64), np.array([1.0, 1.0, 0.0]), 0.5)
    >>> others.round(2).tolist(), {name: round(odds, 2) for name, odds in known.items()}
    ([0.41, 0.41, 0.0], {7: 0.69})
    """
    found, inverse = np.unique(names, return_inverse=True)
    many = np.bincount(inverse, np.ones(len(fared))).astype(np.float64)
    sums = np.bincount(inverse, fared).astype(np.float64)
    base = float(np.clip(base, _BOUND, 1.0 - _BOUND))
    whole = _odds(sums, many, base)
    others = _odds(sums[inverse] - fared, many[inverse] - 1.0, base)
    return np.where(names > 0, others, 0.0), {
        name: odds for name, odds in zip(found.tolist(), whole.tolist(), strict=True) if name
    }


def _odds(sums: F64, many: F64, base: float) -> F64:
    share = (sums + _USUAL_UPLOADS * base) / (many + _USUAL_UPLOADS)
    result: F64 = logit(np.clip(share, _BOUND, 1.0 - _BOUND)) - logit(base)
    return result


def _columns(told: F64, first: F64 | None = None) -> F64:
    """One, what is told, and the evidence: float64[n, 4 or 5]."""
    columns = [np.ones((len(told), 1)), told] + ([] if first is None else [first[:, None]])
    return np.concatenate(columns, axis=1)


def _fitted(x: F64, fared: F64, usual: float) -> F64:
    """Weights of a logistic regression of ``fared`` beyond the ``usual`` log odds, held towards none."""
    from scipy.optimize import minimize  # noqa: PLC0415  # slow to import, and long not needed

    def loss(weights: F64) -> tuple[float, F64]:
        odds = usual + x @ weights
        value = np.logaddexp(0.0, odds).sum() - fared @ odds + 0.5 * _RIDGE * weights @ weights
        return float(value), x.T @ (expit(odds) - fared) + _RIDGE * weights

    result: npt.NDArray[np.float64] = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return result
