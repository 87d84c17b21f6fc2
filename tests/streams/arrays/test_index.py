"""Laws of the hash index."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.arrays.index import HashIndex


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 60)), max_size=200))
def test_an_index_finds_what_a_dictionary_finds(steps: list[tuple[bool, int]]) -> None:
    index, held = HashIndex(capacity=8), {}
    for at, (add, number) in enumerate(steps):
        name = number * 8  # all names share a home, so every probe collides
        if add and name not in held:
            index.put(np.array([name], np.uint64), np.array([at]))
            held[name] = at
        elif not add and name in held:
            index.drop(np.array([name], np.uint64))
            del held[name]
    names = np.arange(0, 61 * 8, 4, dtype=np.uint64)
    assert index.find(names).tolist() == [held.get(name, -1) for name in names.tolist()]
    assert len(index) == len(held)


def test_many_names_put_at_once_are_all_found() -> None:
    names = np.random.default_rng(3).integers(1, 2**63, 50_000, dtype=np.uint64)
    names = np.unique(names)
    index = HashIndex()
    index.put(names, np.arange(len(names)))
    assert (index.find(names) == np.arange(len(names))).all()
    assert (index.find(names + np.uint64(1)) < 0).sum() >= len(names) - 1
    assert index.find(np.zeros(2, np.uint64)).tolist() == [-1, -1]
