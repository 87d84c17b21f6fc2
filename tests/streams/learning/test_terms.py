"""What words mean is learnt from what is liked after them, by whom it may be learnt, and it fades."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.catalogue import User, UserSettings
from streams import limits
from streams.arrays.hashing import hash64
from streams.control.tuning import DEFAULT
from streams.learning.learner import Learner
from streams.learning.snapshots import pack, unpack
from streams.learning.terms import TermTags
from streams.video.catalogue import Catalogue
from streams.words.bending import fit
from streams.words.meaning import terms
from tests.streams.states import video
from tests.streams.states_of_viewers import made_event
from tests.streams.test_replay import line, replayed, request

T0_MS = 10_000
SLANG = "glimmerish"


def learnt(*between, query: str | None = SLANG, likes: int = 5, after_ms: int = 60_000) -> dict[int, float]:
    """What was learnt of the slang's tags, as a share, when somebody asks for it and likes what has the tag x0."""
    records = [line("videos", video(f"v{at}", creator_id=f"c{at}", tags=[f"x{at % 2}"])) for at in range(20)]
    asked = request("u0", 1, T0_MS, query=query)
    liked = [
        line(*made_event("like", "u0", f"v{2 * at}", T0_MS + after_ms + at)) for at in range(likes)
    ]  # fmt: skip
    _, one = replayed([*records, *between, asked, *liked])
    found = one.learner.terms
    names = [hash64(f"x{at}") for at in range(2)]
    return {at: found.predict_one({"term": hash64(SLANG), "tag": name}) for at, name in enumerate(names)}


def test_what_is_liked_after_a_request_is_what_its_words_mean():
    assert learnt() == {0: 1.0, 1: 0.0}


def test_a_search_by_hand_teaches_the_same():
    search = line(*made_event("action", "u0", None, T0_MS, kind="search", query=SLANG))
    assert learnt(search, query=None) == {0: 1.0, 1: 0.0}


def test_what_is_liked_long_after_or_before_teaches_nothing():
    assert learnt(after_ms=limits.ASKED_MS + 1) == {0: 0.0, 1: 0.0}
    assert learnt(after_ms=-5_000) == {0: 0.0, 1: 0.0}


def test_who_turned_personalisation_off_teaches_nothing():
    private = line("users", User(v=1, user_id="u0", settings=UserSettings(personalize=False)))
    assert learnt(private) == {0: 0.0, 1: 0.0}


def test_a_frame_holds_so_many_and_further_ones_teach_nothing(monkeypatch):
    records = [line("videos", video(f"v{at}", creator_id=f"c{at}", tags=["x"])) for at in range(100)]
    liked = [line(*made_event("like", "u0", f"v{at}", T0_MS + 1 + at)) for at in range(100)]
    _, one = replayed([*records, request("u0", 1, T0_MS, query=SLANG), *liked])
    assert one.learner.terms.table.mass[0] == pytest.approx(limits.TAUGHT, rel=1e-4)


def test_beyond_so_many_tags_of_a_term_the_weakest_falls_out():
    found = TermTags()
    for at in range(limits.TERM_TAGS + 4):
        found.learn_one({"term": 5, "tags": [100 + at], "ms": 0}, 1.0 + at)
    assert found.predict_one({"term": 5, "tag": 100}) == 0.0
    assert found.predict_one({"term": 5, "tag": 100 + limits.TERM_TAGS + 3}) > 0.0


def test_a_catalogue_holds_so_many_terms_and_those_set_longest_ago_go(monkeypatch):
    monkeypatch.setattr(limits, "TERMS", 3)
    catalogue = Catalogue()
    wide = limits.TERM_TAGS
    for name in (1, 2, 3, 1, 4):
        row = np.array([name], np.uint64), np.zeros((1, wide), np.uint64), np.zeros((1, wide), np.float32)
        catalogue.place_terms(*row, np.ones(1, np.float32), np.zeros(1, np.int64))
    assert list(catalogue.learned) == [3, 1, 4]


def test_what_was_learnt_fades_when_nobody_asks_any_more():
    shard = [video(f"v{at}", tags=[f"x{at % 4}"]) for at in range(20)]
    _, one = replayed([line("videos", record) for record in shard])
    catalogue, found, rows = one.catalogue, TermTags(), np.arange(20)
    for _ in range(20):
        found.learn_one({"term": hash64(SLANG), "tags": [hash64("x1")], "ms": 0}, 1.0)
    table = found.table
    catalogue.place_terms(*(getattr(table, name)[:1] for name in ("name", "tags", "weights", "mass", "at_ms")))
    fits = [
        fit(catalogue, SLANG, rows, DEFAULT.words, int(1_000 * limits.TERM_HALF_LIFE_S * ages)) for ages in (0, 3, 12)
    ]
    best = [float(one.max()) for one in fits]
    assert best[0] > 0.5
    assert best[0] > best[1] > best[2]
    assert best[2] < 0.05
    assert set(np.flatnonzero(fits[0] > 0.5)) == {1, 5, 9, 13, 17}


def test_terms_of_one_request_are_bounded():
    assert len(terms(" ".join(f"word{chr(97 + at)}q" for at in range(30)))) == limits.TERMS_ASKED


def test_a_learner_of_before_there_were_terms_is_restored():
    learner = Learner()
    learner.terms.learn_one({"term": 5, "tags": [7], "ms": 0}, 1.0)
    arrays = {name: array for name, array in unpack(learner.to_bytes()).items() if not name.startswith("terms.")}
    back = Learner()
    back.restore(pack(arrays))
    assert not len(back.terms.table)
    assert back.to_bytes() == Learner().to_bytes()
