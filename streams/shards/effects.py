"""Effects: what a batch of one viewer shard's events does to videos, as change rows on their way to the video shards.

Exact counts, soft signals and co-occurrences, each row under the source offset of the event that made it. A change
depends on earlier events of the same source only, so that replaying a source makes the same rows again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streams import limits
from streams.arrays.tables import I64
from streams.shards.changes import PAIR, ROW, SIGNALS, SOFT, SOFT_DOUBTED, Changes, Packed
from streams.shards.columns import ABSENT, COMMENT, FOLLOW, LIKE, SAVE, WATCH, Columns
from streams.signals import objective
from streams.signals.doubt import BARRED, BELIEVED, TRUSTED
from streams.signals.outcomes import Change, OutcomeTable, standing
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

__all__ = ["Times", "count", "pair_up", "signal"]

_NEVER: Final = 2**62


def count(changes: Changes, batch: Columns, change: Change) -> None:
    """Changes of the exact counts, one row an event that made any."""
    kind = batch.kind
    latest = (kind == LIKE) | (kind == SAVE) | (kind == FOLLOW) | (kind == COMMENT)
    n = np.where(latest, standing(change.after).astype(np.int64) - standing(change.before), 0)
    n = np.where(kind < COMMENT, change.before == ABSENT, n)
    watch_ms = np.where(kind == WATCH, np.maximum(change.after >> 2, 0) - np.maximum(change.before >> 2, 0), 0)
    at = np.flatnonzero((n != 0) | (watch_ms != 0))
    packed = np.zeros(len(at), dtype=ROW)
    packed["offset"], packed["ts_ms"], packed["kind"] = batch.offset[at], batch.ts_ms[at], kind[at]
    packed["n"], packed["watch_ms"] = n[at], watch_ms[at]
    packed["video"] = changes.index([batch.videos[index] for index in at.tolist()])
    _add(changes, batch, at, packed)


class Times(NamedTuple):
    """When n outcomes were met and earned their worth, before a batch and after it, int64[n] ms each."""

    was_met: I64
    met: I64
    was_earned: I64
    earned: I64


def signal(
    changes: Changes,
    batch: Columns,
    event: I64,
    before: objective.Bits,
    after: objective.Bits,
    times: Times,
    doubt: npt.NDArray[np.uint8],
) -> None:
    """Soft signals of n changed outcomes: what stood is taken back at its time, what stands is put in at its own.

    ``event`` i64[n] is the place in the batch that changed each, ``before`` and ``after`` its label bits, ``doubt``
    u8[n] how it was judged when it came into being, so that what is taken back is what was put in.
    """
    met = np.zeros((len(event), len(SIGNALS)), dtype=np.int8)
    met[:, 0] = 1
    was_met = met * (times.was_met < _NEVER)[:, None]
    stood, stands = _signs(before), _signs(after)
    same = (times.earned == times.was_earned)[:, None]
    stood_at = np.where(times.was_earned > 0, times.was_earned, times.earned)
    once = (times.met == times.earned)[:, None] & (times.was_met != times.met)[:, None]
    moved_met = (times.was_met != times.met)[:, None]
    parts = (
        (stood_at, -stood * ~same),
        (times.earned, stands - stood * same + met * once),
        (np.where(times.was_met < _NEVER, times.was_met, 0), -was_met * moved_met),
        (times.met, met * (moved_met & ~once)),
    )
    signs = np.concatenate([sign for _, sign in parts]).astype(np.int8)
    judged = np.tile(doubt, len(parts))
    kept = np.flatnonzero(signs.any(axis=1) & (judged != BARRED))
    at = np.tile(event, len(parts))[kept]
    packed = np.zeros(len(kept), dtype=ROW)
    packed["offset"], packed["kind"], packed["signal"] = batch.offset[at], SOFT, signs[kept]
    packed["kind"][judged[kept] != TRUSTED] = SOFT_DOUBTED
    packed["ts_ms"] = np.concatenate([when for when, _ in parts])[kept]
    packed["video"] = changes.index([batch.videos[index] for index in at.tolist()])
    _add(changes, batch, at, packed)


def _signs(bits: objective.Bits) -> npt.NDArray[np.int8]:
    """Signals that label bits stand for, int8[n, 4]; being met is none of them."""
    masks = (0, objective.LONG_VIEW, objective.POSITIVE, objective.SKIPPED | objective.NEGATIVE)
    return ((bits[:, None] & np.array(masks, dtype=np.uint16)) > 0).astype(np.int8)


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
    level: npt.NDArray[np.int8],
) -> None:
    """Co-occurrence of outcome ``rows`` that became (``risen``) or ceased to be positive with the viewer's latest ones.

    Keeps the viewers' lists of latest positives, with how each video stood (``level`` int8[n, LEVELS]). What is not
    believed pairs with nothing.
    """
    made: dict[str, list[tuple[int, int, int, float, int, int, int]]] = {topic: [] for topic in batch.topics}
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
        who = int(viewers.hash[viewer]) & 0xFFFFFFFF
        if outcomes.doubt[row] in BELIEVED:
            found.append((offset, own, -1, weight, when, who, int(viewers.positives[viewer])))
            for other in index(_latest_ids(viewers, catalogue, viewer, video, ids)):
                found.append((offset, own, other, weight, when, 0, 0))
                found.append((offset, other, own, weight, when, 0, 0))
        if up and when > viewers.reset_ms[viewer]:
            viewers.push_recent(viewer, video, when, level[place])
        viewers.positives[viewer] += 1 if up else -1
    for topic, found in made.items():
        changes.add(topic, np.empty(0, ROW), np.array(found, dtype=PAIR))


def _latest_ids(viewers: ViewerTable, catalogue: Catalogue, viewer: int, video: int, ids: list[str]) -> list[str]:
    when_ms = viewers.recent_ms[viewer]
    order = np.argsort(-when_ms, kind="stable")[: limits.PAIRED]
    liked = viewers.recent[viewer][order[when_ms[order] > catalogue.drift_ms]]
    get = catalogue.row_of_hash.get
    rows = [get(name) for name in liked.tolist() if name and name != video]
    return [ids[row] for row in rows if row is not None]


def _add(changes: Changes, batch: Columns, at: I64, rows: Packed) -> None:
    """Add change rows, made by the events ``at``, each to its source."""
    if len(batch.topics) == 1:
        changes.add(batch.topics[0], rows)
        return
    for number, topic in enumerate(batch.topics):
        changes.add(topic, rows[batch.source[at] == number])
