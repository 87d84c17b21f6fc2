"""RecBole's atomic files: ratings of anything, as tab-separated columns with typed names (``user_id:token``).

``PATH`` is the ``.inter`` file or its folder; ``.item`` and ``.user`` beside it are used where they are. A film is no
short video, so it is given a nominal length: a rating of 4 or more is watched whole and liked, 3 is watched half, less
is skipped. Without ratings every row counts as liked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agents.errors import Stop
from agents.importers.rows import Log, Row, Skipped, identifier, whole
from schemas.catalogue import User, Video

__all__ = ["NOMINAL_MS", "read"]

NOMINAL_MS: Final = 15_000
"""Length given to what has none: a usual short video."""
LIKED_AT: Final = 4.0
HALF_AT: Final = 3.0
SKIPPED_MS: Final = 1_000
"""Watched of what was rated lower."""
SECONDS_BELOW: Final = 1e11
"""A timestamp below this is in seconds (until the year 5138), else in milliseconds."""

Fields = dict[str, str]


def read(path: Path) -> Log:
    """The log at ``path``, in order of time, ties as in the file.

    Raises ``Stop`` if the files cannot be read or lack a required column; single bad rows are in ``skipped``.
    """
    inter = _inter(path)
    log = Log([], [])
    for number, fields in _records(inter, ("user_id", "item_id", "timestamp"), log):
        try:
            log.rows.append(_row(fields))
        except ValueError as error:
            log.skipped.append(Skipped(number, str(error)))
    log.rows.sort(key=lambda row: row.ts_ms)
    items, users = inter.with_suffix(".item"), inter.with_suffix(".user")
    if items.exists():
        _fill(log, items, "item_id")
    if users.exists():
        _fill(log, users, "user_id")
    return log


def _inter(path: Path) -> Path:
    if path.is_file():
        return path
    found = sorted(path.glob("*.inter"))
    if len(found) != 1:
        there = ", ".join(one.name for one in found) or "none"
        raise Stop(f"{path} must hold one .inter file (there is {there}): name the file itself")
    return found[0]


def _records(path: Path, required: tuple[str, ...], log: Log) -> Iterator[tuple[int, Fields]]:
    """Line number and fields of every row; rows of a wrong length go to ``log.skipped``."""
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            rows = csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
            names = [name.partition(":")[0].strip() for name in next(rows, [])]
            if lacking := [name for name in required if name not in names]:
                raise Stop(f"{path} has no column {', '.join(lacking)}: is it one of RecBole's atomic files?")
            for row in rows:
                if row and len(row) != len(names):
                    log.skipped.append(Skipped(rows.line_num, f"{path.name}: {len(row)} fields, not {len(names)}"))
                elif row:
                    yield rows.line_num, dict(zip(names, row, strict=True))
    except (OSError, csv.Error) as error:
        raise Stop(f"{path} cannot be read: {error}") from None


def _fill(log: Log, path: Path, required: str) -> None:
    for number, fields in _records(path, (required,), log):
        try:
            if required == "item_id":
                video = _video(fields)
                log.videos[video.video_id] = video
            else:
                user = _user(fields)
                log.users[user.user_id] = user
        except ValueError as error:
            log.skipped.append(Skipped(number, f"{path.name}: {error}"))


def _row(fields: Fields) -> Row:
    rating = _number(fields.get("rating", ""), "rating", LIKED_AT)
    liked = rating >= LIKED_AT
    play_ms = NOMINAL_MS if liked else NOMINAL_MS // 2 if rating >= HALF_AT else SKIPPED_MS
    stamp = _number(fields["timestamp"], "timestamp", None)
    return Row(
        ts_ms=whole(str(round(stamp * 1_000) if stamp < SECONDS_BELOW else round(stamp)), "timestamp"),
        user_id=identifier(fields["user_id"], "user_id"),
        video_id=identifier(fields["item_id"], "item_id"),
        play_ms=play_ms,
        duration_ms=NOMINAL_MS,
        like=liked,
    )


def _video(fields: Fields) -> Video:
    video_id = identifier(fields["item_id"], "item_id")
    classes = fields.get("class", "").split()
    year = fields.get("release_year", "").strip()
    return Video(
        v=1,
        video_id=video_id,
        creator_id=f"of-{video_id}"[:256],
        created_ms=0,
        duration_ms=NOMINAL_MS,
        caption=_text(fields.get("movie_title", "")) or None,
        tags=[_text(one) for one in classes] + ([f"year:{_text(year)}"] if year.isdigit() else []),
        category=_text(classes[0]) if classes else None,
    )


def _user(fields: Fields) -> User:
    """Only what the wire names is taken: neither age nor gender nor occupation."""
    return User(v=1, user_id=identifier(fields["user_id"], "user_id"))


def _text(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()


def _number(text: str, what: str, default: float | None) -> float:
    if not text.strip() and default is not None:
        return default
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{what} is {text[:40]!r}, not a number") from None
    if not 0 <= number < 2**53:  # NaN, too, is in no range
        raise ValueError(f"{what} is {text[:40]}, out of range")
    return number
