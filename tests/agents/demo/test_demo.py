"""The demo's program, a short run of it: every count agrees though a worker was killed, and feeds got better."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


@pytest.mark.timeout(280)
def test_a_short_demo_ends_ok() -> None:
    command = [sys.executable, "-m", "agents.demo", "--seconds", "20", "--viewers", "30", "--plain"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=270, check=False)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-2_000:]
    last = done.stdout.splitlines()[-1]
    assert re.match(r"demo: ok, [\d,]+ events .* 1 worker killed, every count of [\d,]+ videos agrees$", last), last
    assert "SIGKILL" in done.stdout
