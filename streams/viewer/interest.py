"""Interest: how a changed outcome moves what is known of its viewer's tastes.

An outcome's worth stands once in the sums of its viewer, at the time that earned it. When it changes, the old
contribution is taken out and the new one put in, so an undo leaves no trace.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.tables import F32, F64, I64, add_top
from streams.signals.objective import POSITIVE, USUAL_WORTH
from streams.signals.outcomes import OutcomeTable
from streams.video.catalogue import Catalogue
from streams.video.popular import levels
from streams.viewer.context import folded, parts_of
from streams.viewer.viewers import LEVELS, NOWHERE, ViewerTable

__all__ = ["like_again", "move_interest", "start_anew"]


def move_interest(
    viewers: ViewerTable, catalogue: Catalogue, outcomes: OutcomeTable, rows: I64, known: I64, worth: F32, at_ms: I64
) -> None:
    """Replace the contribution of outcome ``rows`` by ``worth`` f32[n] earned at ``at_ms`` i64[n].

    ``known`` i64[n] are the catalogue's rows of their videos; those of -1 contribute nothing, nor does what was earned
    before the viewer started anew.
    """
    distinct, inverse = np.unique(outcomes.viewer[rows], return_inverse=True)
    newest = viewers.at_ms[distinct]
    np.maximum.at(newest, inverse, at_ms)
    viewers.advance(distinct, newest)
    viewer = outcomes.viewer[rows]
    for amount, when, sign in ((outcomes.reward[rows], outcomes.reward_ms[rows], -1.0), (worth, at_ms, 1.0)):
        use = np.flatnonzero((known >= 0) & (amount != 0) & (when > viewers.reset_ms[viewer]))
        if len(use):
            signed = amount[use].astype(np.float64) * sign
            _contribute(viewers, catalogue, viewer[use], known[use], signed, sign, amount[use] > 0, when[use])


def like_again(
    viewers: ViewerTable, catalogue: Catalogue, outcomes: OutcomeTable, rows: I64, was_ms: I64, at_ms: I64
) -> None:
    """Positives of outcome ``rows`` that stood before (earned at ``was_ms``) and were earned anew, at ``at_ms``: those
    that a fresh start had put behind are among the latest positives again.
    """
    reset_ms = viewers.reset_ms[outcomes.viewer[rows]]
    for at in np.flatnonzero((was_ms <= reset_ms) & (at_ms > reset_ms)).tolist():
        row = rows[at : at + 1]
        video = outcomes.video[row].view(np.uint64)
        level = levels(catalogue, catalogue.rows_of_hashes(video), int(at_ms[at]))[0]
        viewers.push_recent(int(outcomes.viewer[row[0]]), int(video[0]), int(at_ms[at]), level)


def start_anew(viewers: ViewerTable, catalogue: Catalogue, outcomes: OutcomeTable, viewer: int, ts_ms: int) -> None:
    """Forget what was learnt of a viewer's tastes up to ``ts_ms``; what outcomes in memory earned later stays."""
    viewers.reset_ms[viewer] = ts_ms
    viewers.clear_interests(viewer)
    rows = np.flatnonzero((outcomes.viewer[: outcomes.high] == viewer) & (outcomes.reward_ms[: outcomes.high] > ts_ms))
    known = catalogue.rows_of_hashes(outcomes.video[rows].view(np.uint64))
    for row in rows[(outcomes.bits[rows] & POSITIVE) > 0].tolist():
        video, when = int(outcomes.video[row : row + 1].view(np.uint64)[0]), int(outcomes.reward_ms[row])
        viewers.push_recent(viewer, video, when, np.zeros(LEVELS, dtype=np.int8))
    worth = (known >= 0) & (outcomes.reward[rows] != 0)
    rows, known = rows[worth], known[worth]
    if len(rows):
        amount, when_ms = outcomes.reward[rows].astype(np.float64), outcomes.reward_ms[rows]
        viewers.advance(np.array([viewer]), np.array([when_ms.max()]))
        _contribute(viewers, catalogue, np.full(len(rows), viewer), known, amount, 1.0, amount > 0, when_ms)


def _contribute(
    viewers: ViewerTable,
    catalogue: Catalogue,
    viewer: I64,
    video: I64,
    amount: F64,
    sign: float,
    good: npt.NDArray[np.bool_],
    when: I64,
) -> None:
    content = catalogue.content[video].astype(np.float64)
    channels = (
        (viewers.fast, limits.FAST_HALF_LIFE_S, good, 1.0),
        (viewers.slow, limits.SLOW_HALF_LIFE_S, good, 1.0),
        (viewers.negative, limits.NEGATIVE_HALF_LIFE_S, ~good, -1.0),
    )
    for channel, (sums, half_life_s, use, side) in enumerate(channels):
        if not use.any():
            continue
        weight = side * amount[use] * viewers.weigh(viewer[use], when[use], half_life_s)
        np.add.at(sums, viewer[use], (weight[:, None] * content[use]).astype(np.float32))
        np.add.at(viewers.mass[:, channel], viewer[use], weight.astype(np.float32))
    slow = amount * viewers.weigh(viewer, when, limits.SLOW_HALF_LIFE_S)
    tags = catalogue.tags[video]
    wide = tags.shape[1]
    met = np.stack((viewers.weigh(viewer, when, limits.SLOW_HALF_LIFE_S),
                    viewers.weigh(viewer, when, limits.FAST_HALF_LIFE_S)), axis=1) * sign  # fmt: skip
    judged = np.concatenate((amount[:, None] * np.abs(met) - USUAL_WORTH * met, met), axis=1)
    np.add.at(viewers.judged, viewer, judged.astype(np.float32))
    add_top(viewers.tags, viewers.tag_w, np.repeat(viewer, wide), tags.ravel(), np.repeat(judged, wide, axis=0))
    add_top(viewers.creators, viewers.creator_w, viewer, catalogue.creator[video], slow)
    add_top(viewers.sounds, viewers.sound_w, viewer, catalogue.sound[video], slow)
    if good.any():
        _by_the_hour(viewers, viewer[good], content[good], slow[good], when[good])
        length = np.log1p(catalogue.duration_ms[video[good]] / 1_000.0)
        np.add.at(viewers.duration_sum, viewer[good], (slow[good] * length).astype(np.float32))
        np.add.at(viewers.duration_mass, viewer[good], slow[good].astype(np.float32))


def _by_the_hour(viewers: ViewerTable, viewer: I64, content: F64, weight: F64, when: I64) -> None:
    """The taste once more, into its part of the day and its kind of day, in the zone where the viewer is now."""
    tz_min = viewers.tz_min[viewer].astype(np.int64)
    parts = parts_of(when, np.where(tz_min == NOWHERE, 0, tz_min))
    vector = (weight[:, None] * folded(content)).astype(np.float32)
    for part in parts.T:
        np.add.at(viewers.hours, (viewer, part), vector)
        np.add.at(viewers.hour_mass, (viewer, part), weight.astype(np.float32))
