"""``feedstream config show`` and ``completion``: all settings, no secrets, and a script that a shell can read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import orjson
import pytest

from agents.settings import Settings, environment

COMMAND = [sys.executable, "-m", "feedstream"]


def run(*words: str, **told: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *words], env=environment(**told), capture_output=True, check=False)


def test_every_setting_is_shown_with_where_it_is_from():
    done = run("config", "show", "--json", batch_items="7")
    rows = {row["variable"]: row for row in orjson.loads(done.stdout)}
    assert set(rows) == {f"FEEDSTREAM_{one.name.upper()}" for one in fields(Settings)}
    assert rows["FEEDSTREAM_BATCH_ITEMS"] == {"variable": "FEEDSTREAM_BATCH_ITEMS", "value": 7, "from": "environment"}
    assert rows["FEEDSTREAM_ACTIVE_VIDEOS"]["from"] == "default"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_secret_is_shown(form):
    done = run(
        "config", "show", *form, redis="redis://ann:hush@host:1/0", gateway_secret="hush-hush-hush-hush",
        broker="kafka+ssl://a:1", kafka_user="ann", kafka_password="hush",
    )  # fmt: skip
    assert done.returncode == 0
    assert b"hush" not in done.stdout + done.stderr
    assert "redis://…@host:1/0".encode() in done.stdout


def test_a_setting_that_makes_no_sense_is_named():
    done = run("config", "show", batch_items="none")
    assert (done.returncode, b"FEEDSTREAM_BATCH_ITEMS" in done.stderr) == (1, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_completes_our_command(shell):
    done = run("completion", shell)
    assert done.returncode == 0
    assert b"_FEEDSTREAM_COMPLETE" in done.stdout
