"""The exact hash: equal for equal facts however they arrived, another for any row missing, repeated or changed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.arrays.statehash import ExactHash
from streams.shards.columns import LIKE, SHARE
from streams.signals.outcomes import OutcomeTable


def outcome(refs: list[int], liked_ms: int = 5) -> bytes:
    """An encoded outcome with shares ``refs``, in their order of arrival."""
    table = OutcomeTable()
    table.take(1)
    count = len(refs) + 1
    kind = np.array([SHARE] * len(refs) + [LIKE], dtype=np.uint8)
    value = np.array([*refs, liked_ms * 2], dtype=np.int64)
    table.apply(np.zeros(count, np.int64), kind, np.array([*refs, 0], np.uint64), value)
    return table.encode(np.array([0]))[0]


ROWS = {
    "outcome": ("outcome", "ann", 7, outcome([1, 2, 3])),
    "another": ("outcome", "bob", 7, outcome([1, 2])),
    "counts": ("counts", "v", [1, 0, 2]),
    "met": ("met", "ann", np.array([7, 9], dtype=np.uint64)),
}


def hashed(*rows: tuple[object, ...]) -> str:
    made = ExactHash()
    for kind, *args in rows:
        getattr(made, str(kind))(*args)
    return made.hexdigest()


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_neither_order_of_rows_nor_of_arrival_shows(rng: random.Random):
    rows, refs = list(ROWS.values()), [1, 2, 3]
    rng.shuffle(rows)
    rng.shuffle(refs)
    assert hashed(*rows) == hashed(*ROWS.values())
    assert hashed(("outcome", "ann", 7, outcome(refs))) == hashed(ROWS["outcome"])


@pytest.mark.parametrize("name", ROWS)
def test_a_missing_or_repeated_row_shows(name):
    whole = list(ROWS.values())
    assert hashed(*(row for key, row in ROWS.items() if key != name)) != hashed(*whole)
    assert hashed(*whole, ROWS[name]) != hashed(*whole)


@pytest.mark.parametrize(
    "changed",
    [
        ("outcome", "ann", 7, outcome([1, 2, 4])),
        ("outcome", "ann", 7, outcome([1, 2, 3], liked_ms=6)),
        ("outcome", "ann", 8, outcome([1, 2, 3])),
        ("outcome", "ben", 7, outcome([1, 2, 3])),
    ],
)
def test_any_change_of_an_outcome_shows(changed):
    assert hashed(changed) != hashed(ROWS["outcome"])


def test_rows_that_say_nothing_do_not_count():
    empty = OutcomeTable().encode(OutcomeTable().take(1))[0]
    nothing = [("outcome", "ann", 7, empty), ("counts", "v", [0] * 9), ("met", "ann", np.empty(0, np.uint64))]
    assert hashed(*nothing) == "0" * 64


def test_what_was_met_counts_once_in_any_order():
    assert hashed(("met", "ann", np.array([9, 7, 9], np.uint64))) == hashed(ROWS["met"])


def test_labels_and_rewards_of_an_outcome_are_not_events_and_do_not_count():
    table = OutcomeTable()
    table.take(1)
    table.apply(np.zeros(1, np.int64), np.array([LIKE], np.uint8), np.zeros(1, np.uint64), np.array([10]))
    before = table.encode(np.array([0]))[0]
    table.bits[0], table.reward[0], table.reward_ms[0] = 9, 0.5, 77
    after = table.encode(np.array([0]))[0]
    assert before != after
    assert hashed(("outcome", "ann", 7, before)) == hashed(("outcome", "ann", 7, after))
