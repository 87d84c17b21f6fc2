"""Effects: what a batch of one viewer shard's events does to videos, as change rows on their way to the video shards.

Exact counts, soft signals and co-occurrences, each row under the source offset of the event that made it. A change
depends on earlier events of the same source only, so that replaying a source makes the same rows again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams import limits, objective
from streams.catalogue import Catalogue
from streams.changes import PAIR, ROW, SOFT, Changes, Packed
from streams.columns import ABSENT, COMMENT, FOLLOW, LIKE, SAVE, WATCH, Columns
from streams.outcomes import Change, OutcomeTable, standing
from streams.tables import I64
from streams.viewers import ViewerTable

__all__ = ["count", "pair_up", "signal"]


def count(changes: Changes, batch: Columns, change: Change) -> None:
    """Changes of the exact counts, one row an event that made any."""
    kind = batch.kind
    latest = (kind == LIKE) | (kind == SAVE) | (kind == FOLLOW) | (kind == COMMENT)
    n = np.where(latest, standing(change.after).astype(np.int64) - standing(change.before), 0)
    n = np.where(kind < COMMENT, change.before == ABSENT, n)
    watch_ms = np.where(kind == WATCH, np.maximum(change.after, 0) - np.maximum(change.before, 0), 0)
    at = np.flatnonzero((n != 0) | (watch_ms != 0))
    packed = np.zeros(len(at), dtype=ROW)
    packed["offset"], packed["ts_ms"], packed["kind"] = batch.offset[at], batch.ts_ms[at], kind[at]
    packed["n"], packed["watch_ms"] = n[at], watch_ms[at]
    packed["video"] = changes.index([batch.videos[index] for index in at.tolist()])
    _add(changes, batch, at, packed)


def signal(
    changes: Changes,
    batch: Columns,
    event: I64,
    new: npt.NDArray[np.bool_],
    before: objective.U8,
    after: objective.U8,
    at_ms: I64,
    was_ms: I64,
) -> None:
    """Soft signals of n changed outcomes: flips of met, long view, positive and negative.

    ``event`` i64[n] is the place in the batch that changed each, ``new`` whether it was just met, ``before`` and
    ``after`` its label bits, ``at_ms`` when it earned its worth and ``was_ms`` when it had: an undo counts there.
    """
    signs = np.empty((len(event), 4), dtype=np.int8)
    signs[:, 0] = new
    for column, mask in ((1, objective.LONG_VIEW), (2, objective.POSITIVE)):
        signs[:, column] = ((after & mask) > 0).astype(np.int8) - ((before & mask) > 0)
    bad = objective.SKIPPED | objective.NEGATIVE
    signs[:, 3] = ((after & bad) > 0).astype(np.int8) - ((before & bad) > 0)
    kept = np.flatnonzero(signs.any(axis=1))
    at = event[kept]
    packed = np.zeros(len(kept), dtype=ROW)
    packed["offset"], packed["kind"], packed["signal"] = batch.offset[at], SOFT, signs[kept]
    undone = (signs[kept] < 0).any(axis=1)
    packed["ts_ms"] = np.where(undone & (was_ms[kept] > 0), was_ms[kept], at_ms[kept])
    packed["video"] = changes.index([batch.videos[index] for index in at.tolist()])
    _add(changes, batch, at, packed)


def pair_up(
    changes: Changes,
    batch: Columns,
    viewers: ViewerTable,
    catalogue: Catalogue,
    outcomes: OutcomeTable,
    rows: I64,
    event: I64,
    risen: npt.NDArray[np.bool_],
    at_ms: I64,
) -> None:
    """Co-occurrence of outcome ``rows`` that became (``risen``) or ceased to be positive with the viewer's latest ones.

    Keeps the viewers' lists of latest positives.
    """
    made: dict[str, list[tuple[int, int, int, float, int]]] = {topic: [] for topic in batch.topics}
    index, ids = changes.index, catalogue.video_ids
    for place in np.argsort(event, kind="stable").tolist():
        row, at, up = int(rows[place]), int(event[place]), bool(risen[place])
        viewer, video = int(outcomes.viewer[row]), int(outcomes.video[row : row + 1].view(np.uint64)[0])
        when = int(at_ms[place]) if up else int(outcomes.reward_ms[row])
        weight = 1.0 if up else -1.0
        if not up:
            viewers.pull_recent(viewer, video)
        found = made[batch.topics[int(batch.source[at])]]
        offset, own = int(batch.offset[at]), index([batch.videos[at]])[0]
        found.append((offset, own, -1, weight, when))
        for other in index(_latest_ids(viewers, catalogue, viewer, video, ids)):
            found.append((offset, own, other, weight, when))
            found.append((offset, other, own, weight, when))
        if up:
            viewers.push_recent(viewer, video, when)
        viewers.positives[viewer] += 1 if up else -1
    for topic, found in made.items():
        changes.add(topic, np.empty(0, ROW), np.array(found, dtype=PAIR))


def _latest_ids(viewers: ViewerTable, catalogue: Catalogue, viewer: int, video: int, ids: list[str]) -> list[str]:
    order = np.argsort(-viewers.recent_ms[viewer], kind="stable")[: limits.PAIRED]
    get = catalogue.row_of_hash.get
    rows = [get(name) for name in viewers.recent[viewer][order].tolist() if name and name != video]
    return [ids[row] for row in rows if row is not None]


def _add(changes: Changes, batch: Columns, at: I64, rows: Packed) -> None:
    """Add change rows, made by the events ``at``, each to its source."""
    if len(batch.topics) == 1:
        changes.add(batch.topics[0], rows)
        return
    for number, topic in enumerate(batch.topics):
        changes.add(topic, rows[batch.source[at] == number])
