"""import, send, tail and topics, end to end over a mock cluster: nothing is dropped, and JSON is all of stdout."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.main import main
from agents.producer import RecordProducer
from schemas.topics import TOPICS


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def json(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.out.splitlines()]


class Run:
    """Runs commands against one mock cluster."""

    def __init__(self, broker: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FEEDSTREAM_BROKER", f"kafka://{broker}")
        self._capsys = capsys

    def __call__(self, *args: str | Path) -> Done:
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        captured = self._capsys.readouterr()
        return Done(int(left.value.code or 0), captured.out, captured.err)


@pytest.fixture
def run(mock_broker: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(mock_broker, capsys, monkeypatch)


LOG = """user_id,video_id,time_ms,is_like,play_time_ms,duration_ms
ann,x,5,1,900,1000
bob,y,oops,0,0,0
bob,y,6,0,10,1000
"""


def test_import_send_tail_carry_every_line(run: Run, tmp_path: Path) -> None:
    log, lines = tmp_path / "log.csv", tmp_path / "lines.jsonl"
    log.write_text(LOG)
    done = run("import", "kuairand", log, "-o", lines, "--previews")
    assert (done.code, done.out) == (0, "")
    assert done.err == "line 3 skipped: time_ms is 'oops', not a number\n2 rows imported, 1 skipped, 9 lines\n"
    assert run("topics", "apply").code == 0
    sent = run("send", lines)
    assert (sent.code, sent.out, sent.err) == (0, "", "9 lines sent, 0 failed\n")
    wanted = [orjson.loads(line) for line in lines.read_bytes().splitlines()]
    found = run("tail", *{line["topic"] for line in wanted}, "--json", "--from-start", "--until-end").json()
    assert {(line["topic"], line["key"], orjson.dumps(line["value"])) for line in found} == {
        (line["topic"], line["key"], orjson.dumps(line["value"])) for line in wanted
    }
    assert all({"partition", "offset", "timestamp_ms", "ts_ms"} <= set(line) for line in found)


def test_a_second_import_gives_the_same_bytes_and_stdout_is_the_default(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.csv.gz"
    log.write_bytes(gzip.compress(LOG.encode()))
    first, second = run("import", "KuaiRand", log), run("import", "kuairand", log)
    assert first.out == second.out
    assert len(first.json()) == 8


def test_a_log_without_a_usable_row_is_an_error(run: Run, tmp_path: Path) -> None:
    log, lines = tmp_path / "log.csv", tmp_path / "lines.jsonl"
    log.write_text("user_id,video_id,time_ms\n,,\n")
    done = run("import", "kuairand", log, "-o", lines)
    assert done.code == 1
    assert done.err.endswith(f"feedstream: {log} has no usable row\n")
    assert not lines.exists()


def test_send_names_every_line_it_cannot_send_and_sends_the_others(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(
        b'{"topic":"events.like","key":"ann","value":{"v":1}}\n'
        b"\n"
        b'{"topic":"events.wink","key":"ann","value":{}}\n'
        b"oops\n"
        b'{"topic":"engagement","key":"x","value":{}}\n'
        b'{"topic":"users","key":"ann","value":null}\n'
    )
    run("topics", "apply")
    done = run("send", lines)
    assert done.code == 1
    assert done.err.splitlines() == [
        "line 3 names an unknown topic, 'events.wink': see `feedstream topics list`",
        "line 4 is no wire line: JSON is malformed: invalid character (byte 0)",
        "line 5 is for engagement, which only workers write to",
        "2 lines sent, 3 failed",
    ]
    found = run("tail", "events.like", "users", "--json", "--from-start", "--until-end").json()
    assert [(line["topic"], line["value"]) for line in sorted(found, key=lambda line: line["topic"])] == [
        ("events.like", {"v": 1}),
        ("users", None),
    ]


def test_send_keeps_a_values_bytes_and_finds_a_missing_key(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl.gz"
    lines.write_bytes(gzip.compress(b'{"topic":"events.like","value":{"user_id": "ann", "n": 1.50}}\n'))
    run("topics", "apply")
    assert run("send", lines).code == 0
    done = run("tail", "events.like", "--json", "--from-start", "--until-end").json()[0]
    assert (done["key"], done["value"]) == ("ann", {"user_id": "ann", "n": 1.5})


def test_only_the_first_bad_lines_are_named_and_all_are_counted(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(b"oops\n" * 50)
    done = run("send", lines)
    assert len(done.err.splitlines()) == 22
    assert done.err.endswith("… and 30 more\n0 lines sent, 50 failed\n")


def test_tail_shows_bytes_that_are_no_json_without_losing_them(run: Run, mock_broker: str) -> None:
    with RecordProducer(mock_broker, client_id="test") as producer:
        producer.send("dead-letters", b"\xff", b"{", headers=[("cause", b"json")])
    done = run("tail", "dead-letters", "--json", "--from-start", "--until-end").json()[0]
    assert (done["key"], done["raw_key"], done["value"], done["raw"]) == (None, "/w==", None, "ew==")
    assert done["headers"] == {"cause": "json"}
    plain = run("tail", "dead-letters", "--from-start", "-n", "1")
    assert "cause=json" in plain.out


def test_tail_names_a_topic_that_is_not_there(run: Run) -> None:
    done = run("tail", "nothing")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("feedstream: topic nothing does not exist")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_tail_follows_until_it_is_told_to_stop(run: Run, mock_broker: str, how: signal.Signals) -> None:
    run("topics", "apply")
    code = "from agents.cli.main import main; main(['tail', 'feeds', '--json', '--from-start'])"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"FEEDSTREAM_BROKER": f"kafka://{mock_broker}"},
    )
    assert process.stdout is not None
    with RecordProducer(mock_broker, client_id="test") as producer:
        producer.send("feeds", b"ann", b'{"seq":1}')
    assert orjson.loads(process.stdout.readline())["value"] == {"seq": 1}
    process.send_signal(how)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"")


def test_topics_list_asks_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSTREAM_BROKER", "embedded://")
    monkeypatch.setenv("FEEDSTREAM_USER_PARTITIONS", "9")
    rows = orjson.loads(run("topics", "list", "--json").out)
    assert [row["topic"] for row in rows] == list(TOPICS)
    assert {row["topic"]: row["partitions"] for row in rows}["feeds"] == 9
    assert len(run("topics", "list").out.splitlines()) == len(TOPICS)


def test_topics_diff_exits_1_when_something_differs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("topics", "diff").code == 0
    monkeypatch.setenv("FEEDSTREAM_USER_PARTITIONS", "9")
    done = run("topics", "diff")
    assert done.code == 1
    assert done.out.splitlines()[0] == "events.watch: partitions is 4, should be 9"


def test_topics_export_writes_what_is_committed(run: Run, tmp_path: Path) -> None:
    docs = Path(__file__).parents[3] / "docs"
    (tmp_path / "wire.md").write_text((docs / "wire.md").read_text())
    assert run("topics", "export", tmp_path).code == 0
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.parts[0] for path in made} == {"schemas", "events", "asyncapi.json", "wire.md"}
    for path in made:
        assert (tmp_path / path).read_bytes() == (docs / path).read_bytes()
