"""Laws of outcomes: merging facts is idempotent, commutative and associative, and agrees with a brute-force judge."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import limits
from streams.shards.columns import ABSENT, COMMENT, IMPRESSION, LIKE, SHARE, SKIP, WATCH
from streams.signals.outcomes import _FACT, _HEADS, UNJUDGED, OutcomeTable, facts, standing

FACT = st.tuples(
    st.integers(0, 2),  # row
    st.sampled_from([IMPRESSION, WATCH, SKIP, SHARE, COMMENT, LIKE, LIKE + 1, LIKE + 5]),
    st.integers(1, limits.RING),  # reference: at most RING of them, so no ring overflows
    st.integers(0, 40),  # value
)


def fresh() -> OutcomeTable:
    table = OutcomeTable()
    table.take(3)
    return table


def put(table: OutcomeTable, batch: list[tuple[int, int, int, int]]) -> tuple[list[int], list[int]]:
    rows, kind, ref, value = (np.array(column) for column in zip(*batch, strict=True))
    change = table.apply(rows.astype(np.int64), kind.astype(np.uint8), ref.astype(np.uint64), value.astype(np.int64))
    return change.before.tolist(), change.after.tolist()


def meaning(table: OutcomeTable) -> list[list[tuple[int, int, int]]]:
    return [facts(value) for value in table.encode(np.arange(3))]


def judged(batch: list[tuple[int, int, int, int]]) -> tuple[list[int], list[int]]:
    held: dict[tuple[int, int, int], int] = {}
    before, after = [], []
    for row, kind, ref, value in batch:
        cell = (row, kind, ref if kind < LIKE else 0)
        before.append(held.get(cell, ABSENT))
        held[cell] = max(value, held.get(cell, ABSENT))
        after.append(held[cell])
    return before, after


@given(st.lists(FACT, min_size=1, max_size=60))
def test_every_fact_sees_the_running_maximum_of_its_cell(batch):
    assert put(fresh(), batch) == judged(batch)


@given(st.lists(FACT, min_size=1, max_size=60), st.data())
def test_batch_boundaries_do_not_show(batch, data):
    whole, parts = fresh(), fresh()
    put(whole, batch)
    cut = data.draw(st.integers(0, len(batch)))
    for part in (batch[:cut], batch[cut:]):
        if part:
            put(parts, part)
    assert meaning(whole) == meaning(parts)


@given(st.lists(FACT, min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_show(batch, rng):
    once, twice = fresh(), fresh()
    put(once, batch)
    again = batch + batch[: len(batch) // 2]
    rng.shuffle(again)
    put(twice, again)
    assert meaning(once) == meaning(twice)


@given(st.lists(FACT, min_size=1, max_size=60))
def test_a_stored_row_is_the_row(batch):
    table, back = fresh(), OutcomeTable()
    put(table, batch)
    values = table.encode(np.arange(3))
    back.decode(back.take(3), values)
    assert back.encode(np.arange(3)) == values


@settings(max_examples=30)
@given(st.integers(limits.RING + 1, 40), st.integers(0, 1_000))
def test_a_full_ring_freezes_the_oldest_and_counts_it(references, seed):
    rng = random.Random(seed)
    table = fresh()
    refs = [(0, SHARE, 100 + number, number) for number in range(references)]
    before = []
    while refs:
        size = rng.randint(1, 12)
        before += put(table, refs[:size])[0]
        refs = refs[size:]
    assert before == [ABSENT] * references
    assert table.overflows == references - limits.RING
    kept = [value for _, _, value in meaning(table)[0]]
    assert sorted(kept) == list(range(references - limits.RING, references))


def test_the_latest_operation_wins_and_remove_wins_ties():
    values = np.array([2 * 5, 2 * 5 + 1, 2 * 6, ABSENT])
    assert standing(values).tolist() == [True, False, True, False]


@pytest.mark.parametrize("value", [b"\x09" + bytes(60)])
def test_another_format_is_refused(value):
    table = OutcomeTable()
    with pytest.raises(ValueError, match="an outcome row has format 9, this version reads 4 and before"):
        table.decode(table.take(1), [value])


@pytest.mark.parametrize("number", [1, 2])
def test_rows_of_the_formats_before_are_read(number):
    """A watch had its time alone, a skip and a comment the time they came at."""
    kind = _HEADS[number]
    head = np.zeros(1, dtype=kind)
    head["format"], head["bits"], head["reward"], head["first_ms"] = number, 3, 0.5, 7
    held = np.zeros(4, dtype=_FACT)
    for at, (ring, value) in enumerate(((WATCH, 9_000), (SKIP, 77_000), (COMMENT, 2 * 500), (COMMENT, 2 * 600 + 1))):
        held[at] = (ring * limits.RING + (at == 3), value, at + 1)
    table = OutcomeTable()
    rows = table.take(1)
    table.decode(rows, [head.tobytes() + held.tobytes()])
    assert table.best_watch(rows).tolist() == [9_000]
    assert table.ring(rows, SKIP).max() == 0
    assert table.commented_ms(rows).tolist() == [500]
    assert standing(table.ring(rows, COMMENT)).sum() == 1
    assert (table.quality[0], table.gestures[0], table.watched_ms[0]) == (UNJUDGED, 0, 0)
    assert (table.bits[0], table.reward[0], table.first_ms[0]) == (3, 0.5, 7)
    assert table.encode(rows)[0][0] == max(_HEADS)
