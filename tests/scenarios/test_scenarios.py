"""Every mechanism does what it is there for: its number moves, beyond doubt, when it is switched on."""

from __future__ import annotations

import pytest

from agents.scenarios.scenario import effect, registered

SCENARIOS = registered()
NAMES = sorted(SCENARIOS, key=lambda name: (SCENARIOS[name].run.__module__, name))
"""Those of one room beside one another: some read the same story, which a process keeps."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_the_mechanism_moves_its_number(name: str) -> None:
    one = SCENARIOS[name]
    found = effect(one)
    print(f"\n{name}: {found}")
    if one.fewer:
        assert found.gain <= -one.least
        assert found.high < 0
    else:
        assert found.gain >= one.least
        assert found.low > 0
