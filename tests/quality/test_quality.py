"""The quality gate: on every log the ranking beats every like counter, and taste that switched is found again.

Predict, then learn, over the whole log; figures over its later part. Run one with ``-k kuairand -s`` to see them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.evaluate.heads import head_figures, predicted, rival
from agents.evaluate.measure import measured
from agents.testing.quality import SCENARIOS, sources
from agents.world.loop import Loop
from agents.world.world import World

pytestmark = pytest.mark.quality


def check(name: str, thin: int = 1) -> None:
    """``thin``: judge one preview in so many, by the figures of ``NAME thin``; ``benchmarks.quality`` judges all."""
    found = measured(*sources()[name](), thin)
    for ranking, figures in found.items():
        print(f"{ranking}: {figures}")
    ours = found.pop("ours")
    for figure, least in SCENARIOS[name if thin == 1 else f"{name} thin"].items():
        assert getattr(ours, figure) >= least, f"{figure} is too low"
    for counter in found.values():
        assert counter.previews == ours.previews > 200
        assert ours.hr10 > counter.hr10
        assert ours.ndcg10 > counter.ndcg10


@pytest.mark.timeout(1_500)
@pytest.mark.usefixtures("movielens")
def test_movielens() -> None:
    check("movielens third", thin=12)


@pytest.mark.timeout(1_500)
def test_short_videos(kuairand: Path) -> None:
    check("kuairand", thin=4)


@pytest.mark.timeout(600)
def test_synthetic_world() -> None:
    check("world")


@pytest.mark.timeout(600)
def test_long_views_are_predicted_better_than_by_rivers_regression_and_as_often_as_said() -> None:
    lines, _ = sources()["world"]()
    said = predicted(lines)["long_view"]
    ours, theirs = head_figures(said), head_figures(rival(lines, "long_view", said))
    print(f"\nours {ours}\nRiver's {theirs}")
    assert ours.rows == theirs.rows > 10_000
    assert ours.auc > theirs.auc
    assert ours.gauc > theirs.gauc
    assert ours.calibration_error <= SCENARIOS["heads"]["calibration_error"]


@pytest.mark.timeout(600)
def test_a_switched_taste_is_found_again_within_six_positives() -> None:
    """Half of the viewers fall in love with something else after six batches of ten; they watch on at one go."""
    before, lost, back = np.mean([switched(seed) for seed in (5, 6, 7)], axis=0)
    print(f"\nmatch before {before:.3f}, right after the switch {lost:.3f}, after six positives {back:.3f}")
    assert before > 0.2
    assert lost < 0.5 * before
    assert back >= SCENARIOS["switch"]["recovered"] * before


def switched(seed: int) -> tuple[float, float, float]:
    """How well previews fit before the switch, right after it, and when so many positives have been given."""
    loop = Loop(World(seed, viewers=24, videos=1_500))
    for _ in range(6):
        for viewer in range(24):
            loop.session(viewer)
    some = range(0, 24, 2)
    before = [loop.preview(viewer) for viewer in some]
    loop.world.switch_tastes(some)
    lost, back = [loop.preview(viewer) for viewer in some], []
    for viewer in some:
        positives = 0
        while positives < SCENARIOS["switch"]["positives"]:
            positives += loop.session(viewer).positives
        back.append(loop.preview(viewer))
    return float(np.mean(before)), float(np.mean(lost)), float(np.mean(back))
