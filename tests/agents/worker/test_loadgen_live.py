"""``feedstream loadgen`` on a running worker: what it says was sent is what is counted, in both loops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.main import main
from agents.spans import Log
from agents.testing.live import Live

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def run(live: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Runs ``loadgen`` on the worker of this folder; the exit code and what it printed. Its videos go when it is done:
    others count on seeing every candidate in one preview.
    """
    log = Log(live.kafka)
    before = log.spans(log.places(["videos"]))
    monkeypatch.setenv("FEEDSTREAM_BROKER", live.broker)
    monkeypatch.setenv("FEEDSTREAM_REDIS", live.redis)

    def ran(*args: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main(["loadgen", *(str(arg) for arg in args)])
        return int(left.value.code or 0), capsys.readouterr().out

    yield ran
    now = log.spans(before)
    made = log.read({place: span._replace(low=before[place].high) for place, span in now.items()})
    for key in {record.key() for record in made}:
        live.send("videos", key, None)


def test_what_an_open_loop_sent_is_counted_exactly_and_a_wrong_count_is_found(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "tally.json"
    code, out = run("--rate", 400, "--for", 2, "--viewers", 60, "--videos", 80, "--listen", "--tally", path, "--json")
    told = orjson.loads(out)
    assert code == 0
    assert (told["sent"], told["delivered"], told["refused"]) == (800, 800, 0)
    assert 0 < told["duplicates"] < 100
    assert told["batches"] > 0, "who signs up gets a first feed"
    assert run("--check", path)[0] == 0
    tally = orjson.loads(path.read_bytes())
    video = next(name for name, counts in tally["counts"].items() if counts["watches"])
    tally["counts"][video]["watches"] += 1
    path.write_bytes(orjson.dumps(tally))
    code, out = run("--check", path, "--patience", 0)
    assert code == 1
    assert out.startswith(f"video {video}: watches is ")
    assert len(out.splitlines()) == 1


def test_who_reacts_to_feeds_is_counted_exactly(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "tally.json"
    for seconds in (3, 10, 30):  # nobody reacts before there is a feed, which a busy machine takes its time to make
        words = ("--rate", 60, "--for", seconds, "--viewers", 12, "--videos", 60, "--tally", path, "--json")
        code, out = run("--react", *words)
        told = orjson.loads(out)
        assert code == 0
        if told["sent"]:
            break
    assert told["loop"] == "closed"
    assert told["sent"] == told["delivered"] > 0
    assert told["batches"] > 0
    code, out = run("--check", path, "--json")
    assert (code, orjson.loads(out)["ok"]) == (0, True)


def test_what_does_not_go_together_is_refused(run: Any) -> None:
    assert run("--react", "--duplicates", 0.1)[0] == 2
