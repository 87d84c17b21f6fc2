"""Formats: what is stored or sent between processes carries a number, so that two versions can run side by side.

A version reads what those before it wrote. What a newer one wrote cannot be guessed: whoever meets it must stop, and
never set it aside as bad, since it is right.
"""

from __future__ import annotations

__all__ = ["NewerFormat", "check_format"]


class NewerFormat(ValueError):
    """A newer version wrote this."""


def check_format(what: str, number: int, newest: int, oldest: int = 1) -> None:
    """Raise ``NewerFormat`` where ``number`` is beyond the ``newest`` that this version reads, ``ValueError`` where it
    is none at all.

    >>> check_format("a row", 4, newest=3)
    Traceback (most recent call last):
    schemas.formats.NewerFormat: a row has format 4, this version reads 3 and before
    """
    if not oldest <= number <= newest:
        kind = NewerFormat if number > newest else ValueError
        raise kind(f"{what} has format {number}, this version reads {newest} and before")
