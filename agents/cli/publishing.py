"""One record onto Kafka, and where it lies then: what commands that order something publish with."""

from __future__ import annotations

from typing import Final

from agents.cli.progress import waiting
from agents.deliveries import Place
from agents.errors import Stop
from agents.producer import RecordProducer, Ticket
from agents.settings import Settings
from schemas.codec import BadRecord, decode

__all__ = ["publish"]

_TIMEOUT_S: Final = 30.0


def publish(settings: Settings, topic: str, key: str, value: bytes | None, now_ms: int) -> Place:
    """Publish a record that workers will take; ``value`` None is a null record.

    Raises ``Stop`` where they would refuse it, or where it was not delivered.
    """
    try:
        decode(topic, key.encode(), value, now_ms)
    except (BadRecord, UnicodeEncodeError) as error:
        raise Stop(f"{key!r} on {topic} would be refused: {error}") from None
    with (
        waiting(f"publishing to {topic}"),
        RecordProducer(settings.kafka, client_id="feedstream-order", timeout_s=_TIMEOUT_S) as producer,
    ):
        producer.check()
        ticket = Ticket(places=True)
        producer.send(topic, key.encode(), value, ticket=ticket)
        ticket.wait()
    (((_, partition), following),) = (ticket.places or {}).items()
    return Place(topic, partition, following - 1)
