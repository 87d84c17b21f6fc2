"""What viewers hide stays away from the next batch on, comes back with the undo, and a reset starts anew."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from schemas.catalogue import User, UserSettings
from schemas.lines import Line
from streams.arrays.hashing import hash64
from streams.viewer.viewers import ViewerTable
from tests.streams.states import video
from tests.streams.states_of_viewers import made_event
from tests.streams.test_replay import line, replayed, request

PREVIEW = {"purpose": "preview", "limit": 200}
FOLDED = request("u9", 0, **PREVIEW)
"""A request: what stands before it is folded before it, and not after the videos that are announced later."""


def feedback(kind: str, ts_ms: int = 5_000, video_id: str | None = None, **more: Any) -> Line:
    return line(*made_event("feedback", "u0", video_id, ts_ms, kind=kind, **more))


def library() -> list[Line]:
    made = [
        video(f"v{at}", creator_id=f"c{at % 3}", tags=[f"t{at % 4}", f"x{at % 2}"], sound_id=f"s{at % 5}")
        for at in range(30)
    ]
    return [line("videos", one) for one in made]


def shown(lines: list[Line], user: str = "u0", **more: Any) -> list[str]:
    batches, _ = replayed([*lines, request(user, 1, **(PREVIEW | more))])
    return [item["video_id"] for item in decoded(batches[-1])["items"]]


def decoded(batch: bytes) -> Any:
    return msgspec.json.decode(batch)


def left_out(*events: Line, before: list[Line] | None = None) -> set[int]:
    """Numbers of the videos that are not shown once these events have come."""
    lines = library() if before is None else before
    return set(range(30)) - {int(name[1:]) for name in shown([*lines, *events])}


MEANT = [
    ("hide_creator", "c1", lambda at: at % 3 == 1),
    ("mute", "c1", lambda at: at % 3 == 1),
    ("block", "c1", lambda at: at % 3 == 1),
    ("hide_sound", "s1", lambda at: at % 5 == 1),
    ("hide_tag", "x1", lambda at: at % 2 == 1),
]


@pytest.mark.parametrize(("kind", "target", "meant"), MEANT, ids=[kind for kind, *_ in MEANT])
def test_what_is_hidden_by_name_stays_away_until_it_is_taken_back(kind, target, meant):
    hide = feedback(kind, target=target)
    assert left_out(hide) == {at for at in range(30) if meant(at)}
    assert left_out(hide, feedback(kind, 6_000, target=target, op="remove")) == set()
    assert left_out(feedback(kind, 6_000, target=target, op="remove"), hide) == set(), "whatever comes first"
    assert left_out(feedback(kind, 5_000, target=target, op="remove"), hide) == set(), "at equal times the undo wins"
    assert left_out(feedback(kind, 6_000, target=target, op="remove"), feedback(kind, 7_000, target=target)) == {
        at for at in range(30) if meant(at)
    }


def test_what_is_hidden_stays_hidden_from_batches_too_and_from_nobody_else():
    lines = [*library(), feedback("hide_creator", target="c1")]
    batches, _ = replayed([*lines, request("u0", 1, limit=30), request("u1", 2, limit=30)])
    mine, other = ({int(item["video_id"][1:]) % 3 for item in decoded(batch)["items"]} for batch in batches)
    assert mine == {0, 2}
    assert other == {0, 1, 2}


@pytest.mark.parametrize(
    ("kind", "meant"),
    [("block", lambda at: at % 3 == 1), ("hide_sound", lambda at: at % 5 == 1), ("hide_tag", lambda at: at % 4 == 1)],
)
def test_what_a_video_shows_can_be_hidden_without_its_name_even_before_it_is_known(kind, meant):
    expected = {at for at in range(30) if meant(at)}
    hide, undo = feedback(kind, video_id="v1"), feedback(kind, 6_000, video_id="v1", op="remove")
    assert left_out(hide) == expected
    assert left_out(before=[hide, FOLDED, *library()]) == expected, "known only later"
    assert left_out(hide, undo) == {1}, "met all the same"
    assert left_out(undo, before=[hide, FOLDED, *library()]) == {1}
    assert left_out(before=[hide, undo, FOLDED, *library()]) == {1}


@pytest.mark.parametrize(("kind", "name"), [("block", "c1"), ("hide_sound", "s1"), ("hide_tag", "t1")])
def test_what_was_hidden_by_a_video_not_known_yet_can_be_taken_back_by_name(kind, name):
    hide, undo = feedback(kind, video_id="v1"), feedback(kind, 6_000, target=name, op="remove")
    again = feedback(kind, 7_000, target=name)
    late = [FOLDED, *library()]
    assert left_out(before=[hide, undo, *late]) == left_out(before=[undo, hide, *late]) == {1}
    assert left_out(before=[hide, undo, again, *late]) == left_out(before=[hide, *late])


def test_muted_words_name_tags_creators_and_sounds_and_the_latest_record_holds():
    def record(*words: str) -> Line:
        return line("users", User(v=1, user_id="u0", settings=UserSettings(muted=list(words))))

    assert left_out(record("c1")) == {at for at in range(30) if at % 3 == 1}
    assert left_out(record("x1", "s0")) == {at for at in range(30) if at % 2 == 1 or at % 5 == 0}
    assert left_out(record("c1"), feedback("hide_sound", target="s0"), record()) == set(range(0, 30, 5))


def test_feedback_that_names_nothing_hides_nothing():
    assert left_out(feedback("hide_tag"), feedback("mute")) == set()


def history(*videos: int, user: str = "u0", ts_ms: int = 1_000) -> list[Line]:
    return [line(*made_event("like", user, f"v{at}", ts_ms + at)) for at in videos]


def persona(lines: list[Line], user: str = "u0") -> Any:
    _, engine = replayed(lines)
    viewers = engine.users.viewers
    row = viewers.row_of[user]
    return {name: getattr(viewers, name)[row].tobytes() for name in ("fast", "slow", "negative", "mass", "recent",
            "tags", "tag_w", "creators", "creator_w", "sounds", "judged", "duration_sum", "levels")}  # fmt: skip


def test_after_a_reset_the_feed_is_a_new_viewers_but_for_what_was_met():
    liked = history(1, 4, 7, 10)
    lines = [*library(), *history(2, 5, user="u1"), *liked]
    plain = [name for name in shown([*lines, feedback("reset")], user="u9") if name not in {"v1", "v4", "v7", "v10"}]
    assert shown([*lines, feedback("reset")]) == plain
    assert shown(lines) != plain, "else the reset would show nothing"


def test_a_reset_takes_back_what_was_earned_before_it_and_nothing_later():
    before, after = history(1, 4), history(8, 9, ts_ms=6_000)
    reset = feedback("reset", 5_000)
    new = persona([*library(), *history(8, 9, ts_ms=6_000)])
    new.pop("levels")
    orders = [*before, reset, *after], [*before, *after, reset], [reset, *after, *before], [*after, reset, *before]
    for order in orders:
        found = persona([*library(), *order])
        found.pop("levels")
        for name, value in new.items():
            assert same(name, found[name], value), (name, order)
    undone = [*before, reset, line(*made_event("like", "u0", "v1", 7_000, op="remove"))]
    assert persona([*library(), *undone])["fast"] == persona([*library(), feedback("reset")])["fast"], "not taken twice"


def same(name: str, found: bytes, expected: bytes) -> bool:
    if name in {"recent", "tags", "creators", "sounds"}:
        return sorted(np.frombuffer(found, np.uint64)) == sorted(np.frombuffer(expected, np.uint64))
    one, other = np.sort(np.frombuffer(found, np.float32)), np.sort(np.frombuffer(expected, np.float32))
    return bool(np.allclose(one, other, rtol=1e-3, atol=1e-4))


def test_with_personalisation_off_nobodys_profile_is_read():
    off = line("users", User(v=1, user_id="u0", interests=["t1"], lang="en", settings=UserSettings(personalize=False)))
    on = line("users", User(v=1, user_id="u0", interests=["t1"], lang="en"))
    lines = [*library(), *history(2, 5, 9, user="u1"), *history(1, 4, 7)]
    met = {"v1", "v4", "v7"}
    stranger = [name for name in shown(lines, user="u9") if name not in met]
    assert shown([*lines, off]) == stranger
    assert shown([*lines, on]) != stranger
    batches, engine = replayed([*lines, off, request("u0", 1, **PREVIEW)])
    reasons = {reason for item in decoded(batches[-1])["items"] for reason in item["reasons"]}
    assert not any(reason.startswith("tag:") for reason in reasons)
    assert len(engine.users.training.drain().opened_w) == 0, "nor learnt from"


def test_hidden_names_and_resets_come_back_from_the_store():
    lines = [*library(), *history(1), feedback("hide_tag", target="x1"), feedback("reset", 9_000)]
    _, engine = replayed(lines)
    viewers = engine.users.viewers
    row = viewers.row_of["u0"]
    other = ViewerTable()
    other.decode(["u0"], viewers.encode(np.array([row])))
    assert other.hidden[0].tolist() == [(4, hash64("x1"), 10_000)]
    assert other.reset_ms[0] == 9_000
    assert other.met[0].tolist() == viewers.met[row].tolist()
