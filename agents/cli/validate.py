"""``feedstream validate``: what of a file of wire lines would be refused, said before anything is sent.

It asks no broker. What would refuse a line judges it: ``send``'s rules the line, the codec of the workers the record,
as if it were sent now.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

import click
import msgspec

from agents.cli.files import bytes_of, unsendable
from agents.cli.progress import counted
from schemas.codec import BadRecord, decode
from schemas.lines import BadLine, parse_line

__all__ = ["Verdict", "judged", "validate"]


class Verdict(msgspec.Struct, frozen=True):
    """What became of the line of that number: ``cause`` None is good.

    ``cause`` is one of a dead letter's, and ``path`` is in the record; or it is no wire line: ``line``, ``path`` in it.
    """

    line: int
    topic: str | None
    cause: str | None = None
    path: str = "$"
    why: str = ""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a bad line, then one with the counts.")
def validate(file: str, as_json: bool) -> None:
    """Say which wire lines of FILE ('-': standard input; .gz too) would be refused, and why; exit 1 if any would be."""
    lines = 0
    causes: Counter[str] = Counter()
    for verdict in judged(counted("validating", bytes_of(file)), time.time_ns() // 1_000_000):
        lines += 1
        if verdict.cause is not None:
            causes[verdict.cause] += 1
            # The count that is drawn makes room for what is printed, but not for what click echoes.
            print(msgspec.json.encode(verdict).decode() if as_json else _sentence(verdict))
    bad = causes.total()
    if as_json:
        counts = {"lines": lines, "good": lines - bad, "bad": bad, "causes": dict(causes.most_common())}
        print(msgspec.json.encode(counts).decode())
    else:
        by_cause = ", ".join(f"{cause} {count:,}" for cause, count in causes.most_common())
        print(f"{lines:,} lines, {lines - bad:,} good, {bad:,} bad" + (f": {by_cause}" if by_cause else ""))
    sys.stdout.flush()
    if bad:
        sys.exit(1)


def judged(lines: Iterable[bytes], now_ms: int) -> Iterator[Verdict]:
    """The verdict on every line but empty ones, as if it were sent at ``now_ms``."""
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        topic = None
        try:
            line = parse_line(text, number)
            topic = line.topic
            if (why := unsendable(topic)) is not None:
                yield Verdict(number, topic, "topic", "$.topic", why)
                continue
            decode(topic, line.key_bytes, line.value_bytes, now_ms)
        except BadLine as error:
            yield Verdict(number, None, "line", error.path, error.why)
        except BadRecord as error:
            yield Verdict(number, topic, error.cause, error.path, error.why)
        else:
            yield Verdict(number, topic)


def _sentence(verdict: Verdict) -> str:
    place = f"line {verdict.line}" + (f", {verdict.topic}" if verdict.topic else "")
    return f"{place}: {verdict.cause} at {verdict.path}: {verdict.why}"
