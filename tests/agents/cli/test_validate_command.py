"""validate says of every line what send and the workers would say of it, and nothing else."""

from __future__ import annotations

import gzip
import io
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.main import main
from agents.cli.validate import judged
from schemas.codec import KEY_FIELD, RECORDS
from schemas.topics import TOPICS

NOW = 1_700_000_000_000
EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
GOOD = [(name, value) for name, topic in TOPICS.items() for value in topic.good]
BAD = [(name, *example) for name, topic in TOPICS.items() for example in topic.bad]
MIXED = (
    b'{"topic":"events.like","key":"ann","value":{"v":1}}\n'
    b"\n"
    b'{"topic":"events.wink","key":"ann","value":{}}\n'
    b"oops\n"
    b'{"topic":"engagement","key":"x","value":{}}\n'
    b'{"topic":"users","key":"ann","value":null}\n'
    b'{"topic":5,"value":null}\n'
    b'{"topic":"events.share","value":{"v":1}}\n'
)
SAID = [
    "line 1, events.like: missing at $.event_id: required and absent",
    "line 3, events.wink: topic at $.topic: names an unknown topic, 'events.wink': see `feedstream topics list`",
    "line 4: line at $: JSON is malformed: invalid character (byte 0)",
    "line 5, engagement: topic at $.topic: is for engagement, which only workers write to",
    "line 7: line at $.topic: Expected `str`, got `int`",
    "line 8, events.share: empty at key: the record has no key",
]


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


class Run:
    """Runs ``validate`` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str | Path) -> Done:
        with pytest.raises(SystemExit) as left:
            main(["validate", *map(str, args)])
        captured = self._capsys.readouterr()
        return Done(int(left.value.code or 0), captured.out, captured.err)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


def line(topic: str, value: Any) -> bytes:
    key = str(value.get(KEY_FIELD[topic], "ann")) or "ann"
    return orjson.dumps({"topic": topic, "key": key, "value": value}) + b"\n"


def test_every_bad_line_is_named_with_cause_path_and_why(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    lines.write_bytes(MIXED)
    done = run(lines)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [*SAID, "7 lines, 1 good, 6 bad: topic 2, line 2, missing 1, empty 1"]


def test_json_is_an_object_a_bad_line_and_one_with_the_counts(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl.gz"
    lines.write_bytes(gzip.compress(MIXED))
    done = run(lines, "--json")
    *bad, counts = map(orjson.loads, done.out.splitlines())
    assert (done.code, done.err) == (1, "")
    assert bad[0] == {
        "line": 1,
        "topic": "events.like",
        "cause": "missing",
        "path": "$.event_id",
        "why": "required and absent",
    }
    assert [one["line"] for one in bad] == [1, 3, 4, 5, 7, 8]
    causes = {"topic": 2, "line": 2, "missing": 1, "empty": 1}
    assert counts == {"lines": 7, "good": 1, "bad": 6, "causes": causes}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.jsonl")), ids=lambda path: path.name)
def test_a_file_without_a_fault_is_exit_0(run: Run, path: Path) -> None:
    done = run(path)
    count = sum(1 for text in path.read_bytes().splitlines() if text.strip())
    assert done == Done(0, f"{count} lines, {count} good, 0 bad\n", "")


def test_standard_input_is_read_and_an_empty_one_is_good(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"oops\n")))
    assert run("-").code == 1
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert run("-") == Done(0, "0 lines, 0 good, 0 bad\n", "")


@pytest.mark.parametrize(
    "bytes_",
    [b"no gzip", gzip.compress(b"x" * 1_000)[:20], gzip.compress(b"x")[:10] + b"\xff"],
    ids=["none", "cut", "broken"],  # their bytes hold the time, by which two processes would name them differently
)
def test_a_file_that_cannot_be_read_is_one_sentence(run: Run, tmp_path: Path, bytes_: bytes) -> None:
    lines = tmp_path / "lines.jsonl.gz"
    lines.write_bytes(bytes_)
    done = run(lines)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"feedstream: {lines} cannot be read: ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(("topic", "value"), GOOD)
def test_every_good_example_is_good(topic: str, value: dict[str, Any]) -> None:
    assert [verdict.cause for verdict in judged([line(topic, value)], NOW)] == [None]


@pytest.mark.parametrize(("topic", "value", "cause", "path"), BAD)
def test_every_bad_example_is_bad_as_workers_find_it(topic: str, value: dict[str, Any], cause: str, path: str) -> None:
    (verdict,) = judged([line(topic, value)], NOW)
    assert (verdict.line, verdict.topic, verdict.cause, verdict.path) == (1, topic, cause, path)
    assert verdict.why


def test_a_line_is_judged_as_if_it_were_sent_now() -> None:
    like = next(value for name, value in GOOD if name == "events.like")
    ahead = line("events.like", like | {"ts_ms": NOW + 25 * 3_600_000})
    (verdict,) = judged([ahead], NOW)
    assert (verdict.cause, verdict.path) == ("time", "$.ts_ms")
    assert verdict.why == "25.0 hours after the time of sending, more than 24"
    assert [one.cause for one in judged([ahead], NOW + 3_600_000)] == [None]


def test_every_topic_of_the_wire_can_be_judged() -> None:
    assert set(RECORDS) == {name for name, _ in GOOD}


def test_what_goes_to_a_file_stays_there_while_a_terminal_shows_progress(tmp_path: Path) -> None:
    """The count is drawn on the terminal that stderr is; stdout, redirected, holds the lines and nothing else."""
    lines, out = tmp_path / "lines.jsonl", tmp_path / "out.txt"
    lines.write_bytes(MIXED * 500)
    outer, inner = pty.openpty()
    code = f"from agents.cli.main import main; main(['validate', {str(lines)!r}])"
    with out.open("wb") as stdout:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=stdout, stderr=inner, env=os.environ | {"TERM": "xterm"}
        )
    os.close(inner)
    drawn = b""
    try:
        while piece := os.read(outer, 65_536):
            drawn += piece
    except OSError:
        pass  # the terminal is gone with the process
    os.close(outer)
    assert process.wait(60) == 1
    written = out.read_text().splitlines()
    assert len(written) == 6 * 500 + 1
    assert written[:6] == SAID
    assert b"validating" in drawn
    assert b"required and absent" not in drawn
