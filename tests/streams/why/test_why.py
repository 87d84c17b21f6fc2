"""Laws of a why-not: it names the stage that left the video out, and taking the cause away takes the answer away."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from schemas.catalogue import Safety
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.control.rules import NO_RULES
from streams.control.tuning import DEFAULT, changed
from streams.ranking.filters import FILTERS
from streams.ranking.ranking import Model, Request, rank
from streams.tiers.tiers import STOPPED
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable
from streams.viewer.wishes import KINDS, NOTHING, WORD, put
from streams.why.why import CODES, Kept, Why, why
from tests.streams.ranking.test_ranking import NOW_MS, change, made, stand


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["ann", "bob"])
    table.safety_level[:] = 0
    return table


@pytest.fixture
def catalogue() -> Catalogue:
    return made(200)


def asked(catalogue: Catalogue, viewers: ViewerTable, video_id: str, kept: Kept | None = None, **more) -> Why:
    found = why(catalogue, viewers, Request(0, NOW_MS, **({"limit": 10} | more)), Model(), video_id, kept)
    assert found.sentence
    assert "{" not in found.sentence
    return found


def bar(catalogue: Catalogue, viewers: ViewerTable, row: int, code: str) -> None:
    """Let one filter keep the video from the first viewer."""
    name = catalogue.hash[[row]]
    tag = int(catalogue.tags[row, 0])
    barring = {
        "met": lambda: viewers.met.__setitem__(0, name),
        "served": lambda: viewers.served.__setitem__(0, name),
        "own": lambda: change(catalogue, row, creator_id="ann"),
        "sensitive": lambda: change(catalogue, row, safety=Safety(level=3)),
        "region": lambda: change(catalogue, row, countries=["FR", "BE"]),
        "hidden": lambda: viewers.hidden.__setitem__(0, put(NOTHING, [(KINDS["hide_tag"], tag, 2)])),
        "stopped": lambda: stand(catalogue, [row], status=STOPPED),
    }
    barring[code]()


NUMBERS = {
    "met": {"ago": 0},
    "served": {"ago": 0},
    "own": {},
    "sensitive": {"level": 3, "viewer_level": 0},
    "region": {"countries": ["FR", "BE"], "known": False},
    "hidden": {"by": "hide_tag"},
    "stopped": {},
}


@pytest.mark.parametrize("code", NUMBERS)
def test_each_filter_is_named_with_its_numbers(catalogue, viewers, code):
    row = int(rank(catalogue, viewers, Request(0, NOW_MS, limit=1, pure=True), Model()).rows[0])
    assert asked(catalogue, viewers, catalogue.video_ids[row]).code == "shown"
    bar(catalogue, viewers, row, code)
    found = asked(catalogue, viewers, catalogue.video_ids[row])
    assert found.code == code
    assert NUMBERS[code].items() <= found.numbers.items()
    assert not found.also


def test_every_filter_has_an_answer_and_is_asked():
    assert FILTERS.keys() <= CODES.keys()
    assert NUMBERS.keys() | {"excluded", "taken_down"} == FILTERS.keys()


def test_the_rule_that_took_a_video_down_is_named(catalogue, viewers):
    rules = NO_RULES.put("flood", {"do": "take_down", "tag": "t7"}).put("other", {"do": "take_down", "video": "v8"})
    found = asked(catalogue, viewers, "v7", rules=rules)
    assert (found.code, found.numbers) == ("taken_down", {"rules": ["flood"]})
    assert found.sentence == "an operator's rule took it down: flood"


def test_what_else_leaves_a_video_out_is_said_too(catalogue, viewers):
    for code in ("sensitive", "region", "met"):
        bar(catalogue, viewers, 7, code)
    found = asked(catalogue, viewers, "v7")
    assert (found.code, found.also) == ("met", ["sensitive", "region"])


def test_what_a_preview_may_show_and_a_request_leaves_out(catalogue, viewers):
    bar(catalogue, viewers, 7, "served")
    assert asked(catalogue, viewers, "v7").code == "served"
    assert asked(catalogue, viewers, "v7", pure=True, limit=200).code == "shown"
    assert asked(catalogue, viewers, "v8", exclude=hash_all(["v8"])).code == "excluded"
    assert asked(catalogue, viewers, "v8", candidates=hash_all(["v9"])).code == "not_asked"
    assert asked(catalogue, viewers, "v9", candidates=hash_all(["v9"])).code == "shown"
    assert asked(catalogue, viewers, "v8", source="following").code == "not_in_source"


def test_the_batch_of_what_was_served_is_named_where_it_is_known(catalogue, viewers):
    viewers.served[0] = catalogue.hash[[3, 7, 9]]
    request = Request(0, NOW_MS)
    found = why(catalogue, viewers, request, Model(), "v7", sent={int(catalogue.hash[7]): (4, 2)})
    assert found.numbers == {"ago": 1, "seq": 4, "position": 2}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"recommendable": False}, "not_recommendable"),
        ({"visibility": "unlisted"}, "private"),
        ({"duplicate_of": "v1"}, "duplicate"),
    ],
)
def test_what_is_no_candidate_says_why(catalogue, viewers, fields, code):
    change(catalogue, 7, **fields)
    found = asked(catalogue, viewers, "v7")
    assert found.code == code
    assert all(str(value) in found.sentence for value in fields.values() if value is not False)
    record = catalogue.videos[7]
    assert asked(Catalogue(), viewers, "v7", Kept(record)).code == code, "nor where the catalogue has dropped it"


def test_what_the_catalogue_does_not_hold_is_unknown_removed_or_expired(catalogue, viewers):
    assert asked(catalogue, viewers, "nobody").code == "unknown"
    assert asked(catalogue, viewers, "gone", Kept(None, 5)).code == "removed"
    old = msgspec.structs.replace(catalogue.videos[7], video_id="old")
    found = asked(catalogue, viewers, "old", Kept(old, 5))
    assert (found.code, found.numbers["last_ms"]) == ("expired", 5)
    rows = np.array([7])
    catalogue.update(rows, catalogue.pack(rows), [catalogue.videos[7]], [False])
    assert asked(catalogue, viewers, "v7").code == "expired"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("hide_creator", "c7"), ("block", "c7"), ("hide_sound", "s7"), ("hide_tag", "t7"), ("word", "t7")],
)
def test_what_hides_a_video_is_named(catalogue, viewers, kind, name):
    change(catalogue, 7, creator_id="c7", sound_id="s7", tags=["t7"])
    entries = [(KINDS["hide_tag"], hash64("other"), 2), (KINDS.get(kind, WORD), hash64(name), 4)]
    viewers.hidden[0] = put(NOTHING, entries)
    found = asked(catalogue, viewers, "v7")
    assert (found.code, found.numbers) == ("hidden", {"by": kind if kind in KINDS else "muted", "name": name})


def test_an_outranked_video_says_its_place_its_score_and_what_it_lacks(catalogue, viewers):
    viewers.picked[0, 0] = hash64("t3")
    whole = rank(catalogue, viewers, Request(0, NOW_MS, limit=200, pure=True), Model())
    for place in (30, 111):
        found = asked(catalogue, viewers, catalogue.video_ids[whole.rows[place]])
        assert (found.code, found.numbers["place"], found.numbers["candidates"]) == ("outranked", place + 1, 200)
        assert found.numbers["score"] == whole.scores[place] < found.last.score == found.numbers["last_score"]
        for parts, score in ((found.parts, whole.scores[place]), (found.last.parts, found.last.score)):
            assert abs(sum(parts.values()) - score) < 1e-6
        lacks = found.numbers["lacks"]
        assert found.last.parts[lacks] > found.parts.get(lacks, 0.0)


def test_every_candidate_gets_an_answer_that_agrees_with_the_batch(catalogue, viewers):
    for row in range(3):
        bar(catalogue, viewers, row, "own")
    lately = np.append(catalogue.marks[9], [0]).astype(np.uint32)[None]
    request = Request(0, NOW_MS, limit=20, seed=3, lately=lately)
    shown = rank(catalogue, viewers, request, Model())
    places = {catalogue.video_ids[row]: at for at, row in enumerate(shown.rows.tolist())}
    for name in catalogue.video_ids:
        found = why(catalogue, viewers, request, Model(), name)
        assert (found.code == "shown") == (name in places)
        if name in places:
            assert found.numbers["position"] == places[name]
            assert found.reasons == shown.reasons[places[name]]
            assert found.source == shown.sources[places[name]]


def test_a_video_held_back_by_its_neighbours_says_where_they_stand(catalogue, viewers):
    packed = catalogue.pack(np.arange(4))
    packed["sums"][:, 2] = 10_000.0
    catalogue.update(np.arange(4), packed, [catalogue.videos[row] for row in range(4)], [True] * 4)
    for row in range(4):
        change(catalogue, row, creator_id="busy")
    held = {name: asked(catalogue, viewers, name, limit=3) for name in ("v0", "v1", "v2", "v3")}
    codes = sorted(found.code for found in held.values())
    assert codes == ["neighbour", "neighbour", "shown", "shown"]
    found = next(found for found in held.values() if found.code == "neighbour")
    assert found.numbers["same_creator_at"] == [0, 2]
    assert found.numbers["place"] <= 4


def test_what_misses_the_shortlist_says_by_how_much(viewers):
    catalogue = made(limits.FULL_RANK + 500)
    request = Request(0, NOW_MS, limit=20, tuning=changed(DEFAULT, {"slate.fresh": 0.0}))
    whole = rank(catalogue, viewers, request._replace(limit=10_000, pure=True), Model())
    codes = {}
    for place in (25, 400, 4_000):
        found = why(catalogue, viewers, request, Model(), catalogue.video_ids[whole.rows[place]])
        codes[place] = found.code
        if found.code == "shortlist":
            assert found.numbers["score"] < found.numbers["cut"]
    assert codes == {25: "outranked", 400: "shortlist", 4_000: "shortlist"}


def test_asking_changes_nothing(catalogue, viewers):
    request = Request(0, NOW_MS, limit=20)
    before = rank(catalogue, viewers, request, Model())
    saved = viewers.encode(np.array([0, 1]))
    for name in ("v0", "v77", "nobody"):
        why(catalogue, viewers, request, Model(), name)
    assert viewers.encode(np.array([0, 1])) == saved
    assert rank(catalogue, viewers, request, Model()).rows.tolist() == before.rows.tolist()
