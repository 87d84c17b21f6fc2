"""``feedstream replay``: equal bytes and hashes twice, one batch a request, as of the lines before it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.testing.load import load

COMMAND = [sys.executable, "-m", "feedstream", "replay"]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = load(np.random.default_rng(11), 1_500, viewers=40, videos=60, asking=0.5)
    path = tmp_path_factory.mktemp("replay") / "load.jsonl"
    path.write_bytes(b"".join(made.lines))
    return path


def replayed(path: Path, out: Path, seed: str) -> tuple[dict[str, str], bytes]:
    """Hashes and feeds; ``seed`` is Python's own for hashing, which must not matter."""
    done = subprocess.run(
        [*COMMAND, str(path), "--feeds", str(out), "--state-hash"],
        capture_output=True, check=True, env={"PYTHONHASHSEED": seed},
    )  # fmt: skip
    assert done.stdout.count(b"\n") == 1
    hashes: dict[str, str] = orjson.loads(done.stdout)
    return hashes, out.read_bytes()


@pytest.mark.timeout(120)
def test_two_replays_of_one_log_give_equal_bytes_and_hashes_and_one_batch_a_request(
    lines: Path, tmp_path: Path
) -> None:
    first = replayed(lines, tmp_path / "a.jsonl", "1")
    assert replayed(lines, tmp_path / "b.jsonl", "2") == first
    hashes, feeds = first
    assert sorted(hashes) == ["exact", "full"]
    asked = [orjson.loads(line)["value"] for line in lines.read_bytes().splitlines() if b'"feed.requests"' in line]
    batches = [orjson.loads(line) for line in feeds.splitlines()]
    assert [batch["request_id"] for batch in batches] == [request["request_id"] for request in asked]
    assert [batch["trigger"] for batch in batches] == [
        "preview" if request["purpose"] == "preview" else "request" for request in asked
    ]
    offsets = [batch["as_of"]["feed.requests"]["0"] for batch in batches]
    assert offsets == list(range(1, len(asked) + 1))


def test_a_line_that_is_none_is_named_and_ends_the_replay_with_1(tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_bytes(b'{"topic":"users","key":"ann","value":null,"ts_ms":0}\noops\n')
    done = subprocess.run([*COMMAND, str(path), "--state-hash"], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"line 2 is no wire line" in done.stderr
    assert done.stderr.count(b"\n") == 1
