"""Files of wire lines as commands read them: '-' is standard input, .gz is unpacked, what is bad is one sentence."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import click

from agents.errors import Stop
from schemas.lines import BadLine, Line, read_lines

__all__ = ["lines_of", "opened"]


def opened(file: str | Path) -> AbstractContextManager[Iterable[bytes]]:
    """The lines of ``file`` as bytes."""
    name = str(file)
    return gzip.open(name, "rb") if name.endswith(".gz") else click.open_file(name, "rb")


def lines_of(file: str | Path) -> Iterator[Line]:
    """Every wire line of ``file``; raises ``Stop`` at the first that is none, or where the file cannot be read."""
    try:
        with opened(file) as stream:
            yield from read_lines(stream)
    except BadLine as error:
        raise Stop(f"{file}: {error}") from None
    except (OSError, EOFError) as error:
        raise Stop(f"{file} cannot be read: {error}") from None
