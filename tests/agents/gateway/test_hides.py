"""Hides: what a viewer has just hidden stays out, until it is undone or workers have acted on it."""

from __future__ import annotations

import pytest

from agents.gateway.hides import Hides
from schemas.catalogue import Video
from schemas.events import EVENTS, Event
from streams import limits

CAT = Video(v=1, video_id="cat", creator_id="bo", created_ms=0, duration_ms=0, tags=["cats", "pets"], sound_id="purr")
DOG = Video(v=1, video_id="dog", creator_id="jo", created_ms=0, duration_ms=0, tags=["dogs"], category="pets")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def told(kind: str, user: str = "ann", **more: object) -> Event:
    event = {"v": 1, "event_id": "e", "user_id": user, "session_id": "s", "video_id": "cat", "ts_ms": 0, "kind": kind}
    return EVENTS["events.feedback"](**event | more)


@pytest.mark.parametrize(
    ("kind", "target", "cat", "dog"),
    [
        ("hide_creator", None, True, False),
        ("mute", "jo", False, True),
        ("block", None, True, False),
        ("hide_sound", None, True, False),
        ("hide_tag", None, True, False),
        ("hide_tag", "pets", True, True),
        ("not_interested", None, True, False),
        ("report", None, True, False),
        ("more_like_this", None, False, False),
        ("reset", None, False, False),
    ],
)
def test_each_wish_hides_what_it_names_until_it_is_taken_back(kind, target, cat, dog):
    hides = Hides()
    hides.note(told(kind, target=target), CAT)
    assert (hides.hides("ann", "cat", CAT), hides.hides("ann", "dog", DOG)) == (cat, dog)
    assert not hides.hides("bob", "cat", CAT)
    hides.note(told(kind, target=target, op="remove"), CAT)
    assert not hides.hides("ann", "cat", CAT)


def test_what_is_known_of_no_video_hides_by_what_the_event_names():
    hides = Hides()
    hides.note(told("hide_creator"), None)
    hides.note(told("hide_tag"), None)
    assert not hides.hides("ann", "cat", CAT)
    hides.note(told("hide_creator", target="bo"), None)
    assert hides.hides("ann", "cat", CAT)


def test_a_wish_is_remembered_for_minutes_and_of_so_many_viewers():
    clock = Clock()
    hides = Hides(clock)
    hides.note(told("block"), CAT)
    clock.now_s = 599.0
    assert hides.hides("ann", "cat", CAT)
    clock.now_s = 601.0
    assert not hides.hides("ann", "cat", CAT)
    hides.note(told("block"), CAT)
    for at in range(limits.HIDERS):
        hides.note(told("block", user=f"u{at}"), CAT)
    assert not hides.hides("ann", "cat", CAT)
    hides.forget("u5")
    assert not hides.hides("u5", "cat", CAT)
