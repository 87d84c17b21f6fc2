"""Laws of the hours, and of what was hot while a viewer was active."""

from __future__ import annotations

import math
from collections import Counter
from copy import deepcopy

import numpy as np
import pytest

from streams import limits
from streams.shards.changes import ROW, SOFT
from streams.video.videos import VideoTable, hours_of
from streams.viewer.passed_by import hours_at, passed_by, weights_of
from streams.viewer.viewers import ViewerTable
from tests.streams.states_of_viewers import known

HOUR_MS = 3_600_000
NOW = 500_000  # an hour since 1970
NOW_MS = NOW * HOUR_MS + 1_800_000


def positives(table: VideoTable, when: list[tuple[int, int]]) -> None:
    """(hour, by how many) on row 0, in one batch."""
    changes = np.zeros(len(when), dtype=ROW)
    changes["kind"] = SOFT
    changes["ts_ms"] = [hour * HOUR_MS + 5 for hour, _ in when]
    changes["signal"][:, 2] = [amount for _, amount in when]
    table.apply(np.zeros(len(when), np.int64), changes)


def held(table: VideoTable) -> dict[int, float]:
    return {hour: n for hour, n in zip(hours_of(table.hour[0]).tolist(), table.hours[0].tolist(), strict=True) if n}


def test_hours_are_the_same_in_any_order_and_pieces_and_an_undo_leaves_nothing():
    rng = np.random.default_rng(3)
    story = [(NOW - int(back), 1) for back in rng.integers(0, 3 * limits.HOURS, 200)]
    whole, pieces = VideoTable(), VideoTable()
    whole.take(1), pieces.take(1)
    positives(whole, story)
    for part in np.array_split(rng.permutation(200), 9):
        positives(pieces, [story[at] for at in part])
    latest = max(hour for hour, _ in story)
    kept = Counter(hour for hour, _ in story if hour > latest - limits.HOURS)
    assert held(whole) == held(pieces) == kept
    positives(whole, [(hour, -1) for hour, _ in story])
    assert held(whole) == {}


def world():
    catalogue, viewers = deepcopy(known()), ViewerTable()
    viewers.rows(["active", "away"])
    rows = catalogue.candidates()
    catalogue.hour[rows] = NOW - 1
    catalogue.hours[rows[0], (NOW - 1) % limits.HOURS] = 30.0  # hot in the hour before
    catalogue.hours[rows[1], (NOW - 1) % limits.HOURS] = 10.0
    viewers.recent_ms[0, 0] = NOW_MS - HOUR_MS  # who liked something then
    return catalogue, viewers, rows


def passed(catalogue, viewers, viewer, rows, now_ms):
    hours = hours_at(catalogue, rows, now_ms)
    return passed_by(hours @ weights_of(catalogue, viewers, np.array([viewer]))[0])


def test_what_was_hot_while_a_viewer_was_active_was_passed_by():
    catalogue, viewers, rows = world()
    active = np.exp(passed(catalogue, viewers, 0, rows, NOW_MS)) - 0.002
    assert active[:3] == pytest.approx([0.75, 0.25, 0.0], abs=1e-4), "its share of all liking"
    away = passed(catalogue, viewers, 1, rows, NOW_MS)
    assert away == pytest.approx([math.log(0.002)] * len(rows), abs=1e-4)


def test_what_was_hot_only_before_or_after_counts_less_or_not_at_all():
    catalogue, viewers, rows = world()
    viewers.recent_ms[0, 0] = NOW_MS + 3 * HOUR_MS
    later = np.exp(passed(catalogue, viewers, 0, rows, NOW_MS + 3 * HOUR_MS)) - 0.002
    assert later[:2] == pytest.approx([0.75, 0.25], abs=1e-4), "still the hottest there is"
    catalogue.crowd = None
    viewers.recent_ms[0, 0] = NOW_MS - 5 * HOUR_MS
    earlier = passed(catalogue, viewers, 0, rows, NOW_MS)
    assert earlier == pytest.approx([math.log(0.002)] * len(rows), abs=1e-4)
    catalogue.crowd = None
    viewers.recent_ms[0, 0] = NOW_MS + limits.HOURS * HOUR_MS
    gone = passed(catalogue, viewers, 0, rows, NOW_MS + limits.HOURS * HOUR_MS)
    assert gone == pytest.approx([math.log(0.002)] * len(rows), abs=1e-4)


def test_an_hour_that_has_just_begun_is_not_taken_for_the_same_hour_of_yesterday():
    catalogue, viewers, rows = world()
    viewers.recent_ms[0, 0] = (NOW - limits.HOURS + 1) * HOUR_MS  # active in the oldest hour that counts
    before = passed(catalogue, viewers, 0, rows, NOW_MS)
    catalogue.hour[rows[2]] = NOW + 1
    catalogue.hours[rows[2], (NOW + 1) % limits.HOURS] = 9.0  # liked just now, as of a minute ago
    assert passed(catalogue, viewers, 0, rows, NOW_MS).tolist() == before.tolist()
