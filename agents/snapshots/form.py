"""What a snapshot file holds: a preamble, rows in an order in which the latest word on a row counts, and an end.

MessagePack frames, each after its length in four bytes (big-endian), in a gzip stream, whose checksum finds a byte that
changed; the last frame says how many rows there are, so a file that was cut is no snapshot. Nothing in it is executed.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from agents.errors import Stop
from agents.snapshots.copying import Head, Row

__all__ = ["Preamble", "preamble", "rows", "write"]

FORMAT: Final = 1
_KIND: Final = "feedstream snapshot"
_LEVEL: Final = 1
"""gzip's fastest: rows are dense numbers, and harder work hardly makes them smaller."""
_LONGEST: Final = 1 << 30


class Preamble(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before the rows. ``layout``: partition counts. ``sent``: how much of each partition of ``feeds`` was
    there before the first shard was copied. ``names``: what hashes of tags stand for. ``replayed``: dead letters that
    were sent again.
    """

    kind: str = _KIND
    format: int = FORMAT
    made_ms: int
    version: str
    namespace: str
    layout: dict[str, int]
    shards: list[Head]
    sent: dict[int, int]
    names: dict[bytes, bytes]
    replayed: dict[bytes, bytes]


class _End(msgspec.Struct, frozen=True):
    rows: int


def write(path: Path, first: Preamble, pages: Iterable[list[Row]], told: Callable[[int], None] = lambda _: None) -> int:
    """Write a snapshot to ``path`` and return how many rows it holds; ``told`` hears of them meanwhile. It is there
    whole or not at all.
    """
    numbers = {one.shard: at for at, one in enumerate(first.shards)}
    draft, count = path.with_name(f".{path.name}.{os.getpid()}"), 0
    try:
        with draft.open("wb") as raw:
            with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=_LEVEL, filename="", mtime=0) as packed:
                _put(packed, first)
                for page in pages:
                    count += len(page)
                    told(count)
                    _put(packed, [(numbers[row.shard], row.key, row.value) for row in page])
                _put(packed, _End(count))
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(path)
    except OSError as error:
        raise Stop(f"the snapshot cannot be written to {path}: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return count


def preamble(path: Path) -> Preamble:
    """What stands before the rows of a snapshot. Raises ``Stop`` for a file that is none."""
    with _opened(path) as packed:
        return _preamble(path, packed)


def rows(path: Path) -> Iterator[list[Row]]:
    """Pages of the rows of a snapshot, the latest word on each last. Raises ``Stop`` where it is cut or damaged, which
    may be known at the end only: whoever must not act on half of it reads it twice.
    """
    with _opened(path) as packed:
        shards, count = [one.shard for one in _preamble(path, packed).shards], 0
        try:
            while isinstance(page := msgspec.msgpack.decode(_get(packed)), list):
                count += len(page)
                yield [Row(shards[number], key, value) for number, key, value in page]
            if page != {"rows": count} or packed.read(1):
                raise ValueError("its end says another number of rows")
        except (OSError, EOFError, zlib.error, ValueError, TypeError, IndexError, msgspec.MsgspecError) as error:
            raise Stop(f"{path} is damaged or was cut after {count} rows ({error}): take another snapshot") from None


def _opened(path: Path) -> gzip.GzipFile:
    try:
        return gzip.open(path, "rb")
    except OSError as error:
        raise Stop(f"{path} cannot be read: {error.strerror}") from None


def _preamble(path: Path, packed: gzip.GzipFile) -> Preamble:
    try:
        found = msgspec.msgpack.decode(_get(packed))
        kind, number = found["kind"], found["format"]
        if kind != _KIND:
            raise ValueError(f"it says {kind!r}")
    except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
        raise Stop(f"{path} is no snapshot of feedstream ({error})") from None
    if number != FORMAT:
        raise Stop(f"{path} has format {number}, this version reads {FORMAT}: use the version that made it")
    try:
        return msgspec.convert(found, Preamble)
    except msgspec.ValidationError as error:
        raise Stop(f"{path} is damaged ({error}): take another snapshot") from None


def _put(packed: gzip.GzipFile, frame: Any) -> None:
    body = msgspec.msgpack.encode(frame)
    packed.write(len(body).to_bytes(4, "big") + body)


def _get(packed: gzip.GzipFile) -> bytes:
    length = int.from_bytes(_exactly(packed, 4), "big")
    if length > _LONGEST:
        raise ValueError(f"a frame says that it has {length} bytes")
    return _exactly(packed, length)


def _exactly(packed: gzip.GzipFile, length: int) -> bytes:
    found = packed.read(length)
    if len(found) < length:
        raise EOFError("it ends within a frame")
    return found
