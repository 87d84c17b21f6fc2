"""A user shard: the state of one partition of the user-keyed topics, and the fold of events into it.

``apply`` is pure: a batch of columns in, changes of videos, training rows and touched viewers out. What is cold must be
loaded first (``missing``, ``load``); what changed since the last checkpoint is handed out by ``checkpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.catalogue import User
from streams import limits
from streams.arrays.hashing import U64, hash64, hash_all, pair
from streams.arrays.tables import F32, I64, distinct
from streams.control.promotions import organic
from streams.control.reports import REPORT_KEY, Reports, facts
from streams.control.steering import Steering
from streams.learning.examples import teach, tell
from streams.learning.terms import teach_terms
from streams.learning.training import Training
from streams.shards import effects
from streams.shards.changes import Changes
from streams.shards.columns import Columns
from streams.shards.forgetting import KINDS, told_of
from streams.shards.keys import outcome_key, viewer_key
from streams.shards.results import Applied, Missing, Saved
from streams.signals import objective
from streams.signals.bots import judge
from streams.signals.doubt import BELIEVED
from streams.signals.outcomes import OutcomeTable
from streams.signals.watching import Flags, Watched, judge_quality, watched
from streams.video.catalogue import Catalogue
from streams.video.popular import levels
from streams.viewer.context import locate
from streams.viewer.interest import like_again, move_interest
from streams.viewer.pace import note_pace
from streams.viewer.profile import describe, grant
from streams.viewer.viewers import ViewerTable
from streams.words.asks import note

__all__ = ["UserShard"]

_UNSET: Final = Steering()  # nobody may set anything here


class UserShard:
    """State of one user partition. ``number`` names it; ``catalogue`` is the process's replica, read only, ``steering``
    what operators have set.
    """

    def __init__(
        self, number: int, catalogue: Catalogue, negatives: int = 64, learn: bool = True, *, steering: Steering = _UNSET
    ) -> None:
        self.number = number
        self.catalogue = catalogue
        self.viewers = ViewerTable()
        self.outcomes = OutcomeTable()
        self.changes = Changes()
        self.training = Training(negatives)
        self.reports = Reports()
        self.offsets: dict[str, int] = {}
        self.frozen = 0
        self.forgotten: dict[str, dict[str, int]] = {}
        """What was deleted of viewers by kind, since somebody cleared this."""
        self.watermark_ms = 0
        self._learn = learn
        self._steering = steering
        self._clock = 0
        self._dirty_viewers: set[int] = set()
        self._dirty_outcomes: set[int] = set()
        self._deletes: dict[bytes, None] = {}
        self._names: dict[str, int] = {}
        self._owed: dict[int, set[int]] = {}

    # --- cold rows -------------------------------------------------------------------------------------------------

    def missing(self, batch: Columns) -> Missing:
        """What ``batch`` needs and memory does not hold."""
        row_of, have = self.viewers.row_of, self.outcomes.row_of
        named = (*batch.users, *batch.speakers)
        users = [user for user in dict.fromkeys(named) if user not in row_of]
        videos = self._hashes(batch.videos)
        pairs = pair(hash_all(batch.users), videos).tolist()
        wanted = {
            name: (user, name, video)
            for name, user, video in zip(pairs, batch.users, videos.tolist(), strict=True)
            if name not in have
        }
        return Missing(users, list(wanted.values()))

    def load(self, missing: Missing, values: Sequence[bytes | None]) -> None:
        """Rows for what was missing, in the order of ``missing.keys()``; None is a row that never was."""
        split = len(missing.users)
        found = [(user, value) for user, value in zip(missing.users, values[:split], strict=True) if value is not None]
        fresh = [(user, value) for user, value in found if user not in self.viewers.row_of]
        self.viewers.decode([user for user, _ in fresh], [value for _, value in fresh])
        loaded = [
            (key, value) for key, value in zip(missing.outcomes, values[split:], strict=True) if value is not None
        ]
        if loaded:
            rows = self.outcomes.take(len(loaded))
            self.outcomes.viewer[rows] = self.viewers.rows(user for (user, _, _), _ in loaded)
            self.outcomes.video[rows] = np.array([video for (_, _, video), _ in loaded], dtype=np.uint64).view(np.int64)
            self.outcomes.decode(rows, [value for _, value in loaded])
            for row, ((_, name, _), _) in zip(rows.tolist(), loaded, strict=True):
                self.outcomes.row_of[name] = row

    # --- the fold --------------------------------------------------------------------------------------------------

    def apply(self, batch: Columns, *next_offsets: int) -> Applied:
        """Fold one batch; everything it names must be loaded. Advances the offset of each of its sources, in order."""
        self.offsets.update(zip(batch.topics, next_offsets, strict=True))
        hid = grant(self.viewers, self.catalogue, self.outcomes, batch.wishes)
        note(self.viewers, self.catalogue, batch.asks)
        wished = self.viewers.rows(batch.speakers)
        self._dirty_viewers.update(wished)
        self.viewers.touched[wished] = self._clock
        if not len(batch):
            none = np.empty(0, np.int64)
            return Applied(none, none.view(np.uint64), none, hid, none)
        self._clock += 1
        viewer = np.array(self.viewers.rows(batch.users), dtype=np.int64)
        locate(self.viewers, batch.places)
        video = self._hashes(batch.videos)
        rows, created = self._outcome_rows(viewer, video, pair(self.viewers.hash[viewer], video))
        touched, inverse = np.unique(rows, return_inverse=True)
        was_met_ms = self.outcomes.first_ms[touched]
        seen = watched(self.outcomes, touched, self._steering.tuning.signals)
        earned = organic(self.viewers, self.outcomes, touched)
        paid = touched[~earned]
        was = facts(self.outcomes, paid)
        change = self.outcomes.apply(rows, batch.kind, batch.ref, batch.value)
        self.outcomes.note(rows, batch.kind, batch.value, batch.ts_ms, batch.duration_ms)
        self.reports.count(self._steering.campaigns, self.outcomes, paid, was, facts(self.outcomes, paid))
        effects.count(self.changes, batch, change)
        odds, how = self.catalogue.odds, self._steering.tuning.bots
        judge(self.viewers, self.outcomes, batch, viewer, change, created, odds, how)
        event = np.zeros(len(touched), dtype=np.int64)
        event[inverse] = np.arange(len(rows))  # the last event of each outcome
        self.outcomes.touched[touched] = self.viewers.touched[viewer] = self._clock
        self._dirty_outcomes.update(touched.tolist())
        self._dirty_viewers.update(viewer.tolist())
        strong = self._derive(batch, touched, event, created, earned, was_met_ms, seen)
        np.maximum.at(self.viewers.last_ms, viewer, batch.ts_ms)
        self._meet(created)
        self.watermark_ms = max(self.watermark_ms, int(batch.ts_ms.max()))
        return Applied(viewer, video, strong, hid, touched)

    def settle(self, videos: Sequence[int]) -> None:
        """Videos (hashes) have become known: put in what outcomes on them owe to their viewers' interests."""
        rows = [row for name in videos for row in self._owed.pop(name, ())]
        due = np.array([row for row in rows if self.outcomes.viewer[row] >= 0], dtype=np.int64)
        if not len(due):
            return
        due = distinct(due)
        signals = self._steering.tuning.signals
        seen = watched(self.outcomes, due, signals)
        labels = objective.bits(self.outcomes, due, seen, signals)
        worth = objective.reward(self.outcomes, due, labels, seen, signals)
        known = self.catalogue.rows_of_hashes(self.outcomes.video[due].view(np.uint64))
        move_interest(self.viewers, self.catalogue, self.outcomes, due, known, worth, self.outcomes.reward_ms[due])
        self.outcomes.reward[due] = np.where(known >= 0, worth, 0.0)
        self._dirty_outcomes.update(due.tolist())
        self._dirty_viewers.update(self.outcomes.viewer[due].tolist())

    def apply_users(self, users: Sequence[tuple[str, User | None]], next_offset: int) -> list[int]:
        """Take over viewers' records; null forgets. Returns the rows of viewers whose first record this is."""
        self.offsets["users"] = next_offset
        first = []
        for user_id, user in users:
            if user is None:
                self._forget(user_id, next_offset - 1)
                continue
            row = self.viewers.rows([user_id])[0]
            if not self.viewers.known[row]:
                first.append(row)
            describe(self.viewers, row, user)
            self._dirty_viewers.add(row)
        return first

    # --- checkpoint ------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Saved:
        """Rows changed since the last call; from now on they count as saved."""
        viewers = np.array(sorted(self._dirty_viewers), dtype=np.int64)
        outcomes = np.array(sorted(self._dirty_outcomes), dtype=np.int64)
        users = self.viewers.user_ids
        keys = [viewer_key(users[row]) for row in viewers.tolist()]
        owner, video = self.outcomes.viewer[outcomes].tolist(), self.outcomes.video[outcomes].view(np.uint64).tolist()
        keys += [outcome_key(users[row], name) for row, name in zip(owner, video, strict=True)]
        values = self.viewers.encode(viewers) + self.outcomes.encode(outcomes)
        if self.reports.changed:
            keys, values = [*keys, REPORT_KEY], [*values, self.reports.encode()]
        saved = Saved(keys, values, list(self._deletes), dict(self.offsets))
        self._dirty_viewers, self._dirty_outcomes, self._deletes = set(), set(), {}
        return saved

    @property
    def dirty(self) -> int:
        """Rows that the next checkpoint would write."""
        return len(self._dirty_viewers) + len(self._dirty_outcomes)

    def cool(self, hot_viewers: int, hot_outcomes: int) -> list[int]:
        """Drop the longest untouched clean rows beyond the bounds from memory; they wait in the store.

        Returns the viewer rows that were dropped.
        """
        self._cool_outcomes(len(self.outcomes) - hot_outcomes)
        return self._cool_viewers(len(self.viewers) - hot_viewers)

    def open_served(self, names: U64, ts_ms: int, x: F32) -> None:
        """Open examples of served pairs (hashes) with their features as served, float32[n, F]."""
        served = x.astype(np.float16)
        self.training.remember(names, served)
        self.training.add(
            opened_pair=names,
            opened_ms=np.full(len(names), ts_ms),
            opened_x=served,
            opened_w=np.ones(len(names), dtype=np.float32),
        )

    # --- inside ----------------------------------------------------------------------------------------------------

    def _hashes(self, videos: Sequence[str]) -> U64:
        names = self._names
        if len(names) > 1_000_000:
            names.clear()
        found = []
        for video in videos:
            name = names.get(video)
            if name is None:
                name = names[video] = hash64(video)
            found.append(name)
        return np.array(found, dtype=np.uint64)

    def _outcome_rows(self, viewer: I64, video: U64, names: U64) -> tuple[I64, I64]:
        """Row of each pair, and those newly made."""
        get = self.outcomes.row_of.get
        listed = names.tolist()
        rows = np.fromiter((get(name, -1) for name in listed), np.int64, len(listed))
        new = np.flatnonzero(rows < 0)
        if not len(new):
            return rows, new
        distinct, first, inverse = np.unique(names[new], return_index=True, return_inverse=True)
        order = np.argsort(first)
        made = np.empty(len(distinct), dtype=np.int64)
        made[order] = self.outcomes.take(len(distinct))
        self.outcomes.viewer[made], self.outcomes.video[made] = viewer[new[first]], video[new[first]].view(np.int64)
        self.outcomes.row_of.update(zip(distinct.tolist(), made.tolist(), strict=True))
        rows[new] = made[inverse]
        return rows, made[order]

    def _derive(
        self, batch: Columns, touched: I64, event: I64, created: I64, earned: Flags, was_met_ms: I64, was_seen: Watched
    ) -> I64:
        """Everything that is a function of changed outcomes; returns rows of viewers with a strong signal."""
        outcomes, signals = self.outcomes, self._steering.tuning.signals
        seen = watched(outcomes, touched, signals)
        judged = judge_quality(outcomes, self.catalogue.usual, touched, was_seen, seen, signals.fair)
        before, after = outcomes.bits[touched], objective.bits(outcomes, touched, seen, signals)
        worth = objective.reward(outcomes, touched, after, seen, signals)
        at_ms = objective.reward_time(outcomes, touched, signals.harsh)
        met_ms = outcomes.first_ms[touched]
        was_ms = outcomes.reward_ms[touched]
        same = (before == after) & (worth == outcomes.reward[touched]) & (at_ms == was_ms) & (met_ms == was_met_ms)
        moved = np.flatnonzero(~same | judged)
        if not len(moved):
            return moved
        # Who takes a like back and likes again has chosen nothing anew: else one viewer could teach like a crowd.
        rising = moved[(((after & ~before)[moved] & objective.POSITIVE) > 0) & ~outcomes.said[touched[moved]]]
        flips = (after ^ before)[moved]
        earned = earned[moved]
        known = self.catalogue.rows_of_hashes(outcomes.video[touched[moved]].view(np.uint64))
        outcomes.bits[touched] = after
        if self._learn:
            told = moved[(flips > 0) | judged[moved]]
            now_ms = int(batch.ts_ms.max())
            tell(self.training, self.viewers, outcomes, touched[told], after[told], seen.take(told), now_ms)
            self._teach(batch, touched, created, rising, moved, (before, after))
        own = moved[earned]
        times = effects.Times(was_met_ms[own], met_ms[own], was_ms[own], at_ms[own])
        effects.signal(self.changes, batch, event[own], before[own], after[own], times, outcomes.doubt[touched[own]])
        self._pair_up(batch, touched, event, moved[earned & ((flips & objective.POSITIVE) > 0)], after, at_ms)
        again = moved[((before & after)[moved] & objective.POSITIVE) > 0]
        like_again(self.viewers, self.catalogue, outcomes, touched[again], was_ms[again], at_ms[again])
        move_interest(self.viewers, self.catalogue, outcomes, touched[moved], known, worth[moved], at_ms[moved])
        put_in = worth.copy()
        put_in[moved[known < 0]] = 0.0
        self._owe(touched[moved[(known < 0) & (worth[moved] != 0)]])
        outcomes.reward[touched], outcomes.reward_ms[touched] = put_in, at_ms
        strong = moved[(flips & (objective.POSITIVE | objective.NEGATIVE)) > 0]
        bored = note_pace(self.viewers, outcomes.viewer[touched[moved]], was_met_ms[moved], met_ms[moved], worth[moved])
        return distinct(np.concatenate((outcomes.viewer[touched[strong]], bored)))

    def _pair_up(
        self, batch: Columns, touched: I64, event: I64, flipped: I64, after: objective.Bits, at_ms: I64
    ) -> None:
        if not len(flipped):
            return
        rows = touched[flipped]
        known = self.catalogue.rows_of_hashes(self.outcomes.video[rows].view(np.uint64))
        level = levels(self.catalogue, known, int(batch.ts_ms.max()))
        risen = (after[flipped] & objective.POSITIVE) > 0
        tables = self.viewers, self.catalogue, self.outcomes
        effects.pair_up(self.changes, batch, *tables, rows, event[flipped], risen, at_ms[flipped], level)

    def _owe(self, rows: I64) -> None:
        """Note outcomes on videos not known yet; beyond the bound they are settled by their own next event only."""
        if len(self._owed) < limits.OWED:
            for row, name in zip(rows.tolist(), self.outcomes.video[rows].view(np.uint64).tolist(), strict=True):
                self._owed.setdefault(name, set()).add(row)

    def _teach(
        self, batch: Columns, touched: I64, created: I64, rising: I64, moved: I64, labels: tuple[objective.Bits, ...]
    ) -> None:
        before, after = labels
        outcomes, viewers = self.outcomes, self.viewers
        tables = self.catalogue, viewers, outcomes
        seen_long = ((after & ~before)[moved] & objective.LONG_VIEW) > 0
        better = (after[moved] & (objective.POSITIVE | objective.NEGATIVE)) > 0
        long_seen = touched[moved[seen_long & ~better]]
        met, risen, long = (
            rows[viewers.personalize[outcomes.viewer[rows]] & np.isin(outcomes.doubt[rows], BELIEVED)]
            for rows in (created, touched[rising], long_seen)
        )
        teach(self.training, *tables, met, risen, long, int(batch.ts_ms.max()))
        teach_terms(self.training, *tables, risen, long)

    def _meet(self, created: I64) -> None:
        """Remember newly met videos, and freeze the oldest outcome of a viewer who has too many."""
        if not len(created):
            return
        owner = self.outcomes.viewer[created]
        order = np.argsort(owner, kind="stable")
        owner, video = owner[order], self.outcomes.video[created[order]].view(np.uint64)
        edges = np.flatnonzero(np.diff(owner)) + 1
        starts = [0, *edges.tolist()]
        ends = [*edges.tolist(), len(owner)]
        for low, high in zip(starts, ends, strict=True):
            row = int(owner[low])
            self.viewers.remember(row, video[low:high])
            if self.viewers.met_count[row] > limits.OUTCOMES:
                self._freeze(row, high - low)

    def _freeze(self, row: int, count: int) -> None:
        met = self.viewers.met[row]
        high = len(met) - limits.OUTCOMES
        for video in met[max(0, high - count) : high].tolist():
            name = int(pair(self.viewers.hash[row : row + 1], np.array([video], dtype=np.uint64))[0])
            outcome = self.outcomes.row_of.pop(name, None)
            if outcome is not None:
                self._dirty_outcomes.discard(outcome)
                self._release(outcome)
            self._deletes[outcome_key(self.viewers.user_ids[row], video)] = None
            self.frozen += 1

    def _release(self, outcome: int) -> None:
        if (owing := self._owed.get(int(self.outcomes.video[outcome : outcome + 1].view(np.uint64)[0]))) is not None:
            owing.discard(outcome)
        self.outcomes.give(np.array([outcome]))

    def _forget(self, user_id: str, offset: int) -> None:
        deleted = self.forgotten.setdefault(user_id, dict.fromkeys(KINDS, 0))
        if (row := self.viewers.row_of.get(user_id)) is None:
            return
        told = told_of(self.changes, self.training, self.catalogue, self.viewers, row, offset, self.watermark_ms)
        deleted.update({kind: deleted[kind] + count for kind, count in told.items()})
        names, met = pair(self.viewers.hash[[row]], self.viewers.met[row]).tolist(), self.viewers.met[row].tolist()
        for name, video in zip(names, met, strict=True):
            if (outcome := self.outcomes.row_of.pop(name, None)) is not None:
                self._dirty_outcomes.discard(outcome)
                self._release(outcome)
            self._deletes[outcome_key(user_id, video)] = None
        self._deletes[viewer_key(user_id)] = None
        self._dirty_viewers.discard(row)
        self.viewers.drop(np.array([row]))

    def _cool_outcomes(self, over: int) -> None:
        if over <= 0:
            return
        names = np.fromiter(self.outcomes.row_of.keys(), np.uint64, len(self.outcomes.row_of))
        rows = np.fromiter(self.outcomes.row_of.values(), np.int64, len(names))
        oldest = np.argpartition(self.outcomes.touched[rows], min(over, len(rows) - 1))[:over]
        for at in oldest.tolist():
            if int(rows[at]) not in self._dirty_outcomes:
                del self.outcomes.row_of[int(names[at])]
                self._release(int(rows[at]))

    def _cool_viewers(self, over: int) -> list[int]:
        if over <= 0:
            return []
        rows = np.fromiter(self.viewers.row_of.values(), np.int64, len(self.viewers.row_of))
        busy = set(self.outcomes.viewer[np.fromiter(self.outcomes.row_of.values(), np.int64)].tolist())
        oldest = rows[np.argpartition(self.viewers.touched[rows], min(over, len(rows) - 1))[:over]]
        cold = [row for row in oldest.tolist() if row not in busy and row not in self._dirty_viewers]
        self.viewers.drop(np.array(cold, dtype=np.int64))
        return cold
