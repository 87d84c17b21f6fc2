"""Settings as JSON Schema: type, default and meaning of each, for editors and for what deploys feedstream.

Made from ``Settings`` and from what stands under each of its fields, so that nothing is written twice.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import orjson

from agents.settings import Settings

__all__ = ["chart_schema", "settings_schema"]

_TYPES: Final = {int: "integer", float: "number", str: "string"}


def settings_schema(leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """JSON Schema of an object that has settings by field name, all optional; ``leave_out`` are not allowed in it.

    >>> settings_schema()["properties"]["batch_items"]
    {'type': 'integer', 'minimum': 0, 'default': 20, 'description': 'Items of a batch nobody asked for.'}
    """
    told, left_out = _meanings(), set(leave_out)
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            one.name: {
                "type": _TYPES[type(one.default)],
                **({} if isinstance(one.default, str) else {"minimum": 0}),
                "default": one.default,
                "description": told[one.name],
            }
            for one in fields(Settings)
            if one.name not in left_out
        },
    }


def chart_schema(chart: Path) -> bytes:
    """``values.schema.json`` of a Helm chart, its block ``settings`` made anew: all that templates do not set."""
    path = chart / "values.schema.json"
    templates = "\n".join(one.read_text() for one in sorted((chart / "templates").rglob("*.*")))
    its_own = {name.lower() for name in re.findall(r"FEEDSTREAM_([A-Z_]+[A-Z])", templates)}
    schema = orjson.loads(path.read_bytes())
    block = settings_schema(its_own)
    for one in block["properties"].values():
        if one["type"] == "number":  # --set reads 0.5 as text
            one |= {"type": ["number", "string"], "pattern": r"^\d+(\.\d+)?$"}
    schema["properties"]["settings"] = block
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _meanings() -> dict[str, str]:
    """What stands under each field."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(Settings))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split()).replace("``", "`")
    return found
