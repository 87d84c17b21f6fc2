"""Groups of viewers are found, named and told apart; what they like stands in for who is not known yet."""

from __future__ import annotations

import numpy as np
import pytest
from river import metrics

from agents.scenarios.viewer import Stage, planted
from agents.world.population import SUBJECTS
from schemas.catalogue import User, UserSettings
from schemas.events import Ctx
from streams import limits
from streams.control.tuning import DEFAULT
from streams.learning.likes import CrowdLikes
from streams.learning.segments import Segments
from streams.learning.snapshots import pack
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import ACTIVITIES, activity_of, coldness, segment_names, segment_of
from streams.viewer.viewers import ViewerTable


@pytest.fixture(scope="module")
def stage() -> Stage:
    made = Stage(4, DEFAULT)
    planted(made, 8)
    return made


def test_planted_groups_are_found_and_named_by_their_tags(stage):
    catalogue, viewers = stage.replay.catalogue, stage.replay.users.viewers
    people = [(group, f"u{group}.{at}") for group in range(4) for at in range(8)]
    found = segment_of(catalogue, viewers, np.array(viewers.rows([user for _, user in people]))).tolist()
    agreed = metrics.AdjustedRand()
    for (group, _), segment in zip(people, found, strict=True):
        agreed.update(group, segment)
    assert agreed.get() > 0.8
    names = segment_names(catalogue)
    for (group, user), segment in zip(people, found, strict=True):
        subjects = SUBJECTS[group], SUBJECTS[group + 4]
        assert any(subject in names[segment] for subject in subjects), (user, names[segment])
    size = catalogue.crowds.size
    assert size.sum() == pytest.approx(1.0, abs=1e-3)
    assert size[found].min() > 0.05


def test_what_was_picked_at_sign_up_tells_the_segment_of_who_did_nothing_yet(stage):
    catalogue, viewers = stage.replay.catalogue, stage.replay.users.viewers
    stage.join("picks", interests=[SUBJECTS[2]])
    stage.join("off", interests=[SUBJECTS[2]], settings=UserSettings(personalize=False))
    stage.replay.flush()
    rows = np.array(viewers.rows(["picks", "off", "stranger"]))
    found = segment_of(catalogue, viewers, rows).tolist()
    assert SUBJECTS[2] in segment_names(catalogue)[found[0]]
    assert found[1:] == [-1, -1]


def test_replays_find_the_same_groups():
    made = [Stage(5, DEFAULT) for _ in range(2)]
    for one in made:
        planted(one, 2)
    assert len({pack(one.replay.learner.segments.state()) for one in made}) == 1


def test_beyond_so_many_groups_the_one_that_hardly_holds_anybody_goes():
    segments = Segments(keep=0.9)
    tastes = np.eye(limits.DIM, dtype=np.float32)[: limits.SEGMENTS + 1]
    for taste in tastes[:-1]:
        segments.learn_many(np.stack([taste] * 60), np.ones(60), np.zeros((60, 1), np.uint64))
    assert (segments.mass > 0).all()
    segments.learn_many(tastes[-1:], np.ones(1), np.array([[7]], np.uint64))
    held = segments.predict_many(tastes).tolist()
    assert held[-1] == 0, "it has the place of the first, of whom nobody was heard for longest"
    assert sorted(held[1:-1]) == list(range(1, limits.SEGMENTS))
    assert segments.told()["tags"].shape == (limits.SEGMENTS, limits.SEGMENT_TAGS)


@pytest.mark.parametrize("kept", [limits.CROWD_VIDEOS, limits.AFTER])
def test_beyond_so_many_crowds_and_videos_those_long_unheard_and_little_liked_go(kept):
    likes = CrowdLikes(kept=kept)
    videos = np.arange(1, kept + 1, dtype=np.uint64)
    mine, once = np.full((len(videos), 1), 3, np.uint64), np.zeros(len(videos), np.int64)
    likes.learn_many(mine, videos, np.full(len(videos), 2.0), once)
    likes.learn_many(mine[:1], np.array([9_999], np.uint64), np.ones(1), once[:1])
    assert likes.predict_one({"crowd": 3, "item": 9_999}) == 0.0, "less than all that is kept"
    likes.learn_many(mine[:1], np.array([9_999], np.uint64), np.full(1, 3.0), once[:1])
    assert likes.predict_one({"crowd": 3, "item": 9_999}) > 0
    for crowd in range(10, 10 + limits.CROWDS):
        likes.learn_many(np.array([[crowd]], np.uint64), videos[:1], np.ones(1), once[:1])
    assert len(likes.table) <= limits.CROWDS
    assert likes.predict_one({"crowd": 3, "item": 1}) == 0.0


@pytest.mark.parametrize("half_life_s", [limits.CROWD_HALF_LIFE_S, limits.AFTER_HALF_LIFE_S])
def test_what_a_crowd_likes_is_of_the_last_days(half_life_s):
    likes, late = CrowdLikes(half_life_s=half_life_s), int(1_000 * half_life_s)
    likes.learn_one({"crowds": [3], "ms": 0}, 1)
    likes.learn_one({"crowds": [3], "ms": late}, 2)
    shares = [likes.predict_one({"crowd": 3, "item": item}) for item in (1, 2)]
    assert shares == pytest.approx([1 / 3, 2 / 3])
    other = CrowdLikes(half_life_s=half_life_s)
    other.learn_one({"crowds": [3], "ms": late}, 2)
    other.learn_one({"crowds": [3], "ms": 0}, 1)
    assert [other.predict_one({"crowd": 3, "item": item}) for item in (1, 2)] == pytest.approx(shares)


def test_activity_tells_newcomers_the_casual_the_heavy_and_those_who_stay_away():
    viewers, day_ms = ViewerTable(), limits.DAY_MS
    rows = np.array(viewers.rows(ACTIVITIES))
    viewers.judged[rows, 2] = 3.0, 40.0, 2_000.0, 2_000.0
    viewers.at_ms[rows] = viewers.last_ms[rows] = np.array([10, 10, 10, 5]) * day_ms
    assert activity_of(viewers, rows, 10 * day_ms + 1) == list(ACTIVITIES)


def test_coldness_ends_with_the_tenth_like_and_begins_anew_with_a_reset():
    catalogue, viewers = Catalogue(), ViewerTable()
    row = np.array(viewers.rows(["u"]))
    found = []
    for at in range(11):
        found.append(float(coldness(catalogue, viewers, row)[0]))
        viewers.push_recent(0, at + 1, at + 1, np.zeros(16, np.int8))
    assert found == pytest.approx([1 - at / 10 for at in range(11)])
    viewers.clear_interests(0)
    assert coldness(catalogue, viewers, row).tolist() == [1.0]


def test_a_record_says_where_somebody_lives_and_an_event_where_it_says_nothing():
    stage = Stage(1, DEFAULT, videos=12)
    stage.like("told", stage.videos[:1], ctx=Ctx(lang="de", country="DE", tz_min=60, net="wifi"))
    stage.join("both", lang="sv")
    stage.like("both", stage.videos[:1], ctx=Ctx(lang="de", country="DE"))
    stage.replay.users.apply_users([("both", User(v=1, user_id="both", lang="sv"))], 99)
    stage.like("both", stage.videos[1:2], ctx=Ctx(lang="de", country="DE"))
    viewers = stage.replay.users.viewers
    told, both = viewers.rows(["told", "both"])
    assert (int(viewers.tz_min[told]), int(viewers.net[told])) == (60, 1)
    assert viewers.lang[told] != viewers.lang[both]
    assert viewers.country[told] == viewers.country[both]
