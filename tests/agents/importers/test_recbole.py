"""RecBole's atomic files: ratings become watches, likes and skips; titles and classes become words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from agents.errors import Stop
from agents.importers.recbole import NOMINAL_MS, read
from agents.importers.rows import wire
from schemas.codec import decode
from schemas.lines import parse_line

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def files(folder: Path, **text: str) -> Path:
    for suffix, content in text.items():
        (folder / f"set.{suffix}").write_text(content)
    return folder


@pytest.mark.parametrize(
    ("rating", "watch_ms", "like", "skip"),
    [
        ("5", NOMINAL_MS, True, False),
        ("4.0", NOMINAL_MS, True, False),
        ("3.5", NOMINAL_MS // 2, False, False),
        ("3", NOMINAL_MS // 2, False, False),
        ("2", 1_000, False, True),
        ("0.5", 1_000, False, True),
    ],
)
def test_a_rating_is_a_watch_a_like_or_a_skip(
    tmp_path: Path, rating: str, watch_ms: int, like: bool, skip: bool
) -> None:
    row = read(files(tmp_path, inter=f"{INTER}u\tx\t{rating}\t100\n")).rows[0]
    assert (row.watch_ms, row.duration_ms, row.like, row.skipped) == (watch_ms, NOMINAL_MS, like, skip)


@pytest.mark.parametrize(
    ("stamp", "ts_ms"), [("881250949", 881_250_949_000), ("1.5", 1_500), ("1649346288441", 1_649_346_288_441)]
)
def test_a_timestamp_is_in_seconds_unless_it_is_far_too_large(tmp_path: Path, stamp: str, ts_ms: int) -> None:
    assert read(files(tmp_path, inter=f"{INTER}u\tx\t5\t{stamp}\n")).rows[0].ts_ms == ts_ms


def test_rows_are_in_order_of_time_and_ties_as_in_the_file(tmp_path: Path) -> None:
    told = "".join(f"u\t{item}\t5\t{stamp}\n" for item, stamp in (("c", 2), ("b", 1), ("a", 2), ("d", 1)))
    assert [row.video_id for row in read(files(tmp_path, inter=INTER + told)).rows] == ["b", "d", "c", "a"]


def test_without_ratings_every_row_is_liked(tmp_path: Path) -> None:
    told = "user_id:token\titem_id:token\ttimestamp:float\nu\tx\t1\n"
    assert read(files(tmp_path, inter=told)).rows[0].like


def test_items_give_titles_tags_and_categories(tmp_path: Path) -> None:
    item = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\nx\tToy Story\t1995\tComedy War\n"
    video = read(files(tmp_path, inter=f"{INTER}u\tx\t5\t1\n", item=item)).videos["x"]
    assert (video.caption, video.tags, video.category) == ("Toy Story", ["Comedy", "War", "year:1995"], "Comedy")


def test_users_are_announced_by_id_and_nothing_else(tmp_path: Path) -> None:
    user = "user_id:token\tage:token\tgender:token\nu\t24\tM\n"
    log = read(files(tmp_path, inter=f"{INTER}u\tx\t5\t1\n", user=user))
    assert parse_line(next(wire(log, "recbole"))).value_bytes == b'{"v":1,"user_id":"u"}'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("u\tx\t5", "set.inter: 3 fields, not 4"),
        ("\tx\t5\t1", "user_id is missing"),
        ("u\t\t5\t1", "item_id is missing"),
        ("u\tx\tgood\t1", "rating is 'good', not a number"),
        ("u\tx\tnan\t1", "rating is nan, out of range"),
        ("u\tx\t5\t", "timestamp is '', not a number"),
        ("u\tx\t5\t-1", "timestamp is -1, out of range"),
    ],
)
def test_a_bad_row_is_named_and_left_out(tmp_path: Path, line: str, why: str) -> None:
    log = read(files(tmp_path, inter=f"{INTER}u\tx\t5\t1\n{line}\nu\ty\t5\t1\n"))
    assert [(one.number, one.why) for one in log.skipped] == [(3, why)]
    assert len(log.rows) == 2


def test_a_folder_must_hold_one_log(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"must hold one \.inter file \(there is none\)"):
        read(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.inter").write_text(INTER)
    with pytest.raises(Stop, match=r"there is a\.inter, b\.inter"):
        read(tmp_path)
    with pytest.raises(Stop, match="has no column user_id, item_id, timestamp"):
        read(files(tmp_path, inter="<html>\n") / "set.inter")


def test_movielens_comes_through_whole(movielens: Path) -> None:
    log = read(movielens)
    assert (len(log.rows), log.skipped) == (100_000, [])
    counts: Counter[str] = Counter()
    for text in wire(log, "recbole", previews=True):
        line = parse_line(text)
        counts[line.topic] += 1
        decode(line.topic, line.key_bytes, line.value_bytes, line.ts_ms)
    assert counts == {
        "users": 943,
        "videos": 1_682,
        "events.impression": 100_000,
        "events.watch": 100_000,
        "events.like": 55_375,
        "events.skip": 17_480,
        "feed.requests": 55_375,
    }
