"""README is true: its commands do on a stack what it says; what is not run here is run by a test that is named."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.shells import PATIENCE_S, READY, Shell, opened

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh ?(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    ".": "tests/shells.py",
    "docker compose": "tests/deploy/test_deploy.py",
    "export": "tests/test_docs.py",
    "feedstream evaluate": "tests/agents/cli/test_evaluate_command.py",
    "feedstream gateway": "tests/agents/gateway/test_gateway_live.py",
    "feedstream import recbole": "tests/agents/cli/test_public_logs.py",
    "feedstream replay ml.jsonl": "tests/agents/cli/test_public_logs.py",
    "feedstream send ml.jsonl": "tests/agents/cli/test_public_logs.py",
    "feedstream state hash": "tests/agents/cli/test_public_logs.py",
    "feedstream topics apply": "tests/agents/test_topics.py",
    "feedstream up": "tests/agents/cli/test_up.py",
    "feedstream worker": "agents/testing/live.py",
    "make bench": "tests/benchmarks/test_bench.py",
    "make chaos": "tests/chaos/test_under_fire.py",
    "make demo": "tests/agents/demo/test_demo.py",
    "make site": "tests/deploy/test_site.py",
    "make test": ".ci/run",
    "python -m benchmarks.against": "tests/benchmarks/test_against.py",
    "python -m benchmarks.gateway": "tests/benchmarks/test_gateway.py",
    "python -m benchmarks.page": "tests/benchmarks/test_page.py",
    "python -m benchmarks.hostile": "tests/benchmarks/test_hostile.py",
    "python -m benchmarks.quality": "tests/quality/test_quality.py",
    "python -m benchmarks.readme": "tests/test_docs.py",
}
"""How a command begins that is too large for this file, to where it, or a smaller run of it, stands."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with opened(tmp_path_factory.mktemp("readme"), 2, "curl") as (first, second):
        first.write("feedstream up --gateway --videos 500")
        second.run(first.waited(r"export .*\nexport .*\n")[0])
        first.waited(READY)
        second.run(live("feedstream send").splitlines()[0])
        yield second


def live(word: str) -> str:
    """The block that is run here and has ``word`` in it."""
    (found,) = (text for mark, text in BLOCKS if mark == "live" and word in text)
    return found


def again(shell: Shell, commands: str, wanted: str) -> str:
    """What the commands print once it holds ``wanted``."""
    until_s = time.monotonic() + PATIENCE_S
    while not re.search(wanted, printed := shell.run(commands), re.MULTILINE):
        assert time.monotonic() < until_s, f"{commands}\nshould print {wanted}, and prints\n{printed}"
    return printed


@pytest.mark.timeout(300)
def test_events_that_are_sent_become_feeds_and_counts(shell: Shell) -> None:
    sent, *asked = live("feedstream send").splitlines()
    assert re.fullmatch(r"\d+ lines sent, 0 failed\n", shell.run(sent))
    printed = again(shell, "\n".join(asked), r'"likes":[1-9]')
    assert "feeds[" in printed
    assert orjson.loads(printed.splitlines()[-1])["video_id"] == "cat-1"


@pytest.mark.timeout(300)
def test_events_and_feeds_go_over_http(shell: Shell) -> None:
    printed = shell.run(live("curl"))
    assert shell.code == 28, "the stream goes on until curl leaves"
    assert '{"accepted":1,"rejected":[],"positions":{"events.like":{' in printed
    assert '"user_id":"ann"' in printed
    assert "retry: 1000" in printed


@pytest.mark.timeout(300)
def test_why_answers_for_now_and_for_a_batch_of_the_past(shell: Shell) -> None:
    now, past = live("feedstream why").splitlines()
    again(shell, f"{now}; echo $?", r"(?s)\A[a-z]+: .*^0$")
    assert re.match(r"shown: it is shown at place 0.*\n", shell.run(past))
    assert shell.code == 0


@pytest.mark.timeout(300)
def test_a_log_is_exported_as_wire_lines(shell: Shell) -> None:
    printed = again(shell, live("feedstream tail events.watch"), '^{"topic":"feeds"')
    topics = {orjson.loads(line)["topic"] for line in printed.splitlines()}
    assert {"videos", "events.like", "feeds"} <= topics


def test_every_command_of_the_readme_is_run() -> None:
    lines = [line for mark, text in BLOCKS if not mark for line in text.splitlines() if line.strip()]
    assert [line for line in lines if not any(line.startswith(start) for start in ELSEWHERE)] == []
    assert [start for start in ELSEWHERE if not any(line.startswith(start) for line in lines)] == []
    assert [place for place in ELSEWHERE.values() if not (ROOT / place).exists()] == []
    assert not re.search(r"^```text\n(curl|feedstream|make|docker) ", README, re.MULTILINE), "a command in a text block"
