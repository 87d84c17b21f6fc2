"""The closed loop in one process: feeds get better, counts equal the judge's, one seed gives one run."""

from __future__ import annotations

import numpy as np

from agents.judge.tally import COUNTED
from agents.world.loop import Loop
from agents.world.world import World
from schemas.topics import COUNTS


def played(seed: int, rounds: int, videos: int = 400) -> tuple[Loop, list[float]]:
    loop = Loop(World(seed, viewers=25, videos=videos))
    means = [float(np.mean([loop.session(viewer).match for viewer in range(25)])) for _ in range(rounds)]
    loop.replay.flush()
    return loop, means


def test_rankings_fit_hidden_tastes_better_the_more_was_watched() -> None:
    """Of previews: a feed spends places on what is fresh, rises or lies beyond the interests."""
    loop = Loop(World(5, viewers=25, videos=2_000))  # so many that nobody runs out of what is loved
    fits = []
    for _ in range(8):
        fits.append(np.mean([loop.preview(viewer) for viewer in range(25)]))
        for viewer in range(25):
            loop.session(viewer)
    assert np.mean(fits[-3:]) > fits[0] + 0.08


def test_counters_of_the_loop_equal_the_worlds_own_tally() -> None:
    loop, _ = played(6, 3)
    wanted = loop.world.tally.counts()
    videos = loop.replay.videos
    assert len(wanted) > 100
    for video, counts in wanted.items():
        found = dict(zip(COUNTS, videos.table.counts[videos.row_of[video]].tolist(), strict=True))
        assert found == {name: counts[name] for name in COUNTED}
    assert not loop.replay.bad


def test_one_seed_gives_one_run() -> None:
    runs = [played(7, 2) for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    assert runs[0][0].replay.full_hash() == runs[1][0].replay.full_hash()


def test_nobody_is_served_a_video_twice() -> None:
    loop = Loop(World(8, viewers=3, videos=120))
    for viewer in range(3):
        served = [item.video_id for _ in range(6) for item in loop.session(viewer, 15).batch.items]
        assert len(served) == len(set(served)) == 90


def test_a_preview_changes_nothing() -> None:
    loop = Loop(World(8, viewers=3, videos=120))
    loop.session(0)
    before = loop.replay.users.viewers.seq.copy(), loop.replay.exact_hash()
    assert loop.preview(0) == loop.preview(0)
    assert loop.replay.exact_hash() == before[1]
    assert (loop.replay.users.viewers.seq == before[0]).all()
