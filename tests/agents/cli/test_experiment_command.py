"""``feedstream experiment``: records on the broker, and readouts from files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import orjson
import pytest

from agents.cli.main import main
from agents.producer import RecordProducer
from agents.scenarios.experiments import known, tried
from schemas.lines import Line
from streams.control.tuning import DEFAULT, changed


def written(file: Path, lines: list[Line]) -> None:
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))


class Run:
    """Runs a command; (exit code, stdout, stderr)."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *args: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["experiment", *(str(arg) for arg in args)])
        captured = self._capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(capsys)


def test_what_is_set_is_listed_until_it_is_stopped(
    run: Run, mock_broker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FEEDSTREAM_BROKER", f"kafka://{mock_broker}")
    file = tmp_path / "fresh.json"
    file.write_bytes(orjson.dumps({"share": 0.2, "arms": {"now": {}, "more": {"settings": {"slate.fresh": 0.3}}}}))
    assert run("set", "fresh", file) == (0, "", "experiment fresh is set: now 50%, more 50%\n")
    code, out, _ = run("list", "--json")
    listed = orjson.loads(out)
    assert (code, set(listed), listed["fresh"]["salt"]) == (0, {"fresh"}, "fresh")
    assert listed["fresh"]["from_ms"] > 1_700_000_000_000
    assert run("list")[1] == "fresh: running, 20% of viewers, now 50%, more 50%\n"
    assert run("stop", "fresh") == (0, "", "experiment fresh is over\n")
    assert run("list", "--json")[1] == "{}\n"
    code, _, err = run("stop", "fresh")
    assert (code, err) == (1, "feedstream: there is no experiment fresh: see `feedstream experiment list`\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[]", "it is no JSON object"),
        (b'{"arms": {"a": {}, "b": {"settings": {"slate.fresh": 3}}}}', "arm b: slate.fresh: Expected `float` <= 1.0"),
        (b'{"arms": {"a": {}}}', "Expected `object` of length >= 2"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_published(
    run: Run, tmp_path: Path, text: bytes, why: str
) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(text)
    code, _, err = run("set", "wrong", file)
    assert code == 1
    assert err.startswith(f"feedstream: experiment wrong in {file} cannot be: {why}")


def test_a_readout_from_a_file_says_which_arm_differs(run: Run, tmp_path: Path) -> None:
    arms = {"as it is": {}, "chance": {"settings": {"explore.uniform": 1.0}}}
    lines = tried(known(1, DEFAULT, viewers=160, shows=3_000), {"salt": "s", "arms": arms})
    file = tmp_path / "log.jsonl"
    written(file, lines)
    code, out, _ = run("readout", "x", file, "--window-h", "0.02", "--metric", "long_view", "--json")
    read = orjson.loads(out)
    assert (code, set(read["by"]["arm"]), sum(read["viewers"].values())) == (0, set(arms), 160)
    assert read["against"]["chance"]["long_view"]["high"] < 0
    code, out, _ = run("readout", "x", file, "--window-h", "0.02")
    assert code == 0
    assert "chance against as it is" in out
    wrong = {
        ("y",): "no batch was made under an arm of experiment y",
        ("x", "--against", "z"): "has no arm z",
        ("x", "--metric", "z"): "there is no metric z",
    }
    for more, why in wrong.items():
        code, _, err = run("readout", more[0], file, "--window-h", "0.02", *more[1:])
        assert code == 1
        assert why in err


def test_a_setting_is_moved_only_when_asked_to_and_the_experiment_starts_anew(
    run: Run, mock_broker: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FEEDSTREAM_BROKER", f"kafka://{mock_broker}")
    arms = {"now": {}, "less": {"settings": {"explore.uniform": 0.1}}}
    told, log = tmp_path / "told.json", tmp_path / "log.jsonl"
    told.write_bytes(orjson.dumps({"salt": "s", "arms": arms, "from_ms": 0}))
    assert run("set", "chance", told)[0] == 0
    loop = known(1, changed(DEFAULT, {"explore.uniform": 1.0}), viewers=100, shows=3_000)
    written(log, tried(loop, {"salt": "s", "arms": arms}, name="chance"))
    with RecordProducer(mock_broker, client_id="test") as producer:
        value = {"v": 1, "key": "tuning.explore.uniform", "value": 1.0}
        producer.send("control", b"tuning.explore.uniform", orjson.dumps(value))
    wanted = ("adjust", "chance", log, "--setting", "explore.uniform", "--metric", "long_view", "--window-h", "0.02",
              "--low", "0.1", "--high", "1", "--step", "0.9")  # fmt: skip
    code, _, err = run(*wanted)
    assert code == 0
    assert err.startswith("explore.uniform would be 0.1: arm less is better by long_view")
    assert orjson.loads(run("list", "--json")[1])["chance"]["salt"] == "s", "nothing was published"
    assert run(*wanted, "--apply")[2].startswith("explore.uniform is 0.1: ")
    anew = orjson.loads(run("list", "--json")[1])["chance"]
    assert anew["salt"] != "s"
    assert anew["arms"] == {"now": {}, "more": {"settings": {"explore.uniform": 1.0}}}
    assert run(*wanted, "--apply")[2].startswith("explore.uniform stays at 0.1: no arm has"), (
        "what was before it started anew does not count"
    )
    code, _, err = run(*wanted[:-6], "--low", "0.2", "--high", "1", "--step", "0.1")
    assert (code, err) == (1, "feedstream: explore.uniform is 0.1, outside its bounds 0.2 to 1: set it first\n")
