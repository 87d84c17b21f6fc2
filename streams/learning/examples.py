"""Examples: which pairs of a batch the models learn from, with features as of before the batch.

Two kinds: a pair met without having been served opens an example for the heads; a pair's first strong positive makes a
group for the ranker, the positive against what was served beside it, or against candidates that are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.hashing import U64, pair
from streams.arrays.tables import F32, I64
from streams.learning.negatives import LEFT_OUT, negatives
from streams.learning.training import Training
from streams.ranking.features import pair_features
from streams.shards.columns import ABSENT
from streams.signals import objective
from streams.signals.objective import Bits
from streams.signals.outcomes import OutcomeTable
from streams.signals.watching import Watched
from streams.video.catalogue import Catalogue
from streams.viewer.affinity import latest
from streams.viewer.crowds import COUNTRY, LANGUAGE, crowd_keys
from streams.viewer.viewers import ViewerTable

__all__ = ["sample", "teach", "tell"]

_BEST: Final = 3
"""Tags liked best that the learner is told of."""
_TOLD: Final = np.float32(1.0)  # worth of liked videos from which on a taste is told of
_FEW: Final = 3  # fewer videos left beside a positive say too little: then it stands against drawn ones


def teach(
    training: Training,
    catalogue: Catalogue,
    viewers: ViewerTable,
    outcomes: OutcomeTable,
    created: I64,
    risen: I64,
    watched: I64,
    now_ms: int,
) -> None:
    """Examples of newly met pairs (outcome rows ``created``), groups of new positives (``risen``) and long views.

    ``watched`` are those that became long views and nothing better; they weigh what the objective says they are worth.

    Features of all of them are read at once. Of many in one batch a sample is learnt, each weighing for those left out;
    once the frame that they go into is full, nothing more is.
    """
    met = _openable(training, catalogue, viewers, outcomes, created)
    groups = _groups(training, catalogue, viewers, outcomes, risen, watched, now_ms)
    viewer = np.concatenate((met.viewer, np.repeat(groups.viewer, groups.rows.shape[1])))
    rows = np.concatenate((met.rows, groups.rows.ravel()))
    if not len(rows):
        return
    x = pair_features(catalogue, viewers, viewer, rows, np.full(len(rows), now_ms)).astype(np.float16)
    count = len(met.names)
    if count:
        training.remember(met.names, x[:count])
        weight = np.full(count, met.weight, dtype=np.float32)
        when = np.full(count, now_ms)
        training.add(opened_pair=met.names, opened_ms=when, opened_x=x[:count], opened_w=weight)
    if len(groups.names):
        _add_groups(training, catalogue, viewers, outcomes, groups, now_ms, x[count:].reshape(*groups.rows.shape, -1))


def tell(
    training: Training, viewers: ViewerTable, outcomes: OutcomeTable, rows: I64, bits: Bits, seen: Watched, now_ms: int
) -> None:
    """What became of outcome ``rows`` i64[n]: label ``bits`` u16[n], and how long they were watched."""
    training.add(
        label_pair=pair(viewers.hash[outcomes.viewer[rows]], outcomes.video[rows].view(np.uint64)),
        label_ms=np.full(len(rows), now_ms),
        label_bits=bits,
        label_watch_ms=np.where(seen.excused, ABSENT, seen.seen_ms),
        label_duration_ms=seen.duration_ms,
    )


class _Met(NamedTuple):
    """Pairs to open: viewer rows, pair hashes, catalogue rows, and what each weighs."""

    viewer: I64
    names: U64
    rows: I64
    weight: float


class _Groups(NamedTuple):
    """Positives to learn from: viewer rows, pair hashes, catalogue rows i64[g, 1 + K], what each weighs, and the log of
    how many videos each negative stands for, f32[g, K].
    """

    viewer: I64
    names: U64
    rows: I64
    weight: F32
    offset: F32


def _openable(
    training: Training, catalogue: Catalogue, viewers: ViewerTable, outcomes: OutcomeTable, created: I64
) -> _Met:
    """Newly met pairs whose video is known and was not served to the viewer: the served ones are open already."""
    viewer, video = outcomes.viewer[created], outcomes.video[created].view(np.uint64)
    row = catalogue.rows_of_hashes(video)
    fresh = row >= 0
    for at in np.flatnonzero(viewers.seq[viewer] > 0).tolist():
        fresh[at] &= not (viewers.served[int(viewer[at])] == video[at]).any()
    viewer, video, row = viewer[fresh], video[fresh], row[fresh]
    names = pair(viewers.hash[viewer], video)
    kept, weight = _sampled(training, "opened", names)
    return _Met(viewer[kept], names[kept], row[kept], weight)


def _groups(
    training: Training,
    catalogue: Catalogue,
    viewers: ViewerTable,
    outcomes: OutcomeTable,
    risen: I64,
    watched: I64,
    now_ms: int,
) -> _Groups:
    """A group for each new positive: it first, then drawn videos that the viewer has not met.

    Long views have the places that positives leave.
    """
    parts = []
    for wanted, worth in ((risen, 1.0), (watched, objective.WORTH.long_view)):
        chosen, names = _chosen_from(training, catalogue, viewers, outcomes, wanted)
        kept, weight = _sampled(training, "groups", names)
        parts.append((chosen[kept], names[kept], np.full(len(kept), weight * worth, dtype=np.float32)))
    rows, names, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    viewer = outcomes.viewer[rows]
    row = catalogue.rows_of_hashes(outcomes.video[rows].view(np.uint64))
    if not len(row):
        return _Groups(viewer, names, np.empty((0, 1), np.int64), weights, np.empty((0, 0), np.float32))
    drawn = negatives(catalogue, viewers, viewer, row, names, training.negatives, now_ms)
    return _Groups(viewer, names, np.concatenate((row[:, None], drawn.rows), axis=1), weights, drawn.offset)


def _chosen_from(
    training: Training, catalogue: Catalogue, viewers: ViewerTable, outcomes: OutcomeTable, wanted: I64
) -> tuple[I64, U64]:
    """Those of ``wanted`` that were chosen from among several candidates, and their pair hashes.

    A video that nobody had met, and that we did not serve, came from elsewhere: it says nothing of a choice.
    """
    videos = outcomes.video[wanted].view(np.uint64)
    rows, names = catalogue.rows_of_hashes(videos), pair(viewers.hash[outcomes.viewer[wanted]], videos)
    known = np.array([training.recall(name) is not None for name in names.tolist()], dtype=bool)
    others = len(catalogue.candidates()) > 1
    fine = (rows >= 0) & others & (known | (catalogue.sums[rows, 0, -1] > 0))
    return wanted[fine], names[fine]


def _add_groups(
    training: Training,
    catalogue: Catalogue,
    viewers: ViewerTable,
    outcomes: OutcomeTable,
    groups: _Groups,
    now_ms: int,
    x: npt.NDArray[np.float16],
) -> None:
    """Hand groups over; a positive that was served or met before has its features of that time.

    Where it was served by us, what was served beside it, seen and left stands against it, and no drawn video does:
    what was shown must not seem liked for having been shown. Otherwise what was drawn stands for all candidates.
    """
    others = catalogue.hash[groups.rows[:, 1:]]
    offset = np.zeros(groups.rows.shape, dtype=np.float16)
    for at, (name, viewer, row) in enumerate(
        zip(groups.names.tolist(), groups.viewer.tolist(), groups.rows[:, 0].tolist(), strict=True)
    ):
        place = 0
        if (before := training.recall(name)) is not None:
            x[at, 0] = before.x
            if viewers.seq[viewer] and (viewers.served[viewer] == catalogue.hash[row]).any():
                for video, left in _left(training, viewers, outcomes, viewer, before.moment, others.shape[1]):
                    others[at, place], x[at, place + 1] = video, left
                    place += 1
        offset[at, place + 1 :] = groups.offset[at, place:] if place < _FEW else LEFT_OUT
    training.add(
        group_w=groups.weight,
        group_x=x,
        group_o=offset,
        group_ms=np.full(len(groups.names), now_ms),
        **_whose(viewers, groups.viewer),
        emb_recent=latest(catalogue, viewers, groups.viewer),
        emb_positive=catalogue.hash[groups.rows[:, 0]],
        emb_negatives=others,
    )


def _whose(viewers: ViewerTable, viewer: I64) -> dict[str, npt.NDArray[np.generic]]:
    """What the learner is told of who liked something: taste, what that weighs, tags liked best, language, country.

    A taste of hardly anything is zeros. Viewers come as often as they like; each like weighs less than the one before,
    so that who likes much counts hardly more.
    """
    told = viewers.mass[viewer, 1] >= _TOLD
    extra = viewers.tag_w[viewer, :, 0]
    best = np.argsort(-extra, axis=1, kind="stable")[:, :_BEST]
    liked = np.take_along_axis(extra, best, axis=1) > 0
    tags = np.where(liked, np.take_along_axis(viewers.tags[viewer], best, axis=1), np.uint64(0))
    size = np.maximum(np.linalg.norm(viewers.slow[viewer], axis=1), 1e-9)
    return {
        "group_taste": (viewers.slow[viewer] * (told / size)[:, None]).astype(np.float16),
        "group_share": (1.0 / (np.maximum(viewers.positives[viewer], 0) + 1.0)).astype(np.float32),
        "group_who": viewers.hash[viewer].astype(np.uint16),
        "group_tags": tags,
        "group_crowds": np.stack(
            (crowd_keys(LANGUAGE, viewers.lang[viewer]), crowd_keys(COUNTRY, viewers.country[viewer])), axis=1
        ),
    }


def _left(
    training: Training, viewers: ViewerTable, outcomes: OutcomeTable, viewer: int, moment: int, most: int
) -> Iterator[tuple[int, npt.NDArray[np.float16]]]:
    """Videos (hashes) served to the viewer at one moment and left without a positive or a long view, and their
    features as served. One that is only known to have been on the screen may still be watched: it says nothing yet.
    """
    videos = viewers.served[viewer][: -limits.LEFT - 1 : -1]
    names = pair(np.full(len(videos), viewers.hash[viewer]), videos)
    found = 0
    for name, video in zip(names.tolist(), videos.tolist(), strict=True):
        row = outcomes.row_of.get(name, -1)
        kept = training.recall(name)
        if row < 0 or kept is None or kept.moment != moment:
            continue
        told = outcomes.bits[row] & objective.SKIPPED or outcomes.best_watch(np.array([row]))[0] != ABSENT
        told = told and outcomes.bits[row] & objective.SEEN  # else it was watched in vain
        if not told or outcomes.bits[row] & (objective.POSITIVE | objective.LONG_VIEW):
            continue
        yield video, kept.x
        found += 1
        if found == most:
            return


def _sampled(training: Training, kind: str, names: U64) -> tuple[I64, float]:
    """A ``sample`` of as many names as the frame still has room for; it has less from now on."""
    kept, weight = sample(names, training.room[kind])
    training.room[kind] -= len(kept)
    return kept, weight


def sample(names: U64, most: int) -> tuple[I64, float]:
    """Places of at most ``most`` names, those of the smallest hashes, in order; and how many each stands for.

    >>> sample(np.array([9, 3, 7], np.uint64), 2)
    (array([1, 2]), 1.5)
    """
    if len(names) <= most or not most:
        return np.arange(min(len(names), most)), 1.0
    return np.sort(np.argsort(names, kind="stable")[:most]), len(names) / most
