"""Tiers: how many viewers a video may be tried on, decided from what those before them did.

A video climbs from budget to budget where its rates beat those of videos of like duration and age, stops where it is
surely worse, and is held where it spends a budget without evidence. Everything here is a pure function of exact counts
and decayed sums, one row a video; ``referee`` keeps the books.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

from schemas.topics import COUNTS
from streams.arrays.hashing import U64
from streams.arrays.tables import F64, I64
from streams.control.tuning import Tiers
from streams.shards.changes import SIGNALS
from streams.video.videos import HALF_LIVES_S

__all__ = [
    "ALERT_EVERY_MS", "ANGRY", "EVIDENCE", "HELD", "HOUR", "NEGATIVE", "OPEN", "STANDINGS", "STOPPED", "TOP",
    "Cohorts", "Tally", "Verdicts", "budgets", "climbs", "cohort_of", "cohorts", "exposed", "fates", "merits",
    "rising", "scored", "sentenced", "tallied", "too_many",
]  # fmt: skip

OPEN, HELD, STOPPED = range(3)
"""How a video stands in its tier: being tried, its budget spent without evidence for more, or not to be shown."""
STANDINGS: Final = ("open", "held", "stopped")
"""What each of them is called."""
TOP: Final = 5
"""The tier without a budget."""
EVIDENCE: Final = ("completion", "rewatch", "like", "comment", "share", "skip", "dislike")
"""What is held against peers; the first five speak for a video, in order of weight, the others against it."""
_GOOD: Final = 5
_WEIGHTS: Final = np.array([0.35, 0.25, 0.2, 0.12, 0.08])
_USUAL: Final = np.array([0.5, 0.6, 0.03, 0.02, 0.006, 0.2, 0.01])  # rates while nothing is known of any peer
_USUAL_WEIGHT: Final = 4.0  # in videos
_FAR: Final = 50.0  # exposures at which a video counts half among its peers
_SHRINK: Final = 3.0  # expected reactions that speak as loud as those seen
_DOUBT: Final = 10.0  # exposures at the peers' rate that every video starts with
_LENGTHS_MS: Final = np.array([1, 10_000, 18_000, 30_000, 60_000, 180_000])
_AGES_MS: Final = np.array([1, 6, 24, 72]) * 3_600_000
_COHORTS: Final = (len(_LENGTHS_MS) + 1) * (len(_AGES_MS) + 1)
_ENOUGH: Final = 20  # exposures from which an upload speaks for its creator
_USUAL_UPLOADS: Final = 2.0  # of no merit, that every creator starts with
_FADES_MS: Final = 30 * 86_400_000.0
ANGRY: Final = 5.0
"""Dislikes of the last hour, decayed, below which nothing is an alert."""
ALERT_EVERY_MS: Final = 86_400_000
"""How long a video that was alerted of is left alone."""
HOUR: Final = int(np.flatnonzero(HALF_LIVES_S == 3_600.0)[0])
_AT: Final = {name: at for at, name in enumerate(COUNTS)}
_MET, _LONG, NEGATIVE = (SIGNALS.index(name) for name in ("met", "long_view", "negative"))


class Tally(NamedTuple):
    """What n videos earned, in order of ``EVIDENCE``: ``hits`` out of ``trials``, float64[n, 7] each.

    Hits of a rewatch are lengths of the video watched, so loops make them more than trials.
    """

    hits: F64
    trials: F64


class Cohorts(NamedTuple):
    """How videos of like duration and age do: ``rates`` float64[cohorts, 7] in order of ``EVIDENCE``."""

    rates: F64


class Verdicts(NamedTuple):
    """About n videos: who ``rises``, is ``stopped`` or ``held``, bool[n] each and never two of them; the ``score``
    and the ``bar`` it had to reach, float64[n].
    """

    rises: npt.NDArray[np.bool_]
    stopped: npt.NDArray[np.bool_]
    held: npt.NDArray[np.bool_]
    score: F64
    bar: F64


def budgets(tiers: Tiers) -> I64:
    """Exposures that each tier may spend, int64[TOP + 1], the last one without a bound.

    >>> budgets(Tiers(second=500))[:2].tolist()
    [200, 500]
    """
    return np.array([tiers.first, tiers.second, tiers.third, tiers.fourth, tiers.fifth, 2**62], dtype=np.int64)


def exposed(counts: I64) -> I64:
    """Exposures by exact ``counts`` int64[..., 9]: impressions, or watches where an app tells of no impressions."""
    result: I64 = np.maximum(counts[..., _AT["impressions"]], counts[..., _AT["watches"]])
    return result


def tallied(counts: I64, sums: F64, duration_ms: I64) -> Tally:
    """Hits and trials of n videos, from ``counts`` int64[n, 9], decayed ``sums`` float64[n, S, H] of one landmark each
    and ``duration_ms`` int64[n] (0 unknown).

    >>> counts = np.array([[10, 10, 150_000, 1, 0, 2, 0, 0, 0]])
    >>> found = tallied(counts, np.zeros((1, 4, 9)), np.array([10_000]))
    >>> found.hits[0, [1, 2, 5]].tolist(), found.trials[0, [1, 2, 5]].tolist()
    ([15.0, 1.0, 2.0], [10.0, 10.0, 10.0])
    """
    seen, watches = exposed(counts).astype(np.float64), counts[:, _AT["watches"]].astype(np.float64)
    long, met, negative = (np.maximum(sums[:, at, -1], 0.0) for at in (_LONG, _MET, NEGATIVE))
    lengths = counts[:, _AT["watch_ms"]] / np.maximum(duration_ms, 1)
    told = [counts[:, _AT[name]].astype(np.float64) for name in ("likes", "comments", "shares", "skips")]
    hits = np.stack((long, lengths, *told, negative), axis=1)
    trials = np.stack((met, np.where(duration_ms > 0, watches, 0.0), seen, seen, seen, seen, met), axis=1)
    return Tally(np.clip(hits, 0.0, 3.0 * trials), trials)


def cohort_of(duration_ms: I64, age_ms: I64) -> I64:
    """Which cohort each of n videos belongs to, int64[n].

    >>> cohort_of(np.array([9_000, 9_500, 60_001]), np.array([0, 1, 0])).tolist()
    [5, 5, 25]
    """
    length, age = np.searchsorted(_LENGTHS_MS, duration_ms, "right"), np.searchsorted(_AGES_MS, age_ms, "right")
    result: I64 = length * (len(_AGES_MS) + 1) + age
    return result


def cohorts(tally: Tally, cohort: I64) -> Cohorts:
    """The rates of n videos by ``cohort`` int64[n]: no video counts much more than another, however often it was seen.

    >>> cohorts(Tally(np.empty((0, 7)), np.empty((0, 7))), np.empty(0, np.int64)).rates[0, 0]
    np.float64(0.5)
    """
    weight = tally.trials / (tally.trials + _FAR)
    rate = tally.hits / np.maximum(tally.trials, 1e-9)
    mass, sums = np.zeros((2, _COHORTS, len(EVIDENCE)))
    for at in range(len(EVIDENCE)):
        mass[:, at] = np.bincount(cohort, weight[:, at], _COHORTS)
        sums[:, at] = np.bincount(cohort, weight[:, at] * rate[:, at], _COHORTS)
    overall = (sums.sum(axis=0) + _USUAL_WEIGHT * _USUAL) / (mass.sum(axis=0) + _USUAL_WEIGHT)
    return Cohorts((sums + _USUAL_WEIGHT * overall) / (mass + _USUAL_WEIGHT))


def scored(tally: Tally, peers: F64) -> F64:
    """Weighted log of own over ``peers`` rates float64[n, 7], float64[n]; what was hardly seen scores about 0.

    >>> scored(Tally(np.zeros((1, 7)), np.zeros((1, 7))), np.ones((1, 7))).tolist()
    [0.0]
    """
    good = slice(0, _GOOD)
    expected = tally.trials[:, good] * peers[:, good]
    result: F64 = np.log((tally.hits[:, good] + _SHRINK) / (expected + _SHRINK)) @ _WEIGHTS
    return result


def too_many(hits: F64, trials: F64, peers: F64, worse: float) -> F64:
    """Probability that the odds of a video's rate are more than ``worse`` times those of its ``peers``; float64[n].

    Beta posterior under the peers' rate as prior.

    >>> too_many(np.array([0.0, 30.0]), np.array([40.0, 40.0]), np.array([0.2, 0.2]), 2.0).round(3).tolist()
    [0.0, 1.0]
    """
    peers = np.clip(peers, 1e-6, 1.0 - 1e-6)
    hits = np.minimum(hits, trials)
    limit = worse * peers / (1.0 - peers + worse * peers)
    result: F64 = 1.0 - betainc(_DOUBT * peers + hits, _DOUBT * (1.0 - peers) + trials - hits, limit)
    return result


def sentenced(tally: Tally, peers: F64, tier: I64, status: I64, seen: I64, spent: I64, tiers: Tiers) -> Verdicts:
    """What becomes of n videos below the top tier, from their ``tally`` against their ``peers`` float64[n, 7].

    ``tier`` and ``status`` int64[n]; of ``seen`` exposures ``spent`` fell into this tier, int64[n].
    """
    budget = budgets(tiers)[tier]
    score, bar = scored(tally, peers), tiers.bar + tiers.step * tier.astype(np.float64)
    sure = np.zeros(len(tier))
    for at in range(_GOOD, len(EVIDENCE)):
        hits, trials, usual = tally.hits[:, at], tally.trials[:, at], peers[:, at]
        some = np.flatnonzero((seen >= tiers.early) & (hits > trials * usual))
        sure[some] = np.maximum(sure[some], too_many(hits[some], trials[some], usual[some], tiers.worse))
    stopped = sure >= tiers.sure
    rises = ~stopped & (spent >= tiers.ready * budget) & (score >= bar)
    held = ~stopped & ~rises & (spent >= budget) & (status == OPEN)
    return Verdicts(rises, stopped, held, score, bar)


def rising(sums: F64, peers: F64, tiers: Tiers) -> F64:
    """Probability that n videos are disliked far more within the last hour than before it and than their ``peers``
    float64[n, 7], float64[n]; 0 where hardly anybody did. ``sums`` float64[n, S, H] as of now.

    >>> calm, angry = np.zeros((2, 1, 4, 9))
    >>> calm[0, 0], angry[0, 0], angry[0, 3] = 100.0, 100.0, 20.0
    >>> [rising(one, np.full((1, 7), 0.01), Tiers()).round(3).tolist() for one in (calm, angry)]
    [[0.0], [1.0]]
    """
    hits, trials = (np.maximum(sums[:, at, HOUR], 0.0) for at in (NEGATIVE, _MET))
    before = [np.maximum(sums[:, at, -1] - sums[:, at, HOUR], 0.0) for at in (NEGATIVE, _MET)]
    own = (before[0] + _DOUBT * peers[:, -1]) / (before[1] + _DOUBT)
    sure = too_many(hits, trials, np.maximum(own, peers[:, -1]), tiers.alarm)
    return np.where(hits >= ANGRY, sure, 0.0)


def merits(creators: U64, scores: F64, seen: I64, age_ms: I64) -> dict[int, float]:
    """Creators (hashes) by what their n uploads scored, later ones more; 0 stands for two uploads of no merit.

    >>> merits(np.array([7, 7], np.uint64), np.array([0.6, 0.6]), np.array([99, 5]), np.array([0, 0]))
    {7: 0.2}
    """
    tried = seen >= _ENOUGH
    makers, inverse = np.unique(creators[tried], return_inverse=True)
    weight = np.exp2(-np.maximum(age_ms[tried], 0) / _FADES_MS)
    sums = np.bincount(inverse, weight * scores[tried], len(makers))
    mean = sums / (np.bincount(inverse, weight, len(makers)) + _USUAL_UPLOADS)
    return dict(zip(makers.tolist(), mean.round(9).tolist(), strict=True))


def climbs(tier: npt.NDArray[np.uint8], status: npt.NDArray[np.uint8]) -> F64:
    """Probability to reach the top from each tier, float64[TOP + 1], by how n videos fared so far.

    One step's is Beta: those that went on, of all whose stay in the tier is over.

    >>> climbs(np.array([5, 5, 0], np.uint8), np.array([0, 0, 0], np.uint8)).round(2).tolist()
    [0.03, 0.06, 0.12, 0.25, 0.5, 1.0]
    """
    at = np.arange(TOP)
    went = (tier[:, None] > at).sum(axis=0)
    stayed = ((tier[:, None] == at) & (status[:, None] != OPEN)).sum(axis=0)
    steps = (went + 1.0) / (went + stayed + 4.0)
    result: F64 = np.append(np.cumprod(steps[::-1])[::-1], 1.0)
    return result


def fates(tier: npt.NDArray[np.uint8], status: npt.NDArray[np.uint8], climb: F64) -> F64:
    """How n videos fared, float64[n]: 1 at the top, 0 where held or stopped, in between what ``climb`` (see ``climbs``)
    makes of the tier; -1 for what is still tried in the lowest, of which nothing is known.

    >>> tiers, status = np.array([5, 3, 0, 0], np.uint8), np.array([OPEN, OPEN, HELD, OPEN], np.uint8)
    >>> fates(tiers, status, np.linspace(0.5, 1.0, 6)).tolist()
    [1.0, 0.8, 0.0, -1.0]
    """
    open_ = status == OPEN
    result: F64 = np.where(tier == TOP, 1.0, np.where(~open_, 0.0, np.where(tier > 0, climb[tier], -1.0)))
    return result
