"""Promotions: campaigns that pay for being shown, paced over their time, labelled, and apart from what is earned.

A shard paces its part of each plan by what it has served itself, so shards need not speak to each other: a campaign is
due where fewer were served than the plan asks for by now. What a viewer does with a promoted video moves the viewer's
interests and exact counts, but no rate or neighbourhood of the video: those are what is earned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.control import Promotion, Target
from schemas.formats import check_format
from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import F64, I64
from streams.signals.outcomes import OutcomeTable
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import segments_of
from streams.viewer.viewers import ViewerTable

__all__ = ["NO_CAMPAIGNS", "SPENT_KEY", "Campaigns", "Pacer", "organic"]

SPENT_KEY: Final = b"p:spent"
"""Row key of what a shard has served of each campaign."""
_FORMAT: Final = 1
_TRIED: Final = 16  # most behind their plan that are matched with a viewer
_EVERYBODY: Final = Target()


class _Plan(NamedTuple):
    from_ms: I64
    to_ms: I64
    total: F64


@dataclass(frozen=True, slots=True, eq=False)
class Campaigns:
    """Campaigns by id; never changed, ``put`` makes others."""

    named: Mapping[str, Promotion] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    plan: _Plan | None = None
    by_video: Mapping[int, str] = field(default_factory=dict)

    def put(self, name: str, promotion: Promotion | None) -> Campaigns:
        """These campaigns with one set, or ended by None; raises ``ValueError`` that says what is wrong with it."""
        named = {other: one for other, one in self.named.items() if other != name}
        if promotion is not None:
            if promotion.to_ms <= promotion.from_ms:
                raise ValueError(f"campaign {name} ends at {promotion.to_ms}, not after it begins: {promotion.from_ms}")
            if len(named) >= limits.CAMPAIGNS:
                raise ValueError(f"campaign {name}: there are {limits.CAMPAIGNS} campaigns already; end one first")
            named[name] = promotion
        kept = dict(sorted(named.items()))
        from_ms, to_ms, total = (
            np.array([getattr(one, of) for one in kept.values()], dtype=np.int64)
            for of in ("from_ms", "to_ms", "impressions")
        )
        by_video = {hash64(one.video_id): name for name, one in kept.items()}
        return Campaigns(kept, tuple(kept), _Plan(from_ms, to_ms, total.astype(np.float64)), by_video)


NO_CAMPAIGNS: Final = Campaigns()


@dataclass(slots=True)
class Pacer:
    """What one shard of ``shards``, the one of this ``number``, has served of each campaign, and what it has promised
    to requests that are being ranked.
    """

    number: int = 0
    shards: int = 1
    spent: Counter[str] = field(default_factory=Counter)
    promised: dict[int, list[str]] = field(default_factory=dict)
    changed: bool = False

    def due(
        self, campaigns: Campaigns, catalogue: Catalogue, viewers: ViewerTable, viewer: int, country: int, now_ms: int
    ) -> list[str]:
        """Campaigns that a viewer (row) may be shown now, the one furthest behind its plan first."""
        plan = campaigns.plan
        if not campaigns.names or plan is None:
            return []
        promised = Counter(name for names in self.promised.values() for name in names)
        done = np.array([self.spent[name] + promised[name] for name in campaigns.names], dtype=np.float64)
        own = (plan.total + (self.shards - 1 - self.number)) // self.shards
        past = (now_ms - plan.from_ms) / (plan.to_ms - plan.from_ms)
        behind = np.where((past >= 0.0) & (past < 1.0), own * past - done, -1.0)
        order = np.argsort(-behind / np.maximum(own, 1.0), kind="stable")
        had = {campaigns.by_video.get(video) for video in viewers.promoted.get(viewer, ())}
        open_now = (campaigns.names[at] for at in order[behind[order] > 0.0].tolist())
        names = list(islice((name for name in open_now if name not in had), _TRIED))
        targets = [campaigns.named[name].target or _EVERYBODY for name in names]
        some = any(target.segments for target in targets)
        segments = segments_of(catalogue, viewers, viewer, now_ms) if some else frozenset()
        return [
            name
            for name, target in zip(names, targets, strict=True)
            if _meant(target, segments, viewers, viewer, country)
        ]

    def promise(self, viewer: int, names: list[str]) -> None:
        """A request of the viewer is about to be ranked with these campaigns."""
        self.promised[viewer] = names

    def settle(self, viewer: int, served: Iterable[str]) -> None:
        """The viewer's batch is made; these campaigns are in it."""
        self.promised.pop(viewer, None)
        for name in served:
            self.spent[name] += 1
            self.changed = True

    def encode(self, campaigns: Campaigns) -> bytes:
        """For the store; campaigns that are no more are left out."""
        self.changed = False
        return msgspec.msgpack.encode((_FORMAT, {name: self.spent[name] for name in campaigns.names}))

    def decode(self, value: bytes | None) -> None:
        """Take over what was stored, None: nothing was."""
        if value is not None:
            stored, spent = msgspec.msgpack.decode(value, type=tuple[int, dict[str, int]])
            check_format("what campaigns spent", stored, _FORMAT)
            self.spent = Counter(spent)


def organic(viewers: ViewerTable, outcomes: OutcomeTable, rows: I64) -> npt.NDArray[np.bool_]:
    """Whether outcome ``rows`` i64[n] are of videos that were not promoted to their viewers, bool[n]."""
    fine = np.ones(len(rows), dtype=bool)
    if not viewers.promoted:
        return fine
    owners = outcomes.viewer[rows]
    some = np.flatnonzero(np.isin(owners, np.fromiter(viewers.promoted, np.int64, len(viewers.promoted))))
    names = outcomes.video[rows[some]].view(np.uint64).tolist()
    for at, owner, name in zip(some.tolist(), owners[some].tolist(), names, strict=True):
        fine[at] = name not in viewers.promoted[owner]
    return fine


def _meant(target: Target, segments: frozenset[str], viewers: ViewerTable, viewer: int, country: int) -> bool:
    """Whether a campaign is for a viewer, who is in ``segments``; whose taste is not to be read is in none."""
    if target.countries and country not in {hash64(name) for name in target.countries}:
        return False
    if target.segments and segments.isdisjoint(target.segments):
        return False
    if not target.tags:
        return True
    if not viewers.personalize[viewer]:
        return False
    liked = viewers.tags[viewer][viewers.tag_w[viewer, :, 0] > 0.0]
    known = {*liked.tolist(), *viewers.picked[viewer].tolist()}
    return not known.isdisjoint(hash64(name) for name in target.tags)
