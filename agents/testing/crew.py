"""A crew: workers that come, go and are replaced under a load, and what must hold when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agents.judge.counts import compare_counts, compare_views
from agents.judge.tally import Tally
from agents.lag import lags, totals
from agents.spans import Log
from agents.testing.live import Live, Waited, Worker
from agents.testing.verdict import judge_feeds

__all__ = ["await_owners", "await_progress", "judge"]

_PATIENCE_S: Final = 180.0


def owners(live: Live) -> dict[str, int]:
    """Every shard of viewers and of videos, and the process that opened it last."""
    shards = live.store.shards()
    holders = (one.holder for one in live.store.standing(shards))
    return {str(shard): int(holder.rpartition(":")[2] or 0) for shard, holder in zip(shards, holders, strict=True)}


def owns(live: Live, workers: Iterable[Worker]) -> bool:
    """Whether each of ``workers`` has shards of both kinds, and nobody else has any."""
    wanted = {worker.process.pid for worker in workers}
    held = owners(live)
    return all({pid for shard, pid in held.items() if shard[0] == kind} == wanted for kind in "uv")


def await_owners(live: Live, *workers: Worker) -> None:
    """Wait until ``workers`` and nobody else have shards; several that start at once take long where cores are few."""
    live.until(f"shards at {len(workers)} workers", lambda: owns(live, workers), patience_s=_PATIENCE_S)


def await_progress(live: Live, records: int = 100) -> None:
    """Wait until ``records`` more are applied: what was done to the workers has not stopped them."""

    def applied() -> int:
        return sum(sum(one.offsets.values()) for one in live.store.standing(live.store.shards()))

    wanted = applied() + records
    live.until(f"{records} more applied records", lambda: applied() >= wanted)


def judge(live: Live, tally: Tally, log: Log) -> list[str]:
    """What does not hold when all that was sent is applied: every offset at its end, every count the tally's, feeds as
    they must be; as sentences.
    """
    problems = []
    try:
        live.until_settled()
        live.until("a lag of nothing", lambda: not any(totals(lags(log, live.store)).values()))
        live.until("the tally's counts", lambda: not compare_counts(live.store, tally))
    except Waited as error:
        problems.append(str(error).partition(";")[0])
    verdict = judge_feeds(message.value() for message in live.records("feeds"))
    letters = [f"a record of ours became a dead letter: {one.headers()}" for one in live.records("dead-letters")]
    counts = [*compare_counts(live.store, tally), *compare_views(live.store, tally)]
    return [*problems, *counts, *letters, *verdict.problems]
