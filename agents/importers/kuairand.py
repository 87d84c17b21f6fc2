"""KuaiRand's public logs: short-video feedback as CSV, plain or gzipped (Gao et al., CIKM 2022).

Only ``user_id, video_id, time_ms`` must be there; a column that is missing or empty says nothing. Of a cut that also
carries ``author_id, tag, music_id`` they are used. Holds all rows in memory, about 300 bytes each.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from agents.errors import Stop
from agents.importers.rows import Log, Row, Skipped, identifier, whole
from schemas.catalogue import Video

__all__ = ["read"]

REQUIRED: Final = ("user_id", "video_id", "time_ms")
FLAGS: Final = {
    "like": "is_like",
    "follow": "is_follow",
    "comment": "is_comment",
    "share": "is_forward",
    "hate": "is_hate",
    "long_view": "long_view",
}
"""Field of a row to column of the log."""


def read(path: Path) -> Log:
    """The log at ``path``, in order of (time_ms, user_id, video_id).

    Raises ``Stop`` if the file cannot be read or lacks a required column; single bad rows are in ``skipped``.
    """
    log = Log([], [])
    try:
        with path.open("rb") as head:
            zipped = head.read(2) == b"\x1f\x8b"
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
            if zipped
            else path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
        ) as text:
            _read_rows(text, path, log)
    except (OSError, EOFError, zlib.error) as error:
        raise Stop(f"{path} cannot be read: {error}") from None
    log.rows.sort(key=lambda row: (row.ts_ms, _order(row.user_id), _order(row.video_id)))
    return log


def _read_rows(text: Iterable[str], path: Path, log: Log) -> None:
    reader = csv.reader(text)
    columns = next(_records(reader, log), None)
    if columns is None:
        raise Stop(f"{path} is empty: a KuaiRand log starts with a line of column names")
    names = [name.strip() for name in columns]
    if lacking := [name for name in REQUIRED if name not in names]:
        raise Stop(f"{path} has no column {', '.join(lacking)}: is it a KuaiRand log?")
    for record in _records(reader, log):
        if not record:
            continue
        if len(record) != len(names):
            log.skipped.append(Skipped(reader.line_num, f"{len(record)} fields, not {len(names)}"))
            continue
        fields = dict(zip(names, record, strict=True))
        try:
            row = _row(fields)
        except ValueError as error:
            log.skipped.append(Skipped(reader.line_num, str(error)))
            continue
        log.rows.append(row)
        if row.video_id not in log.videos and (video := _video(fields, row)) is not None:
            log.videos[row.video_id] = video


def _records(reader: Iterator[list[str]], log: Log) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            log.skipped.append(Skipped(getattr(reader, "line_num", 0), str(error)))


def _row(fields: dict[str, str]) -> Row:
    play = fields.get("play_time_ms", "").strip()
    return Row(
        ts_ms=whole(fields["time_ms"], "time_ms"),
        user_id=identifier(fields["user_id"].strip(), "user_id"),
        video_id=identifier(fields["video_id"].strip(), "video_id"),
        play_ms=_span(play, "play_time_ms") if play else None,
        duration_ms=_span(fields.get("duration_ms", ""), "duration_ms"),
        **{name: bool(whole(fields.get(column, ""), column, 0)) for name, column in FLAGS.items()},
    )


def _span(text: str, what: str) -> int:
    span = whole(text, what, 0)
    if span >= 2**40:
        raise ValueError(f"{what} is {text[:40]}, out of range")
    return span


def _video(fields: dict[str, str], row: Row) -> Video | None:
    author, sound = fields.get("author_id", "").strip(), fields.get("music_id", "").strip()
    if not author:
        return None
    tags = [tag.strip() for tag in fields.get("tag", "").split(",") if tag.strip()]
    return Video(
        v=1,
        video_id=row.video_id,
        creator_id=identifier(author, "author_id"),
        created_ms=row.ts_ms,
        duration_ms=row.duration_ms,
        tags=tags,
        sound_id=identifier(sound, "music_id") if sound else None,
    )


def _order(text: str) -> tuple[int, int, str]:
    """Numbers before words, numbers by size: as who reads the log into a table would sort it."""
    return (0, int(text), text) if text.isascii() and text.isdigit() else (1, 0, text)
