"""Exact under fire, the small run of it: what ``python -m benchmarks.chaos`` does at length."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from agents.settings import Settings
from agents.testing.chaos import Ground, Plan, run_chaos
from agents.testing.load import bad_samples, load
from agents.testing.servers import RealKafka, RealRedis
from agents.topics import Admin

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.redis]


@pytest.mark.timeout(300)
def test_whatever_is_killed_frozen_or_restarted_every_count_is_exact(
    fresh_kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    Admin(fresh_kafka.bootstrap, Settings.from_env({})).apply()
    rng = np.random.default_rng(20_261)
    now_ms = int(time.time() * 1_000)
    made = load(rng, 30_000, viewers=400, videos=400, start_ms=now_ms - 3_600_000)
    assert made.duplicates > 1_000

    def restart() -> None:
        redis_server.kill()
        redis_server.start()

    plan = Plan(workers=3, kills=3, freezes=1, restarts=1)
    ground = Ground(fresh_kafka.url, redis_server.url, restart)
    report = run_chaos(ground, made, bad_samples(now_ms), plan, rng, tmp_path, print)
    assert report.problems == []
    assert sorted(report.done) == ["freeze", "kill", "kill", "kill", "restart"]
    assert report.batches > 200
    assert report.letters == len(bad_samples())
