"""A user shard: the state of one partition of the user-keyed topics, and the fold of events into it.

``apply`` is pure: a batch of columns in, changes of videos, training rows and touched viewers out. What is cold must be
loaded first (``missing``, ``load``); what changed since the last checkpoint is handed out by ``checkpoint``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.catalogue import User
from streams import limits, objective
from streams.catalogue import Catalogue
from streams.changes import PAIR, ROW, SOFT, Changes, Packed
from streams.columns import ABSENT, COMMENT, FOLLOW, LIKE, SAVE, WATCH, Columns
from streams.examples import open_pairs, positives
from streams.hashing import U64, hash64, hash_all, pair
from streams.outcomes import Change, OutcomeTable, standing
from streams.tables import F32, I64, add_top
from streams.training import Training
from streams.viewers import ViewerTable

__all__ = ["Applied", "Missing", "Saved", "UserShard", "outcome_key", "split_outcome_key", "viewer_key"]

_SPLIT = b"\0"


class Missing(NamedTuple):
    """What a batch needs and memory does not hold: ids of viewers, and outcomes as (user_id, pair hash, video hash)."""

    users: list[str]
    outcomes: list[tuple[str, int, int]]

    def keys(self) -> list[bytes]:
        """Row keys for one MGET, viewers first."""
        return [viewer_key(user) for user in self.users] + [
            outcome_key(user, video) for user, _, video in self.outcomes
        ]


class Applied(NamedTuple):
    """What a batch touched: ``viewer`` rows and ``video`` hashes of every event, and ``strong`` viewer rows."""

    viewer: I64
    video: U64
    strong: I64


class Saved(NamedTuple):
    """Rows for a checkpoint: keys, values, keys to delete, and the source offsets they reflect."""

    keys: list[bytes]
    values: list[bytes]
    deletes: list[bytes]
    offsets: dict[str, int]


def viewer_key(user_id: str) -> bytes:
    """Row key of a viewer."""
    return b"v:" + user_id.encode()


def outcome_key(user_id: str, video: int) -> bytes:
    """Row key of an outcome: the viewer's id and the video's hash."""
    return b"o:" + user_id.encode() + _SPLIT + video.to_bytes(8, "little")


def split_outcome_key(key: bytes) -> tuple[str, int]:
    """Viewer and video hash of an outcome's row key.

    >>> split_outcome_key(outcome_key("ann", 7))
    ('ann', 7)
    """
    return key[2:-9].decode(), int.from_bytes(key[-8:], "little")


class UserShard:
    """State of one user partition. ``number`` names it; ``catalogue`` is the process's replica, read only."""

    def __init__(self, number: int, catalogue: Catalogue, negatives: int = 64, learn: bool = True) -> None:
        self.number = number
        self.catalogue = catalogue
        self.viewers = ViewerTable()
        self.outcomes = OutcomeTable()
        self.changes = Changes()
        self.training = Training(negatives)
        self.offsets: dict[str, int] = {}
        self.frozen = 0
        self.watermark_ms = 0
        self._learn = learn
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
        users = [user for user in dict.fromkeys(batch.users) if user not in row_of]
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
        if not len(batch):
            return Applied(np.empty(0, np.int64), np.empty(0, np.uint64), np.empty(0, np.int64))
        self._clock += 1
        viewer = np.array(self.viewers.rows(batch.users), dtype=np.int64)
        video = self._hashes(batch.videos)
        rows, created = self._outcome_rows(viewer, video, pair(self.viewers.hash[viewer], video))
        change = self.outcomes.apply(rows, batch.kind, batch.ref, batch.value)
        np.minimum.at(self.outcomes.first_ms, rows, batch.ts_ms)
        np.maximum.at(self.outcomes.duration_ms, rows, batch.duration_ms)
        self._count(batch, change)
        touched, inverse = np.unique(rows, return_inverse=True)
        event = np.zeros(len(touched), dtype=np.int64)
        event[inverse] = np.arange(len(rows))  # the last event of each outcome
        self.outcomes.touched[touched] = self.viewers.touched[viewer] = self._clock
        self._dirty_outcomes.update(touched.tolist())
        self._dirty_viewers.update(viewer.tolist())
        strong = self._derive(batch, touched, event, created)
        np.maximum.at(self.viewers.last_ms, viewer, batch.ts_ms)
        self._meet(created)
        self.watermark_ms = max(self.watermark_ms, int(batch.ts_ms.max()))
        return Applied(viewer, video, strong)

    def settle(self, videos: Sequence[int]) -> None:
        """Videos (hashes) have become known: put in what outcomes on them owe to their viewers' interests."""
        rows = [row for name in videos for row in self._owed.pop(name, ())]
        due = np.array([row for row in rows if self.outcomes.viewer[row] >= 0], dtype=np.int64)
        if not len(due):
            return
        due = np.unique(due)
        labels = objective.bits(self.outcomes, due)
        worth = objective.reward(self.outcomes, due, labels)
        known = self.catalogue.rows_of_hashes(self.outcomes.video[due].view(np.uint64))
        self._move_interest(due, known, worth, self.outcomes.reward_ms[due])
        self.outcomes.reward[due] = np.where(known >= 0, worth, 0.0)
        self._dirty_outcomes.update(due.tolist())
        self._dirty_viewers.update(self.outcomes.viewer[due].tolist())

    def apply_users(self, users: Sequence[tuple[str, User | None]], next_offset: int) -> list[int]:
        """Take over viewers' records; null forgets. Returns the rows of viewers whose first record this is."""
        self.offsets["users"] = next_offset
        first = []
        for user_id, user in users:
            if user is None:
                self._forget(user_id)
                continue
            row = self.viewers.rows([user_id])[0]
            if not self.viewers.known[row]:
                first.append(row)
            self._describe(row, user)
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

    def _count(self, batch: Columns, change: Change) -> None:
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
        packed["video"] = self.changes.index([batch.videos[index] for index in at.tolist()])
        self._change(batch, at, packed)

    def _change(self, batch: Columns, at: I64, rows: Packed) -> None:
        """Add change rows, made by the events ``at``, each to its source."""
        if len(batch.topics) == 1:
            self.changes.add(batch.topics[0], rows)
            return
        for number, topic in enumerate(batch.topics):
            self.changes.add(topic, rows[batch.source[at] == number])

    def _derive(self, batch: Columns, touched: I64, event: I64, created: I64) -> I64:
        """Everything that is a function of changed outcomes; returns rows of viewers with a strong signal."""
        outcomes = self.outcomes
        before, after = outcomes.bits[touched], objective.bits(outcomes, touched)
        worth, at_ms = objective.reward(outcomes, touched, after), objective.reward_time(outcomes, touched)
        new = np.isin(touched, created)
        moved = np.flatnonzero((before != after) | (worth != outcomes.reward[touched]) | new)
        if not len(moved):
            return moved
        rising = moved[((after & ~before)[moved] & objective.POSITIVE) > 0]
        flips = (after ^ before)[moved]
        known = self.catalogue.rows_of_hashes(outcomes.video[touched[moved]].view(np.uint64))
        if self._learn:
            self._teach(batch, touched, created, rising, moved, before, after)
        self._signal(batch, touched, moved, event, new, before, after, at_ms)
        self._pairs(batch, touched, event, moved[(flips & objective.POSITIVE) > 0], after, at_ms)
        self._move_interest(touched[moved], known, worth[moved], at_ms[moved])
        put_in = worth.copy()
        put_in[moved[known < 0]] = 0.0
        self._owe(touched[moved[(known < 0) & (worth[moved] != 0)]])
        outcomes.bits[touched], outcomes.reward[touched], outcomes.reward_ms[touched] = after, put_in, at_ms
        strong = moved[(flips & (objective.POSITIVE | objective.NEGATIVE)) > 0]
        return np.unique(outcomes.viewer[touched[strong]])

    def _owe(self, rows: I64) -> None:
        """Note outcomes on videos not known yet; beyond the bound they are settled by their own next event only."""
        if len(self._owed) < limits.OWED:
            for row, name in zip(rows.tolist(), self.outcomes.video[rows].view(np.uint64).tolist(), strict=True):
                self._owed.setdefault(name, set()).add(row)

    def _teach(
        self,
        batch: Columns,
        touched: I64,
        created: I64,
        rising: I64,
        moved: I64,
        before: objective.U8,
        after: objective.U8,
    ) -> None:
        outcomes, catalogue, viewers = self.outcomes, self.catalogue, self.viewers
        now_ms = np.full(len(touched), int(batch.ts_ms.max()))
        names = pair(viewers.hash[outcomes.viewer[touched]], outcomes.video[touched].view(np.uint64))
        flips = moved[before[moved] != after[moved]]
        self.training.add(label_pair=names[flips], label_ms=now_ms[flips], label_bits=after[flips])
        open_pairs(self.training, catalogue, viewers, outcomes, created, int(batch.ts_ms.max()))
        if len(rising):
            chosen = touched[rising]
            positives(self.training, catalogue, viewers, outcomes, chosen, names[rising], int(batch.ts_ms.max()))

    def _signal(
        self,
        batch: Columns,
        touched: I64,
        moved: I64,
        event: I64,
        new: npt.NDArray[np.bool_],
        before: objective.U8,
        after: objective.U8,
        at_ms: I64,
    ) -> None:
        """Soft signals: flips of met, long view, positive and negative, at the time that earned them."""
        old, fresh = before[moved], after[moved]
        signal = np.empty((len(moved), 4), dtype=np.int8)
        signal[:, 0] = new[moved]
        for column, mask in ((1, objective.LONG_VIEW), (2, objective.POSITIVE)):
            signal[:, column] = ((fresh & mask) > 0).astype(np.int8) - ((old & mask) > 0)
        bad = objective.SKIPPED | objective.NEGATIVE
        signal[:, 3] = ((fresh & bad) > 0).astype(np.int8) - ((old & bad) > 0)
        kept = np.flatnonzero(signal.any(axis=1))
        at = event[moved[kept]]
        packed = np.zeros(len(kept), dtype=ROW)
        packed["offset"], packed["kind"], packed["signal"] = batch.offset[at], SOFT, signal[kept]
        undone = (signal[kept] < 0).any(axis=1)
        was_ms = self.outcomes.reward_ms[touched[moved[kept]]]
        packed["ts_ms"] = np.where(undone & (was_ms > 0), was_ms, at_ms[moved[kept]])
        packed["video"] = self.changes.index([batch.videos[index] for index in at.tolist()])
        self._change(batch, at, packed)

    def _pairs(self, batch: Columns, touched: I64, event: I64, flipped: I64, after: objective.U8, at_ms: I64) -> None:
        """Co-occurrence of what became (or ceased to be) positive with the viewer's latest positives."""
        made: dict[str, list[tuple[int, int, int, float, int]]] = {topic: [] for topic in batch.topics}
        index, ids = self.changes.index, self.catalogue.video_ids
        for place in flipped[np.argsort(event[flipped], kind="stable")].tolist():
            row = int(touched[place])
            viewer, video = int(self.outcomes.viewer[row]), int(self.outcomes.video[row : row + 1].view(np.uint64)[0])
            risen = bool(after[place] & objective.POSITIVE)
            when = int(at_ms[place]) if risen else int(self.outcomes.reward_ms[row])
            weight = 1.0 if risen else -1.0
            if not risen:
                self.viewers.pull_recent(viewer, video)
            at = int(event[place])
            found = made[batch.topics[int(batch.source[at])]]
            offset, own = int(batch.offset[at]), index([batch.videos[at]])[0]
            found.append((offset, own, -1, weight, when))
            others = self._latest_ids(viewer, video, ids)
            for other in index(others):
                found.append((offset, own, other, weight, when))
                found.append((offset, other, own, weight, when))
            if risen:
                self.viewers.push_recent(viewer, video, when)
            self.viewers.positives[viewer] += 1 if risen else -1
        for topic, found in made.items():
            self.changes.add(topic, np.empty(0, ROW), np.array(found, dtype=PAIR))

    def _latest_ids(self, viewer: int, video: int, ids: list[str]) -> list[str]:
        recent_ms = self.viewers.recent_ms[viewer]
        order = np.argsort(-recent_ms, kind="stable")[: limits.PAIRED]
        names = self.viewers.recent[viewer][order].tolist()
        get = self.catalogue.row_of_hash.get
        rows = [get(name) for name in names if name and name != video]
        return [ids[row] for row in rows if row is not None]

    def _move_interest(self, rows: I64, known: I64, worth: npt.NDArray[np.float32], at_ms: I64) -> None:
        """Take each outcome's old contribution out of its viewer's sums and put the new one in."""
        outcomes, viewers = self.outcomes, self.viewers
        distinct, inverse = np.unique(outcomes.viewer[rows], return_inverse=True)
        newest = viewers.at_ms[distinct]
        np.maximum.at(newest, inverse, at_ms)
        viewers.advance(distinct, newest)
        parts = (
            (outcomes.viewer[rows], known, outcomes.reward[rows], outcomes.reward_ms[rows], -1.0),
            (outcomes.viewer[rows], known, worth, at_ms, 1.0),
        )
        for viewer, video, amount, when, sign in parts:
            use = np.flatnonzero((video >= 0) & (amount != 0))
            if len(use):
                self._contribute(
                    viewer[use], video[use], amount[use].astype(np.float64) * sign, amount[use] > 0, when[use]
                )

    def _contribute(
        self, viewer: I64, video: I64, amount: npt.NDArray[np.float64], good: npt.NDArray[np.bool_], when: I64
    ) -> None:
        viewers, catalogue = self.viewers, self.catalogue
        content = catalogue.content[video].astype(np.float64)
        for channel, (sums, half_life_s) in enumerate(
            (
                (viewers.fast, limits.FAST_HALF_LIFE_S),
                (viewers.slow, limits.SLOW_HALF_LIFE_S),
                (viewers.negative, limits.NEGATIVE_HALF_LIFE_S),
            )
        ):
            use = ~good if channel == 2 else good
            if not use.any():
                continue
            weight = np.abs(amount[use]) * np.sign(amount[use]) * (1.0 if channel < 2 else -1.0)
            weight = weight * viewers.weigh(viewer[use], when[use], half_life_s)
            np.add.at(sums, viewer[use], (weight[:, None] * content[use]).astype(np.float32))
            np.add.at(viewers.mass[:, channel], viewer[use], weight.astype(np.float32))
        slow = amount * viewers.weigh(viewer, when, limits.SLOW_HALF_LIFE_S)
        tags = catalogue.tags[video]
        wide = tags.shape[1]
        add_top(viewers.tags, viewers.tag_w, np.repeat(viewer, wide), tags.ravel(), np.repeat(slow, wide))
        add_top(viewers.creators, viewers.creator_w, viewer, catalogue.creator[video], slow)
        add_top(viewers.sounds, viewers.sound_w, viewer, catalogue.sound[video], slow)
        if good.any():
            length = np.log1p(catalogue.duration_ms[video[good]] / 1_000.0)
            np.add.at(viewers.duration_sum, viewer[good], (slow[good] * length).astype(np.float32))
            np.add.at(viewers.duration_mass, viewer[good], slow[good].astype(np.float32))

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

    def _describe(self, row: int, user: User) -> None:
        viewers = self.viewers
        viewers.known[row] = True
        viewers.lang[row] = hash64(user.lang) if user.lang else 0
        viewers.country[row] = hash64(user.country) if user.country else 0
        picked = [hash64(name) for name in user.interests[: limits.PICKED]]
        viewers.picked[row] = picked + [0] * (limits.PICKED - len(picked))
        viewers.personalize[row] = user.settings.personalize if user.settings else True
        viewers.safety_level[row] = min(user.settings.safety_level, 127) if user.settings else 0

    def _forget(self, user_id: str) -> None:
        row = self.viewers.row_of.get(user_id)
        if row is None:
            return
        for video in self.viewers.met[row].tolist():
            name = int(pair(self.viewers.hash[row : row + 1], np.array([video], dtype=np.uint64))[0])
            outcome = self.outcomes.row_of.pop(name, None)
            if outcome is not None:
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
