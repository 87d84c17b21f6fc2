"""The gateway's benchmark, a small run of it: every figure of README's table is there and no call fails."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.redis]
SHORT = "from benchmarks.gateway import measure; import json; print(json.dumps(measure(lambda _: None, 1.0, 20)))"


@pytest.mark.timeout(200)
@pytest.mark.usefixtures("kafka", "redis_server")  # which are there, or it is skipped; it starts its own
def test_a_short_run_of_few_streams_has_every_figure() -> None:
    done = subprocess.run([sys.executable, "-c", SHORT], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2_000:]
    found = orjson.loads(done.stdout)
    assert all(value >= 0 for value in found.values())
    assert {"gateway_feeds_per_s", "gateway_stream_bytes", "gateway_grown_bytes", "gateway_base_bytes"} < found.keys()
    assert found["gateway_feeds_per_s"] > 0
