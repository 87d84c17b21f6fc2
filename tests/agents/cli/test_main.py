"""The command: quick to ask for help, one sentence when something is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agents.cli.main import COMMANDS, feedstream, main


def test_help_names_every_command_and_loads_none_of_them() -> None:
    code = (
        "import atexit, sys; from agents.cli.main import main; "
        "heavy = {'confluent_kafka', 'faust', 'redis', 'river', 'numpy', 'pandas'}; "
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)))); main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")
    for name, (_, text) in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert text.split(",")[0] in done.stdout


@pytest.mark.parametrize("name", ["topics", "import", "send", "tail"])
def test_a_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert f"Usage: feedstream {name}" in capsys.readouterr().out


def test_a_wrong_command_is_asked_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["wink"])
    assert left.value.code == 2
    assert "No such command 'wink'" in capsys.readouterr().err


def test_a_stop_is_one_sentence_and_exit_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSTREAM_BROKER", "embedded://")
    with pytest.raises(SystemExit) as left:
        main(["tail", "feeds"])
    assert left.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("feedstream: FEEDSTREAM_BROKER is embedded://")
    assert "feedstream up" in captured.err
    assert captured.err.count("\n") == 1


def test_an_interruption_within_kafka_s_client_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise SystemError("returned a result with an exception set") from error

    monkeypatch.setattr(feedstream, "main", interrupted)
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 130


def test_a_reader_that_leaves_is_no_error() -> None:
    code = "from agents.cli.main import main; main(['topics', 'list', '--json'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert said == b""
