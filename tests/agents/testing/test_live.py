"""What a live loop says of itself: all that is there, whenever it is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.testing.load import load
from agents.testing.servers import RealKafka, RealRedis
from tests.agents.deployed import deployed

pytestmark = [pytest.mark.kafka, pytest.mark.redis, pytest.mark.timeout(120)]


def test_a_look_at_a_topic_misses_nothing_that_was_delivered_before_it(
    kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    with deployed(kafka, redis_server, tmp_path, "looked-at") as live:
        made = load(np.random.default_rng(3), 12_000, viewers=200, videos=100, asking=0.0)
        watches = [text for text in made.lines if b'"topic":"events.watch"' in text]
        assert len(watches) > 5_000, "more than one read brings"
        live.send_lines(watches[:-1])
        assert len(live.records("events.watch")) == len(watches) - 1
        live.send_lines(watches[-1:])
        assert len(live.records("events.watch")) == len(watches)
