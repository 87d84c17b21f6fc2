"""The recipes are true: what the documents show runs, and reaches the partitions that the workers expect."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (page, number, text)
    for page in ("README.md",)
    for number, text in enumerate(PYTHON.findall((ROOT / page).read_text()))
]


@pytest.mark.parametrize(("page", "number", "text"), BLOCKS)
def test_python_in_the_documents_runs(page: str, number: int, text: str, mock_broker: str) -> None:
    env = os.environ | {"FEEDSTREAM_BROKER": f"kafka://{mock_broker}"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, ""), (page, number)
    assert "record 0 of events.like" in done.stdout


def test_the_readme_shows_the_client() -> None:
    assert [page for page, _, _ in BLOCKS] == ["README.md"]
