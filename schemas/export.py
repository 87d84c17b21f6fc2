"""What outsiders read instead of Python: JSON Schemas of every JSON topic, and the tables of docs/wire.md."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from schemas.codec import RECORDS
from schemas.events import Event
from schemas.reasons import reason_table, source_table
from schemas.topics import FOREVER, TOPICS, Topic

__all__ = ["field_table", "fill", "json_schemas", "topic_table"]


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) of the value of every JSON topic, by topic.

    >>> json_schemas()["events.skip"]["$defs"]["Skip"]["properties"]["watch_ms"]["type"]
    'integer'
    """
    return {topic: msgspec.json.schema(record) for topic, record in RECORDS.items()}


def topic_table(topics: dict[str, Topic] | None = None) -> str:
    """The registry as a Markdown table.

    >>> topic_table({"events.like": TOPICS["events.like"]}).splitlines()[2]
    '| `events.like` | `user_id` | users | forever | your apps → user workers | a like or its undo |'
    """
    rows = ["| topic | key | partitions | kept | from → to | what |", "|---|---|---|---|---|---|"]
    for topic in (TOPICS if topics is None else topics).values():
        key = f"`{topic.key}`" if topic.key.replace("_", "").isalpha() else topic.key
        what = topic.description + (" (reserved)" if topic.reserved else "")
        way = f"{topic.producers} → {topic.consumers}"
        rows.append(f"| `{topic.name}` | {key} | {topic.partitions} | {_kept(topic)} | {way} | {what} |")
    return "\n".join(rows)


def field_table() -> str:
    """The fields of every JSON value as a Markdown table; ``?`` marks what may be absent.

    >>> [row for row in field_table().splitlines() if "skip" in row]
    ['| [`events.skip`](events/skip.md) | envelope, `watch_ms` |']
    """
    rows = ["| value of | fields |", "|---|---|", f"| envelope of `events.*` | {', '.join(_fields(Event))} |"]
    for topic, record in RECORDS.items():
        names, title = _fields(record), f"`{topic}`"
        if issubclass(record, Event):
            names = ["envelope", *(name for name in names if name not in _fields(Event))]
            title = f"[{title}](events/{topic.removeprefix('events.')}.md)"
        rows.append(f"| {title} | {', '.join(names)} |")
    return "\n".join(rows)


def fill(page: str) -> str:
    """``page`` with the generated tables between its ``<!-- name -->`` and ``<!-- /name -->`` marks made anew.

    Raises ``ValueError`` if a mark is missing.

    >>> page = "".join(f"<!-- {name} -->x<!-- /{name} -->" for name in ("topics", "fields", "reasons", "sources"))
    >>> fill(fill(page)) == fill(page) != page
    True
    """
    tables = {"topics": topic_table, "fields": field_table, "reasons": reason_table, "sources": source_table}
    for name, table in ((name, make()) for name, make in tables.items()):
        block = re.compile(f"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
        if not block.search(page):
            raise ValueError(f"the page has no <!-- {name} --> … <!-- /{name} --> to fill")
        page = block.sub(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", page)  # type: ignore[misc]  # re.sub takes a lambda
    return page


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "latest by key"
    return "forever" if topic.retention_ms == FOREVER else f"{topic.retention_ms // 86_400_000} d"


def _fields(record: type[msgspec.Struct]) -> list[str]:
    names = []
    for field in msgspec.structs.fields(record):
        optional = field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
        names.append(f"`{field.encode_name}`{'?' if optional else ''}")
    return names
