"""Laws of the traffic tiers: what climbs, what stops, what is held, and what is said of it."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest

from agents.scenarios.tiers import Town
from schemas.codec import decode, encode
from streams.control.tuning import DEFAULT, changed
from streams.shards.changes import PAIR, Batch
from streams.shards.columns import IMPRESSION
from streams.shards.video_shard import FORMAT, VideoShard, decode_state, video_key
from streams.tiers.tiers import HELD, OPEN, STOPPED, TOP, climbs, exposed
from streams.video.videos import BEFORE, NUMBERS

SMALL = {f"tiers.{name}": 20 for name in ("first", "second", "third", "fourth", "fifth", "early")}


def town(*rates: tuple[float, float, float, float], **settings: object) -> Town:
    made = Town(1, changed(DEFAULT, SMALL | {f"tiers.{name}": value for name, value in settings.items()}), len(rates))
    made.rates[:] = rates
    return made


USUAL, HIT, DUD = (0.5, 0.03, 0.2, 0.0), (0.9, 0.2, 0.02, 0.0), (0.05, 0.0, 0.9, 0.0)


def standing(made: Town) -> tuple[list[int], list[int]]:
    rows = made.at(list(range(len(made.rates))))
    return made.shard.table.tier[rows].tolist(), made.shard.table.status[rows].tolist()


def test_a_hit_climbs_a_dud_stops_and_the_usual_is_held():
    made = town(USUAL, USUAL, HIT, DUD, USUAL)
    said = []
    for _ in range(20):
        made.watch(made.ask(10, 5))
        said += made.shard.referee.decisions()
    tier, status = standing(made)
    assert tier[2] == TOP
    assert (tier[3], status[3]) == (0, STOPPED)
    assert HELD in status
    of_hit = [one for one in said if one.video_id == "v2" and one.decision != "forecast"]
    assert [(one.from_, one.to, one.decision) for one in of_hit] == [(at, at + 1, "promote") for at in range(TOP)]
    assert all(one.score >= one.bar and one.spent >= one.budget / 2 for one in of_hit)
    (stop,) = [one for one in said if one.video_id == "v3" and one.decision != "forecast"]
    assert stop.decision == "stop"
    assert stop.evidence["skip"].own > stop.evidence["skip"].peers


def test_every_upload_spends_its_first_tier_or_stops_and_no_budget_nor_the_share_of_places_is_overspent():
    made = Town(1, changed(DEFAULT, SMALL | {"slate.fresh": 0.2}), 30)
    places, given = 0, Counter()
    for step in range(70):
        if step < 30:
            made.upload(1)
        shown = made.ask(25)
        for one in shown:
            fresh = [row for row, source in zip(one.rows.tolist(), one.sources, strict=True) if source == "fresh"]
            given.update((row, int(made.catalogue.tier[row])) for row in fresh)
            places += len(one.rows)
        made.watch(shown)
    tier, status = (np.array(one) for one in standing(made))
    assert ((tier > 0) | (status != OPEN)).mean() >= 0.99
    assert max(given.values()) <= 20
    assert 0.05 * places < given.total() <= 0.2 * places


def test_every_decision_is_a_record_of_its_own_that_the_wire_reads():
    made, said = town(USUAL, HIT, DUD, USUAL), []
    for _ in range(15):
        made.watch(made.ask(10, 4))
        said += made.shard.referee.decisions()
    assert len({one.decision_id for one in said}) == len(said) > 5
    for one in said:
        assert decode("tiers", one.video_id.encode(), encode(one), one.ts_ms) == one


def test_the_same_changes_decide_the_same_under_the_same_ids_after_a_reload():
    made = town(HIT, USUAL, DUD)
    made.watch(made.ask(8, 3))
    made.shard.referee.decisions()
    saved = made.shard.checkpoint()
    back = VideoShard(0, 10**12, 10**9, made.shard.referee.steering)
    back.load([key.removeprefix(video_key("")).decode() for key in saved.keys], saved.values)
    back.watermark_ms = made.shard.watermark_ms
    frames, shown, began_ms = [], made.ask(20, 3), made.now_ms
    for shard in (made.shard, back):
        made.shard, made.rng, made.now_ms, made.step = shard, np.random.default_rng(3), began_ms, 1
        made.watch(shown)
        frames.append([one.decision_id for one in shard.referee.decisions()])
    assert frames[0] == frames[1] != []


def test_tiers_switched_off_decide_nothing():
    made = town(HIT, DUD, on=False)
    for _ in range(5):
        made.watch(made.ask(20, 2))
    assert made.shard.referee.decisions() == []
    assert standing(made) == ([0, 0], [OPEN, OPEN])


def test_what_nobody_announced_has_no_tier():
    shard = VideoShard(0, 10**12, 10**9)
    made = Town(1, DEFAULT, 1)
    rows = made._rows(np.zeros(500, np.int64), IMPRESSION, np.ones(500, np.int64), np.zeros(500, np.int64))
    shard.apply(Batch("town", 0, ["v0"], rows, np.empty(0, PAIR)))
    assert shard.table.status[shard.row_of["v0"]] == OPEN
    assert shard.referee.decisions() == []


@pytest.mark.parametrize("before", BEFORE)
def test_a_row_of_a_format_before_is_read_as_one_that_lacked_what_came_later(before):
    made = town(HIT, USUAL)
    made.watch(made.ask(30, 2))
    ((name, state),) = [one for one in made.shard.states() or made_states(made) if one[0] == "v0"]
    old = {"format": before, "video": state.video, "active": True, "numbers": state.numbers[: BEFORE[before]]}
    read = decode_state(msgspec.msgpack.encode(old))
    numbers = np.frombuffer(read.numbers, dtype=NUMBERS)[0]
    assert (name, read.format, len(read.numbers)) == ("v0", FORMAT, NUMBERS.itemsize)
    assert numbers["counts"].tolist() == np.frombuffer(state.numbers, dtype=NUMBERS)[0]["counts"].tolist()
    kept = ("tier", "status", "decided", "start") if before > 2 else ()
    was = np.frombuffer(state.numbers, dtype=NUMBERS)[0]
    for field in ("tier", "status", "decided", "start", "first"):
        assert numbers[field] == (was[field] if field in kept else 0)
    with pytest.raises(ValueError, match="format 9"):
        decode_state(msgspec.msgpack.encode(old | {"format": 9}))
    with pytest.raises(ValueError, match=f"format {before}"):
        decode_state(msgspec.msgpack.encode(old | {"numbers": b"short"}))


def made_states(made: Town) -> list:
    made.shard.say_again()
    return made.shard.states()


def test_a_creator_who_did_well_starts_one_step_higher_and_no_more():
    made = town(HIT, HIT, HIT, *[USUAL] * 8)
    for _ in range(30):
        made.watch(made.ask(10, 8))
    for name in ("v0", "v1", "v2"):
        made.shard.table.creator[made.shard.row_of[name]] = made.catalogue.creator[made.catalogue.row_of["v0"]]
    made.now_ms += 700_000
    good = msgspec.structs.replace(made.shard.videos[made.shard.row_of["v0"]], video_id="next", created_ms=made.now_ms)
    other = msgspec.structs.replace(good, video_id="other", creator_id="nobody yet")
    made.shard.referee.decisions()
    made.shard.apply_videos([("next", good), ("other", other)])
    tier = [int(made.shard.table.tier[made.shard.row_of[name]]) for name in ("next", "other")]
    assert tier == [1, 0]
    said, forecast = made.shard.referee.decisions()
    assert (said.video_id, said.from_, said.to, list(said.evidence)) == ("next", 0, 1, ["creator"])
    assert (forecast.video_id, forecast.decision, forecast.from_, forecast.to) == ("other", "forecast", 0, 0)


def test_the_probability_of_an_early_hit_is_how_often_it_came_true():
    rng, steps = np.random.default_rng(4), np.array([0.2, 0.5, 0.6, 0.7, 0.8])
    tier = np.minimum.accumulate(rng.random((4_000, TOP)) < steps, axis=1).sum(axis=1).astype(np.uint8)
    said = climbs(tier[:2_000], np.full(2_000, HELD, np.uint8))
    for at in range(TOP):
        later = tier[2_000:][tier[2_000:] >= at]
        assert said[at] == pytest.approx((later == TOP).mean(), abs=0.08)
    assert said.tolist() == sorted(said.tolist())
    assert said[TOP] == 1.0


def test_a_sudden_rise_of_dislikes_lowers_the_tier_once_a_day_and_says_so():
    made = town(*[USUAL] * 6, bar=-5.0)
    for step in range(40):
        if step == 32:
            before = int(made.shard.table.tier[made.shard.row_of["v2"]])
            made.rates[2, 3] = 0.3
            made.shard.referee.decisions()
        made.watch(made.ask(20, 6), minutes=60)
    alerts = [one for one in made.shard.referee.decisions() if one.decision == "alert"]
    assert [(one.video_id, one.from_, one.to) for one in alerts] == [("v2", before, before - 1)]
    assert alerts[0].evidence["dislike"].own > alerts[0].evidence["dislike"].peers


def test_exposures_are_impressions_or_watches_where_there_are_none():
    assert exposed(np.array([[5, 3, 0, 0, 0, 0, 0, 0, 0], [0, 3, 0, 0, 0, 0, 0, 0, 0]])).tolist() == [5, 3]
