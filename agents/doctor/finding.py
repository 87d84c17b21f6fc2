"""A finding: what one check has found, how bad that is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Finding", "Verdict", "failed", "ok", "warning", "worst"]

Verdict = Literal["ok", "warning", "failed"]
_ORDER: Final[tuple[Verdict, ...]] = ("ok", "warning", "failed")


@dataclass(frozen=True, slots=True)
class Finding:
    """``found`` is one clause with names and values; ``do`` is empty where all is well."""

    verdict: Verdict
    found: str
    do: str = ""


def ok(found: str) -> Finding:
    """As it should be."""
    return Finding("ok", found)


def warning(found: str, do: str) -> Finding:
    """It works, and somebody should look."""
    return Finding("warning", found, do)


def failed(found: str, do: str) -> Finding:
    """Something is lost, wrong or standing still until it is put right."""
    return Finding("failed", found, do)


def worst(findings: Iterable[Finding]) -> Verdict:
    """The gravest verdict of all; of none: ok."""
    return max((one.verdict for one in findings), key=_ORDER.index, default="ok")
