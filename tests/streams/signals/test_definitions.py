"""What words mean: golden examples of the nine counts, and of long views and finished ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.topics import COUNTS
from streams import limits
from streams.control.tuning import DEFAULT, Signals
from streams.signals import objective, watching
from streams.signals.outcomes import OutcomeTable
from tests.streams.states_of_viewers import Users, fold, made_event


def told(*events: Any, users: Users | None = None) -> dict[str, int]:
    """The counts that are not 0 of video ``x``, which nobody announced, after events one by one."""
    users = users or Users()
    for event in events:
        fold(users, [event])
    row = users.videos.row_of.get("x")
    counts = users.videos.table.counts[row].tolist() if row is not None else [0] * len(COUNTS)
    return {name: count for name, count in zip(COUNTS, counts, strict=True) if count}


def on(verb: str, ts_ms: int = 1_000, user: str = "u", **more: Any) -> Any:
    return made_event(verb, user, "x", ts_ms, **more)


def watch(watch_ms: int, **more: Any) -> Any:
    return on("watch", watch_ms=watch_ms, duration_ms=20_000, **more)


@pytest.mark.parametrize("verb", ["like", "save", "follow"])
def test_likes_saves_and_follows_are_viewers_whose_latest_operation_stands(verb):
    name, add, remove = f"{verb}s", on(verb, 10), on(verb, 20, op="remove")
    assert told(add) == {name: 1}
    assert told(add, on(verb, 15), add) == {name: 1}, "once a viewer"
    assert told(add, on(verb, 11, user="v")) == {name: 2}
    assert told(add, remove) == told(remove, add) == {}, "the latest by its own time, not by arrival"
    assert told(add, remove, on(verb, 30)) == {name: 1}
    assert told(remove) == {}, "an undo of nothing is nothing"


def test_at_equal_times_the_removal_wins():
    for verb in ("like", "save", "follow"):
        both = on(verb, 10), on(verb, 10, op="remove")
        assert told(*both) == told(*reversed(both)) == {}
    talk = on("comment", 10, comment_id="c"), on("comment", 10, comment_id="c", op="remove")
    assert told(*talk) == told(*reversed(talk)) == {}


def test_impressions_watches_and_skips_are_distinct_by_impression():
    for verb, more in (("impression", {}), ("skip", {"watch_ms": 100})):
        first = on(verb, impression_id="i1", **more)
        assert told(first, first, on(verb, 2_000, impression_id="i1", **more)) == {f"{verb}s": 1}
        assert told(first, on(verb, impression_id="i2", **more)) == {f"{verb}s": 2}
        assert told(first, on(verb, user="v", impression_id="i1", **more)) == {f"{verb}s": 2}


def test_watch_time_is_the_largest_report_of_each_impression():
    beats = [watch(at, impression_id="i1") for at in (3_000, 9_000, 6_000, 9_000)]
    assert told(*beats) == {"watches": 1, "watch_ms": 9_000}
    assert told(*beats, watch(500, impression_id="i2")) == {"watches": 2, "watch_ms": 9_500}
    assert told(watch(0, impression_id="i1")) == {"watches": 1}


def test_without_an_impression_the_session_and_the_video_stand_in():
    assert told(watch(4_000), watch(7_000)) == {"watches": 1, "watch_ms": 7_000}
    assert told(watch(4_000), watch(7_000, session_id="t")) == {"watches": 2, "watch_ms": 11_000}
    assert told(watch(4_000), watch(7_000, impression_id="s")) == {"watches": 2, "watch_ms": 11_000}


def test_shares_are_distinct_event_ids():
    assert told(on("share", event_id="a"), on("share", 9_000, event_id="a"), on("share", event_id="b")) == {"shares": 2}


def test_comments_are_distinct_ids_that_stand():
    one, other = on("comment", 10, comment_id="c1"), on("comment", 10, comment_id="c2")
    assert told(one, one, other) == {"comments": 2}
    assert told(one, other, on("comment", 20, comment_id="c1", op="remove")) == {"comments": 1}


def test_feedback_and_actions_count_nothing():
    assert told(on("feedback", kind="report"), on("feedback", kind="more_like_this"), on("action", kind="click")) == {}


RINGS = [
    ("share", "event_id", "shares"),
    ("comment", "comment_id", "comments"),
    ("impression", "impression_id", "impressions"),
]


@pytest.mark.parametrize(("verb", "field", "name"), RINGS)
def test_what_falls_out_of_a_ring_stays_counted_and_is_itself_counted(verb, field, name):
    users = Users()
    made = [on(verb, 1_000 + at, **{field: f"r{at}"}) for at in range(limits.RING)]
    assert told(*made, *made, users=users) == {name: limits.RING}
    assert users.shard.outcomes.overflows == 0
    assert told(on(verb, 5_000, **{field: "one more"}), users=users) == {name: limits.RING + 1}
    assert users.shard.outcomes.overflows == 1
    assert told(made[0], users=users) == {name: limits.RING + 2}, "what is frozen counts as new when it comes late"
    assert users.shard.outcomes.overflows == 2


def test_the_oldest_outcome_of_a_viewer_with_too_many_is_frozen_and_counted():
    users = Users()
    told(on("like"), users=users)
    others = [made_event("like", "u", f"y{at}", 2_000) for at in range(limits.OUTCOMES - 1)]
    fold(users, others)
    assert told(on("like", 3_000), users=users) == {"likes": 1}
    assert users.shard.frozen == 0
    fold(users, [made_event("like", "u", "too many", 4_000)])
    assert users.shard.frozen == 1
    assert told(on("like", 5_000, op="remove"), users=users) == {"likes": 1}, "an undo of what is frozen is too late"


@pytest.mark.parametrize(
    ("watch_ms", "duration_ms", "long"),
    [
        (7_000, 7_000, True),
        (6_999, 7_000, False),
        (17_999, 18_000, False),
        (18_000, 18_000, True),
        (17_999, 60_000, False),
        (18_000, 60_000, True),
        (17_999, 0, False),
        (18_000, 0, True),
        (0, 1, False),
    ],
)
def test_a_long_view_is_the_whole_of_a_short_video_or_18_seconds(watch_ms, duration_ms, long):
    assert watching.long_view(np.array([watch_ms]), np.array([duration_ms])).tolist() == [long]


def labels_and_worth(*events: Any, signals: Signals = DEFAULT.signals) -> tuple[int, float]:
    users = Users()
    fold(users, list(events))
    table: OutcomeTable = users.shard.outcomes
    rows = np.array([0])
    seen = watching.watched(table, rows, signals)
    labels = objective.bits(table, rows, seen, signals)
    return int(labels[0]), float(objective.reward(table, rows, labels, seen, signals)[0])


def test_each_label_follows_its_event_alone():
    assert labels_and_worth(on("action", kind="click"))[0] == 0
    assert labels_and_worth(on("impression"))[0] == objective.SEEN
    assert labels_and_worth(watch(100))[0] == objective.SEEN
    assert labels_and_worth(watch(18_000))[0] == objective.SEEN | objective.LONG_VIEW | objective.QUALITY
    assert labels_and_worth(watch(11_000))[0] == objective.SEEN | objective.QUALITY
    whole = objective.SEEN | objective.LONG_VIEW | objective.QUALITY | objective.COMPLETE
    assert labels_and_worth(watch(20_000))[0] == whole
    assert labels_and_worth(watch(30_000))[0] == whole | objective.REWATCHED
    assert labels_and_worth(on("like"))[0] == objective.LIKED | objective.POSITIVE
    assert labels_and_worth(on("share"))[0] == objective.SHARED | objective.POSITIVE
    assert labels_and_worth(on("feedback", kind="not_interested"))[0] == objective.NEGATIVE
    assert labels_and_worth(on("skip", watch_ms=10))[0] == objective.SEEN | objective.SKIPPED


def test_a_skip_of_what_was_liked_or_watched_long_is_no_skip():
    skip = on("skip", watch_ms=10)
    for other in (on("like"), watch(19_000), on("comment", comment_id="c")):
        assert not labels_and_worth(skip, other)[0] & objective.SKIPPED


def test_worth_is_ordered_as_viewers_mean_it_and_bounded():
    worth = [
        labels_and_worth(*events)[1]
        for events in (
            [on("skip", watch_ms=10), on("feedback", kind="report")],
            [on("skip", watch_ms=10)],
            [on("skip", watch_ms=10), watch(15_000)],
            [on("impression")],
            [watch(18_000)],
            [watch(20_000), on("like")],
            [watch(20_000), on("like"), on("share")],
        )
    ]
    assert worth == sorted(worth)
    assert len(set(worth)) == len(worth)
    everything = [watch(20_000), on("like"), on("share"), on("save"), on("follow"), on("comment", comment_id="c")]
    assert worth[-1] <= labels_and_worth(*everything)[1] <= 2.0
    assert worth[0] >= -1.5
