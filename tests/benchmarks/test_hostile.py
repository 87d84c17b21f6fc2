"""The attack on a gateway, a short one: whoever does something wrong is told what, and honest events count."""

from __future__ import annotations

from benchmarks.hostile import measure
from benchmarks.readme import HOSTILE_ROWS


def test_a_short_attack_has_every_figure_and_no_surprise() -> None:
    told: list[str] = []
    found = measure(told.append, 1.5, 20, 8)
    assert found.keys() == HOSTILE_ROWS.keys()
    assert found["hostile_surprises"] == 0, told
    assert found["hostile_refused"] > 20
    assert min(found["hostile_events"], found["hostile_cut"]) > 4
    assert len([line for line in told if ": 4" in line]) == 10, "each of what is wrong came"
