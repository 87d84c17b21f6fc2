"""The documents are true: commands in them exist or are run, links and files resolve, tables are complete."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import orjson
import pytest
import yaml

from agents.cli.main import COMMANDS, feedstream
from agents.settings import Settings
from benchmarks import readme, report
from schemas.lines import read_lines
from streams import limits

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
NAMES = {path.relative_to(ROOT).as_posix() for path in PAGES}
FENCE = re.compile(r"^```(\w*)[ ]?(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
CHART = "deploy/helm/feedstream"
WORKLOAD = re.compile(r"feedstream-(all|users|videos)(-\d)?|feedstream-(learner|gateway)")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def blocks(language: str, mark: str | None = None) -> Iterator[tuple[str, str]]:
    """(page, text) of each fenced block."""
    for path in PAGES:
        for found, note, text in FENCE.findall(path.read_text()):
            if found == language and (mark is None or note == mark):
                yield path.name, text


RUN = {"again", "every", "first", "live", "second", "third"}
"""Marks of blocks that tests/test_tutorial.py and tests/test_readme.py run."""


def commands() -> list[tuple[str, str]]:
    """(page, command) of each line of a shell block that no other test runs whole."""
    return [
        (path.name, line)
        for path in PAGES
        for kind, mark, text in FENCE.findall(path.read_text())
        for line in text.splitlines()
        if kind == "sh" and mark not in RUN and line.strip()
    ]


def option_names(command: click.Command) -> set[str]:
    return {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}


def found_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that ``words`` (after ``feedstream``) name, and what is left of them."""
    command: click.Command = feedstream
    left = list(words)
    while isinstance(command, click.Group) and left:
        found = command.get_command(click.Context(command), left[0])
        assert found is not None, f"feedstream has no {left[0]}"
        command, left = found, left[1:]
    assert not isinstance(command, click.Group), f"feedstream {' '.join(words)} names no command"
    return command, left


def assert_feedstream(words: list[str]) -> None:
    """The words parse as click would parse them, but that files must exist."""
    command, left = found_command(words)
    assert {word for word in left if word.startswith("-") and word != "-"} <= option_names(command)
    given, over, _ = command.make_parser(click.Context(command)).parse_args(list(left))
    assert not over, f"{words} has too many arguments"
    for one in command.params:
        value = given.get(one.name or "")
        value = value if isinstance(value, str | list | tuple) else None
        assert value or not (isinstance(one, click.Argument) and one.required), f"{words} lacks {one.name}"
        assert not (value and isinstance(one.type, click.Choice)) or value in one.type.choices


def assert_helm(verb: str, words: list[str]) -> None:
    """Files of values are there, or are the reader's own; what is set is a value of the chart."""
    assert verb in {"install", "upgrade", "test", "uninstall"}
    assert verb in {"test", "uninstall"} or words[0] == CHART
    for flag, value in pairwise(words):
        assert flag != "-f" or value == "my-values.yaml" or (ROOT / value).exists(), value
        if flag == "--set":
            found = yaml.safe_load((ROOT / CHART / "values.yaml").read_text())
            for part in value.partition("=")[0].split("."):
                assert part in found, f"the chart has no {value}"
                found = found[part]


def assert_known(line: str) -> None:
    words = shlex.split(line, comments=True)
    match words:
        case ["feedstream", *rest]:
            assert_feedstream(rest)
        case ["make", target]:
            assert target in TARGETS
        case ["export", setting]:
            name, _, value = setting.partition("=")
            assert name.removeprefix("FEEDSTREAM_").lower() in Settings.__slots__
            Settings.from_env({name: value})
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module) is not None
        case ["docker", "compose", "ps" | "logs", *_, service]:
            assert service in yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
        case ["docker", "compose", *_]:
            assert (ROOT / "docker-compose.yml").exists()
        case ["docker", "build", "-f", file, *_, "."]:
            assert (ROOT / file).exists()
        case ["helm", verb, "feedstream", *rest]:
            assert_helm(verb, rest)
        case ["kubectl", "exec", pod, "--", "feedstream", *rest]:
            assert WORKLOAD.fullmatch(pod)
            assert_feedstream(rest)
        case ["kubectl", "logs" | "rollout", *rest]:
            (workload,) = (word.partition("/")[2] for word in rest if "/" in word)
            assert WORKLOAD.fullmatch(workload)
        case ["kubectl", "get", "pods", "-l", "app.kubernetes.io/instance=feedstream"]:
            pass
        case ["kubectl", "create", "secret", "generic", "feedstream", *files]:
            assert {Path(one.removeprefix("--from-file=")).name for one in files} <= {"gateway-keys.toml", "secret"}
        case ["curl", "-s", url]:
            assert url.partition("9464")[2] in {"/live", "/ready", "/states"}
        case [".", ".venv/bin/activate"]:
            pass
        case _:
            pytest.fail(f"nobody knows whether this works: {line}")


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_exists_with_its_options(page, line):
    assert_known(line)


NOT_THERE = ("feedstream wink", "feedstream up --wings 2", "feedstream video show", "make coffee", "rm -rf /",
             "helm install feedstream deploy/helm/feedstream --set workers.al.replicas=4",
             "helm install feedstream deploy/helm/feedstream -f deploy/helm/feedstream/values-none.yaml",
             "kubectl exec feedstream-all-0 -- feedstream wink", "kubectl logs deployment/feedstream-al",
             "export FEEDSTREAM_BROKR=kafka://a:1", "python -m benchmarks.nothing")  # fmt: skip


@pytest.mark.parametrize("line", NOT_THERE)
def test_a_command_that_is_not_there_is_noticed(line):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        assert_known(line)


@pytest.mark.parametrize(("page", "text"), list(blocks("sh", "run")))
def test_blocks_marked_to_run_run(page, text, tmp_path):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    shell = ["bash", "-euo", "pipefail", "-c", text]
    done = subprocess.run(shell, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(orjson.loads(done.stdout)) == {"exact", "full"}
    batches = [orjson.loads(line) for line in (tmp_path / "feeds.jsonl").read_bytes().splitlines()]
    assert [batch["request_id"] for batch in batches] == ["r-1", "r-2"]
    assert batches[0]["items"][0]["video_id"].startswith("cat"), "who picked cats and liked one gets a cat"


def test_something_is_run_and_every_example_file_is_read():
    assert list(blocks("sh", "run"))
    for path in (ROOT / "docs" / "examples").glob("*.jsonl"):
        assert len(list(read_lines(path.read_bytes().splitlines()))) > 10
        assert f"docs/examples/{path.name}" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", sorted(NAMES))
def test_commands_that_prose_names_exist(page):
    """Between backquotes, with options; arguments are for the reader."""
    for told in re.findall(r"`feedstream ([a-z][^`]*)`", FENCE.sub("", (ROOT / page).read_text())):
        words = [
            word for word in told.replace("[", " ").replace("]", " ").replace("\\|", "|").split() if "|" not in word
        ]
        command: click.Command = feedstream
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name = words.pop(0)
            found = command.get_command(click.Context(command), name)
            assert found is not None, f"{page}: feedstream has no {name} in {told}"
            command = found
        assert {word for word in words if word.startswith("--")} <= option_names(command), f"{page}: {told}"


def headings(path: Path) -> set[str]:
    """Anchors as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted(NAMES))
def test_links_resolve(page):
    path = ROOT / page
    for target in LINK.findall(path.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        aimed = (path.parent / name).resolve() if name else path
        assert aimed.exists(), f"{page} links to {target}"
        assert not anchor or anchor in headings(aimed), f"{page} links to {target}"


@pytest.mark.parametrize("page", sorted(NAMES))
def test_files_that_are_named_exist(page):
    text = FENCE.sub("", (ROOT / page).read_text())
    named = set(
        re.findall(r"`((?:schemas|streams|agents|feedstream|tests|benchmarks|docs|deploy|\.ci)/[\w./-]*)`", text)
    )
    made = {"benchmarks/out/bench.json"}
    assert [name for name in sorted(named - made) if not (ROOT / name).exists()] == []


def test_every_room_is_on_the_map():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for part in ("streams", "agents"):
        told = re.findall(rf"^\| `{part}/(\w+)/` \|", text, re.M)
        assert sorted(told) == sorted({path.parent.name for path in (ROOT / part).glob("*/*.py")})
    assert {path.name for path in (ROOT / "streams").glob("*.py")} == {"limits.py", "replay.py"}


def test_settings_that_are_named_exist():
    known = {f"FEEDSTREAM_{name.upper()}" for name in Settings.__slots__} | {
        "FEEDSTREAM_REQUIRE",
        "FEEDSTREAM_",
    }
    named = {name for path in PAGES for name in re.findall(r"FEEDSTREAM_[A-Z_]*", path.read_text())}
    assert named <= known


def test_metrics_that_are_named_exist():
    from agents.measures.telemetry import SPECS  # noqa: PLC0415  # registers every metric

    named = {name for path in PAGES for name in re.findall(r"`feedstream_(\w+)`", path.read_text())}
    assert named
    assert named <= set(SPECS)


def test_the_table_of_commands_is_complete_and_its_options_exist():
    rows = re.findall(r"^\| `feedstream ([^`]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {row.split()[0] for row in rows} == set(COMMANDS)
    for row in rows:
        words = re.sub(r"[\[\]]", " ", row).replace("\\|", "|").split()
        names = words[1].split("|") if words[0] in {"topics", "experiment", "dlq", "control"} else [None]
        for name in names:
            below = words[1:2] if words[0] in {"campaign", "config", "creator", "user", "video", "state"} else []
            command, _ = found_command([words[0], *([name] if name else below)])
            assert {word for word in words if word.startswith("-")} <= option_names(command), row


def test_numbers_that_promise_something_are_the_bounds():
    text = (ROOT / "README.md").read_text()
    assert f"latest {limits.OUTCOMES:,} videos" in text
    assert f"latest {limits.RING} impressions, watches, skips, shares and comments" in text.replace("\n", " ")
    assert f"latest {limits.SERVED:,} served" in text


def test_the_changelog_has_an_entry_for_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[{re.escape(version)}\] - (unreleased|\d{{4}}-\d\d-\d\d)$", text, re.MULTILINE)
    sections = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_documents_name_nothing_that_a_stranger_does_not_have():
    text = "\n".join(path.read_text() for path in PAGES)
    assert not re.search(r"/work/|\.\./shared|DESIGN|MECHANISMS|STYLE\.md|issue \d", text)


def test_lines_of_prose_fit():
    long = [f"{path.name}:{at}" for path in PAGES for at, line in enumerate(path.read_text().splitlines(), 1)
            if len(line) > 130 and not line.startswith(("|", "{"))]  # fmt: skip
    assert long == []


def test_generated_blocks_are_marked_once_and_filled_from_a_report():
    page = (ROOT / "README.md").read_text()
    for name in (*readme.BLOCKS, "quality"):
        assert page.count(f"<!-- {name} -->") == page.count(f"<!-- /{name} -->") == 1
    made = {"machine": {"cpu": "M", "cores": 2, "memory_gb": 8.0}, "versions": {"python": "3"},
            "figures": dict.fromkeys(readme.ROWS, 1234.5)}  # fmt: skip
    filled = readme.fill(page, made)
    assert readme.fill(filled, made) == filled
    assert "| 1,234 |" in filled or "| 1,235 |" in filled
    shown = {row for _, rows in readme.BLOCKS.values() for row in rows}
    assert set(report.GOALS) <= shown, "no goal is left out of the README"
