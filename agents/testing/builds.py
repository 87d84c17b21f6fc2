"""Builds of the package beside each other, so that workers of two versions can run on one Kafka and one Redis."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["NEWER_ROWS", "build"]

_PARTS: Final = ("schemas", "streams", "agents", "feedstream", "pyproject.toml", "README.md", "LICENSE")
_VERSION: Final = re.compile(r'^version = ".*"$', re.MULTILINE)
NEWER_ROWS: Final = {
    "streams/viewer/viewers.py": ("_FORMAT = 3", "_FORMAT = 4"),
    "streams/ranking/desk.py": ("_FORMAT = 3", "_FORMAT = 4"),
    "streams/signals/outcomes.py": (
        '_DOUBT + _WATCH))\n}',
        '_DOUBT + _WATCH), (5, "<u2", _DOUBT + _WATCH))\n}\n_FORMAT = 5',
    ),
}  # fmt: skip
"""What makes of this version a next one, whose rows of viewers have formats that this one does not know."""


def build(tree: Path, into: Path, version: str, edits: Mapping[str, tuple[str, str]] | None = None) -> Path:
    """Build the package of ``tree`` as ``version`` and install it alone into the folder ``into``, which is returned;
    the rest comes from the interpreter's own packages. ``edits`` replace a text by another, file by file.
    """
    source = into.with_name(f"{into.name}-source")
    for part in _PARTS:
        (shutil.copytree if (tree / part).is_dir() else _copied)(tree / part, source / part)
    project = source / "pyproject.toml"
    project.write_text(_VERSION.sub(f'version = "{version}"', project.read_text(), count=1))
    for name, (before, after) in (edits or {}).items():
        text = (source / name).read_text()
        if text.count(before) != 1:
            raise ValueError(f"{name} has {before!r} {text.count(before)} times, not once: the edit is out of date")
        (source / name).write_text(text.replace(before, after))
    words = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *words, "--target", str(into), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # our own interpreter
    return into


def _copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
