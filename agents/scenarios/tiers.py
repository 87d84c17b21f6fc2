"""Scenarios of the traffic tiers: what climbs, what stops, what a budget holds, and when an upload is first met.

A town without broker, store or taste: viewers ask once each, in blocks, and videos have planted rates of what is done
with them. Ranking, tiers and numbers are the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.scenarios.scenario import scenario
from schemas.catalogue import Video
from streams.arrays.tables import F64, I64
from streams.control.steering import Steering
from streams.control.tuning import Tuning
from streams.ranking.features import FEATURES, PRIOR
from streams.ranking.ranking import Model, Ranked, Request, rank_many, serve
from streams.shards.changes import PAIR, ROW, SOFT, Batch
from streams.shards.columns import IMPRESSION, LIKE, SKIP, WATCH
from streams.shards.video_shard import VideoShard
from streams.tiers.tiers import exposed
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

__all__ = [
    "LONG_MS", "SMALL", "Town", "a_budget_holds", "a_dud_is_hardly_shown", "a_hit_climbs",
    "a_maker_of_hits_is_found_sooner", "an_alarm_is_raised", "an_upload_is_met_at_once",
]  # fmt: skip

_T0: Final = 1_760_000_000_000
_POPULAR: Final = Model(PRIOR + np.array([name == "positive_24h" for name in FEATURES]))
"""Likes what was liked, as a ranker does that has learnt: what nobody met is at the bottom."""
LONG_MS: Final = 15_000
"""Length of every video."""
SMALL: Final[dict[str, Any]] = {
    "tiers.first": 20, "tiers.second": 30, "tiers.third": 40, "tiers.fourth": 50, "tiers.fifth": 60,
    "tiers.early": 12, "slate.fresh": 0.2,
}  # fmt: skip
_OFF: Final = {"tiers.on": False, "slate.fresh": 0.2}


class Town:
    """``videos`` videos with the same planted rates (long view, like, skip, dislike), to be changed in ``rates`` f64[n,
    4].
    """

    def __init__(self, seed: int, tuning: Tuning, videos: int = 60) -> None:
        self.tuning = tuning
        self.rng = np.random.default_rng(seed)
        self.now_ms, self.step = _T0, 0
        self.shard = VideoShard(0, 10**12, 10**9, Steering(tuning))
        self.catalogue = Catalogue()
        self.viewers = ViewerTable()
        self.rates: F64 = np.empty((0, 4))
        self.upload(videos)

    def upload(self, count: int, maker: str | None = None, tags: Sequence[str] = ()) -> list[int]:
        """``count`` more videos by ``maker``, or each by one of its own; their rows in ``rates``."""
        first = len(self.rates)
        names = [f"v{first + at}" for at in range(count)]
        records = [
            Video(
                v=1,
                video_id=name,
                creator_id=maker or f"by-{name}",
                created_ms=self.now_ms,
                duration_ms=LONG_MS,
                tags=list(tags),
            )
            for name in names
        ]
        self.shard.apply_videos(zip(names, records, strict=True))
        self.rates = np.concatenate((self.rates, np.tile([0.5, 0.03, 0.2, 0.005], (count, 1))))
        self.catalogue.take_states(self.shard.states())
        return list(range(first, first + count))

    def ask(self, count: int, limit: int = 10) -> list[Ranked]:
        """``count`` new viewers ask at once, and are served."""
        held = len(self.viewers)
        rows = self.viewers.rows(f"u{held + at}" for at in range(count))
        requests = [
            Request(row, self.now_ms, limit, seed=int(self.rng.integers(2**31)), tuning=self.tuning) for row in rows
        ]
        found = rank_many(self.catalogue, self.viewers, requests, _POPULAR)
        for one in found:
            serve(self.catalogue, self.viewers, one, self.now_ms, self.tuning)
        return found

    def watch(self, shown: list[Ranked], minutes: int = 1) -> None:
        """They watch all of it, and some minutes later everybody knows."""
        at = np.concatenate([one.rows for one in shown])
        seen = np.array([int(self.catalogue.video_ids[row][1:]) for row in at.tolist()], dtype=np.int64)
        self.now_ms, self.step = self.now_ms + 60_000 * minutes, self.step + 1
        long, like, skip, dislike = (self.rng.random((4, len(seen))) < self.rates[seen].T).astype(np.int64)
        skip = skip * (1 - long)
        signal = np.stack((np.ones_like(long), long, like, dislike), axis=1)
        none, once = np.zeros_like(long), np.ones_like(long)
        rows = [
            self._rows(seen, IMPRESSION, once, none),
            self._rows(seen, WATCH, once, np.where(long > 0, LONG_MS, np.where(skip > 0, 700, 6_000))),
            self._rows(seen[like > 0], LIKE, like[like > 0], none[like > 0]),
            self._rows(seen[skip > 0], SKIP, skip[skip > 0], none[skip > 0]),
            self._rows(seen, SOFT, none, none, signal),
        ]
        names = [f"v{number}" for number in range(len(self.rates))]
        self.shard.apply(Batch("town", 0, names, np.concatenate(rows), np.empty(0, PAIR)))
        self.catalogue.take_states(self.shard.states())

    def exposures(self, videos: list[int]) -> I64:
        """How often each was seen, int64[n]."""
        return exposed(self.shard.table.counts[self.at(videos)])

    def at(self, videos: list[int]) -> I64:
        """Rows of the shard's table."""
        return np.array([self.shard.row_of[f"v{number}"] for number in videos], dtype=np.int64)

    def _rows(self, videos: I64, kind: int, n: I64, watch_ms: I64, signal: Any = 0) -> npt.NDArray[np.void]:
        made = np.zeros(len(videos), dtype=ROW)
        made["offset"], made["video"], made["ts_ms"], made["kind"] = self.step, videos, self.now_ms, kind
        made["n"], made["watch_ms"], made["signal"] = n, watch_ms, signal
        return made


def _after(seed: int, tuning: Tuning, blocks: int = 16) -> tuple[Town, list[int], list[int]]:
    """A town after many viewers, and its planted hits and duds."""
    town = Town(seed, tuning, videos=58)
    hits, duds = town.upload(2, "maker"), [5, 23]
    town.rates[hits], town.rates[duds] = (0.9, 0.2, 0.02, 0.0), (0.05, 0.0, 0.9, 0.0)
    for _ in range(blocks):
        town.watch(town.ask(25))
    return town, hits, duds


@scenario(
    row="traffic tiers",
    shows="tier that planted hits reach, of 5 (budgets 20 to 60)",
    on=SMALL,
    off=_OFF,
    least=3.0,
    seeds=3,
)
def a_hit_climbs(seed: int, tuning: Tuning) -> float:
    """What is watched to the end and liked climbs to the top."""
    town, hits, _ = _after(seed, tuning)
    return float(town.shard.table.tier[town.at(hits)].mean())


@scenario(
    row="traffic tiers",
    shows="exposures of a planted dud, most of whose viewers skip it",
    on=SMALL,
    off=_OFF,
    least=5.0,
    fewer=True,
    seeds=3,
)
def a_dud_is_hardly_shown(seed: int, tuning: Tuning) -> float:
    """What is skipped far more often than its peers stops in its first tier."""
    town, _, duds = _after(seed, tuning)
    return float(town.exposures(duds).mean())


@scenario(
    row="traffic tiers",
    shows="places given beyond a budget of 20 to the upload given most, to 300 viewers at once",
    on=SMALL,
    off=_OFF,
    least=10.0,
    fewer=True,
    seeds=3,
)
def a_budget_holds(seed: int, tuning: Tuning) -> float:
    """Spend stays within its share before any exposure is told of."""
    town = Town(seed, tuning, videos=8)
    tried = [row for one in town.ask(300, 3) for row, source in zip(one.rows, one.sources, strict=True)
             if source == "fresh"]  # fmt: skip
    return float(max(0, np.bincount(tried, minlength=1).max() - 20))


@scenario(
    row="cold video",
    shows="slates of 10 until all of five uploads were seen, among 100 videos seen 20 times each",
    off={"tiers.on": False},
    least=5.0,
    fewer=True,
    seeds=3,
)
def an_upload_is_met_at_once(seed: int, tuning: Tuning) -> float:
    """Uploads nobody has met get the first places."""
    town = Town(seed, tuning, videos=100)
    for _ in range(4):
        town.watch(town.ask(50))
    new = town.upload(5)
    rows = set(town.catalogue.rows([f"v{number}" for number in new]).tolist())
    for slates in range(1, 200):
        shown = town.ask(1)
        rows -= set(shown[0].rows.tolist())
        town.watch(shown)
        if not rows:
            return float(slates)
    return 200.0


@scenario(
    row="creators",
    shows="exposures of the next upload by a maker of two hits, beyond a newcomer's, from 80 viewers",
    on=SMALL,
    off=SMALL | {"tiers.merit": 5.0},
    least=3.0,
    seeds=3,
)
def a_maker_of_hits_is_found_sooner(seed: int, tuning: Tuning) -> float:
    """Who did well before starts a tier higher."""
    town, _, _ = _after(seed, tuning)
    both = town.upload(1, "maker") + town.upload(1)
    for _ in range(8):
        town.watch(town.ask(10))
    known, new = town.exposures(both).tolist()
    return float(known - new)


@scenario(
    row="risk",
    shows="share of the three most seen videos, planted to be disliked, alerted of, less that of innocent ones",
    off={"tiers.alarm": 1_000.0},
    least=0.8,
    seeds=3,
)
def an_alarm_is_raised(seed: int, tuning: Tuning) -> float:
    """What is disliked all of a sudden is said, and what always was a little is not."""
    town = Town(seed, tuning, videos=20)
    for step in range(12):
        if step == 9:
            bad = np.argsort(-town.exposures(list(range(20))))[:3].tolist()
            town.rates[bad, 3] = 0.25
        town.watch(town.ask(40), minutes=60)
    told = {one.video_id for one in town.shard.referee.decisions() if one.decision == "alert"}
    guilty = {f"v{at}" for at in bad}
    return len(told & guilty) / len(guilty) - len(told - guilty) / (20 - len(guilty))
