"""The page of settings: variable, default and meaning, as ``agents/settings.py`` has them."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields

from agents.pages.text import joined, table
from agents.settings import Settings

__all__ = ["meanings", "settings_page"]

_INTRO = """\
Settings are environment variables, read once when a process starts; a value that cannot be used stops it with a
sentence that names the variable. `feedstream config show` prints those of a shell. Units are in the names: `_s`
seconds, `_ms` milliseconds. Made by `make docs` from `agents/settings.py`."""


def settings_page() -> str:
    """Every setting in the order of the code."""
    said = meanings()
    rows = [
        [f"`FEEDSTREAM_{one.name.upper()}`", f"`{one.default}`" if one.default != "" else "empty", said[one.name]]
        for one in fields(Settings)
    ]
    return joined(["# Settings", _INTRO, table(["variable", "default", "meaning"], rows)])


def meanings() -> dict[str, str]:
    """Name of a setting to what stands below it in the code.

    >>> meanings()["checkpoint_ms"]
    'A shard is checkpointed at least this often while it changes.'
    """
    body = ast.parse(inspect.getsource(Settings)).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: " ".join(text.value.value.split()).replace("``", "`")
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
