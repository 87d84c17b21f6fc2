"""Laws of the examples: a sample weighs for what it leaves out, and what was shown stands against what was shown."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest

from agents.scenarios.viewer import Stage
from streams import limits
from streams.arrays.hashing import hash_all, pair
from streams.learning.examples import sample, teach
from streams.learning.training import Rows, Training
from streams.ranking.features import FEATURES
from streams.shards.columns import WATCH
from streams.signals import objective
from streams.signals.outcomes import OutcomeTable
from streams.viewer.viewers import ViewerTable
from tests.streams.states_of_viewers import known

NEGATIVES = 6
NOW_MS = 1_000_000


class Desk:
    """Viewers and outcomes over the known videos, with a way to meet and to like."""

    def __init__(self, viewers: int) -> None:
        self.catalogue, self.viewers, self.outcomes = deepcopy(known()), ViewerTable(), OutcomeTable()
        self.training = Training(NEGATIVES)
        self.viewers.rows(f"u{at}" for at in range(viewers))
        self.catalogue.sums[:12, 0] = 1.0  # somebody has met each

    def meet(self, viewers: list[int], videos: list[int], bits: int = objective.SEEN) -> np.ndarray:
        """Outcome rows of pairs of viewer rows and catalogue rows."""
        rows = self.outcomes.take(len(viewers))
        self.outcomes.viewer[rows] = viewers
        names = self.catalogue.hash[videos]
        self.outcomes.video[rows] = names.view(np.int64)
        self.outcomes.bits[rows] = bits
        kinds, names_of = np.full(len(rows), WATCH, np.uint8), np.ones(len(rows), np.uint64)
        self.outcomes.apply(rows, kinds, names_of, np.full(len(rows), 900))
        hashes = pair(self.viewers.hash[viewers], names)
        self.outcomes.row_of.update(zip(hashes.tolist(), rows.tolist(), strict=True))
        return rows

    def serve(self, viewer: int, videos: list[int]) -> None:
        names = self.catalogue.hash[videos]
        self.viewers.served[viewer] = np.concatenate((self.viewers.served[viewer], names))
        self.viewers.seq[viewer] += 1
        x = np.tile(np.arange(len(videos), dtype=np.float16)[:, None], (1, len(FEATURES)))
        self.training.remember(pair(np.full(len(videos), self.viewers.hash[viewer]), names), x)

    def learn(self, created: np.ndarray, risen: np.ndarray, watched: np.ndarray | None = None) -> Rows:
        none = np.empty(0, np.int64)
        seen = none if watched is None else watched
        teach(self.training, self.catalogue, self.viewers, self.outcomes, created, risen, seen, NOW_MS)
        return self.training.drain()


NONE = np.empty(0, np.int64)


def test_beyond_the_bounds_a_sample_is_learnt_that_weighs_for_all() -> None:
    count = max(limits.OPENED, limits.GROUPS) + 20
    desk = Desk(count)
    met = desk.meet(list(range(count)), [at % 12 for at in range(count)])
    rows = desk.learn(met, met)
    assert len(rows.opened_w) == limits.OPENED
    assert len(rows.group_w) == limits.GROUPS
    assert rows.opened_w.sum() == pytest.approx(count)
    assert rows.group_w.sum() == pytest.approx(count)


def test_long_views_have_the_places_that_positives_leave_and_weigh_less() -> None:
    count = limits.GROUPS + 10
    desk = Desk(2 * count)
    liked = desk.meet(list(range(10)), [3] * 10)
    watched = desk.meet(list(range(10, 10 + count)), [4] * count)
    rows = desk.learn(NONE, liked, watched)
    assert len(rows.group_w) == limits.GROUPS
    assert rows.group_w[:10].tolist() == [1.0] * 10
    assert rows.group_w[10:].sum() == pytest.approx(count * objective.WORTH.long_view, rel=1e-5)


def test_a_drawn_negative_stands_for_its_share_of_all_candidates() -> None:
    desk = Desk(1)
    rows = desk.learn(NONE, desk.meet([0], [3], objective.POSITIVE))
    size = len(desk.catalogue.candidates())
    assert rows.group_o[0, 0] == 0.0
    assert rows.group_o[0, 1:] == pytest.approx(np.log(size / NEGATIVES), abs=1e-3)


def test_what_was_shown_stands_against_what_was_shown_beside_it_and_left() -> None:
    desk = Desk(1)
    desk.serve(0, [0, 1, 2])  # another batch: its features are of another time
    desk.serve(0, [3, 4, 5, 6, 7, 8])
    desk.meet([0] * 5, [0, 4, 5, 6, 7])
    desk.outcomes.bits[desk.meet([0], [8])] |= objective.LONG_VIEW
    rows = desk.learn(NONE, desk.meet([0], [3], objective.SEEN | objective.POSITIVE))
    stands = rows.group_o[0] > -20
    assert stands.sum() == 5, "the positive and the four that were left"
    assert set(rows.emb_negatives[0, stands[1:]].tolist()) == set(desk.catalogue.hash[[4, 5, 6, 7]].tolist())
    assert sorted(rows.group_x[0, stands, 0].tolist()) == [0.0, 1.0, 2.0, 3.0, 4.0], "features as served"
    assert (rows.group_o[0, stands] == 0.0).all()


def test_what_was_left_is_looked_for_among_the_latest_served_only() -> None:
    desk = Desk(1)
    desk.serve(0, [3, 4, 5, 6, 7])
    desk.meet([0] * 4, [4, 5, 6, 7])
    later = hash_all(f"later{at}" for at in range(limits.LEFT))
    desk.viewers.served[0] = np.concatenate((desk.viewers.served[0], later))
    rows = desk.learn(NONE, desk.meet([0], [3], objective.SEEN | objective.POSITIVE))
    assert (rows.group_o[0] > -20).all()


def test_a_sample_of_none_is_none() -> None:
    assert sample(hash_all(["a", "b"]), 0)[0].tolist() == []


def test_a_video_that_nobody_had_met_and_we_did_not_serve_says_nothing_of_a_choice() -> None:
    desk = Desk(2)
    desk.catalogue.sums[3, 0] = 0.0
    assert len(desk.learn(NONE, desk.meet([0], [3], objective.POSITIVE)).group_w) == 0
    desk.serve(1, [3])
    assert len(desk.learn(NONE, desk.meet([1], [3], objective.POSITIVE)).group_w) == 1


@pytest.mark.parametrize("verb", ["like", "save", "follow", "comment"])
def test_what_is_said_again_once_it_was_taken_back_teaches_nothing_anew(verb):
    stage, learnt = Stage(1), []
    for video in stage.videos[:5]:
        stage.tell("watch", "ann", video.video_id, watch_ms=4_500, duration_ms=60_000)
    stage.replay.flush()
    for turn in range(3):
        for op in ("add", "remove"):
            more = {"comment_id": f"c{turn}"} if verb == "comment" else {}
            stage.tell(verb, "ann", stage.videos[0].video_id, op=op, **more)
            stage.replay.flush()
        learnt.append(stage.replay.learner.ranker.groups)
    assert learnt == [1, 1, 1], "or who likes and takes it back, again and again, counts as a crowd"


def test_what_was_commented_in_anger_and_liked_later_teaches():
    stage = Stage(1)
    video_id = stage.videos[0].video_id
    for name in [video.video_id for video in stage.videos[:5]]:
        stage.tell("watch", "ann", name, watch_ms=4_500, duration_ms=60_000)
    stage.tell("comment", "ann", video_id, comment_id="c", sentiment=-0.9)
    stage.replay.flush()
    assert stage.replay.learner.ranker.groups == 0
    stage.tell("like", "ann", video_id)
    stage.replay.flush()
    assert stage.replay.learner.ranker.groups == 1
