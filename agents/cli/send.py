"""``feedstream send``: wire lines onto Kafka, every one delivered or named.

A line's value is published as it stands: whether it is good is for the workers to judge, who quarantine what is bad.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from agents.cli.files import bytes_of, unsendable
from agents.cli.progress import counted, hush
from agents.producer import DeliveryFailed, RecordProducer, Ticket
from agents.settings import Settings
from schemas.lines import BadLine, parse_line
from streams import limits

__all__ = ["publish", "send"]

DELIVERY_TIMEOUT_S = 60.0
"""After this long a record that the broker does not take is a failed line."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
def send(file: str) -> None:
    """Publish the wire lines of FILE ('-': standard input; .gz too); exit 1 if a line could not be sent."""
    hush()
    settings = Settings.from_env()
    with RecordProducer(settings.kafka, client_id="feedstream-send", timeout_s=DELIVERY_TIMEOUT_S) as producer:
        producer.check()
        sent, failed, said = publish(counted("sending", bytes_of(file)), producer)
    for sentence in said:
        click.echo(sentence, err=True)
    if failed > len(said):
        click.echo(f"… and {failed - len(said)} more", err=True)
    click.echo(f"{sent} lines sent, {failed} failed", err=True)
    if failed:
        sys.exit(1)


def publish(lines: Iterable[bytes], producer: RecordProducer) -> tuple[int, int, list[str]]:
    """Send every line and wait; returns how many were delivered, how many not, and why (the first ones)."""
    ticket = Ticket()
    tried = refused = 0
    said: list[str] = []
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        tried += 1
        why = _tried(text, number, producer, ticket)
        if why is not None:
            refused += 1
            if len(said) < limits.REPORTED:
                said.append(why)
    try:
        ticket.wait()
    except DeliveryFailed:
        said.extend(f"line {number}: {error}" for number, error in ticket.failures)
    failed = refused + ticket.failed
    return tried - failed, failed, said[: limits.REPORTED]


def _tried(text: bytes, number: int, producer: RecordProducer, ticket: Ticket) -> str | None:
    """Queue one line, or say why it was not."""
    try:
        line = parse_line(text, number)
        if (why := unsendable(line.topic)) is not None:
            return f"line {number} {why}"
        producer.send(line.topic, line.key_bytes, line.value_bytes, ticket=ticket, tag=number)
    except BadLine as error:
        return str(error)
    except DeliveryFailed as error:
        return f"line {number}: {error}"
    return None
