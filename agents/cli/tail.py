"""``feedstream tail``: what topics carry, as it arrives."""

from __future__ import annotations

import base64
from typing import Any

import click
import orjson

from agents.cli.progress import hush
from agents.reading import messages
from agents.settings import Settings

__all__ = ["record_of", "tail"]


@click.command()
@click.argument("topics", nargs=-1, required=True, metavar="TOPIC…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a record, a wire line with more fields.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest record kept, not with the next.")
@click.option("--until-end", is_flag=True, help="Stop at the end as it is now; with --from-start: print what is there.")
@click.option("-n", "--count", type=click.IntRange(min=1), help="Stop after so many records.")
def tail(topics: tuple[str, ...], as_json: bool, from_start: bool, until_end: bool, count: int | None) -> None:
    """Print the records of topics as they arrive, until interrupted."""
    hush()
    found = messages(Settings.from_env().kafka, topics, from_start, until_end)
    try:
        for at, record in enumerate(map(record_of, found), 1):
            click.echo(orjson.dumps(record) if as_json else _plain(record))
            if at == count:
                break
    finally:
        found.close()


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
