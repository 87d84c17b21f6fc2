"""``feedstream tail``: what topics carry, as it arrives.

It reads on its own, in no consumer group, and commits nothing: a worker never notices it.
"""

from __future__ import annotations

import base64
import logging
import signal
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import click
import orjson
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from agents.cli.progress import hush
from agents.errors import Stop
from agents.producer import connect_or_stop
from agents.settings import Settings
from streams import limits

__all__ = ["carried", "record_of", "tail"]


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a record, a wire line with more fields.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest record kept, not with the next.")
@click.option("--until-end", is_flag=True, help="Stop at the end as it is now; with --from-start: print what is there.")
@click.option("-n", "--count", type=click.IntRange(min=1), help="Stop after so many records.")
def tail(topics: tuple[str, ...], as_json: bool, from_start: bool, until_end: bool, count: int | None) -> None:
    """Print the records of topics as they arrive, until interrupted."""
    hush()
    records = carried(Settings.from_env().bootstrap, topics, from_start, until_end)
    try:
        for at, record in enumerate(records, 1):
            click.echo(orjson.dumps(record) if as_json else _plain(record))
            if at == count:
                break
    finally:
        records.close()


def carried(
    bootstrap: str, topics: tuple[str, ...], from_start: bool, until_end: bool
) -> Generator[dict[str, Any], None, None]:
    """Records (see ``record_of``) of topics as they arrive; ``until_end``: only up to the end as it is now.

    Raises ``Stop`` where a topic does not exist or the broker stops answering.
    """
    consumer = Consumer(_options(bootstrap), logger=logging.getLogger("feedstream.kafka"))
    try:
        places = _places(consumer, bootstrap, topics, from_start)
        ends = _ends(consumer, places, from_start) if until_end else None
        consumer.assign(places)
        for message in _messages(consumer, ends):
            yield record_of(message)
    except KafkaException as error:
        raise Stop(f"reading from {bootstrap} stopped: {error.args[0].str()}") from None
    finally:
        consumer.close()


def record_of(message: Any) -> dict[str, Any]:
    """A Kafka message as a JSON-ready record: a wire line, and where and when it was found.

    ``value`` is the JSON value, null for a tombstone; bytes that are no JSON stand in ``raw`` (base64) instead, a key
    that is no UTF-8 in ``raw_key``.
    """
    record: dict[str, Any] = {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp_ms": message.timestamp()[1],
    }
    if headers := message.headers():
        record["headers"] = {name: value.decode("utf-8", "replace") for name, value in headers if value is not None}
    key = message.key()
    try:
        record["key"] = None if key is None else key.decode()
    except UnicodeDecodeError:
        record["key"], record["raw_key"] = None, base64.b64encode(key).decode()
    value = message.value()
    try:
        record["value"] = None if value is None else orjson.loads(value)
    except orjson.JSONDecodeError:
        record["value"], record["raw"] = None, base64.b64encode(value).decode()
    named = record["value"]
    record["ts_ms"] = named.get("ts_ms", 0) if isinstance(named, dict) else 0
    return record


def _options(bootstrap: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "feedstream-tail",
        # librdkafka wants a name even of who joins no group.
        "group.id": "feedstream-tail",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "fetch.wait.max.ms": 100,
        "receive.message.max.bytes": 2 * limits.PRODUCER_RECORD_BYTES,
        "fetch.message.max.bytes": limits.PRODUCER_RECORD_BYTES,
        "socket.keepalive.enable": True,
    }


def _places(consumer: Consumer, bootstrap: str, topics: tuple[str, ...], from_start: bool) -> list[TopicPartition]:
    metadata = connect_or_stop(consumer, bootstrap, 10.0)
    places = []
    for name in dict.fromkeys(topics):
        if name not in metadata.topics:
            there = ", ".join(sorted(one for one in metadata.topics if not one.startswith("_"))) or "none"
            raise Stop(f"topic {name} does not exist on {bootstrap} (there are: {there})")
        begin = OFFSET_BEGINNING if from_start else OFFSET_END
        places += [TopicPartition(name, number, begin) for number in metadata.topics[name].partitions]
    return places


def _ends(consumer: Consumer, places: list[TopicPartition], from_start: bool) -> dict[tuple[str, int], int]:
    """The end of every partition that holds something to print."""
    ends = {}
    for place in places:
        low, high = consumer.get_watermark_offsets(place, timeout=10.0)
        if from_start and high > low:
            ends[place.topic, place.partition] = high
    return ends


def _messages(consumer: Consumer, ends: dict[tuple[str, int], int] | None) -> Iterator[Any]:
    """Messages as they arrive; until ``ends`` or a signal to stop."""
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        while not stopped and (ends is None or ends):
            message = consumer.poll(0.2)
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield message
            elif error.code() != KafkaError._PARTITION_EOF:
                _raise_lasting(error)
            if ends:
                _strike(message, ends)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _strike(message: Any, ends: dict[tuple[str, int], int]) -> None:
    """Forget the end that ``message`` has reached: it is the last record, or the word that there are no more."""
    place = (message.topic(), message.partition())
    ended = message.error() is not None and message.error().code() == KafkaError._PARTITION_EOF
    if ended or (message.error() is None and message.offset() + 1 >= ends.get(place, 0)):
        ends.pop(place, None)


def _raise_lasting(error: KafkaError) -> None:
    if error.fatal() or not error.retriable():
        transient = {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._TIMED_OUT}
        if error.code() not in transient:
            raise KafkaException(error)


def _plain(record: dict[str, Any]) -> str:
    value = record["value"]
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        videos = " ".join(str(item.get("video_id")) for item in value["items"][:10] if isinstance(item, dict))
        said = f"seq {value.get('seq')} {value.get('trigger')} ({len(value['items'])} videos) {videos}"
    elif "raw" in record:
        said = f"{len(record['raw']) * 3 // 4} bytes"
    else:
        said = orjson.dumps(value).decode()
    headers = "".join(f" {name}={text}" for name, text in record.get("headers", {}).items())
    return f"{record['topic']}[{record['partition']}]@{record['offset']} {record['key'] or '-'}{headers} {said}"
