"""A story of thirty events gives the persona that one would tell from it."""

from __future__ import annotations

from agents.scenarios.viewer import Stage
from schemas.catalogue import Video
from schemas.events import Ctx
from streams.control.tuning import DEFAULT
from streams.viewer.portrait import portrait

DAY_MS = 86_400_000


def library(stage: Stage) -> None:
    """Ten videos of each subject, by a creator of its own, with a mood."""
    for subject, mood in (("travel", "calm"), ("baking", "cosy"), ("cars", "loud"), ("news", "tense")):
        stage.announce(
            Video(v=1, video_id=f"{subject}{at}", creator_id=f"{subject}-maker", created_ms=stage.now_ms - DAY_MS,
                  duration_ms=30_000, tags=[subject, f"mood:{mood}"], lang="en") for at in range(10)
        )  # fmt: skip


def story() -> Stage:
    """Ann watches travel in the evenings and likes it, bakes at the weekend, skips cars and takes a like back."""
    stage, at_home = Stage(1, DEFAULT, videos=20), Ctx(tz_min=60, lang="en", country="SE", net="wifi")
    library(stage)
    stage.join("ann", interests=["baking"])
    monday_ms = stage.now_ms
    for day in range(4):  # Monday to Thursday
        stage.now_ms = monday_ms + day * DAY_MS + 19 * 3_600_000
        for at in (2 * day, 2 * day + 1):
            stage.tell("watch", "ann", f"travel{at}", watch_ms=30_000, duration_ms=30_000, ctx=at_home)
        stage.tell("like", "ann", f"travel{2 * day}", ctx=at_home)
        stage.tell("skip", "ann", f"cars{day}", watch_ms=900, ctx=at_home)
    for at in range(5):  # Saturday
        stage.now_ms = monday_ms + 5 * DAY_MS + 9 * 3_600_000 + at * 60_000
        stage.tell("watch", "ann", f"baking{at}", watch_ms=30_000, duration_ms=30_000, ctx=at_home)
        stage.tell("like", "ann", f"baking{at}", ctx=at_home)
    for op in ("add", "remove"):
        stage.tell("like", "ann", "news0", op=op, ctx=at_home)
    stage.tell("feedback", "ann", "cars9", kind="not_interested", ctx=at_home)
    stage.tell("follow", "ann", "travel0", creator_id="travel-maker", ctx=at_home)
    return stage


def test_thirty_events_give_the_expected_persona():
    stage = story()
    stage.replay.flush()
    assert sum(stage.replay.lines[topic] for topic in stage.replay.lines if topic.startswith("events.")) == 30
    viewers, names = stage.replay.users.viewers, stage.replay.catalogue.tag_names
    found = portrait(viewers, viewers.row_of["ann"], names, stage.now_ms)
    persona = {one["tag"]: one["weight"] for one in found["persona"]}
    assert list(persona)[:4] == ["mood:calm", "travel", "baking", "mood:cosy"]
    assert 1.0 < persona["travel"] / persona["baking"] < 2.0
    assert abs(sum(persona.values()) - 1.0) < 1e-3
    assert set(found["avoids"]) == {"cars", "mood:loud"}
    assert "news" not in persona, "its like was taken back"
    assert found["picked"] == ["baking"]
    assert {part for part, share in found["active"].items() if share > 0.3} == {"evening", "day", "weekday", "weekend"}
    assert (found["activity"], found["mood"], found["scene"]) == ("casual", "cosy", "rest")


def test_the_session_speaks_for_itself_and_is_over_the_next_day():
    stage = story()
    stage.replay.flush()
    viewers, names = stage.replay.users.viewers, stage.replay.catalogue.tag_names
    row = viewers.row_of["ann"]
    now, later = (portrait(viewers, row, names, stage.now_ms + more) for more in (0, DAY_MS))
    assert now["session"][0]["tag"] == "baking"
    assert later["session"] == []
    assert [one["tag"] for one in later["persona"]] == [one["tag"] for one in now["persona"]]
    assert portrait(viewers, row, names, stage.now_ms + 5 * DAY_MS)["activity"] == "fading"


def test_of_a_stranger_nothing_is_told():
    stage = Stage(1, DEFAULT, videos=12)
    viewers = stage.replay.users.viewers
    (row,) = viewers.rows(["new"])
    found = portrait(viewers, row, {}, stage.now_ms)
    assert found == {"persona": [], "session": [], "avoids": [], "picked": [], "active": {}, "activity": "new",
                     "scene": None, "mood": None}  # fmt: skip
