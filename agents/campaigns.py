"""Campaigns: how often each was served, seen, viewed and clicked, summed over the shards as they are checkpointed."""

from __future__ import annotations

from collections.abc import Iterable

from agents.store import Store
from streams.control.promotions import SPENT_KEY, Pacer
from streams.control.reports import REPORT_KEY, REPORTED, Reports

__all__ = ["campaigns_of"]


def campaigns_of(store: Store, names: Iterable[str]) -> dict[str, dict[str, int]]:
    """``served`` and REPORTED of each campaign, 0 where nothing is stored. Cost: one round trip a shard.

    Raises ``StoreUnavailable``.
    """
    made = {name: dict.fromkeys(("served", *REPORTED), 0) for name in names}
    for shard in store.shards():
        if shard.kind != "u":
            continue
        pacer, reports = Pacer(), Reports()
        spent, counted = store.mget(shard, [SPENT_KEY, REPORT_KEY])
        pacer.decode(spent)
        reports.decode(counted)
        for name, sums in made.items():
            told = (pacer.spent[name], *reports.counts.get(name, (0,) * len(REPORTED)))
            made[name] = {what: sums[what] + count for what, count in zip(sums, told, strict=True)}
    return made
