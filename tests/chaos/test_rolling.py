"""Versions change under a steady load, worker by worker, on a real Kafka and a real Redis: forth, back, and too far."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from agents.spans import Log
from agents.testing.builds import NEWER_ROWS, build
from agents.testing.crew import await_owners, await_progress, judge
from agents.testing.live import Live, Worker
from agents.testing.load import load
from agents.testing.servers import RealKafka, RealRedis
from agents.testing.steady import Steady

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.redis]
ROOT = Path(__file__).parents[2]
PER_S = 80


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """This version, the next one with the same formats, and one after it whose rows of viewers are newer."""
    folder = tmp_path_factory.mktemp("builds")
    edits = {"0.1.0": {}, "0.2.0": {}, "0.3.0": NEWER_ROWS}
    return {version: build(ROOT, folder / version, version, edit) for version, edit in edits.items()}


@pytest.mark.timeout(400)
def test_workers_are_replaced_one_by_one_by_another_version_and_back(
    empty_kafka: RealKafka, redis_server: RealRedis, builds: dict[str, Path], tmp_path: Path
) -> None:
    start_ms = int(time.time() * 1_000) - 3_600_000
    flood = load(np.random.default_rng(8), 20_000, viewers=300, videos=300, start_ms=start_ms, asking=0.5)
    with Live(empty_kafka.url, redis_server.url, tmp_path) as live, Steady(live.kafka, flood.lines, PER_S) as flow:

        def replace(old: Worker, version: str) -> Worker:
            """Stop one, start another in its place, and see both that are there now at work."""
            (other,) = (worker for worker in live.workers if worker is not old)
            batches = len(live.batches())
            assert live.stop(old) == 0
            fresh = live.start(package=builds[version])
            assert fresh.logged("ready")[0]["version"] == version
            await_owners(live, fresh, other)
            await_progress(live)
            live.until("feeds of both", lambda: len(live.batches()) > batches)
            return fresh

        one, two = (live.spawn(package=builds["0.1.0"]) for _ in range(2))
        await_owners(live, one, two)
        one, two = replace(one, "0.2.0"), replace(two, "0.2.0")
        one = replace(one, "0.1.0")
        two = replace(two, "0.3.0")
        assert live.stop(one) == 0
        await_owners(live, two)
        await_progress(live)
        late = live.spawn(package=builds["0.1.0"])
        live.workers.remove(late)  # it is to end
        live.until("a share for the late one", lambda: late.logged("shards_assigned") or late.process.poll())
        assert flow.flowing, "the load was over before the workers had been replaced: it showed nothing"
        flow.rest()
        assert late.wait() == 1
        (said,) = [line for line in late.said().splitlines() if line.startswith("feedstream worker:")]
        assert "this version reads" in said
        assert said.endswith("a newer feedstream has written here; run that version, or a newer one")
        assert judge(live, flood.tally(), Log(live.kafka, "test-lag")) == []
        assert len(live.batches()) > 300
        assert live.stop(two) == 0
