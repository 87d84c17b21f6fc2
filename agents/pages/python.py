"""The page of the package ``feedstream``: every public name with its signature and what it says of itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, is_typeddict

from agents.client import Doing, Producer, Seen
from agents.consumer import FeedConsumer, Slate, Slates
from agents.deliveries import Delivery, Place
from agents.pages.text import joined, prose, table
from agents.producer import BufferFull, DeliveryFailed
from schemas.catalogue import Safety, UserSettings
from schemas.codec import BadRecord
from schemas.events import Ctx

__all__ = ["NAMES", "python_page"]

NAMES: Final[tuple[type, ...]] = (
    Producer, Doing, Seen, Delivery, Place, FeedConsumer, Slates, Slate, BadRecord, BufferFull, DeliveryFailed,
    UserSettings, Safety, Ctx,
)  # fmt: skip
_INTRO = """\
The public names of the package `feedstream`, made by `make docs` from the code. [Producing](../producing.md) and
[consuming](../consuming.md) show them at work. `feedstream.Settings` are the [settings](settings.md) and
`feedstream.TOPICS` the [topics](topics.md), by name. What is not on this page may change without notice."""


def python_page() -> str:
    """Every class with its methods, in the order of the code."""
    return joined(["# Python", _INTRO, *(part for one in NAMES for part in _told(one))])


def _told(one: type) -> Iterator[str]:
    yield f"## {one.__name__}"
    yield prose(inspect.getdoc(one) or "")
    if (shape := _fields(one)) is not None:
        yield table(["field", "type"], [[f"`{name}`", f"`{kind}`"] for name, kind in shape.items()])
    elif "__init__" in vars(one) and not issubclass(one, BaseException):
        yield _signed(one.__name__, one.__init__)
        yield prose(inspect.getdoc(one.__init__) or "")
    for name, member in vars(one).items():
        method = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and inspect.isfunction(method):
            yield f"### {one.__name__}.{name}"
            yield f"```python\n{name}\n```" if isinstance(member, property) else _signed(name, method)
            yield prose(inspect.getdoc(method) or "")


def _fields(one: type) -> Mapping[str, str] | None:
    """Field to type of a class that is nothing but fields; None for others."""
    if not (is_typeddict(one) or hasattr(one, "__struct_fields__") or hasattr(one, "_fields")):
        return None
    return {
        name: re.sub(r"^ForwardRef\('(.*?)'.*\)$", r"\1", _shown(kind)) for name, kind in one.__annotations__.items()
    }


def _shown(kind: Any) -> str:
    return kind if isinstance(kind, str) else str(getattr(kind, "__forward_arg__", kind))


def _signed(name: str, function: Callable[..., Any]) -> str:
    """The signature as one writes it, a line an argument where it is long."""
    signature = inspect.signature(function)
    told = [one.replace(annotation=_shown(one.annotation)) for one in signature.parameters.values()]
    texts = [
        str(one).replace("'", "") if one.default is one.empty else _defaulted(one) for one in told if one.name != "self"
    ]
    keywords = [at for at, one in enumerate(told[1:]) if one.kind is one.KEYWORD_ONLY]
    if keywords:
        texts.insert(keywords[0], "*")
    given = "" if name[0].isupper() else f" -> {_shown(signature.return_annotation)}"
    line = f"{name}({', '.join(texts)}){given}"
    if len(line) > 100:
        line = f"{name}(\n    " + ",\n    ".join(texts) + f",\n){given}"
    return f"```python\n{line}\n```"


def _defaulted(one: inspect.Parameter) -> str:
    return f"{one.name}: {one.annotation} = {one.default!r}"
