"""The referee: decides the tiers of one shard's videos as their numbers change, and keeps the audit of it.

What it holds videos against, their peers and their creators, is a function of the shard's table, made anew now and then
in event time. Nothing of it is stored: a shard that is loaded again makes it from what it loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from schemas.tiers import Evidence, TierDecision
from streams.arrays.tables import F64, I64
from streams.control.steering import Steering
from streams.signals.doubt import ALL, odds_of, share_of, vouched
from streams.tiers import tiers as rules
from streams.tiers.foresight import Foresight, Seen, foreseen
from streams.video.videos import VideoTable

__all__ = ["JUDGED_BY", "Referee"]

JUDGED_BY: Final = {
    "creator": (np.uint64, (), 0),
    "tag": (np.uint64, (), 0),
    "duration_ms": (np.int64, (), 0),
    "created_ms": (np.int64, (), 0),
}
"""Columns of a judged table beside those of ``NUMBERS``; ``created_ms`` 0: nobody has announced the video. ``tag`` is
the leading one.
"""
_EVERY_MS: Final = 600_000
_NEARLY: Final = 1e-6
"""Evidence of none: 0 stands for a video that had no audience yet."""
Decision = Literal["promote", "stop", "hold", "alert", "forecast"]


class _Sight(NamedTuple):
    """What a decision looks at, of n videos: ``seen`` exposures, ``spent`` of them in this tier, of a ``budget``."""

    rows: I64
    seen: I64
    spent: I64
    budget: I64

    def only(self, which: I64) -> _Sight:
        """Those at ``which`` places."""
        return _Sight(*(one[which] for one in self))


def _seen(table: VideoTable, rows: I64) -> Seen:
    columns = table.__dict__
    return Seen(
        columns["creator"][rows],
        columns["tag"][rows],
        columns["created_ms"][rows],
        table.first[rows].astype(np.float64),
    )


class Referee:
    """Judges rows of a video table with the columns ``JUDGED_BY``; ``steering`` says by which settings."""

    def __init__(self, steering: Steering | None = None) -> None:
        self.steering = steering or Steering()
        self._cohorts: rules.Cohorts | None = None
        self._climbs: F64 = np.zeros(rules.TOP + 1)
        self._foresight = Foresight(0.0)
        self._merits: dict[int, float] = {}
        self._odds = ALL
        self._made_ms = 0
        self._decisions: list[TierDecision] = []

    def decisions(self) -> list[TierDecision]:
        """What was decided since the last call, in order."""
        made, self._decisions = self._decisions, []
        return made

    def judge(self, table: VideoTable, rows: I64, video_ids: Sequence[str], now_ms: int) -> None:
        """Decide what is due of ``rows`` (unique), whose numbers or records changed; ``video_ids`` by row."""
        tiers = self.steering.tuning.tiers
        if not tiers.on:
            return
        self._watch_over(table, rows, video_ids, now_ms)
        rows = rows[
            (table.created_ms[rows] > 0) & (table.status[rows] != rules.STOPPED) & (table.tier[rows] < rules.TOP)
        ]
        seen = rules.exposed(table.counts[rows])
        sight = _Sight(rows, seen, seen - table.start[rows], rules.budgets(tiers)[table.tier[rows]])
        due = np.flatnonzero((sight.spent >= tiers.early) | (sight.spent >= tiers.ready * sight.budget))
        unseen = rows[(seen == 0) & (table.decided[rows] == 0)]
        if len(due) or len(unseen):
            self._look_around(table, now_ms)
            self._weigh(table, sight.only(due), video_ids, now_ms)
            self._introduce(table, unseen, video_ids)

    def _weigh(self, table: VideoTable, sight: _Sight, video_ids: Sequence[str], now_ms: int) -> None:
        """Promote, stop or hold what is due."""
        if not len(sight.rows):
            return
        tiers, rows = self.steering.tuning.tiers, sight.rows
        tally, peers = self._compared(table, rows, now_ms)
        tier, status = table.tier[rows].astype(np.int64), table.status[rows].astype(np.int64)
        found = rules.sentenced(tally, peers, tier, status, sight.seen, sight.spent, tiers)
        table.tier[rows] += found.rises.astype(np.uint8)
        table.start[rows[found.rises]] = sight.seen[found.rises]
        table.status[rows[found.rises]], table.status[rows[found.held]] = rules.OPEN, rules.HELD
        table.status[rows[found.stopped]] = rules.STOPPED
        words: tuple[tuple[Decision, I64], ...] = (
            ("promote", np.flatnonzero(found.rises)),
            ("stop", np.flatnonzero(found.stopped)),
            ("hold", np.flatnonzero(found.held)),
            ("forecast", self._first_met(table, rows, found)),
        )
        for decision, which in words:
            for at in which.tolist():
                evidence = self._evidence(tally, peers, at)
                score, bar = float(found.score[at]), float(found.bar[at])
                self._note(table, sight, at, video_ids, decision, int(tier[at]), score, bar, evidence)

    def _first_met(self, table: VideoTable, rows: I64, found: rules.Verdicts) -> I64:
        """Keep what the first audience said of ``rows``; places of those of which nothing else is said now."""
        new = table.first[rows] == 0.0
        table.first[rows[new]] = np.where(found.score == 0.0, _NEARLY, found.score)[new]
        return np.flatnonzero(new & ~(found.rises | found.stopped | found.held))

    def _watch_over(self, table: VideoTable, rows: I64, video_ids: Sequence[str], now_ms: int) -> None:
        """Where dislikes rise all of a sudden, a tier lower and no more places to explore; nothing is deleted."""
        tiers = self.steering.tuning.tiers
        loud = (table.sums[rows, rules.NEGATIVE, rules.HOUR] >= rules.ANGRY) & (table.created_ms[rows] > 0)
        rows = rows[loud & (table.alert_ms[rows] <= now_ms - rules.ALERT_EVERY_MS)]
        rows = rows[table.status[rows] != rules.STOPPED]
        if not len(rows):
            return
        self._look_around(table, now_ms)
        tally, peers = self._compared(table, rows, now_ms)
        sure = rules.rising(self._sums(table, rows), peers, tiers)
        seen, tier = rules.exposed(table.counts[rows]), table.tier[rows].astype(np.int64)
        sight = _Sight(rows, seen, seen - table.start[rows], rules.budgets(tiers)[tier])
        which = np.flatnonzero(sure >= tiers.sure)
        alerted = rows[which]
        table.tier[alerted] = np.maximum(tier[which] - 1, 0)
        table.status[alerted], table.start[alerted], table.alert_ms[alerted] = rules.HELD, seen[which], now_ms
        for at in which.tolist():
            evidence = self._evidence(tally, peers, at)
            self._note(table, sight, at, video_ids, "alert", int(tier[at]), float(sure[at]), tiers.sure, evidence)

    def _evidence(self, tally: rules.Tally, peers: F64, at: int) -> dict[str, Evidence]:
        own = tally.hits[at] / np.maximum(tally.trials[at], 1e-9)
        return {
            name: Evidence(own=round(float(own[one]), 5), peers=round(float(peers[at, one]), 5))
            for one, name in enumerate(rules.EVIDENCE)
            if tally.trials[at, one] > 0
        }

    def _introduce(self, table: VideoTable, rows: I64, video_ids: Sequence[str]) -> None:
        """Uploads nobody has met yet: what may come of each; who did well before starts a tier higher, by a step and no
        more.
        """
        tiers = self.steering.tuning.tiers
        merit = np.array([self._merits.get(maker, 0.0) for maker in table.creator[rows].tolist()])
        nothing = np.zeros(len(rows), dtype=np.int64)
        sight = _Sight(rows, nothing, nothing, nothing + tiers.first)
        table.tier[rows[merit >= tiers.merit]] = 1
        for at, own in enumerate(merit.tolist()):
            evidence = {"creator": Evidence(own=round(own, 5), peers=0.0)}
            decision: Decision = "promote" if own >= tiers.merit else "forecast"
            self._note(table, sight, at, video_ids, decision, 0, own, tiers.merit, evidence)

    def _note(
        self,
        table: VideoTable,
        sight: _Sight,
        at: int,
        video_ids: Sequence[str],
        decision: Decision,
        tier: int,
        score: float,
        bar: float,
        evidence: dict[str, Evidence],
    ) -> None:
        row = int(sight.rows[at])
        table.decided[row] += 1
        to, name, number = int(table.tier[row]), video_ids[row], int(table.decided[row])
        made = TierDecision(
            v=1,
            decision_id=f"{name}.{number}.{decision}.{tier}-{to}",
            video_id=name,
            ts_ms=int(table.last_ms[row]),
            from_=tier,
            to=to,
            decision=decision,
            spent=int(sight.spent[at]),
            budget=int(sight.budget[at]),
            score=round(score, 5),
            bar=round(bar, 5),
            evidence=evidence,
            hit=0.0 if decision == "stop" else round(self._chance(table, row), 5),
        )
        self._decisions.append(made)

    def _chance(self, table: VideoTable, row: int) -> float:
        """Probability that a video reaches the top; beyond the lowest tier, by what others did from there."""
        if table.tier[row] or not self.steering.tuning.tiers.foresee:
            return float(self._climbs[table.tier[row]])
        return float(self._foresight.chances(_seen(table, np.array([row])))[0])

    def _look_around(self, table: VideoTable, now_ms: int) -> None:
        """Make peers and creators anew if they are of another time; O(videos in memory)."""
        if self._cohorts is not None and abs(now_ms - self._made_ms) < _EVERY_MS:
            return
        self._made_ms = now_ms
        rows = np.flatnonzero(table.created_ms[: table.high])
        self._odds = odds_of(share_of(table.sums[rows, 0, -1], table.doubted[rows, 0, -1]))
        tally, cohort = self._tally(table, rows), self._cohort(table, rows, now_ms)
        self._cohorts = rules.cohorts(tally, cohort)
        score = rules.scored(tally, self._cohorts.rates[cohort])
        age_ms = now_ms - table.created_ms[rows]
        self._merits = rules.merits(table.creator[rows], score, rules.exposed(table.counts[rows]), age_ms)
        self._climbs = rules.climbs(table.tier[rows], table.status[rows])
        fared = rules.fates(table.tier[rows], table.status[rows], self._climbs)
        known = fared >= 0.0
        self._foresight = foreseen(_seen(table, rows[known]), fared[known], float(self._climbs[0]))

    def _compared(self, table: VideoTable, rows: I64, now_ms: int) -> tuple[rules.Tally, F64]:
        if self._cohorts is None:
            raise RuntimeError("nobody has looked around yet")
        return self._tally(table, rows), self._cohorts.rates[self._cohort(table, rows, now_ms)]

    def _tally(self, table: VideoTable, rows: I64) -> rules.Tally:
        return rules.tallied(table.counts[rows], self._sums(table, rows), table.duration_ms[rows])

    def _sums(self, table: VideoTable, rows: I64) -> F64:
        """Decayed sums of what counts: doubted signals as far as they may."""
        return vouched(table.sums[rows], table.doubted[rows], self._odds)

    def _cohort(self, table: VideoTable, rows: I64, now_ms: int) -> I64:
        return rules.cohort_of(table.duration_ms[rows], np.maximum(now_ms - table.created_ms[rows], 0))
