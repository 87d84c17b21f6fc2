"""Laws of the ports: own functions take part, show nothing that may not be shown, and cost nothing if none is set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams import limits
from streams.ranking.features import FEATURES
from streams.ranking.ports import Asker, PortError, Ports
from streams.ranking.ranking import Model, Request, rank
from streams.viewer.viewers import ViewerTable
from tests.streams.ranking.test_ranking import NOW_MS, made


@pytest.fixture
def viewers() -> ViewerTable:
    table = ViewerTable()
    table.rows(["ann"])
    return table


def test_what_a_scorer_adds_decides_and_is_a_part_of_the_score(viewers):
    catalogue, seen = made(200), []

    def scorer(x, asker, videos):
        seen.append((x.shape, asker, len(videos)))
        return np.array([100.0 * (video.video_id == "v42") for video in videos])

    for pure in (True, False):
        request = Request(0, NOW_MS, limit=5, pure=pure, explain=True)
        ranked = rank(catalogue, viewers, request, Model(ports=Ports(scorer)))
        assert catalogue.video_ids[ranked.rows[0]] == "v42"
        assert (ranked.sources[0], ranked.reasons[0][0]) == ("own", "own")
        assert ranked.parts[0]["own"] == pytest.approx(99.5)
        assert sum(ranked.parts[0].values()) == pytest.approx(ranked.scores[0], abs=1e-6)
    assert seen[0] == ((200, len(FEATURES)), Asker("ann", NOW_MS), 200)


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (lambda x, *_: np.zeros(3), "shape (3,) for 200 videos"),
        (lambda x, *_: np.full(len(x), np.nan), "not finite for 200 videos"),
        (lambda x, *_: 0.0, "shape ()"),
    ],
)
def test_what_a_scorer_may_not_give_is_named(viewers, gives, said):
    with pytest.raises(PortError, match="the scorer gave") as error:
        rank(made(200), viewers, Request(0, NOW_MS), Model(ports=Ports(gives)))
    assert said in str(error.value)


def test_a_source_brings_what_nothing_else_finds_and_nothing_that_may_not_be_shown(viewers):
    catalogue = made(limits.FULL_RANK + 500)
    whole = rank(catalogue, viewers, Request(0, NOW_MS, limit=5_000, pure=True), Model())
    last, met = (catalogue.video_ids[row] for row in whole.rows[[-1, -2]].tolist())
    viewers.met[0] = catalogue.hash[catalogue.rows([met])]

    def lift(x, asker, videos):
        return np.array([100.0 * (video.video_id in {last, met}) for video in videos])

    def shown(ports: Ports) -> Any:
        ranked = rank(catalogue, viewers, Request(0, NOW_MS, limit=5), Model(ports=ports))
        return {catalogue.video_ids[row]: at for at, row in enumerate(ranked.rows.tolist())}, ranked

    assert not {last, met} & shown(Ports(lift))[0].keys(), "it is not even looked at"
    places, ranked = shown(Ports(lift, lambda asker: [last, met, "nobody"]))
    assert places[last] == 0
    assert met not in places
    assert (ranked.sources[0], ranked.reasons[0][0]) == ("own", "own")
    assert "own" not in ranked.sources[1:]


def test_beyond_so_many_named_videos_the_further_ones_are_left_out(viewers):
    catalogue = made(limits.NAMED + 100)
    ports = Ports(source=lambda asker: iter(catalogue.video_ids))
    assert len(ports.named(catalogue, viewers, 0, NOW_MS)) == limits.NAMED
    with pytest.raises(PortError, match="gave 7; it must give ids"):
        Ports(source=lambda asker: [7]).named(catalogue, viewers, 0, NOW_MS)


def test_who_turned_personalisation_off_is_nobody_to_own_functions(viewers):
    viewers.personalize[0] = False
    asked = []
    ports = Ports(lambda x, asker, videos: asked.append(asker) or np.zeros(len(x)))
    rank(made(50), viewers, Request(0, NOW_MS), Model(ports=ports))
    assert asked == [Asker("", NOW_MS)]


def test_where_none_is_set_a_ranking_is_as_ever(viewers):
    for count in (200, limits.FULL_RANK + 500):
        catalogue = made(count)
        plain, with_none = (rank(catalogue, viewers, Request(0, NOW_MS), Model(ports=one)) for one in
                            (Ports(), Ports(lambda x, *_: np.zeros(len(x)), lambda asker: [])))  # fmt: skip
        assert plain.rows.tolist() == with_none.rows.tolist()
        assert plain.scores.tolist() == with_none.scores.tolist()
