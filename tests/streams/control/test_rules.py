"""Operators' rules: what they boost, bury, pin and take down, for whom and until when, and what is wrong with one."""

from __future__ import annotations

import numpy as np
import pytest

from streams import limits
from streams.arrays.hashing import hash64
from streams.control.rules import NO_RULES, Rules, named_rows
from streams.ranking.ranking import Model, Request, rank
from streams.viewer.viewers import ViewerTable
from tests.streams.ranking.test_ranking import NOW_MS, change, made

BY = [("video", "v7"), ("tag", "t7"), ("creator", "c7"), ("country", "SE")]


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["ann", "bob"])
    table.country[1] = hash64("SE")
    return table


def ruled(**value: object) -> Rules:
    return NO_RULES.put("one", value)


def shown(catalogue, viewers, rules, viewer=1, limit=50, now_ms=NOW_MS, pure=False, **more):
    request = Request(viewer, now_ms, limit=limit, rules=rules, pure=pure, **more)
    return rank(catalogue, viewers, request, Model())


def bound(count):
    catalogue = made(count)
    for row in range(3, count, 20):
        change(catalogue, row, countries=["SE", "NO"])
    return catalogue


def score_of(ranked, row):
    return float(ranked.scores[ranked.rows.tolist().index(row)])


@pytest.mark.parametrize(("by", "name"), BY)
@pytest.mark.parametrize("count", [200, limits.FULL_RANK + 300])
def test_what_is_taken_down_is_shown_to_nobody_not_even_in_previews(by, name, count, viewers):
    catalogue = bound(count)
    rules = ruled(do="take_down", **{by: name})
    named = set(named_rows(catalogue, rules.named["one"]).tolist())
    assert 0 < len(named) < count / 2
    for pure in (False, True):
        assert not named & set(shown(catalogue, viewers, rules, limit=count, pure=pure).rows.tolist())
        assert named & set(shown(catalogue, viewers, NO_RULES, limit=count, pure=True).rows.tolist())


@pytest.mark.parametrize(("by", "name"), BY)
@pytest.mark.parametrize("do", ["boost", "bury"])
def test_a_boost_multiplies_the_odds_of_what_it_names_and_of_nothing_else(by, name, do, viewers):
    catalogue = bound(100)
    plain = shown(catalogue, viewers, NO_RULES, limit=100)
    moved = shown(catalogue, viewers, ruled(do=do, factor=5, **{by: name}), limit=100)
    named = set(named_rows(catalogue, ruled(do=do, **{by: name}).named["one"]).tolist())
    both = set(plain.rows.tolist()) & set(moved.rows.tolist())
    assert named & both
    for row in both:
        off = (np.log(5) if do == "boost" else -np.log(5)) if row in named else 0.0
        assert score_of(moved, row) - score_of(plain, row) == pytest.approx(off, abs=1e-5)


def test_boosts_of_one_video_add_up(viewers):
    catalogue = made(100)
    rules = ruled(do="boost", factor=3, tag="t7").put("two", {"do": "bury", "factor": 2, "creator": "c7"})
    rules = rules.put("three", {"do": "boost", "factor": 7, "tag": "t7"})
    moved, plain = (shown(catalogue, viewers, one, limit=100) for one in (rules, NO_RULES))
    move = score_of(moved, 7) - score_of(plain, 7)
    assert move == pytest.approx(np.log(3 * 7 / 2), abs=1e-5)


@pytest.mark.parametrize("count", [200, limits.FULL_RANK + 300])
def test_a_boosted_or_pinned_video_is_found_however_many_there_are(count, viewers):
    catalogue = made(count)
    worst = int(shown(catalogue, viewers, NO_RULES, limit=count, pure=True).rows[-1])
    name = catalogue.video_ids[worst]
    boosted = ruled(do="boost", factor=1_000, video=name)
    assert worst in shown(catalogue, viewers, boosted, limit=10).rows
    pinned = shown(catalogue, viewers, ruled(do="pin", video=name), limit=10)
    assert (pinned.rows[0], pinned.sources[0], pinned.reasons[0][0]) == (worst, "pinned", "pinned")
    assert "pinned" not in pinned.sources[1:]


def test_a_pinned_video_comes_to_each_viewer_once_and_never_to_whom_it_is_forbidden(viewers):
    catalogue = made(100)
    rules = ruled(do="pin", video="v7")
    viewers.served[0] = catalogue.hash[[7]]
    assert 7 not in shown(catalogue, viewers, rules, viewer=0).rows
    change(catalogue, 7, countries=["FR"])
    assert 7 not in shown(catalogue, viewers, rules).rows


def test_a_preview_knows_neither_boosts_nor_pins(viewers):
    catalogue = made(100)
    rules = ruled(do="pin", video="v7").put("two", {"do": "boost", "tag": "t3", "factor": 1_000})
    plain, preview = (shown(catalogue, viewers, one, pure=True) for one in (NO_RULES, rules))
    assert preview.rows.tolist() == plain.rows.tolist()
    assert preview.scores.tolist() == plain.scores.tolist()


def test_a_rule_holds_for_its_audience_only(viewers):
    catalogue = made(100)
    rules = ruled(do="take_down", tag="t7", audience="SE")
    named = set(named_rows(catalogue, rules.named["one"]).tolist())
    for viewer, country, hit in ((0, 0, False), (1, 0, True), (0, hash64("SE"), True), (1, hash64("FR"), False)):
        rows = set(shown(catalogue, viewers, rules, viewer=viewer, country=country, limit=100, pure=True).rows.tolist())
        assert (not named & rows) == hit


def test_a_rule_ends_by_event_time(viewers):
    catalogue = made(100)
    rules = ruled(do="take_down", video="v7", until_ms=NOW_MS + 1)
    assert 7 not in shown(catalogue, viewers, rules, limit=100, pure=True).rows
    assert 7 in shown(catalogue, viewers, rules, limit=100, pure=True, now_ms=NOW_MS + 1).rows
    assert 7 not in shown(catalogue, viewers, rules, limit=100, pure=True).rows, "and holds again for what is earlier"


def test_what_comes_or_changes_later_is_named_as_well(viewers):
    catalogue = made(100)
    rules = ruled(do="take_down", tag="new")
    assert 7 in shown(catalogue, viewers, rules, limit=100, pure=True).rows
    change(catalogue, 7, tags=["new"])
    assert 7 not in shown(catalogue, viewers, rules, limit=100, pure=True).rows
    assert 7 in shown(catalogue, viewers, rules.put("one", None), limit=100, pure=True).rows


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"do": "boost"}, "rule.one names nothing: give one of video, tag, creator, country"),
        ({"do": "boost", "tag": "a", "video": "b"}, "rule.one names video and tag: give one of"),
        ({"do": "pin", "tag": "a"}, "rule.one: only a video can be pinned, not a tag"),
        ({"do": "lift", "tag": "a"}, "rule.one: Invalid enum value 'lift'"),
        ({"do": "boost", "tga": "a"}, "rule.one: Object contains unknown field `tga`"),
        ({"do": "boost", "tag": "a", "factor": 0.5}, r"rule.one: Expected `float` > 1.0 - at `\$.factor`"),
        ({"do": "pin", "video": "a", "factor": 3}, "rule.one: a factor is for boost and bury, not for pin"),
        (
            {"do": "boost", "tag": "a", "until_ms": "soon"},
            r"rule.one: Expected `int \| null`, got `str` - at `\$.until_ms`",
        ),
        ("boost", "rule.one: Expected `object`, got `str`"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_a_sentence_and_what_stood_stands(value, why):
    rules = ruled(do="boost", tag="a")
    with pytest.raises(ValueError, match=why):
        rules.put("one", value)
    assert rules.named == ruled(do="boost", tag="a").named


def test_beyond_so_many_rules_a_further_one_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "RULES", 2)
    rules = ruled(do="boost", tag="a").put("two", {"do": "boost", "tag": "b"})
    with pytest.raises(ValueError, match=r"rule.three: there are 2 rules already; unset one first"):
        rules.put("three", {"do": "boost", "tag": "c"})
    assert len(rules.put("two", {"do": "boost", "tag": "c"}).named) == 2
