"""Public logs go the whole way, import, send, workers, feeds, and through replay, to the same exact hash."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from agents.cli.state import exact_hash
from agents.embedded import Embedded
from agents.judge.counts import compare_counts
from agents.judge.tally import tally_lines
from agents.settings import Settings, environment
from agents.testing.live import Live
from agents.testing.piece import kuairand_like, kuairand_piece, movielens_piece
from agents.testing.servers import RealKafka, RealRedis
from agents.testing.verdict import judge_feeds
from agents.topics import Admin

pytestmark = pytest.mark.timeout(290)


def feedstream(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """A command that must succeed."""
    command = [sys.executable, "-m", "feedstream", *map(str, words)]
    done = subprocess.run(command, env=environment(**settings), capture_output=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done


def goes_the_whole_way(live: Live, kind: str, log: Path, folder: Path, previews: bool) -> None:
    """Import, send, a worker, feeds: counts are the judge's, the hash is the replay's, every request has its answer."""
    lines = folder / "lines.jsonl"
    ours = {"broker": live.broker, "redis": live.redis}
    # Of the real logs every other row is a like: previews before each would not fit into the mock cluster.
    feedstream("import", kind, log, "-o", lines, *(["--previews"] if previews else []))
    text = lines.read_bytes().splitlines(keepends=True)
    sent = feedstream("send", lines, **ours)
    assert sent.stderr.endswith(b"%d lines sent, 0 failed\n" % len(text))
    live.spawn()
    tally = tally_lines(text)
    live.until("the judge's tally", lambda: not compare_counts(live.store, tally))
    live.until_settled()
    out = folder / "feeds.jsonl"
    wanted = orjson.loads(feedstream("replay", lines, "--feeds", out, "--state-hash").stdout)["exact"]
    live.until("the hash of the replay", lambda: exact_hash(live.store) == wanted)
    done = feedstream("state", "hash", "--json", **ours)
    assert orjson.loads(done.stdout) == {"exact": wanted}
    asked = sum(line.startswith(b'{"topic":"feed.requests"') for line in text)
    assert asked == len(out.read_bytes().splitlines())
    live.until("an answer to every request", lambda: len(answers(live)) == asked)
    viewer = orjson.loads(text[-1])["key"]
    live.send("feed.requests", viewer, {"v": 1, "request_id": "last", "user_id": viewer, "ts_ms": 1_649_400_000_000})
    assert len(live.batch(viewer, request_id="last")["items"]) == 20
    assert not judge_feeds(message.value() for message in live.records("feeds")).problems


def answers(live: Live) -> set[str]:
    """Requests that were answered; a viewer's first record brings a batch that nobody asked for."""
    return {batch["request_id"] for batch in live.batches() if "request_id" in batch}


@pytest.mark.parametrize("kind", ["movielens", "kuairand", "kuairand-like"])
def test_a_piece_of_a_public_log_ends_in_the_state_that_replay_makes(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    pieces: dict[str, Callable[[], Path]] = {
        "movielens": lambda: movielens_piece(request.getfixturevalue("movielens"), tmp_path, 25),
        "kuairand": lambda: kuairand_piece(request.getfixturevalue("kuairand"), tmp_path, 1_500),
        "kuairand-like": lambda: kuairand_like(tmp_path, 1_500),
    }
    log = pieces[kind]()
    with Embedded() as both, Live(both.broker, both.redis, tmp_path, request_ttl_s="3600") as live:
        goes_the_whole_way(
            live, "recbole" if kind == "movielens" else "kuairand", log, tmp_path, kind == "kuairand-like"
        )


@pytest.mark.kafka
@pytest.mark.redis
def test_a_tenth_of_movielens_on_real_servers_ends_in_the_state_that_replay_makes(
    movielens: Path, fresh_kafka: RealKafka, redis_server: RealRedis, tmp_path: Path
) -> None:
    Admin(fresh_kafka.bootstrap, Settings.from_env({})).apply()
    # A tenth of the viewers, and no previews: the whole of it takes minutes.
    lines = tmp_path / "lines.jsonl"
    with Live(fresh_kafka.url, redis_server.url, tmp_path) as live:
        feedstream("import", "recbole", movielens_piece(movielens, tmp_path, 94), "-o", lines)
        feedstream("send", lines, broker=live.broker)
        live.spawn()
        live.spawn()
        tally = tally_lines(lines.read_bytes().splitlines(keepends=True))
        live.until("the judge's tally", lambda: not compare_counts(live.store, tally), 240)
        wanted = orjson.loads(feedstream("replay", lines, "--state-hash").stdout)["exact"]
        live.until("the hash of the replay", lambda: exact_hash(live.store) == wanted)
        value = {"v": 1, "request_id": "r", "user_id": "1", "ts_ms": 893_286_638_000}
        live.send("feed.requests", "1", value)
        assert len(live.batch("1", request_id="r")["items"]) == 20
