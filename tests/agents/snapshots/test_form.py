"""A snapshot file is read back as it was written, or it is no snapshot."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from agents.errors import Stop
from agents.snapshots.copying import Head, Row
from agents.snapshots.form import Preamble, preamble, rows, write
from agents.snapshots.taking import named, thin
from agents.store import ShardId

U, V = ShardId("u", 0), ShardId("v", 1)
FIRST = Preamble(
    made_ms=5,
    version="1",
    namespace="n",
    layout={"user_partitions": 1},
    shards=[Head(U, [b"events.like", b"7"], [b"1", b"\xff"], [], [], 4, [b"e:x"]), Head(V, [], [], [], [], 0, [])],
    sent={0: 9},
    names={b"\x00": b"cats"},
    replayed={},
)
PAGES = [[Row(U, b"v:x", b"\xff\x00"), Row(V, b"e:x", None)], [], [Row(U, b"v:x", b"later")]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.snapshot"
    assert write(path, FIRST, PAGES) == 3
    return path


def test_what_is_written_is_read_back_in_order(file: Path) -> None:
    assert preamble(file) == FIRST
    assert list(rows(file)) == PAGES
    assert FIRST.shards[0].position == {"events.like": 7}


def test_the_same_state_makes_the_same_file(file: Path, tmp_path: Path) -> None:
    write(tmp_path / "b.snapshot", FIRST, PAGES)
    assert (tmp_path / "b.snapshot").read_bytes() == file.read_bytes()


def test_a_file_cut_or_changed_anywhere_is_no_snapshot(file: Path) -> None:
    whole = file.read_bytes()
    for at in range(len(whole)):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            file.write_bytes(damaged)
            if at < 10 and damaged[:3] == whole[:3]:  # flags and time of gzip's own header, which say nothing to us
                continue
            with pytest.raises(Stop, match=r"is damaged|is no snapshot"):
                list(rows(file))


def test_a_write_that_fails_leaves_what_was_there(file: Path) -> None:
    def broken() -> Iterator[list[Row]]:
        yield PAGES[0]
        raise Stop("the copy was over")

    with pytest.raises(Stop, match="the copy was over"):
        write(file, FIRST, broken())
    assert list(rows(file)) == PAGES
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"kind": "feedstream snapshot", "format": 2}, "has format 2, this version reads 1"),
        ({"kind": "another", "format": 1}, "is no snapshot of feedstream"),
        ({"kind": "feedstream snapshot", "format": 1}, "is damaged"),
        ([], "is no snapshot of feedstream"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, found: object, said: str) -> None:
    body = msgspec.msgpack.encode(found)
    path = tmp_path / "other"
    path.write_bytes(gzip.compress(len(body).to_bytes(4, "big") + body))
    with pytest.raises(Stop, match=said):
        preamble(path)


def test_a_file_that_is_not_even_packed_is_none(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("hello")
    with pytest.raises(Stop, match="is no snapshot of feedstream"):
        preamble(path)
    with pytest.raises(Stop, match="cannot be read: No such file"):
        preamble(tmp_path / "none")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"the snapshot cannot be written to .*: No such file"):
        write(tmp_path / "none" / "a.snapshot", FIRST, PAGES)


def test_the_latest_are_kept_and_other_files_too(tmp_path: Path) -> None:
    names = [named(ms) for ms in (1_000, 61_000, 1_700_000_000_000, 1_700_000_000_001)]
    for name in (*names, "mine.snapshot"):
        (tmp_path / name).touch()
    assert sorted(path.name for path in thin(tmp_path, 2)) == names[:2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [*names[2:], "mine.snapshot"]
