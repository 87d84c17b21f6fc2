"""``feedstream up``: two URLs for other shells, workers that serve whoever uses them, and a clean end at SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psutil
import pytest

from agents.settings import environment

COMMAND = [sys.executable, "-m", "feedstream"]
LOG = b"""{"topic":"videos","value":{"v":1,"video_id":"x","creator_id":"c","created_ms":0,"duration_ms":9000},"ts_ms":0}
{"topic":"users","value":{"v":1,"user_id":"ann"},"ts_ms":0}
{"topic":"events.like","value":{"v":1,"event_id":"e","user_id":"ann","session_id":"s","video_id":"x","ts_ms":5},"ts_ms":5}
"""


@pytest.mark.timeout(180)
def test_up_prints_urls_that_other_shells_use_and_stops_at_sigterm_with_all_it_started(tmp_path: Path) -> None:
    log = (tmp_path / "up.log").open("wb")
    process = subprocess.Popen(
        [*COMMAND, "up", "--workers", "1"], stdout=subprocess.PIPE, stderr=log, env=environment(checkpoint_ms="100")
    )
    try:
        assert process.stdout is not None
        exports = dict(process.stdout.readline().decode().removeprefix("export ").strip().split("=", 1) for _ in "12")
        assert list(exports) == ["FEEDSTREAM_BROKER", "FEEDSTREAM_REDIS"]
        shell = os.environ | exports
        done = subprocess.run([*COMMAND, "send", "-"], input=LOG, env=shell, capture_output=True, check=True)
        assert done.stderr == b"3 lines sent, 0 failed\n"
        deadline_s = time.monotonic() + 90
        while (counts := shown(shell)) != 1 and time.monotonic() < deadline_s:
            assert process.poll() is None, (tmp_path / "up.log").read_text()
        assert counts == 1
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 2
        process.send_signal(signal.SIGTERM)
        with process.stdout as rest:
            assert rest.read() == b""
        assert process.wait(60) == 0
        assert not psutil.wait_procs(children, 10)[1]
    finally:
        process.kill()
        process.wait()
        log.close()


def shown(shell: dict[str, str]) -> int:
    done = subprocess.run([*COMMAND, "video", "show", "x", "--json"], env=shell, capture_output=True, check=False)
    likes: int = orjson.loads(done.stdout)["counts"]["likes"]
    assert done.returncode == (0 if likes else done.returncode)
    return likes
