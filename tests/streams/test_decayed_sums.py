"""Decayed sums are a function of what happened and when: neither how batches fell nor what was undone may show."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.streams.states_of_viewers import Users, felt, fold, made_event


def folded(*batches: list[Any]) -> dict[Any, Any]:
    users = Users()
    for batch in batches:
        fold(users, batch)
    return felt(users)


def assert_close(left: dict[Any, Any], right: dict[Any, Any]) -> None:
    assert left.keys() == right.keys()
    for name, values in left.items():
        np.testing.assert_allclose(values, right[name], rtol=2e-4, atol=2e-5, err_msg=str(name))


def test_a_like_said_again_counts_at_its_time_in_one_batch_or_two():
    early, late = made_event("like", "u", "v0", 1_000), made_event("like", "u", "v0", 60_000)
    assert_close(folded([early, late]), folded([early], [late]))


def test_when_a_video_was_met_is_the_same_in_one_batch_or_two():
    seen, liked = made_event("impression", "u", "v0", 1_000), made_event("like", "u", "v0", 60_000)
    assert_close(folded([seen, liked]), folded([seen], [liked]))


def test_an_undone_like_of_a_skipped_video_leaves_its_sums_as_they_were():
    skip = made_event("skip", "u", "v0", 1_000, watch_ms=100)
    like = [made_event("like", "u", "v0", 60_000), made_event("like", "u", "v0", 70_000, op="remove")]
    assert_close(folded([skip]), folded([skip], [like[0]], [like[1]]))


def test_an_undone_like_of_a_video_seen_leaves_everything_as_it_was():
    seen = made_event("impression", "u", "v0", 1_000)
    like = [made_event("like", "u", "v0", 60_000), made_event("like", "u", "v0", 70_000, op="remove")]
    assert_close(folded([seen]), folded([seen], [like[0]], [like[1]]))


def test_a_late_event_enters_with_the_weight_of_its_own_time():
    early, late = made_event("like", "u", "v0", 1_000), made_event("like", "u", "v1", 90_000)
    assert_close(folded([early], [late]), folded([late], [early]))
