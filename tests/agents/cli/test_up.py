"""``feedstream up``: two URLs for other shells, workers that serve whoever uses them, and a clean end at SIGTERM."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

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


@pytest.mark.timeout(180)
def test_with_a_gateway_a_feed_of_generated_videos_is_served_over_http(unused_port: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "up", "--gateway", "--videos", "60"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment(gateway_port=str(unused_port)),
    )  # fmt: skip
    try:
        feed: dict[str, Any] = {"items": []}
        deadline_s = time.monotonic() + 120
        while (len(feed["items"]) < 20 or feed["fallback"]) and time.monotonic() < deadline_s:
            assert process.poll() is None
            time.sleep(0.2)
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/v1/feeds/ann") as got,
            ):
                feed = orjson.loads(got.read())
        assert len(feed["items"]) == 20
        assert all(item["video"]["caption"] for item in feed["items"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def shown(shell: dict[str, str]) -> int:
    done = subprocess.run([*COMMAND, "video", "show", "x", "--json"], env=shell, capture_output=True, check=False)
    likes: int = orjson.loads(done.stdout)["counts"]["likes"]
    assert done.returncode == (0 if likes else done.returncode)
    return likes
