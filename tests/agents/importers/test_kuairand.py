"""KuaiRand logs: in order, tolerant of what is missing, exact about what is bad."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from agents.errors import Stop
from agents.importers.kuairand import read
from agents.importers.rows import wire
from schemas.lines import parse_line

HEAD = "user_id,video_id,time_ms,is_like,is_follow,is_comment,is_forward,is_hate,long_view,play_time_ms,duration_ms\n"


def log_of(folder: Path, text: str) -> Path:
    path = folder / "log.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    log = read(log_of(tmp_path, HEAD + "1,2,3,1,0,1,0,1,0,400,500\n"))
    row = log.rows[0]
    assert (row.user_id, row.video_id, row.ts_ms, row.play_ms, row.duration_ms) == ("1", "2", 3, 400, 500)
    assert (row.like, row.follow, row.comment, row.share, row.hate, row.long_view) == (1, 0, 1, 0, 1, 0)


def test_three_columns_are_enough_in_any_order(tmp_path: Path) -> None:
    log = read(log_of(tmp_path, "time_ms,user_id,video_id\n7,a,b\n"))
    row = log.rows[0]
    assert (row.ts_ms, row.user_id, row.video_id, row.play_ms, row.duration_ms, row.positive) == (
        7,
        "a",
        "b",
        None,
        0,
        False,
    )


def test_gzip_is_known_by_its_bytes_and_a_byte_order_mark_is_no_name(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + HEAD.encode() + b"1,2,3,1,0,0,0,0,0,4,5\n"))
    assert len(read(path).rows) == 1


def test_rows_are_in_order_of_time_user_and_video(tmp_path: Path) -> None:
    told = "user_id,video_id,time_ms\n10,1,5\n9,20,5\n9,3,5\nx,1,5\n2,2,1\n"
    rows = read(log_of(tmp_path, told)).rows
    assert [(row.user_id, row.video_id) for row in rows] == [
        ("2", "2"),
        ("9", "3"),
        ("9", "20"),
        ("10", "1"),
        ("x", "1"),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("1,2", "2 fields, not 11"),
        (",2,3,0,0,0,0,0,0,4,5", "user_id is missing"),
        ("1,,3,0,0,0,0,0,0,4,5", "video_id is missing"),
        ("1,2,,0,0,0,0,0,0,4,5", "time_ms is missing"),
        ("1,2,soon,0,0,0,0,0,0,4,5", "time_ms is 'soon', not a number"),
        ("1,2,-3,0,0,0,0,0,0,4,5", "time_ms is -3, out of range"),
        ("1,2,3,0,0,0,0,0,0,-4,5", "play_time_ms is -4, out of range"),
        ("1,2,3,0,0,0,0,0,0,4,9999999999999", "duration_ms is 9999999999999, out of range"),
        ("1,2,3,yes,0,0,0,0,0,4,5", "is_like is 'yes', not a number"),
        ("\udcff,2,3,0,0,0,0,0,0,4,5", "user_id is not UTF-8"),
    ],
)
def test_a_bad_row_is_named_and_left_out(tmp_path: Path, line: str, why: str) -> None:
    good = "1,2,3,0,0,0,0,0,0,4,5\n"
    log = read(log_of(tmp_path, HEAD + good + line + "\n\n" + good))
    assert [(one.number, one.why) for one in log.skipped] == [(3, why)]
    assert len(log.rows) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("user_id,video_id\n1,2\n", "has no column time_ms"), ("<html>\n", "has no column user_id")],
)
def test_what_is_no_log_is_refused_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Stop, match=said):
        read(log_of(tmp_path, text))


def test_a_cut_gzip_and_a_folder_are_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(HEAD.encode() * 1_000)[:-20])
    for path in (cut, tmp_path):
        with pytest.raises(Stop, match="cannot be read"):
            read(path)


def test_authors_tags_and_music_are_used_where_they_are(tmp_path: Path) -> None:
    told = 'user_id,video_id,time_ms,author_id,tag,music_id\n1,2,3,77,"11,28",m\n'
    video = read(log_of(tmp_path, told)).videos["2"]
    assert (video.creator_id, video.tags, video.sound_id) == ("77", ["11", "28"], "m")


@pytest.mark.kuairand
def test_the_real_log_comes_through_whole(kuairand: Path) -> None:
    log = read(kuairand)
    assert (len(log.rows), log.skipped) == (22_402, [])
    counts = Counter(parse_line(line).topic for line in wire(log, "kuairand", previews=True))
    assert counts["events.impression"] == counts["events.watch"] == 22_402
    assert counts["events.like"] == counts["feed.requests"] == 17_969
    assert counts["events.feedback"] == 4_433
    assert counts["videos"] == len({row.video_id for row in log.rows})
