"""Laws of explanations: parts add up to the score, every source and reason is of the published list, and is true."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from agents.scenarios.telling import looped
from schemas.reasons import REASONS, SOURCES, said_of
from streams.arrays.hashing import hash64
from streams.control.tuning import DEFAULT, changed
from streams.ranking.features import FEATURES
from streams.ranking.ranking import Model, Request, considered, rank, scored
from streams.ranking.tilt import HEADS
from streams.signals.objective import LIKED
from streams.viewer.viewers import ViewerTable
from streams.viewer.wishes import FOLLOWS, NOTHING, put
from streams.why.explain import FAMILIES, USUAL, parts_of, reasons_of
from tests.streams.ranking.test_ranking import NOW_MS, made


@pytest.fixture(scope="module")
def loop():
    """A small world after some sessions, so that every family has something to say."""
    one = looped(3, DEFAULT, viewers=10, videos=200)
    for turn in range(40):
        one.session(turn % 10)
    return one


def asked(loop, viewer=0, **more):
    engine = loop.replay
    request = Request(viewer, loop.now_ms, explain=True, **({"limit": 20} | more))
    return engine.catalogue, engine.users.viewers, request


def test_each_feature_belongs_to_one_family():
    assert Counter(name for members in FAMILIES.values() for name in members) == Counter(FEATURES)


def test_every_family_has_a_reason_and_is_a_source():
    assert FAMILIES.keys() <= REASONS.keys() & SOURCES.keys()
    assert USUAL not in FAMILIES
    assert all(said_of(word).startswith("because") for word in REASONS)


@pytest.mark.parametrize("settings", [{}, {"objective.share": 9.0, "objective.skip": -9.0}])
@pytest.mark.parametrize("pure", [True, False])
def test_published_parts_add_up_to_the_score(loop, settings, pure):
    heads = np.random.default_rng(1).normal(0.0, 0.1, (len(HEADS), len(FEATURES))), np.zeros(len(HEADS))
    model = loop.replay.learner.model()._replace(heads=heads)
    ranked = rank(*asked(loop, pure=pure, tuning=changed(DEFAULT, settings)), model)
    assert len(ranked.parts) == len(ranked.rows) == 20
    for parts, score in zip(ranked.parts, ranked.scores.tolist(), strict=True):
        assert abs(sum(parts.values()) - score) <= 1e-6
        assert ("objective" in parts) == bool(settings)
        assert parts.keys() <= {*FAMILIES, "objective", USUAL}


def test_parts_add_up_to_the_score_to_rounding(loop):
    catalogue, viewers, request = asked(loop, pure=True)
    model = loop.replay.learner.model()
    _, one = next(considered(catalogue, viewers, [request], model))
    added = {"objective": np.random.default_rng(0).normal(size=len(one.rows))}
    scores = one.x @ model.weights + added["objective"]
    parts = parts_of(one.x, model.weights, added, np.arange(len(one.rows)))
    assert np.abs(parts.values.sum(axis=1) + parts.usual - scores).max() < 1e-9 * np.abs(scores).max()
    assert np.abs(parts.values.mean(axis=0)).max() < 1e-4, "the usual candidate has no part of its own"


def test_parts_are_handed_out_where_they_are_asked_for(loop):
    catalogue, viewers, request = asked(loop)
    assert rank(catalogue, viewers, request._replace(explain=False), Model()).parts is None


def test_every_source_and_reason_is_of_the_published_list(loop):
    words = set()
    for viewer in range(10):
        catalogue, viewers, request = asked(loop, viewer)
        for model in (Model(), loop.replay.learner.model()):
            ranked = rank(catalogue, viewers, request, model)
            assert set(ranked.sources) <= SOURCES.keys()
            words |= {code.partition(":")[0] for reasons in ranked.reasons for code in reasons}
            for reasons in ranked.reasons:
                assert all(said_of(code) for code in reasons)
                assert 1 <= len(reasons) <= 2
    assert words <= REASONS.keys()
    assert {"tag", "fresh"} < words


@pytest.mark.parametrize("family", FAMILIES)
def test_what_alone_decides_is_the_source_and_the_reason(loop, family):
    """Every source of candidates that there is can be named."""
    weights = np.array([float(name in FAMILIES[family]) for name in FEATURES])
    named = Counter()
    for viewer in range(10):
        catalogue, viewers, request = asked(loop, viewer, pure=True)
        if family == "followed":
            maker = int(catalogue.creator[catalogue.candidates()[viewer]])
            viewers.follows[viewer] = put(NOTHING, [(FOLLOWS, maker, 2)])
        if family == "friends":
            viewers.follows[viewer] = put(NOTHING, [(FOLLOWS, int(viewers.hash[(viewer + 1) % 10]), 2)])
        if family == "locale":
            viewers.lang[viewer] = catalogue.lang[::2] = hash64("en")
        ranked = rank(catalogue, viewers, request, Model(weights))
        first = ranked.parts[0].get(family, 0.0)
        if first > 0:
            named[ranked.sources[0]] += 1
            word = ranked.reasons[0][0].partition(":")[0]
            assert word == family or (word, family) == ("tag", "interest")
    assert set(named) == {family}


def test_similar_names_the_latest_positive_that_the_video_goes_with():
    catalogue = made(60)
    viewers = ViewerTable()
    viewers.rows(["ann"])
    for at, name in enumerate(("v1", "v2", "v3")):
        viewers.push_recent(0, hash64(name), NOW_MS - 1_000 * (at + 1), np.zeros(16, np.int8))
    rows = catalogue.rows(["v2"])
    packed = catalogue.pack(rows)
    packed["near"][0, 0], packed["near_w"][0, 0], packed["near_ms"] = hash64("v9"), 5.0, NOW_MS
    catalogue.update(rows, packed, [catalogue.videos[rows[0]]], [True])
    ranked = rank(catalogue, viewers, Request(0, NOW_MS, pure=True, limit=1), Model())
    assert catalogue.video_ids[ranked.rows[0]] == "v9"
    assert "similar:v2" in ranked.reasons[0]


def test_no_reason_where_none_is_wanted_and_as_many_as_are(loop):
    for most in (0, 1, 4):
        tuning = changed(DEFAULT, {"explain.reasons": most})
        ranked = rank(*asked(loop, tuning=tuning), loop.replay.learner.model())
        assert max(len(reasons) for reasons in ranked.reasons) == most
        assert all(ranked.sources)


def test_the_objective_is_a_reason_where_it_is_the_strongest(loop):
    weights = np.zeros((len(HEADS), len(FEATURES)))
    weights[list(HEADS.values()).index(LIKED), FEATURES.index("tags")] = 5.0
    model = Model(np.zeros(len(FEATURES)), "m", (weights, np.full(len(HEADS), -3.0)))
    tuning = changed(DEFAULT, {"objective.like": 10.0})
    catalogue, viewers, request = asked(loop, pure=True, tuning=tuning)
    _, one = next(considered(catalogue, viewers, [request], model))
    assert "objective" in scored(catalogue, viewers, request, model, one).added
    assert rank(catalogue, viewers, request, model).sources[0] == "objective"


def test_the_reasons_of_an_item_are_its_own_whatever_stands_beside_it(loop):
    words = set()
    for viewer in range(10):
        catalogue, viewers, request = asked(loop, viewer, pure=True)
        model = loop.replay.learner.model()
        _, one = next(considered(catalogue, viewers, [request], model))
        places = np.argsort(-(one.x @ model.weights), kind="stable")[:20]
        parts, rows = parts_of(one.x, model.weights, {}, places), one.rows[places]
        together = reasons_of(catalogue, viewers, request, rows, parts, {}, one.liked)
        for at in range(len(rows)):
            lone = parts._replace(values=parts.values[[at]])
            sources, reasons = reasons_of(catalogue, viewers, request, rows[[at]], lone, {}, one.liked)
            assert (sources[0], reasons[0]) == (together[0][at], together[1][at])
            words |= set(reasons[0])
    assert len({word for word in words if ":" in word}) > 5, "words differ from item to item"
