"""Compatibility: what a change of the wire's schemas would break for those who speak it already.

Whoever writes to a topic must go on being understood: nothing that was taken may be refused or mean something else.
Whoever reads a topic must go on finding what was promised. New topics, new optional fields and new words of an
enumeration that is read break nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from schemas.topics import INPUTS

__all__ = ["Way", "breaking", "breaks"]

Way = Literal["in", "out"]
"""Whether others write values of a schema, or read them."""
Schema = Mapping[str, Any]

_KINDS: Final = ("null", "boolean", "integer", "number", "string", "array", "object")
_LOWER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_WORDED: Final = ("pattern", "format", "contentEncoding")
_INSIDE: Final = (("items", "[]"), ("additionalProperties", "{}"), ("propertyNames", "{name}"))


def breaks(before: Mapping[str, Schema], after: Mapping[str, Schema]) -> list[str]:
    """What the schemas ``after``, by topic, break of those ``before``, a sentence each.

    >>> breaks({"users": {"type": "object"}}, {})
    ['users: the topic is gone']
    """
    said = []
    for topic, schema in before.items():
        if topic in after:
            way: Way = "in" if topic in INPUTS else "out"
            said += [f"{topic}: {one}" for one in breaking(schema, after[topic], way)]
        else:
            said.append(f"{topic}: the topic is gone")
    return said


def breaking(before: Schema, after: Schema, way: Way) -> list[str]:
    """What the schema ``after`` breaks of the one ``before`` for those who speak it in that ``way``.

    >>> old = {"type": "object", "properties": {"op": {"enum": ["add", "remove"]}}}
    >>> breaking(old, {"type": "object", "properties": {"oper": old["properties"]["op"]}}, "in")
    ['$.op is gone, and what producers send in it is lost (new beside it: oper)']
    """
    return list(_Comparison(before, after, way).of(before, after, "$"))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The two documents, for their references, and the way."""

    before: Schema
    after: Schema
    way: Way

    def of(self, before: Schema, after: Schema, path: str) -> Iterator[str]:
        """What is broken at ``path``: each alternative that was there, or may come now, is held to its best match."""
        olds, news = _alternatives(before, self.before), _alternatives(after, self.after)
        if "default" in before and "default" in after and before["default"] != after["default"]:
            yield f"{path} absent meant {before['default']!r}, and means {after['default']!r}"
        gone = _kinds(olds) - _kinds(news) if self.way == "in" else _kinds(news) - _kinds(olds)
        if gone and self.way == "in":
            yield f"{path} takes no {_listed(gone)} any more, only {_listed(_kinds(news))}"
        elif gone:
            yield f"{path} may be {_listed(gone)}, and was {_listed(_kinds(olds))}"
        for one in olds if self.way == "in" else news:
            yield from self._best(one, news if self.way == "in" else olds, path)

    def _best(self, one: Schema, others: list[Schema], path: str) -> list[str]:
        """The fewest complaints of ``one`` against those of ``others`` that share a kind with it."""
        found = []
        for other in others:
            if _kinds([one]) & _kinds([other]):
                pair = (one, other) if self.way == "in" else (other, one)
                found.append(list(self._alike(*pair, path)))
        return min(found, key=len, default=[])

    def _alike(self, before: Schema, after: Schema, path: str) -> Iterator[str]:
        """Two schemas of one kind."""
        if self.way == "in":
            yield from _narrowed(before, after, path)
        yield from self._fields(before, after, path)
        for name, mark in _INSIDE:
            inner, there = before.get(name), after.get(name)
            if isinstance(inner, Mapping) and isinstance(there, Mapping):
                yield from self.of(inner, there, path + mark)
            elif self.way == "in" and inner is not False and isinstance(there, Mapping) and there:
                yield f"{path}{mark} was anything, and takes only {_listed(_kinds([there]))}"

    def _fields(self, before: Schema, after: Schema, path: str) -> Iterator[str]:
        old, new = before.get("properties", {}), after.get("properties", {})
        musts = set(before.get("required", ())), set(after.get("required", ()))
        for name in sorted(musts[1] - musts[0]) if self.way == "in" else ():
            yield f"{path}.{name} is required, and {'was optional' if name in old else 'was not there'}"
        for name in sorted(musts[0] - musts[1]) if self.way == "out" else ():
            if name in new:
                yield f"{path}.{name} may be absent, and was always there"
        beside = f" (new beside it: {', '.join(sorted(set(new) - set(old)))})" if set(new) - set(old) else ""
        lost = "what producers send in it is lost" if self.way == "in" else "consumers still read it"
        for name, inner in old.items():
            if name in new:
                yield from self.of(inner, new[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is gone, and {lost}{beside}"


def _alternatives(schema: Schema, root: Schema) -> list[Schema]:
    """``schema`` without references and without ``anyOf``: each of what it may be."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        return [one for branch in schema["anyOf"] for one in _alternatives(branch, root)]
    return [schema]


def _kinds(alternatives: list[Schema]) -> set[str]:
    """The JSON types of values that ``alternatives`` take; a number takes whole ones too."""
    kinds: set[str] = set()
    for schema in alternatives:
        if "enum" in schema:
            kinds |= {_kind(value) for value in schema["enum"]}
        else:
            named = schema.get("type", _KINDS)
            kinds |= {named} if isinstance(named, str) else set(named)
    return kinds | ({"integer"} if "number" in kinds else set())


def _kind(value: Any) -> str:
    """The JSON type of a Python value."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "object"


def _narrowed(before: Schema, after: Schema, path: str) -> Iterator[str]:
    """What ``after`` refuses of the values that ``before`` took, but for its fields."""
    if "enum" in after and "enum" not in before:
        yield f"{path} was any {_listed(_kinds([before]))}, and takes only {_listed(after['enum'])}"
    elif "enum" in after:
        for value in before["enum"]:
            if value not in after["enum"]:
                yield f"{path} takes no {value!r} any more"
    elif "enum" not in before:
        for name in _tighter(before, after):
            yield f"{path} has a tighter {name}: {after[name]}, was {before.get(name, 'without')}"
    for name in _WORDED:
        if name in after and after[name] != before.get(name):
            yield f"{path} has the {name} {after[name]!r}, and had {before.get(name, 'none')!r}"
    if after.get("additionalProperties") is False and before.get("additionalProperties") is not False:
        yield f"{path} takes no fields that it does not know any more"


def _tighter(before: Schema, after: Schema) -> list[str]:
    """The bounds of ``after`` that cut off what ``before`` took; of whole numbers ``< 8`` and ``<= 7`` are the same."""
    whole = before.get("type") != "number"
    lower = [name for name in _LOWER if name in after and _bound(after, name, whole) > _least(before, name, whole)]
    upper = [name for name in _UPPER if name in after and _bound(after, name, whole) < _most(before, name, whole)]
    return lower + upper


def _least(schema: Schema, name: str, whole: bool) -> tuple[float, int]:
    names = ("minimum", "exclusiveMinimum") if name.lower().endswith("minimum") else (name,)
    return max((_bound(schema, one, whole) for one in names if one in schema), default=(float("-inf"), 0))


def _most(schema: Schema, name: str, whole: bool) -> tuple[float, int]:
    names = ("maximum", "exclusiveMaximum") if name.lower().endswith("maximum") else (name,)
    return min((_bound(schema, one, whole) for one in names if one in schema), default=(float("inf"), 0))


def _bound(schema: Schema, name: str, whole: bool) -> tuple[float, int]:
    """A bound as something to compare: an exclusive one of whole numbers is the next number."""
    step = {"exclusiveMinimum": 1, "exclusiveMaximum": -1}.get(name, 0)
    return (schema[name] + step, 0) if whole else (schema[name], step)


def _listed(words: Any) -> str:
    return " or ".join(sorted(map(str, words)))
