"""What a viewer's doing is taken to mean: golden examples of the definitions, and of what means nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from streams import limits
from streams.control.tuning import DEFAULT, Signals
from streams.shards.columns import GESTURES
from streams.signals import objective
from streams.signals.objective import COMMENTED, COMPLETE, LONG_VIEW, POSITIVE, REWATCHED, SEEN, SKIPPED
from streams.signals.watching import (
    Usual,
    complete,
    judge_quality,
    long_view,
    rewatched,
    short_play,
    valid_play,
    watched,
)
from tests.streams.signals.test_definitions import labels_and_worth, on, told
from tests.streams.states_of_viewers import Users, fold

LONG_MS = 60_000


def watch(watch_ms: int, ts_ms: int = 100_000, duration_ms: int = LONG_MS, **more: Any) -> Any:
    return on("watch", ts_ms, watch_ms=watch_ms, duration_ms=duration_ms, **more)


def skip(watch_ms: int, **more: Any) -> Any:
    return on("skip", watch_ms=watch_ms, **more)


@pytest.mark.parametrize(
    ("watch_ms", "duration_ms", "means"),
    [
        (0, 5_000, "short"),
        (1_999, 2_000, "short"),
        (2_000, 2_000, "valid long complete"),
        (2_999, LONG_MS, "short"),
        (3_000, LONG_MS, ""),
        (6_999, 7_000, ""),
        (7_000, 7_000, "valid long complete"),
        (7_000, LONG_MS, ""),
        (7_001, LONG_MS, "valid"),
        (18_000, LONG_MS, "valid long"),
        (18_000, 18_000, "valid long complete"),
        (59_999, LONG_MS, "valid long"),
        (LONG_MS, LONG_MS, "valid long complete"),
        (89_999, LONG_MS, "valid long complete"),
        (90_000, LONG_MS, "valid long complete rewatched"),
        (2_999, 0, "short"),
        (7_000, 0, ""),
        (7_001, 0, "valid"),
        (10**9, 0, "valid long"),
    ],
)
def test_the_definitions(watch_ms, duration_ms, means):
    asked = {"short": short_play, "valid": valid_play, "long": long_view, "complete": complete, "rewatched": rewatched}
    one = np.array([watch_ms]), np.array([duration_ms])
    assert " ".join(name for name, holds in asked.items() if holds(*one)[0]) == means


@pytest.mark.parametrize(
    ("loops", "watch_ms", "again"),
    [(1.5, 20_000, True), (1.49, 95_000, False), (None, 90_000, True), (None, 89_999, False), (0, 500_000, False)],
)
def test_loops_say_what_a_rewatch_is_and_the_time_where_they_are_not_told(loops, watch_ms, again):
    labels, _ = labels_and_worth(watch(watch_ms, loops=loops))
    assert bool(labels & REWATCHED) == again


def test_strength_is_ordered_as_declared():
    order = (
        [watch(90_000)],
        [watch(LONG_MS)],
        [on("share")],
        [on("follow")],
        [on("comment", comment_id="c")],
        [on("save")],
        [on("like")],
        [watch(18_000)],
        [watch(8_000)],
        [watch(1_000)],
        [skip(0)],
    )
    worth = [labels_and_worth(*events)[1] for events in order]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == len(worth)


# --- skips ------------------------------------------------------------------------------------------------------------


def test_a_skip_costs_the_more_the_earlier_it_came():
    told_by_watch = [labels_and_worth(skip(0), watch(at))[1] for at in (0, 3_000, 9_000, 17_000)]
    told_by_skip = [labels_and_worth(skip(at))[1] for at in (0, 1_000, 9_000, 17_000)]
    for worth in (told_by_watch, told_by_skip):
        assert worth == sorted(worth)
        assert worth[0] == objective.WORTH.skip < worth[1] < worth[2] < worth[3] < 0


@pytest.mark.parametrize("reason", ["error", "background", "stalled"])
def test_what_ended_for_a_reason_that_is_not_the_viewers_says_nothing_against_the_video(reason):
    failed = watch(700, impression_id="i", end_reason=reason)
    assert labels_and_worth(failed) == labels_and_worth(failed, skip(700, impression_id="i")) == (0, 0.0)
    labels, worth = labels_and_worth(failed, skip(700, impression_id="j"))
    assert labels & SKIPPED, "another showing was skipped"
    assert worth < -0.4
    assert labels_and_worth(failed, watch(900, impression_id="k"))[1] < -0.3
    assert labels_and_worth(failed, signals=Signals(excuse=False))[1] < -0.3
    assert labels_and_worth(watch(700, end_reason="swiped"))[1] == labels_and_worth(watch(700))[1] < -0.3
    assert told(failed) == {"watches": 1, "watch_ms": 700}


def test_an_excused_watch_that_was_long_is_a_long_view():
    labels, worth = labels_and_worth(watch(30_000, end_reason="background"))
    assert labels & SEEN
    assert labels & LONG_VIEW
    assert worth > 0.25


def test_the_last_word_of_an_impression_counts():
    beats = [watch(500, impression_id="i"), watch(900, impression_id="i", end_reason="error")]
    assert labels_and_worth(*beats) == labels_and_worth(*reversed(beats)) == (0, 0.0)
    on_and_on = [watch(500, impression_id="i", end_reason="background"), watch(4_000, impression_id="i")]
    assert labels_and_worth(*on_and_on)[1] < 0


# --- comments ---------------------------------------------------------------------------------------------------------


def test_a_clearly_negative_comment_counts_and_is_no_positive():
    angry, kind = (on("comment", 10, comment_id=name, sentiment=tone) for name, tone in (("a", -0.6), ("k", -0.5)))
    assert told(angry) == {"comments": 1}
    assert labels_and_worth(angry)[0] & (COMMENTED | POSITIVE) == 0
    assert labels_and_worth(kind)[0] & COMMENTED
    assert labels_and_worth(angry, kind)[0] & COMMENTED
    labelled = on("comment", 10, comment_id="l", labels=["negative"])
    assert labels_and_worth(labelled)[0] & COMMENTED == 0
    assert labels_and_worth(angry, signals=Signals(harsh=True))[0] & COMMENTED


def test_an_undone_comment_leaves_what_was_before_whatever_its_tone():
    kind = on("comment", 10, comment_id="k")
    for tone in (-0.9, 0.9):
        other = on("comment", 20, comment_id="o", sentiment=tone)
        gone = on("comment", 20, comment_id="o", op="remove")
        assert labels_and_worth(kind, other, gone) == labels_and_worth(kind, gone, other) == labels_and_worth(kind)
        assert told(kind, other, gone) == {"comments": 1}


# --- gestures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", GESTURES)
def test_a_gesture_speaks_a_little_for_a_video(kind):
    worth = labels_and_worth(on("action", kind=kind))[1]
    assert worth == pytest.approx(DEFAULT.signals.gesture)
    assert labels_and_worth(*[on("action", at, kind=kind) for at in range(50)])[1] == pytest.approx(worth)


def test_a_flood_of_gestures_moves_nothing_past_its_bound():
    flood = [on("action", at, kind=GESTURES[at % len(GESTURES)]) for at in range(600)]
    assert labels_and_worth(*flood)[1] == pytest.approx(limits.GESTURES)
    assert labels_and_worth(*flood)[1] < objective.WORTH.long_view
    assert told(*flood[:12]) == {}


def test_to_come_back_to_a_video_is_a_gesture_and_other_actions_are_none():
    once, again = (watch(20_000, impression_id=name) for name in "ij")
    assert labels_and_worth(once, again)[1] - labels_and_worth(once)[1] == pytest.approx(DEFAULT.signals.gesture)
    assert labels_and_worth(on("action", kind="tag_open"), on("action", kind="search"))[1] == 0.0


# --- what is not believed ---------------------------------------------------------------------------------------------


def test_a_watch_time_longer_than_the_time_that_passed_counts_and_is_not_believed():
    shown, told_at = on("impression", 100_000, impression_id="i"), 101_000
    claimed = watch(LONG_MS, told_at, impression_id="i")
    labels, worth = labels_and_worth(shown, claimed)
    assert labels & (LONG_VIEW | COMPLETE) == 0
    assert worth < 0
    assert told(shown, claimed) == {"impressions": 1, "watches": 1, "watch_ms": LONG_MS}
    for fine in (
        watch(LONG_MS, 100_000 + LONG_MS, impression_id="i"),
        watch(LONG_MS, 100_000 + LONG_MS // 2, impression_id="i"),  # at twice the speed
        watch(LONG_MS, 100_000, impression_id="i"),  # told together
    ):
        assert labels_and_worth(shown, fine)[0] & COMPLETE
    assert labels_and_worth(claimed)[0] & COMPLETE, "without an impression nothing is known of the time"
    assert labels_and_worth(shown, claimed, signals=Signals(slack_s=1e6))[0] & COMPLETE


def test_what_was_left_running_counts_and_is_believed_once():
    for left_on in (watch(11 * LONG_MS), watch(11 * LONG_MS, end_reason="background")):
        labels, _ = labels_and_worth(left_on)
        assert labels & COMPLETE
        assert not labels & REWATCHED
        assert told(left_on)["watch_ms"] == 11 * LONG_MS
    assert labels_and_worth(watch(11 * LONG_MS, loops=11))[0] & REWATCHED


# --- against what is usual --------------------------------------------------------------------------------------------


def test_an_outcome_keeps_its_quality_until_its_watch_changes():
    users, points = Users(), np.linspace(0, LONG_MS, limits.QUANTILES + 1)
    fold(users, [watch(12_000)])
    shard = users.shard
    first, reward = int(shard.outcomes.quality[0]), float(shard.outcomes.reward[0])
    assert first == round(0.2 * 254)
    known, usual = shard.catalogue, Usual(np.tile(points / 10, (limits.DURATIONS, 1)), np.full(limits.DURATIONS, 1e6))
    try:
        known.usual, before = usual, known.usual
        fold(users, [watch(12_000), watch(5_000), on("like"), on("like", 2_000, op="remove")])
        assert (int(shard.outcomes.quality[0]), float(shard.outcomes.reward[0])) == (first, reward)
        fold(users, [watch(12_001)])
        assert int(shard.outcomes.quality[0]) == 254
    finally:
        known.usual = before


def test_what_was_stored_before_qualities_were_kept_is_judged_with_its_next_event():
    users = Users()
    fold(users, [watch(30_000)])
    outcomes, rows = users.shard.outcomes, np.array([0])
    outcomes.quality[0] = 255
    seen = watched(outcomes, rows, DEFAULT.signals)
    assert judge_quality(outcomes, users.shard.catalogue.usual, rows, seen, seen, fair=True).tolist() == [True]
    assert outcomes.quality[0] == 127
