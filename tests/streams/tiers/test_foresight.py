"""Foresight: what is told of an upload comes true as often as it says, and what told it is not the upload itself."""

from __future__ import annotations

import numpy as np
import pytest

from agents.scenarios.foresight import fates_told
from agents.scenarios.tiers import SMALL, Town
from streams.control.tuning import DEFAULT, changed
from streams.tiers.foresight import Foresight, Seen, foreseen, shares_elsewhere

HOUR_MS = 3_600_000


def seen_of(rng: np.random.Generator, count: int) -> tuple[Seen, np.ndarray]:
    """Uploads whose maker, tag, hour and first audience each move the log odds of a hit, and whether each was one."""
    maker, tag = rng.integers(1, 30, count).astype(np.uint64), rng.integers(1, 20, count).astype(np.uint64)
    hour = rng.integers(0, 24, count)
    first = rng.normal(0.0, 0.3, count)
    odds = -2.0 + 1.0 * (maker < 10) + 1.0 * (tag < 6) + 0.8 * (hour > 17) + 4.0 * first
    came = rng.random(count) < 1.0 / (1.0 + np.exp(-odds))
    return Seen(maker, tag, hour * HOUR_MS, first), came.astype(np.float64)


@pytest.mark.parametrize("audience", [False, True])
def test_of_a_hundred_of_which_a_third_is_told_a_third_comes(audience):
    rng = np.random.default_rng(3)
    seen, came = seen_of(rng, 6_000)
    past, later = (Seen(*(one[part] for one in seen)) for part in (slice(4_000), slice(4_000, None)))
    learnt = foreseen(past, came[:4_000], float(came[:4_000].mean()))
    asked = later if audience else later._replace(first=np.zeros(2_000))
    told, truth = learnt.chances(asked), came[4_000:]
    order = np.argsort(told)
    for band in np.array_split(order, 5):
        assert told[band].mean() == pytest.approx(truth[band].mean(), abs=0.06)
    usual = truth.mean() * (1.0 - truth.mean())
    assert np.mean((told - truth) ** 2) < (0.85 if audience else 0.95) * usual


def test_what_an_upload_did_itself_is_not_among_what_told_it():
    hits = np.array([1.0, 0.0, 0.0])
    others, known = shares_elsewhere(np.array([5, 6, 7], np.uint64), hits, 0.2)
    assert others == pytest.approx(np.zeros(3))
    assert known[5] > 0 > known[6]


def test_where_nothing_is_known_the_usual_is_told():
    nobody = np.zeros(2, np.uint64)
    seen = Seen(nobody, nobody, np.zeros(2, np.int64), np.array([0.0, 0.4]))
    assert foreseen(Seen(*(one[:0] for one in seen)), np.empty(0), 0.1).chances(seen) == pytest.approx([0.1, 0.1])
    assert Foresight(0.0).chances(seen) == pytest.approx([0.5, 0.5])


def test_each_upload_is_told_of_before_anybody_met_it_and_when_its_first_audience_did():
    town = Town(2, changed(DEFAULT, SMALL | {"tiers.early": 6, "slate.fresh": 0.5}), videos=20)
    said = []
    for _ in range(12):
        town.watch(town.ask(6))
        said += [one for one in town.shard.referee.decisions() if one.decision == "forecast"]
    of_each = {name: [one.spent for one in said if one.video_id == name] for name in {one.video_id for one in said}}
    assert len(of_each) == 20
    assert all(spent[0] == 0 for spent in of_each.values())
    again = [spent[1] for spent in of_each.values() if len(spent) > 1]
    assert len(again) > 5
    assert min(again) >= 6
    assert all(len(spent) <= 2 for spent in of_each.values())
    assert len({one.decision_id for one in said}) == len(said)


def test_in_a_town_the_hits_told_come_true_as_often_as_was_said():
    tuning = changed(DEFAULT, SMALL | {"tiers.merit": 5.0, "slate.fresh": 0.5, "tiers.early": 6})
    before, after, came = (
        np.concatenate(one) for one in zip(*(fates_told(seed, tuning) for seed in range(4)), strict=True)
    )
    for told in (before, after):
        assert told.mean() == pytest.approx(came.mean(), abs=0.06)
        for band in np.array_split(np.argsort(told), 3):
            assert told[band].mean() == pytest.approx(came[band].mean(), abs=0.15)
