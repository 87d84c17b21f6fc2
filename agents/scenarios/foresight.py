"""Scenarios of foresight: how well the fate of an upload is told before anybody met it, and from its first audience."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.tiers import SMALL, Town
from streams.arrays.tables import F64
from streams.control.tuning import Tuning
from streams.tiers.tiers import OPEN, TOP

__all__ = ["a_first_audience_tells", "fates_told", "whose_upload_it_is"]

_ON: Final = SMALL | {"tiers.merit": 5.0, "slate.fresh": 0.5, "tiers.early": 6}
_OFF: Final = _ON | {"tiers.foresee": False}
_WAVES: Final = 26
_LEARNT: Final = 10
"""Waves from which uploads are judged: before, there was little to learn from."""


@lru_cache(maxsize=16)
def fates_told(seed: int, tuning: Tuning) -> tuple[F64, F64, F64]:
    """Of each upload whose fate is known: the probability told before anybody met it, that told when the first audience
    did (or that before, where more than a forecast was said then), and what came, 1 for the top tier; float64[n] each.

    Makers and tags of uploads differ in how often there is a hit among them: 3 in 4 where both are lucky, none where
    neither is. Two scenarios read the same story, so it is kept.
    """
    town, rng = Town(seed, tuning, videos=20), np.random.default_rng(seed + 100)
    uploads: dict[str, int] = {}
    told: dict[str, list[float]] = {}
    for wave in range(_WAVES):
        for _ in range(6):
            maker, tag = int(rng.integers(6)), int(rng.integers(4))
            (number,) = town.upload(1, f"maker-{maker}", [f"tag-{tag}"])
            lucky = rng.random() < 0.375 * ((maker < 2) + (tag < 2))
            town.rates[number] = (0.9, 0.2, 0.05, 0.0) if lucky else (0.3, 0.01, 0.3, 0.01)
            if wave >= _LEARNT:
                uploads[f"v{number}"] = number
        for _ in range(3):
            town.watch(town.ask(25), minutes=5)
        for one in town.shard.referee.decisions():
            if one.decision == "forecast" and one.video_id in uploads and one.hit is not None:
                told.setdefault(one.video_id, []).append(one.hit)
    rows = town.at([uploads[name] for name in told])
    known = (town.shard.table.tier[rows] == TOP) | (town.shard.table.status[rows] != OPEN)
    said = np.array([(hits[0], hits[-1]) for hits in told.values()])[known]
    return said[:, 0], said[:, 1], (town.shard.table.tier[rows] == TOP)[known].astype(np.float64)


@scenario(
    row="early hit",
    shows="how far the probability of a hit, told before anybody met an upload, is from what came (Brier score)",
    on=_ON,
    off=_OFF,
    least=0.02,
    fewer=True,
    seeds=3,
)
def whose_upload_it_is(seed: int, tuning: Tuning) -> float:
    """Who made it and what it is about tell something of it."""
    before, _, came = fates_told(seed, tuning)
    return float(np.mean((before - came) ** 2))


@scenario(
    row="early hit",
    shows="how far the probability of a hit, told when the first six met an upload, is from what came (Brier score)",
    on=_ON,
    off=_OFF,
    least=0.05,
    fewer=True,
    seeds=3,
)
def a_first_audience_tells(seed: int, tuning: Tuning) -> float:
    """What the first viewers did tells more."""
    _, after, came = fates_told(seed, tuning)
    return float(np.mean((after - came) ** 2))
