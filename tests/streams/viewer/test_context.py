"""When and where somebody watches: parts of the week, scenes, and what of it the rows keep."""

from __future__ import annotations

import random

import numpy as np
import pytest

from agents.scenarios.viewer import Stage, share
from schemas.catalogue import Video
from schemas.events import Ctx
from streams import limits
from streams.control.tuning import DEFAULT, changed
from streams.shards.columns import columns, merge
from streams.viewer.context import PARTS, SCENES, folded, parts_of, scene_of
from streams.viewer.viewers import _ROWS, NOWHERE, ViewerTable, met_of
from tests.streams.states_of_viewers import Users, fold, made_event

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MONDAY_MS = 1_760_313_600_000


@pytest.mark.parametrize(
    ("hour", "tz_min", "part", "kind"),
    [(2, 0, "night", "weekday"), (8, 0, "morning", "weekday"), (12, 0, "day", "weekday"), (20, 0, "evening", "weekday"),
     (23, 0, "night", "weekday"), (22, 600, "morning", "weekday"), (0, -300, "evening", "weekend"),
     (5 * 24 + 20, 0, "evening", "weekend")],
)  # fmt: skip
def test_the_clock_on_the_wall_decides(hour, tz_min, part, kind):
    found = parts_of(np.array([MONDAY_MS + hour * HOUR_MS]), np.array([tz_min]))[0]
    assert [PARTS[at] for at in found] == [part, kind]
    assert len(PARTS) == limits.DAY_PARTS


@pytest.mark.parametrize(
    ("hour", "net", "scene"),
    [(7, 2, "commute"), (7, 1, "rest"), (7, 0, "commute"), (17, 2, "commute"), (11, 1, "work"), (21, 2, "rest"),
     (5 * 24 + 11, 2, "rest")],
)  # fmt: skip
def test_the_scene_follows_from_clock_and_network(hour, net, scene):
    assert SCENES[scene_of(MONDAY_MS + hour * HOUR_MS, 0, net)] == scene


def test_videos_for_the_way_to_work_come_on_the_way_to_work():
    found = []
    for settings in ({}, {"persona.hour": 0.0}):
        stage = Stage(2, changed(DEFAULT, settings))
        some = stage.videos[::8]
        stage.announce(Video(**{**_fields(one), "tags": [*one.tags, "scene:commute"]}) for one in some)
        for hour in (7, 21):
            stage.now_ms = MONDAY_MS + hour * HOUR_MS
            shown = stage.shown(f"new{hour}", 10, Ctx(tz_min=0, net="cellular"), "preview")
            found.append(share(shown, [one.video_id for one in some]))
    assert found[0] >= found[1] + 0.3
    assert found[2] == found[3]


def _fields(video: Video) -> dict[str, object]:
    return {name: getattr(video, name) for name in video.__struct_fields__}


def test_folding_keeps_products_in_expectation():
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=(2, 4_000, limits.DIM))
    whole, part = (left * right).sum(axis=1), (folded(left) * folded(right)).sum(axis=1)
    assert folded(left).shape == (4_000, limits.HOUR_DIM)
    assert np.polyfit(whole, part, 1)[0] == pytest.approx(1.0, abs=0.1)


def test_the_parts_of_the_day_add_up_to_the_taste_and_an_undo_leaves_nothing():
    users, rng = Users(), random.Random(3)
    likes = [
        made_event("like", "u", f"v{at}", rng.randrange(14 * 24) * HOUR_MS, ctx=Ctx(tz_min=60)) for at in range(12)
    ]
    fold(users, likes)
    viewers = users.shard.viewers
    for parts in (slice(0, 4), slice(4, 6)):
        np.testing.assert_allclose(viewers.hours[0, parts].sum(axis=0), folded(viewers.slow[:1])[0], atol=1e-5)
        assert viewers.hour_mass[0, parts].sum() == pytest.approx(viewers.mass[0, 1], rel=1e-5)
    fold(users, [made_event("like", "u", f"v{at}", 14 * DAY_MS, op="remove", ctx=Ctx(tz_min=60)) for at in range(12)])
    assert np.abs(viewers.hours[0]).max() < 1e-5
    assert np.abs(viewers.hour_mass[0]).max() < 1e-5


def test_the_latest_place_holds_whatever_comes_first():
    early, late = Ctx(tz_min=60, net="wifi"), Ctx(tz_min=-300, net="5g")
    events = [made_event("like", "u", "v1", 2_000, ctx=late), made_event("watch", "u", "v2", 1_000, watch_ms=9,
              duration_ms=9, ctx=early)]  # fmt: skip
    for order in (events, events[::-1]):
        users = Users()
        for event in order:
            fold(users, [event])
        assert (int(users.shard.viewers.tz_min[0]), int(users.shard.viewers.net[0])) == (-300, 2)
        parts = [columns(topic, [event], [0]) for topic, event in order]
        assert merge(parts).places == {"u": (2_000, late)}


def test_a_row_of_the_format_before_is_read_and_knows_no_hours():
    users = Users()
    fold(users, [made_event("like", "u", f"v{at}", 1_000 + at, ctx=Ctx(tz_min=60)) for at in range(4)])
    viewers = users.shard.viewers
    (value,) = viewers.encode(np.array([0]))
    now = np.frombuffer(value, _ROWS[max(_ROWS)], 1, 1)
    old = np.zeros(1, _ROWS[1])
    for name in _ROWS[1].names:
        old[name] = now[name]
    rest = value[1 + _ROWS[max(_ROWS)].itemsize :]
    before = bytes([1]) + old.tobytes() + rest
    assert met_of(before).tolist() == met_of(value).tolist() == viewers.met[0].tolist()
    back = ViewerTable()
    back.decode(["u", "w"], [before, value])
    for name in ("slow", "tags", "tag_w", "recent"):
        assert getattr(back, name)[0].tolist() == getattr(back, name)[1].tolist() == getattr(viewers, name)[0].tolist()
    assert back.tz_min[:2].tolist() == [NOWHERE, 60]
    assert not back.hours[0].any()
    assert back.hours[1].any()
    with pytest.raises(ValueError, match="format 9, this version reads 3 and before"):
        back.decode(["x"], [bytes([9]) + before[1:]])
