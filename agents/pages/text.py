"""Markdown: what all pages of reference are put together from."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from schemas.pages import in_words

__all__ = ["fields", "joined", "prose", "sentence", "table", "told_in"]

_WIDE: Final = 118
_EXAMPLE: Final = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold ``|``.

    >>> print(table(["a"], [["x|y"]]))
    | a |
    |---|
    | x\\|y |
    """
    lines = [head, ["---"] * len(head), *rows]
    cells = (["---" if cell == "---" else f" {cell.replace('|', chr(92) + '|')} " for cell in line] for line in lines)
    return "\n".join(f"|{'|'.join(line)}|" for line in cells)


def joined(parts: Iterable[str]) -> str:
    """Blocks as one page."""
    return "\n\n".join(part for part in parts if part) + "\n"


def prose(text: str) -> str:
    """A docstring as Markdown: examples in fences, lines that fit."""
    blocks = []
    for block in inspect.cleandoc(text).replace("``", "`").split("\n\n"):
        if _EXAMPLE.match(block):
            lines = re.sub(r" *# doctest: .*$", "", block, flags=re.MULTILINE)
            blocks.append(f"```pycon\n{lines}\n```")
        else:
            listed = block.startswith(("* ", "- "))
            blocks.append(block if listed else textwrap.fill(block, _WIDE, break_on_hyphens=False))
    return "\n\n".join(blocks)


def told_in(page: str, name: str) -> str:
    """A link to the heading ``name`` of ``page``; empty: the same page.

    >>> told_in("", "FeedAnswer")
    '[FeedAnswer](#feedanswer)'
    """
    return f"[{name}]({page}#{name.lower()})"


def fields(schema: Mapping[str, Any], named: Callable[[str], str]) -> str:
    """The fields of an object's schema as a table; nothing for a schema without any."""
    rows = []
    for name, inner in schema.get("properties", {}).items():
        needed = "required" if name in schema.get("required", ()) else "optional"
        if inner.get("default") is not None and inner["default"] not in ([], {}, ""):
            needed = f"absent: `{inner['default']}`"
        rows.append([f"`{name}`", in_words(inner, named), needed, inner.get("description", "")])
    if not rows:
        return ""
    if not any(row[3] for row in rows):
        return table(["field", "type", ""], [row[:3] for row in rows])
    return table(["field", "type", "", "what"], rows)
