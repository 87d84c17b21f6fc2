"""The pages to follow are true: every command is run, in order, in the shell it names, and what is shown comes out.

A block of commands names its shell: ``first``, ``second``, ``third``, or ``every``; ``again`` is the second one, asked
until it answers as shown, as a reader would ask again. A ``text`` block is what the shell prints; ``…`` is anything,
and alone on a line any lines.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shells import PATIENCE_S, READY, Shell, opened

DOCS = Path(__file__).parents[1] / "docs"
TUTORIAL, EXACTNESS = (DOCS / name for name in ("tutorial.md", "exactness.md"))
BLOCK = re.compile(r"^```(\w+) (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def pattern(shown: str) -> str:
    """What the page shows, as a regular expression.

    >>> bool(re.fullmatch(pattern("a … c\\n…\\nz\\n"), "a b c\\n1\\n2\\nz\\n"))
    True
    """
    lines = (re.escape(line).replace("…", ".*") + r" *\n" for line in shown.splitlines())
    return "".join(r"(?:.*\n)*?" if line == ".* *\\n" else line for line in lines)


def steps(page: Path) -> Iterator[tuple[str, str, str]]:
    """(shell, commands, what is shown) in the order of the page; commands are empty where only more is shown."""
    before = ("", "", "")
    for kind, mark, text in [*BLOCK.findall(page.read_text()), ("sh", "", "")]:
        follows = kind == "text" and before[1].replace("again", "second") == mark
        if before[0] == "sh":
            yield before[1], before[2], text if follows else ""
        if kind == "text" and not follows:
            yield mark, "", text
        before = (kind, mark, text)


@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_does_what_the_page_shows(tmp_path: Path) -> None:
    with opened(tmp_path, 3, "curl", "kcat") as shells:
        for mark, commands, shown in steps(TUTORIAL):
            _step(shells, mark, commands, shown)


def _step(shells: list[Shell], mark: str, commands: str, shown: str) -> None:
    first, second, third = shells
    match mark:
        case "every":
            for shell in shells:
                shell.run(commands)
        case "first":
            first.write(commands)
            exports = first.waited(pattern(shown))[0]
            second.run(exports)
            third.run(exports)
            first.waited(READY)
        case "third" if commands:
            third.write(commands)
        case "third":
            third.waited(pattern(shown))
        case "second" | "again":
            until_s = time.monotonic() + (PATIENCE_S if mark == "again" else 0.0)
            while not re.fullmatch(pattern(shown), printed := second.run(commands)):
                assert time.monotonic() < until_s, f"{commands}\nshould print\n{shown}\nand prints\n{printed}"
        case _:
            pytest.fail(f"nobody knows the shell {mark}")


@pytest.mark.timeout(300)
def test_the_twenty_lines_that_are_taken_apart_are_as_the_page_shows(tmp_path: Path) -> None:
    with opened(tmp_path, 1) as (shell,):
        for mark, commands, shown in steps(EXACTNESS):
            _step([shell, shell, shell], mark, commands, shown)


@pytest.mark.parametrize(("page", "least"), [(TUTORIAL, 30), (EXACTNESS, 8)], ids=lambda value: str(value)[-12:])
def test_every_block_of_a_page_to_follow_names_its_shell(page: Path, least: int) -> None:
    fences = re.findall(r"^```(.+)$", page.read_text(), re.MULTILINE)
    assert len(fences) == len(BLOCK.findall(page.read_text())) > least
