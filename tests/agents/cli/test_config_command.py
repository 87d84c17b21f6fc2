"""``feedstream config`` and ``completion``: all settings, no secrets, and a script that a shell can read."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import jsonschema
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


def test_the_schema_has_every_setting_with_what_it_means_and_takes_the_defaults():
    schema = orjson.loads(run("config", "schema").stdout)
    defaults = {one.name: one.default for one in fields(Settings)}
    assert {name: one["default"] for name, one in schema["properties"].items()} == defaults
    assert [name for name, one in schema["properties"].items() if not one["description"]] == []
    judge = jsonschema.Draft202012Validator(schema)
    judge.validate(defaults)
    for wrong in ({"batch_items": "7"}, {"batch_items": -1}, {"bach_items": 7}):
        assert not judge.is_valid(wrong), wrong


def test_the_schema_is_written_into_a_chart_and_leaves_out_what_templates_set(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.yaml").write_text("FEEDSTREAM_BROKER: {{ .Values.broker }}")
    (tmp_path / "values.schema.json").write_text('{"title": "kept", "properties": {"settings": {}}}')
    assert run("config", "schema", "--write", str(tmp_path)).returncode == 0
    made = orjson.loads((tmp_path / "values.schema.json").read_bytes())
    assert made["title"] == "kept"
    assert set(made["properties"]["settings"]["properties"]) == {one.name for one in fields(Settings)} - {"broker"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_completes_our_command(shell):
    done = run("completion", shell)
    assert done.returncode == 0
    assert b"_FEEDSTREAM_COMPLETE" in done.stdout
