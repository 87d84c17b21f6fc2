"""Requests in words: what is asked for comes first, what is wanted less of goes, all of it fades and can be undone."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from schemas.catalogue import User, UserSettings
from schemas.lines import Line
from streams import limits
from streams.arrays.hashing import hash64
from streams.control.tuning import DEFAULT, Tuning, changed
from streams.ranking.ranking import Model, Request, rank
from streams.viewer.viewers import _ROWS, ViewerTable, met_of
from streams.words.asks import LESS, MORE, NO_ASKS, OPENED, SEARCH, TAG, Ask, put_asks, spoken
from streams.words.bending import bend
from streams.words.text import NGRAMS
from tests.streams.ranking.test_ranking import NOW_MS
from tests.streams.ranking.test_ranking import made as catalogue_of
from tests.streams.states import video
from tests.streams.states_of_viewers import Users, fold, made_event
from tests.streams.test_replay import line, replayed, request

T0_MS = 100_000
HOUR_MS = 3_600_000
TAGS = ("football", "治愈系", "cooking", "music")
CAPTIONS = ("last minute goal", "窗外的雨声", "how to fold dumplings", "live from the rooftop")


def library(count: int = 120) -> list[Line]:
    """Videos of four kinds, each by a creator of its own."""
    made = [
        video(f"v{at}", creator_id=f"c{at}", tags=[TAGS[at % 4]], caption=CAPTIONS[at % 4], sound_id=f"s{at % 4}")
        for at in range(count)
    ]
    return [line("videos", one) for one in made]


def kinds(*lines: Line, limit: int = 40, tuning: Tuning = DEFAULT) -> list[int]:
    """Kinds of the videos of the last batch, in order."""
    batches, _ = replayed([*library(), *lines], tuning=tuning)
    return [int(item["video_id"][1:]) % 4 for item in msgspec.json.decode(batches[-1])["items"]][:limit]


def later(ts_ms: int = T0_MS + HOUR_MS) -> Line:
    """A look at what would come without words."""
    return request("u0", 99, ts_ms, limit=40, purpose="preview")


def ask(number: int, query: str | None = None, ts_ms: int = T0_MS, **more: object) -> Line:
    return request("u0", number, ts_ms, **({"limit": 8, "query": query} | more))


def opened(kind: str, target: str | None = None, ts_ms: int = T0_MS, video_id: str | None = None) -> Line:
    return line(*made_event("action", "u0", video_id, ts_ms, kind=kind, target=target))


@pytest.mark.parametrize(
    ("query", "kind"),
    [("soccer", 0), ("足球", 0), ("something relaxing", 1), ("解压", 1), ("dumpling", 2), ("美食", 2), ("更多音乐", 3)],
)
def test_what_is_asked_for_comes_first_in_either_language(query, kind):
    assert kinds(ask(1, query)) == [kind] * 8
    assert kinds(ask(1, query, purpose="preview")) == [kind] * 8


def test_an_item_says_that_it_was_asked_for():
    batches, _ = replayed([*library(), ask(1, "soccer")])
    for item in msgspec.json.decode(batches[-1])["items"]:
        assert (item["source"], item["reasons"][0]) == ("asked", "asked:soccer")


def test_less_of_something_leaves_it_out_of_later_batches_until_it_is_taken_back():
    less = ask(1, "less football please")
    assert 0 not in kinds(less)
    assert 0 not in kinds(less, later())
    assert kinds(later()).count(0) >= 5
    for word in ("undo", "重置"):
        assert kinds(less, ask(2, word, T0_MS + 1), later()).count(0) >= 5


def test_a_wish_fades():
    wish, quick = ask(1, "more music"), changed(DEFAULT, {"words.more_half_life_h": 0.1})
    assert kinds(wish, later()).count(3) > kinds(later()).count(3) + 10
    assert kinds(wish, later(), tuning=quick) == kinds(later())


def test_a_preview_wishes_for_nothing():
    assert kinds(ask(1, "less football", purpose="preview"), later(T0_MS + 1)) == kinds(later(T0_MS + 1))


def test_a_follow_up_refines_what_was_asked_before_and_is_forgotten_after_a_while():
    both = [line("videos", video(f"v{at}", creator_id=f"c{at}", tags=["music", "治愈系"])) for at in (203, 207)]
    at_once, long_after = (
        [item["video_id"] for item in answered([*library(), *both, ask(1, "relaxing", limit=1), second])][:3]
        for ms in (20_000, HOUR_MS)
        for second in [ask(2, "music", T0_MS + ms, exclude=["v1"])]
    )
    assert len({"v203", "v207"} & set(at_once)) >= 1
    assert at_once != long_after


def answered(lines: list[Line]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = msgspec.json.decode(replayed(lines)[0][-1])["items"]
    return found


@pytest.mark.parametrize(
    "made",
    [
        opened("tag_open", "music"),
        opened("tag_open", video_id="v3"),
        opened("trend_open", "music"),
        opened("sound_open", "s3"),
        opened("sound_open", video_id="v3"),
        line(*made_event("action", "u0", None, T0_MS, kind="search", query="音乐")),
    ],
)
def test_what_was_opened_by_hand_is_invited_and_fades(made):
    soon = T0_MS + 1_000
    assert kinds(made, later(soon)).count(3) >= kinds(later(soon)).count(3) + 10
    assert kinds(made, later()) == kinds(later())


def test_actions_that_name_nothing_ask_for_nothing():
    for made in (opened("tag_open"), opened("search", video_id="v1"), opened("tag_open", video_id="v999")):
        assert kinds(made, later(T0_MS + 1)) == kinds(later(T0_MS + 1))


def test_of_who_turned_personalisation_off_nothing_is_kept_or_read():
    private = line("users", User(v=1, user_id="u0", settings=UserSettings(personalize=False)))
    _, one = replayed([*library(), private, opened("tag_open", "music"), ask(1, "less football")])
    assert one.users.viewers.asks[one.users.viewers.row_of["u0"]] == NO_ASKS
    assert kinds(private, ask(1, "soccer")) == [0] * 8, "what the request itself says is no profile"


def test_a_flood_of_opened_tags_moves_no_score_past_its_bound_and_pushes_nothing_else_out():
    catalogue, viewers = catalogue_of(200), ViewerTable()
    viewers.rows(["ann"])
    viewers.ask(0, [Ask(LESS, "t3", 2)])
    viewers.ask(0, [Ask(TAG, f"t{at}", 2 * NOW_MS) for at in range(10)] * 50)
    viewers.ask(0, [Ask(TAG, f"other{at}", 2 * NOW_MS) for at in range(500)])
    assert len([one for one in viewers.asks[0] if one.kind == TAG]) == limits.ASKS
    assert Ask(LESS, "t3", 2) in viewers.asks[0]
    viewers.ask(0, [Ask(TAG, f"t{at}", 2 * NOW_MS + 2) for at in range(8)])
    viewers.ask(0, [Ask(SEARCH, f"t{at}", 2 * NOW_MS + 2) for at in range(8)])
    found = bend(catalogue, viewers, Request(0, NOW_MS), np.arange(200))
    assert isinstance(found, np.ndarray)
    assert found.max() == pytest.approx(DEFAULT.words.invite)
    assert found.min() == 0.0


@pytest.mark.parametrize("settings", [{"words.query": 0.0}, {"words.invite": 0.0}, {"words.more": 0.0}])
def test_each_of_them_can_be_switched_off(settings):
    tuning = changed(DEFAULT, settings)
    catalogue, viewers = catalogue_of(50), ViewerTable()
    viewers.rows(["ann"])
    kind = {"words.query": None, "words.invite": TAG, "words.more": MORE}[next(iter(settings))]
    viewers.ask(0, [] if kind is None else [Ask(kind, "t3", 2 * NOW_MS)])
    asked = Request(0, NOW_MS, query="t3" if kind is None else "")
    rows = np.arange(50)
    assert np.ptp(bend(catalogue, viewers, asked, rows)) > 0
    assert np.ptp(bend(catalogue, viewers, asked._replace(tuning=tuning), rows)) == 0


def test_what_is_asked_for_is_found_in_a_large_catalogue_too():
    catalogue, viewers = catalogue_of(limits.FULL_RANK + 2_000), ViewerTable()
    viewers.rows(["ann", "bob"])
    tag = int(hash64("t7"))
    viewers.ask(1, [Ask(TAG, "t7", 2 * NOW_MS)])
    for asked in (Request(0, NOW_MS, query="t7"), Request(1, NOW_MS)):
        rows = rank(catalogue, viewers, asked, Model()).rows
        assert (catalogue.tags[rows, 0] == tag).mean() > 0.8


def test_the_later_of_more_and_less_counts():
    more, less = ask(1, "more football"), ask(2, "less football", T0_MS + 1)
    assert 0 not in kinds(more, less, later())
    again = ask(3, "more football", T0_MS + 2)
    assert kinds(more, less, again, later()).count(0) >= 10


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_an_undo_takes_the_latest_words_back_and_repeated_changes_nothing():
    held = put_asks((), spoken((), "less football", 10) + spoken((), "more cats", 20))
    once = put_asks(held, spoken(held, "undo", 30))
    assert once == put_asks(once, spoken(once, "undo", 30))
    assert {one.text: one.stamp & 1 for one in once} == {"football": 0, "cats": 1}
    twice = put_asks(once, spoken(once, "undo", 31))
    assert {one.text: one.stamp & 1 for one in twice} == {"football": 1, "cats": 1}


def test_beyond_so_many_asks_of_a_kind_the_oldest_falls_out_and_long_ones_are_cut():
    held = put_asks((), [Ask(TAG, f"t{at}", 2 * at) for at in range(limits.ASKS + 3)])
    assert [one.text for one in held] == [f"t{at}" for at in range(3, limits.ASKS + 3)]
    assert put_asks(held, [Ask(TAG, "t0", 0)]) == held, "older than all that is kept"
    assert len(put_asks((), [Ask(TAG, "x" * 500, 2)])[0].text) == limits.ASK_CHARS
    kinds_kept = set(OPENED.values()) | {MORE, LESS}
    assert len(kinds_kept) * limits.ASKS == 48


def test_what_was_asked_for_is_stored_with_the_viewer_and_with_what_was_served():
    _, one = replayed([*library(), opened("tag_open", "music"), ask(1, "less football")])
    viewers, desk = one.users.viewers, one.desk
    row = viewers.row_of["u0"]
    held = viewers.asks[row]
    assert [(kept.kind, kept.text) for kept in held] == [(TAG, "music"), (LESS, "football")]
    stored, ledger = viewers.encode(np.array([row]))[0], desk.encode(row)
    back = ViewerTable()
    back.decode(["u0"], [stored])
    assert back.asks[0] == held
    viewers.asks[row] = NO_ASKS
    desk.decode(row, ledger)
    assert viewers.asks[row] == held


def test_a_row_of_the_format_before_is_read():
    users = Users()
    fold(users, [made_event("like", "u0", "v1", 1_000), made_event("follow", "u0", "v2", 1_000, creator_id="c2")])
    viewers = users.shard.viewers
    viewers.hours[0], viewers.hour_mass[0] = 0.0, 0.0  # came later
    value = viewers.encode(np.array([0]))[0]
    now = np.frombuffer(value, _ROWS[max(_ROWS)], 1, 1)
    old = np.zeros(1, _ROWS[1])
    for name in old.dtype.names or ():
        old[name] = now[name]
    before = b"\x01" + old.tobytes() + value[1 + _ROWS[max(_ROWS)].itemsize :]
    back = ViewerTable()
    back.decode(["u0", "u1"], [before, value])
    assert back.asks == [NO_ASKS, NO_ASKS]
    assert met_of(before).tolist() == met_of(value).tolist() == back.met[0].tolist()
    again = np.frombuffer(back.encode(np.array([0]))[0], _ROWS[max(_ROWS)], 1, 1)
    assert all((again[name] == now[name]).all() for name in old.dtype.names or ())
    with pytest.raises(ValueError, match="format 9"):
        back.decode(["u2"], [b"\x09" + value[1:]])


def test_text_vectors_are_units_and_read_chinese_without_word_breaks():
    rows = NGRAMS(["一只猫在窗边", "窗边的猫", "stock prices fell", "", "the"])
    assert np.linalg.norm(rows, axis=1).round(5).tolist() == [1, 1, 1, 0, 0]
    assert rows[0] @ rows[1] > NGRAMS.floor > abs(rows[0] @ rows[2])
