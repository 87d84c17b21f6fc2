"""Files of wire lines as commands read them: '-' is standard input, .gz is unpacked, what is bad is one sentence."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import click

from agents.errors import Stop
from schemas.lines import BadLine, Line, read_lines
from schemas.topics import TOPICS

__all__ = ["bytes_of", "lines_of", "opened", "unsendable"]


def opened(file: str | Path) -> AbstractContextManager[Iterable[bytes]]:
    """The lines of ``file`` as bytes."""
    name = str(file)
    return gzip.open(name, "rb") if name.endswith(".gz") else click.open_file(name, "rb")


def bytes_of(file: str | Path) -> Iterator[bytes]:
    """The lines of ``file`` as they stand; raises ``Stop`` where it cannot be read."""
    try:
        with opened(file) as stream:
            yield from stream
    except (OSError, EOFError, zlib.error) as error:
        raise Stop(f"{file} cannot be read: {error}") from None


def lines_of(file: str | Path) -> Iterator[Line]:
    """Every wire line of ``file``; raises ``Stop`` at the first that is none, or where the file cannot be read."""
    try:
        yield from read_lines(bytes_of(file))
    except BadLine as error:
        raise Stop(f"{file}: {error}") from None


def unsendable(name: str) -> str | None:
    """Why nothing is sent to the topic ``name``, as the end of a sentence; None if it is."""
    topic = TOPICS.get(name)
    if topic is None:
        return f"names an unknown topic, {name!r}: see `feedstream topics list`"
    return None if topic.encoding == "json" else f"is for {name}, which only workers write to"
